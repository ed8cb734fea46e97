/** Reset, snapshot and restore of a running Kiln, on a folder and in memory, with everything that lies beside the records. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { CodeBuild, type CreateProjectCommandInput } from "@aws-sdk/client-codebuild";
import { S3 } from "@aws-sdk/client-s3";
import { SSM } from "@aws-sdk/client-ssm";
import { STS } from "@aws-sdk/client-sts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Kiln } from "../../src/app.ts";
import { control, startControlled } from "../support/controlled-kiln.ts";
import { makeServiceRole, ROLE } from "../support/webhook-project.ts";

const LOG_LINE = "x".repeat(60_000);

describe.each(["in memory", "on a folder"])("the state %s", (where) => {
  let kiln: Kiln;
  let folder: string;
  let clients: { ssm: SSM; s3: S3; logs: CloudWatchLogs; codebuild: CodeBuild };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "kiln-control-"));
    kiln = await startControlled({
      ...(where === "in memory" ? {} : { stateDir: join(folder, ".kiln") }),
      engine: "host",
    });
    const config = { ...kiln.clientConfig(), maxAttempts: 1 };
    clients = {
      ssm: new SSM(config),
      s3: new S3(config),
      logs: new CloudWatchLogs(config),
      codebuild: new CodeBuild(config),
    };
  });
  afterAll(async () => {
    for (const client of Object.values(clients)) client.destroy();
    await kiln.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Writes what lies in records, in blobs and in log files. */
  async function fill(value: string): Promise<void> {
    const { ssm, s3, logs } = clients;
    await ssm.putParameter({ Name: "/a", Value: value, Type: "SecureString" });
    await s3.createBucket({ Bucket: "bucket" });
    await s3.putObject({ Bucket: "bucket", Key: "k", Body: value.repeat(100_000) });
    await logs.createLogGroup({ logGroupName: "g" });
    await logs.createLogStream({ logGroupName: "g", logStreamName: "s" });
    await addEvents(value);
  }

  async function addEvents(value: string): Promise<void> {
    const timestamp = Date.now();
    // As many bytes as go into files.
    const logEvents = Array.from({ length: 8 }, () => ({ timestamp, message: value + LOG_LINE }));
    await clients.logs.putLogEvents({ logGroupName: "g", logStreamName: "s", logEvents });
  }

  async function found(): Promise<readonly unknown[]> {
    const { ssm, s3, logs } = clients;
    const read = [
      ssm.getParameter({ Name: "/a", WithDecryption: true }).then(({ Parameter }) => Parameter?.Value),
      s3.getObject({ Bucket: "bucket", Key: "k" }).then(async ({ Body }) => {
        const text = (await Body?.transformToString()) ?? "";
        return `${text.length} of ${text[0]}`;
      }),
      logs
        .getLogEvents({ logGroupName: "g", logStreamName: "s", startFromHead: true })
        .then(({ events }) => (events ?? []).map(({ message = "" }) => message.replace(LOG_LINE, "")).join("")),
    ];
    return (await Promise.allSettled(read)).map((one) => (one.status === "fulfilled" ? one.value : one.reason.name));
  }

  const NOTHING = ["ParameterNotFound", "NoSuchBucket", "ResourceNotFoundException"];
  const FIRST = ["a", "100000 of a", "aaaaaaaa"];

  it("is forgotten by a reset, together with clock, faults and keys, and can be filled anew", async () => {
    await fill("a");
    expect(await found()).toEqual(FIRST);
    await kiln.advance("30d");
    await kiln.faults.inject({ service: "kms", kind: "drop" });
    await kiln.setKeys({ lenient: true });
    expect(await control(kiln, "POST", "/reset")).toMatchObject({ status: 204 });
    expect(await found()).toEqual(NOTHING);
    expect((await control(kiln, "GET")).body).toMatchObject({
      ...{ clock: { offsetMs: 0 }, faults: [], keys: { lenient: false } },
    });
    await fill("b");
    expect(await found()).toEqual(["b", "100000 of b", "bbbbbbbb"]);
    await kiln.reset();
  });

  it("keeps what is asked for", async () => {
    await fill("a");
    await kiln.advance("1d");
    await kiln.reset({ keep: ["state", "clock"] });
    expect(await found()).toEqual(FIRST);
    expect((await control(kiln, "GET", "/clock")).body.offsetMs).toBe(86_400_000);
    await kiln.reset();
  });

  it("is again what it was when a snapshot is restored, as often as one likes, also over HTTP", async () => {
    await fill("a");
    const { name, records, bytes } = await kiln.snapshot("filled");
    expect({ name, hasRecords: records > 3, hasBytes: bytes > 100_000 }).toEqual({
      ...{ name: "filled", hasRecords: true, hasBytes: true },
    });
    for (let round = 0; round < 2; round++) {
      await addEvents("b");
      await clients.s3.putObject({ Bucket: "bucket", Key: "k", Body: "changed" });
      await clients.ssm.deleteParameter({ Name: "/a" });
      expect(await found()).toEqual(["ParameterNotFound", "7 of c", "aaaaaaaabbbbbbbb"]);
      if (round === 0) await kiln.restore("filled");
      else await control(kiln, "POST", "/snapshots/filled/restore");
      expect(await found()).toEqual(FIRST);
    }
    await kiln.reset();
    expect(await found()).toEqual(NOTHING);
    await kiln.restore("filled");
    expect(await found()).toEqual(FIRST);
    await kiln.reset();
  });

  it("does not know keys and sessions of another time", async () => {
    const sts = new STS({ ...kiln.clientConfig(), maxAttempts: 1 });
    const { Credentials } = await sts.getSessionToken({});
    const credentials = {
      accessKeyId: Credentials?.AccessKeyId ?? "",
      secretAccessKey: Credentials?.SecretAccessKey ?? "",
      sessionToken: Credentials?.SessionToken ?? "",
    };
    const session = new STS({ ...kiln.clientConfig(), credentials, maxAttempts: 1 });
    await session.getCallerIdentity({});
    await kiln.reset();
    await expect(session.getCallerIdentity({})).rejects.toMatchObject({ name: "InvalidClientTokenId" });
    for (const client of [sts, session]) client.destroy();
  });

  describe("with a build that runs", () => {
    async function startBuild(...commands: string[]): Promise<string> {
      await makeServiceRole(kiln);
      const phases = { build: { commands: [...commands, "echo begun", "sleep 600"] } };
      const buildspec = JSON.stringify({ version: "0.2", phases });
      await clients.codebuild.createProject({
        name: "project",
        source: { type: "NO_SOURCE", buildspec },
        artifacts: { type: "NO_ARTIFACTS" },
        environment: {
          type: "LINUX_CONTAINER",
          image: "aws/codebuild/standard:7.0",
          computeType: "BUILD_GENERAL1_SMALL",
        },
        serviceRole: ROLE,
        logsConfig: { cloudWatchLogs: { status: "DISABLED" } },
      } as CreateProjectCommandInput);
      const { build } = await clients.codebuild.startBuild({ projectName: "project" });
      const id = build?.id ?? "";
      for await (const event of kiln.events(id)) if (JSON.stringify(event).includes("begun")) break;
      return id;
    }

    it("stops it before a reset, and takes new ones after", async () => {
      const id = await startBuild();
      await kiln.reset();
      expect((await clients.codebuild.batchGetBuilds({ ids: [id] })).builds).toEqual([]);
      const again = await startBuild();
      const { build } = await clients.codebuild.stopBuild({ id: again });
      expect(build?.id).toBe(again);
      await kiln.reset();
    });

    it("closes what the snapshot says is running", async () => {
      const id = await startBuild();
      await kiln.snapshot();
      await kiln.restore();
      const { builds } = await clients.codebuild.batchGetBuilds({ ids: [id] });
      expect(builds).toMatchObject([{ buildComplete: true, buildStatus: "FAULT" }]);
      await kiln.reset();
    });

    it("lets it run on through a move of the clock, with the credentials that it has", async () => {
      const file = join(folder, "credentials.json");
      const id = await startBuild(
        `node -e 'fetch(process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI, { headers: { authorization: process.env.AWS_CONTAINER_AUTHORIZATION_TOKEN } }).then((r) => r.text()).then((t) => fs.writeFileSync("${file}", t))'`,
      );
      const given = JSON.parse(readFileSync(file, "utf8"));
      await kiln.advance("30d");
      const { builds } = await clients.codebuild.batchGetBuilds({ ids: [id] });
      expect(builds).toMatchObject([{ buildComplete: false, buildStatus: "IN_PROGRESS" }]);
      const inHours = (Date.parse(given.Expiration) - Date.now()) / 3_600_000;
      expect(Math.round(inHours)).toBe(1);
      const credentials = {
        ...{ accessKeyId: given.AccessKeyId, secretAccessKey: given.SecretAccessKey, sessionToken: given.Token },
      };
      const sts = new STS({ ...kiln.clientConfig(), credentials, maxAttempts: 1 });
      expect((await sts.getCallerIdentity({})).Arn).toContain(":assumed-role/CodeBuildServiceRole/AWSCodeBuild-");
      sts.destroy();
      await kiln.reset();
    });
  });
});
