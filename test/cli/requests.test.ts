/** The request log from a second process while the endpoint serves: `kiln requests`, `-f`, `kiln explain`, `kiln iam can`. */
import { IAM, paginateListPolicies } from "@aws-sdk/client-iam";
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isBuilt, kiln, startProcess, temporaryFolder } from "./kiln-process.ts";

const POLICY = JSON.stringify({
  Version: "2012-10-17",
  Statement: { Effect: "Allow", Action: "ssm:GetParameter", Resource: "arn:aws:ssm:*:*:parameter/app/open" },
});

describe.skipIf(!isBuilt)("the request log of a running endpoint", () => {
  const folder = temporaryFolder();
  let url = "";
  let client: SSMClient;
  const rootClient = () =>
    new IAM({ endpoint: url, region: "us-east-1", credentials: { accessKeyId: "test", secretAccessKey: "test" } });

  beforeAll(async () => {
    const started = await kiln(folder.path, ["start", "--detach", "--port", "0", "-o", "json"]);
    url = (JSON.parse(started.out) as { url: string }).url;
    await kiln(folder.path, ["params", "put", "/app/open", "1", "--plain"]);
    const root = rootClient();
    await root.createUser({ UserName: "ann" });
    await root.putUserPolicy({ UserName: "ann", PolicyName: "p", PolicyDocument: POLICY });
    const { AccessKey: key } = await root.createAccessKey({ UserName: "ann" });
    root.destroy();
    const credentials = { accessKeyId: key?.AccessKeyId ?? "", secretAccessKey: key?.SecretAccessKey ?? "" };
    client = new SSMClient({ endpoint: url, region: "us-east-1", credentials, maxAttempts: 1 });
  });
  afterAll(async () => {
    client?.destroy();
    await kiln(folder.path, ["stop"]);
    folder.remove();
  });

  const read = (Name: string): Promise<string> =>
    client.send(new GetParameterCommand({ Name })).then(
      ({ $metadata }) => $metadata.requestId ?? "",
      (error: { $metadata: { requestId?: string } }) => error.$metadata.requestId ?? "",
    );

  it("has a denied call as soon as its answer is there, with the reason", async () => {
    const requestId = await read("/app/closed");
    const { out } = await kiln(folder.path, ["requests", "ls", "--denied", "--user", "ann"]);
    expect(out).toContain(requestId);
    const explained = await kiln(folder.path, ["explain", requestId]);
    expect(explained.exitCode).toBe(0);
    expect(explained.out).toContain("because no identity-based policy allows the ssm:GetParameter action\n");
    expect((await kiln(folder.path, ["iam", "can", "ann", "ssm:GetParameter", "/app/closed", "-q"])).exitCode).toBe(1);
    expect((await kiln(folder.path, ["iam", "can", "ann", "ssm:GetParameter", "/app/open", "-q"])).exitCode).toBe(0);
  });

  it("follows calls as they come, and ends with 130 on Ctrl-C", async () => {
    const running = startProcess(folder.path, ["requests", "ls", "-f", "--user", "ann", "-o", "json"]);
    // What is printed first is what is on record already.
    await running.printed("/app/closed");
    const requestId = await read("/app/open");
    await running.printed(requestId);
    running.kill("SIGINT");
    const { exitCode, out } = await running.finished;
    expect(exitCode).toBe(130);
    const lines = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { requestId: string; outcome: string });
    expect(lines.map(({ outcome }) => outcome)).toEqual(["denied", "allowed"]);
    expect(lines[1]?.requestId).toBe(requestId);
  });

  it("refuses a managed policy that AWS does not have, and takes any that it has", async () => {
    const root = rootClient();
    const attach = (path: string) =>
      root.attachUserPolicy({ UserName: "ann", PolicyArn: `arn:aws:iam::aws:policy/${path}` });
    await expect(attach("AmazonSQSFullAcess")).rejects.toMatchObject({
      name: "NoSuchEntityException",
      message: "Policy arn:aws:iam::aws:policy/AmazonSQSFullAcess does not exist or is not attachable.",
    });
    await expect(attach("aws-service-role/AmazonECSServiceRolePolicy")).rejects.toMatchObject({
      message: "Cannot attach a Service Role Policy to a Customer Role.",
    });
    await attach("AmazonSQSFullAccess");
    let count = 0;
    for await (const page of paginateListPolicies({ client: root }, { Scope: "AWS", MaxItems: 1000 })) {
      count += page.Policies?.length ?? 0;
    }
    expect(count).toBeGreaterThan(1_500);
    root.destroy();
  });
});
