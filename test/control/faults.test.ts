/** Injected faults as clients see them: unmodified SDK clients, who retry what AWS's clients retry. */
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { IAM } from "@aws-sdk/client-iam";
import { KMS } from "@aws-sdk/client-kms";
import { S3 } from "@aws-sdk/client-s3";
import { SSM } from "@aws-sdk/client-ssm";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Kiln, startKiln } from "../../src/app.ts";
import { makeServiceRole, projectInput } from "../support/webhook-project.ts";

let kiln: Kiln;
let ssm: SSM;
/** Without retries. */
let once: SSM;
beforeAll(async () => {
  kiln = await startKiln({ memory: true });
  ssm = new SSM({ ...kiln.clientConfig(), maxAttempts: 3 });
  once = new SSM({ ...kiln.clientConfig(), maxAttempts: 1 });
  await ssm.putParameter({ Name: "/app/a", Value: "a", Type: "String" });
  await ssm.putParameter({ Name: "/other/b", Value: "b", Type: "String" });
});
afterEach(() => kiln.faults.clear());
afterAll(async () => {
  ssm.destroy();
  once.destroy();
  await kiln.close();
});

const read = (client: SSM, Name = "/app/a") => client.getParameter({ Name });

describe("throttling", () => {
  it("is retried by the SDK until it is over", async () => {
    await kiln.faults.inject({ service: "ssm", operation: "GetParameter", kind: "throttle", times: 2 });
    const { Parameter, $metadata } = await read(ssm);
    expect(Parameter?.Value).toBe("a");
    expect($metadata.attempts).toBe(3);
    expect(await kiln.faults.list()).toMatchObject([{ hits: 2, times: 2 }]);
  });

  it("speaks as each service does", async () => {
    await kiln.faults.inject({ service: "*", kind: "throttle" });
    const settings = { ...kiln.clientConfig(), maxAttempts: 1 };
    const [kms, iam, logs, s3] = [new KMS(settings), new IAM(settings), new CloudWatchLogs(settings), new S3(settings)];
    const answers = await Promise.allSettled([
      once.describeParameters({}),
      kms.listKeys({}),
      iam.listUsers({}),
      logs.describeLogGroups({}),
      s3.listBuckets({}),
    ]);
    for (const client of [kms, iam, logs, s3]) client.destroy();
    const said = answers.map((one) => (one.status === "rejected" ? one.reason : one.value));
    expect(said.map(({ name, message, $metadata }) => [name, message, $metadata.httpStatusCode])).toEqual([
      ["ThrottlingException", "Rate exceeded", 400],
      [
        "ThrottlingException",
        "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.",
        400,
      ],
      ["Throttling", "Rate exceeded", 400],
      ["ThrottlingException", "Rate exceeded", 400],
      ["SlowDown", "Please reduce your request rate.", 503],
    ]);
  });
});

describe("errors, delays and closed connections", () => {
  it("answers any error, named in a header", async () => {
    const fault = await kiln.faults.inject({
      ...({ service: "ssm", operation: "Get*", kind: "error", code: "InternalServerError" } as const),
      ...{ message: "a bad day", status: 500, times: 1 },
    });
    const failure = await read(once).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: "InternalServerError", message: "a bad day" });
    expect((failure as { $response: { headers: object } }).$response.headers).toMatchObject({
      ...{ "x-kiln-fault": `error ${fault.id}` },
    });
    expect((await read(once)).Parameter?.Value).toBe("a");
  });

  it("delays an answer, which is marked too, and what else happens comes after it", async () => {
    const fault = await kiln.faults.inject({ service: "ssm", kind: "delay", delay: "80ms", times: 1 });
    const started = performance.now();
    const answer = await read(once);
    expect(performance.now() - started).toBeGreaterThan(75);
    expect(answer.Parameter?.Value).toBe("a");
    const [record] = kiln.decisions({ service: "ssm" }).slice(-1);
    expect(record).toMatchObject({ operation: "GetParameter", injectedFault: `delay ${fault.id}` });
    expect(record).not.toHaveProperty("errorCode");
  });

  it("closes the connection without an answer, which the SDK retries", async () => {
    await kiln.faults.inject({ service: "ssm", kind: "drop", times: 1 });
    await expect(read(once)).rejects.toMatchObject({ code: "ECONNRESET" });
    await kiln.faults.inject({ service: "ssm", kind: "drop", times: 1 });
    expect((await read(ssm)).$metadata.attempts).toBe(2);
  });
});

