/** Builds with buckets: artifacts, cache and log as the service role, through the real S3, with what BatchGetBuilds shows. */
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openTestAccount, ROLE, type TestAccount } from "../../../../test/support/codebuild-account.ts";
import { createHostEngine } from "../../../engines/index.ts";
import type { Build } from "../shapes.gen.ts";

const ALL = ["s3:PutObject", "s3:GetObject", "s3:ListBucket", "s3:PutBucketAcl"];
let account: TestAccount;
beforeEach(async () => {
  account = await openTestAccount([createHostEngine({ graceMs: 100 })]);
  await account.root.call("s3", "CreateBucket", { Bucket: "out" });
});
afterEach(() => account.close());

const spec = (section: string, commands = ["echo 1 > a.txt"]): string =>
  `version: 0.2\nphases:\n  build:\n    commands: ${JSON.stringify(commands)}\n${section}`;
const ARTIFACTS = "artifacts:\n  files: [a.txt]\n";

async function bytesOf(key: string): Promise<{ body: Buffer; answer: Record<string, unknown> }> {
  const answer = await account.root.call<{ Body: AsyncIterable<Uint8Array> } & Record<string, unknown>>(
    "s3",
    "GetObject",
    { Bucket: "out", Key: key },
  );
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.Body) chunks.push(chunk);
  return { body: Buffer.concat(chunks), answer };
}
const keys = async (): Promise<string[]> =>
  (
    (await account.root.call<{ Contents?: { Key: string }[] }>("s3", "ListObjectsV2", { Bucket: "out" })).Contents ?? []
  ).map(({ Key }) => Key);
const build = async (more: object = {}): Promise<Build> => (await account.build(more)) as unknown as Build;
const contextOf = (made: Build, phaseType: string): unknown =>
  made.phases?.find((phase) => phase.phaseType === phaseType)?.contexts?.[0];

describe("artifacts of a build", () => {
  it("lie in the project's bucket, and the build shows where and what they are", async () => {
    await account.makeRole(ALL);
    const artifacts = { type: "S3", location: "out", packaging: "ZIP", name: "x.zip", bucketOwnerAccess: "FULL" };
    await account.makeProject(spec(ARTIFACTS), { artifacts });
    const made = await build();
    expect(made.buildStatus).toBe("SUCCEEDED");
    const { answer } = await bytesOf("x.zip");
    expect(made.artifacts).toEqual({
      location: "arn:aws:s3:::out/x.zip",
      md5sum: expect.stringMatching(/^[0-9a-f]{32}$/),
      sha256sum: expect.stringMatching(/^[0-9a-f]{64}$/),
      encryptionDisabled: false,
      bucketOwnerAccess: "FULL",
    });
    expect(answer).toMatchObject({
      ServerSideEncryption: "aws:kms",
      Metadata: {
        "codebuild-buildarn": made.arn,
        "codebuild-content-md5": made.artifacts?.md5sum,
        "codebuild-content-sha256": made.artifacts?.sha256sum,
      },
    });
  });

  it("are refused as AWS refuses them: no right, no bucket, no right to the ACL", async () => {
    await account.makeRole(["s3:GetObject"]);
    await account.makeProject(spec(ARTIFACTS), { artifacts: { type: "S3", location: "out" } });
    const denied = await build();
    const session = `arn:aws:sts::111122223333:assumed-role/CodeBuildServiceRole/AWSCodeBuild-${denied.id?.split(":")[1]}`;
    expect(contextOf(denied, "UPLOAD_ARTIFACTS")).toEqual({
      statusCode: "CLIENT_ERROR",
      message: expect.stringMatching(
        new RegExp(
          `^Error in UPLOAD_ARTIFACTS phase: AccessDenied: User: ${session} is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::out/my-project/a.txt" because no identity-based policy allows the s3:PutObject action\\n\\tstatus code: 403, request id: \\S+, host id: \\S+$`,
        ),
      ),
    });
    const override = { type: "S3", location: "nowhere-at-all" };
    expect(contextOf(await build({ artifactsOverride: override }), "UPLOAD_ARTIFACTS")).toMatchObject({
      message: expect.stringMatching(/^Error in UPLOAD_ARTIFACTS phase: (NoSuchBucket|AccessDenied): /),
    });
    const owner = { type: "S3", location: "out", bucketOwnerAccess: "READ_ONLY" };
    expect(contextOf(await build({ artifactsOverride: owner }), "UPLOAD_ARTIFACTS")).toMatchObject({
      message: expect.stringContaining("is not authorized to perform: s3:PutBucketAcl on resource:"),
    });
    expect(await keys()).toEqual([]);
  });

  it("need the right to the project's own key", async () => {
    await account.makeRole(ALL);
    await account.makeProject(spec(ARTIFACTS), { artifacts: { type: "S3", location: "out" } });
    const { KeyMetadata } = await account.root.call<{ KeyMetadata: { Arn: string } }>("kms", "CreateKey", {});
    const more = { encryptionKeyOverride: KeyMetadata.Arn };
    expect(contextOf(await build(more), "UPLOAD_ARTIFACTS")).toMatchObject({
      message: expect.stringMatching(/^Error in UPLOAD_ARTIFACTS phase: .*kms:GenerateDataKey on resource: /),
    });
  });

  it("show their place from the start", async () => {
    await account.makeRole(ALL);
    await account.makeProject(spec(ARTIFACTS), { artifacts: { type: "S3", location: "out", path: "p" } });
    const { build: started } = await account.root.call<{ build: Build }>("codebuild", "StartBuild", {
      projectName: "my-project",
    });
    expect(started.artifacts?.location).toBe("arn:aws:s3:::out/p/my-project");
  });
});

