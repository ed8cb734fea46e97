/** A build of one account whose variables come from parameters and secrets that another account shares. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { Account, type Answer } from "../support/accounts.ts";
import { allow, allowTo, documentText } from "../support/policy-documents.ts";
import { type StartedEndpoint, startEndpoint } from "../support/start-endpoint.ts";

let kiln: StartedEndpoint;
let owner: Account;
let builder: Account;

beforeAll(async () => {
  kiln = await startEndpoint();
  [owner, builder] = [new Account(kiln, "111122223333"), new Account(kiln, "444455556666")];
});
afterAll(() => kiln.close());

/** A parameter and a secret under a key of the owner, all three shared with the builder's account; their ARNs. */
async function share() {
  const to = (action: string) => allowTo({ AWS: builder.id }, action, { Resource: "*" });
  const KeyId = await owner.key(allowTo({ AWS: owner.arn("iam", "root") }, "kms:*"), to("kms:Decrypt"));
  const parameter = owner.regionalArn("ssm", "parameter/app/shared");
  await owner.call("ssm", "PutParameter", {
    ...{ Name: "/app/shared", Type: "SecureString", Value: "from the owner", Tier: "Advanced", KeyId },
  });
  const Policy = documentText(to("ssm:GetParameters"));
  await owner.call("ssm", "PutResourcePolicy", { ResourceArn: parameter, Policy });
  const { ARN: secret } = await owner.call("secretsmanager", "CreateSecret", {
    ...{ Name: "db", SecretString: "hunter2", KmsKeyId: KeyId, ClientRequestToken: "x".repeat(32) },
  });
  const ResourcePolicy = documentText(to("secretsmanager:GetSecretValue"));
  await owner.call("secretsmanager", "PutResourcePolicy", { SecretId: secret, ResourcePolicy });
  return { parameter, secret: secret as string };
}

it("reads them by ARN, with its service role's permission", async () => {
  const { parameter, secret } = await share();
  const actions = ["logs:*", "ssm:GetParameters", "secretsmanager:GetSecretValue"];
  const buildspec = JSON.stringify({
    version: "0.2",
    env: { "parameter-store": { P: parameter }, "secrets-manager": { S: secret } },
    phases: { build: { commands: ['test "$P" = "from the owner"', 'test "$S" = hunter2'] } },
  });
  const trust = allowTo({ Service: "codebuild.amazonaws.com" }, "sts:AssumeRole");
  const serviceRole = await builder.role("build", trust, [allow([...actions, "kms:Decrypt"])]);
  await builder.call("codebuild", "CreateProject", {
    name: "app",
    source: { type: "NO_SOURCE", buildspec },
    artifacts: { type: "NO_ARTIFACTS" },
    environment: { type: "LINUX_CONTAINER", image: "aws/codebuild/standard:7.0", computeType: "BUILD_GENERAL1_SMALL" },
    serviceRole,
  });
  const run = async (): Promise<Answer> => {
    const { build } = await builder.call("codebuild", "StartBuild", { projectName: "app" });
    for await (const event of kiln.events(build.id)) void event;
    return (await builder.call("codebuild", "BatchGetBuilds", { ids: [build.id] }))["builds"][0];
  };
  expect(await run()).toMatchObject({ buildStatus: "SUCCEEDED" });
  // Without the key, the owner's sharing is not enough.
  const PolicyDocument = documentText(allow(actions));
  await builder.call("iam", "PutRolePolicy", { RoleName: "build", PolicyName: "inline", PolicyDocument });
  const refused = await run();
  expect(refused["buildStatus"]).toBe("FAILED");
  const { contexts } = refused["phases"].find((phase: Answer) => phase["phaseStatus"] === "FAILED");
  expect(contexts[0].message).toContain("is not authorized to perform: kms:Decrypt");
});