describe("which calls", () => {
  it("by what they ask, and who asks", async () => {
    await kiln.faults.inject({ service: "ssm", kind: "throttle", input: { Name: "/app/*" } });
    await expect(read(once)).rejects.toThrow("Rate exceeded");
    expect((await read(once, "/other/b")).Parameter?.Value).toBe("b");
    await kiln.faults.clear();
    await kiln.faults.inject({ service: "ssm", kind: "throttle", principal: "arn:aws:iam::111122223333:*" });
    expect((await read(once)).Parameter?.Value).toBe("a");
    const credentials = { accessKeyId: "111122223333", secretAccessKey: "test" };
    const other = new SSM({ ...kiln.clientConfig(), credentials, maxAttempts: 1 });
    await expect(other.describeParameters({})).rejects.toThrow("Rate exceeded");
    other.destroy();
  });

  it("a share of them, the same one for a seed", async () => {
    const runs: string[] = [];
    for (let run = 0; run < 2; run++) {
      await kiln.faults.inject({ service: "ssm", kind: "throttle", probability: 0.5, seed: 7 });
      let picked = "";
      for (let i = 0; i < 40; i++)
        picked += await read(once).then(
          () => ".",
          () => "x",
        );
      await kiln.faults.clear();
      runs.push(picked);
    }
    expect(runs[0]).toBe(runs[1]);
    expect(runs[0]?.replaceAll(".", "").length).toBeGreaterThan(10);
    expect(runs[0]?.replaceAll("x", "").length).toBeGreaterThan(10);
  });

  it("before anything is validated, and on record for root, too", async () => {
    await kiln.faults.inject({ service: "ssm", operation: "PutParameter", kind: "throttle", times: 1 });
    const broken = once.putParameter({ Name: "", Value: "" } as never);
    await expect(broken).rejects.toMatchObject({ name: "ThrottlingException" });
    expect(kiln.decisions({ service: "ssm", operation: "PutParameter" })).toMatchObject([
      { errorCode: "ThrottlingException", injectedFault: expect.stringMatching(/^throttle fault-\d+$/), decisions: [] },
    ]);
  });

  it("not what Kiln does by itself: its own root, and services on a caller's behalf", async () => {
    await kiln.faults.inject({ service: "*", kind: "drop" });
    const answer = await kiln.root.call<{ Parameter: { Value: string } }>("ssm", "GetParameter", { Name: "/app/a" });
    expect(answer.Parameter.Value).toBe("a");
    await kiln.faults.clear();
    await kiln.faults.inject({ service: "kms", kind: "throttle" });
    await once.putParameter({ Name: "/app/secret", Value: "s", Type: "SecureString" });
    const { Parameter } = await once.getParameter({ Name: "/app/secret", WithDecryption: true });
    expect(Parameter?.Value).toBe("s");
  });
});

it("what a build asks for with its role fails, too", async () => {
  await makeServiceRole(kiln);
  const access = { Effect: "Allow", Action: "ssm:GetParameters", Resource: "*" };
  await kiln.root.call("iam", "PutRolePolicy", {
    RoleName: "CodeBuildServiceRole",
    PolicyName: "read",
    PolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement: access }),
  });
  const buildspec =
    '{"version":"0.2","env":{"parameter-store":{"A":"/app/a"}},"phases":{"build":{"commands":["true"]}}}';
  await kiln.root.call("codebuild", "CreateProject", {
    ...projectInput("faulty", "/"),
    source: { type: "NO_SOURCE", buildspec },
  });
  await kiln.faults.inject({
    service: "ssm",
    kind: "error",
    code: "InternalServerError",
    principal: "*/AWSCodeBuild-*",
  });
  const { build } = await kiln.root.call<{ build: { id: string } }>("codebuild", "StartBuild", {
    projectName: "faulty",
  });
  let status: string | undefined;
  for await (const event of kiln.events(build.id)) if (event.type === "build-finished") status = event.buildStatus;
  expect(status).toBe("FAILED");
  expect((await kiln.faults.list())[0]?.hits).toBeGreaterThan(0);
});