describe("the cache of a build", () => {
  const commands = ["n=$(cat cached/n 2>/dev/null || echo 0); mkdir -p cached; echo $((n + 1)) > cached/n; COUNT=$n"];
  const counting = (more = ""): string =>
    `${spec(`cache:\n  paths: ['cached/**/*']\n${more}`, commands)}env:\n  exported-variables: [COUNT]\n`;
  const count = async (): Promise<string | undefined> => (await build()).exportedEnvironmentVariables?.[0]?.value;

  it("is kept in the bucket until the project's cache is invalidated", async () => {
    await account.makeRole(ALL);
    await account.makeProject(counting(), { cache: { type: "S3", location: "out/cache" } });
    expect([await count(), await count(), await count()]).toEqual(["0", "1", "2"]);
    await account.root.call("codebuild", "InvalidateProjectCache", { projectName: "my-project" });
    expect([await count(), await count()]).toEqual(["0", "1"]);
    expect((await keys()).every((key) => key.startsWith("cache/kiln-cache/project-my-project-"))).toBe(true);
  });

  it("is written once for a key", async () => {
    await account.makeRole(ALL);
    await account.makeProject(counting("  key: one\n"), { cache: { type: "S3", location: "out" } });
    expect([await count(), await count(), await count()]).toEqual(["0", "1", "1"]);
  });

  it("costs no build its success when the role may not use it", async () => {
    await account.makeRole(["s3:ListAllMyBuckets"]);
    await account.makeProject(counting(), { cache: { type: "S3", location: "out" } });
    const made = await build();
    expect(made.buildStatus).toBe("SUCCEEDED");
    const events: { type: string }[] = [];
    for await (const event of account.service.runner.events(made.id ?? "")) events.push(event);
    expect(events.filter(({ type }) => type === "cache")).toMatchObject([
      {
        kind: "missed",
        reason: expect.stringMatching(/^AccessDenied: User: .* s3:(GetObject|ListBucket) on resource/),
      },
      { kind: "skipped", reason: expect.stringMatching(/^AccessDenied: User: .* s3:PutObject on resource/) },
    ]);
  });

  it("of this machine is linked into each build, and goes with InvalidateProjectCache", async () => {
    await account.makeRole(["s3:ListAllMyBuckets"]);
    await account.makeProject(counting(), { cache: { type: "LOCAL", modes: ["LOCAL_CUSTOM_CACHE"] } });
    expect([await count(), await count()]).toEqual(["0", "1"]);
    await account.root.call("codebuild", "InvalidateProjectCache", { projectName: "my-project" });
    expect(await count()).toBe("0");
  });
});

describe("the log of a build in S3", () => {
  const logsConfig = {
    cloudWatchLogs: { status: "DISABLED" },
    s3Logs: { status: "ENABLED", location: "out/logs" },
  };

  it("is one gzipped object, also of a build that failed", async () => {
    await account.makeRole(ALL);
    await account.makeProject(spec("", ["echo hello", "false"]), { logsConfig });
    const made = await build();
    const uuid = made.id?.split(":")[1];
    expect(made.logs).toEqual({
      cloudWatchLogs: { status: "DISABLED" },
      s3Logs: { status: "ENABLED", location: "out/logs", encryptionDisabled: false },
      s3LogsArn: `arn:aws:s3:::out/logs/${uuid}.gz`,
      s3DeepLink: `https://s3.console.aws.amazon.com/s3/object/out/logs/${uuid}.gz?region=us-east-1`,
    });
    const { body, answer } = await bytesOf(`logs/${uuid}.gz`);
    const text = gunzipSync(body).toString();
    expect(text).toMatch(/^\[Container\] \S+ \S+ Running on CodeBuild On-demand\n/);
    expect(text).toMatch(/ Running command echo hello\nhello\n/);
    expect(text).toMatch(/ Phase complete: UPLOAD_ARTIFACTS State: SUCCEEDED\n.*Message: \n$/);
    expect(answer["ServerSideEncryption"]).toBe("aws:kms");
    expect(made.buildStatus).toBe("FAILED");
  });

  it("fails the build in FINALIZING when the role may not write it", async () => {
    await account.makeRole(["s3:GetObject"]);
    await account.makeProject(spec(""), { logsConfig, serviceRole: ROLE });
    const made = await build();
    expect(made.buildStatus).toBe("FAILED");
    expect(contextOf(made, "FINALIZING")).toEqual({
      statusCode: "CLIENT_ERROR",
      message: expect.stringMatching(/^Error in FINALIZING phase: AccessDenied: User: .* s3:PutObject on resource: /),
    });
  });
});
