/** The commands of the documents that people follow, with unmodified aws CLIs, against a started Kiln. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findAwsClis, runAws } from "../support/aws-cli.ts";
import { trusting } from "../support/policy-documents.ts";
import { ACCOUNT, type StartedEndpoint, startEndpoint } from "../support/start-endpoint.ts";

const clis = findAwsClis();
let folder: string;
let trustFile: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kiln-cli-"));
  trustFile = join(folder, "trust.json");
  const Principal = { Service: "codebuild.amazonaws.com", AWS: `arn:aws:iam::${ACCOUNT}:root` };
  await writeFile(trustFile, trusting(Principal));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe.skipIf(clis.length === 0).each(clis)("$version", (cli) => {
  let kiln: StartedEndpoint;

  beforeAll(async () => {
    kiln = await startEndpoint();
  });

  afterAll(() => kiln.close());

  /** Output of a command that must succeed, as JSON where it printed some. */
  async function aws(command: string, env: Record<string, string> = {}, ...more: string[]) {
    const result = await runAws(cli, kiln.url, [...command.split(" "), ...more], env);
    expect(result.stderr).toBe("");
    expect(result.exitCode).toBe(0);
    return result.stdout.trim() === "" ? undefined : JSON.parse(result.stdout);
  }

  /** What a command that must fail prints on standard error. */
  async function failure(command: string, env: Record<string, string> = {}): Promise<string> {
    const result = await runAws(cli, kiln.url, command.split(" "), env);
    expect(result.exitCode).not.toBe(0);
    return result.stderr.trim();
  }

  it("keeps credentials in Parameter Store", async () => {
    const put = "ssm put-parameter --type SecureString --value";
    expect(await aws(`${put} docker.io --name my_app_Docker_registry_URL`)).toMatchObject({ Version: 1 });
    await aws(`${put} me --name my_app_Docker_credentials_username`);
    await aws(`${put} p4ss --name my_app_Docker_credentials_password`);
    expect(await failure(`${put} other --name my_app_Docker_credentials_password`)).toMatch(
      /An error occurred \(ParameterAlreadyExists\) when calling the PutParameter operation: The parameter already exists\. To overwrite this value, set the overwrite option in the request to true\.$/,
    );
    await aws(`${put} new --name my_app_Docker_credentials_password --overwrite`);
    const got = await aws("ssm get-parameter --with-decryption --name my_app_Docker_credentials_password");
    expect(got.Parameter).toMatchObject({
      Value: "new",
      Version: 2,
      ARN: `arn:aws:ssm:us-east-1:${ACCOUNT}:parameter/my_app_Docker_credentials_password`,
    });
    const names = "my_app_Docker_credentials_username none";
    const several = await aws(`ssm get-parameters --names ${names}`);
    expect(several.InvalidParameters).toEqual(["none"]);
    expect(several.Parameters[0].Value).not.toBe("me");
    await aws("ssm put-parameter --name /app/url --type String --value docker.io");
    expect((await aws("ssm get-parameters-by-path --path /app")).Parameters).toHaveLength(1);
    expect((await aws("ssm describe-parameters")).Parameters).toHaveLength(4);
    await aws("ssm delete-parameter --name /app/url");
    expect(await failure("ssm get-parameter --name /app/url")).toContain(
      "An error occurred (ParameterNotFound) when calling the GetParameter operation:",
    );
  });

  it("makes the service role and changes its policies", async () => {
    const role = "--role-name CodeBuildServiceRole";
    const created = await aws(`iam create-role ${role} --assume-role-policy-document file://${trustFile}`);
    expect(created.Role.Arn).toBe(`arn:aws:iam::${ACCOUNT}:role/CodeBuildServiceRole`);
    const policy = "arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess";
    await aws(`iam attach-role-policy ${role} --policy-arn ${policy}`);
    expect(await aws(`iam list-attached-role-policies ${role}`)).toEqual({
      AttachedPolicies: [{ PolicyName: "AmazonSSMReadOnlyAccess", PolicyArn: policy }],
    });
    await aws(`iam detach-role-policy ${role} --policy-arn ${policy}`);
    expect(await aws(`iam list-attached-role-policies ${role}`)).toEqual({ AttachedPolicies: [] });
    const document =
      '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ssm:GetParameter","Resource":"*"}]}';
    await aws(`iam put-role-policy ${role} --policy-name inline`, {}, "--policy-document", document);
    expect((await aws(`iam get-role-policy ${role} --policy-name inline`)).PolicyDocument).toEqual(
      JSON.parse(document),
    );
    expect((await aws(`iam get-role ${role}`)).Role.AssumeRolePolicyDocument.Statement).toHaveLength(1);
    expect(await failure("iam get-role --role-name nobody")).toContain(
      "An error occurred (NoSuchEntity) when calling the GetRole operation: The role with name nobody cannot be found.",
    );
  });

  it("tells who is calling, as root and as a role session", async () => {
    const arn = `arn:aws:iam::${ACCOUNT}:root`;
    expect(await aws("sts get-caller-identity")).toEqual({ UserId: ACCOUNT, Account: ACCOUNT, Arn: arn });
    await aws(`iam create-role --role-name R --assume-role-policy-document file://${trustFile}`);
    const assume = `sts assume-role --role-session-name session --role-arn arn:aws:iam::${ACCOUNT}:role/R`;
    const { Credentials } = await aws(assume);
    const env = {
      AWS_ACCESS_KEY_ID: Credentials.AccessKeyId,
      AWS_SECRET_ACCESS_KEY: Credentials.SecretAccessKey,
      AWS_SESSION_TOKEN: Credentials.SessionToken,
    };
    const session = `arn:aws:sts::${ACCOUNT}:assumed-role/R/session`;
    expect((await aws("sts get-caller-identity", env)).Arn).toBe(session);
    expect(await failure("ssm get-parameters --names secret", env)).toContain(
      `An error occurred (AccessDeniedException) when calling the GetParameters operation: User: ${session} is not authorized to perform: ssm:GetParameters on resource: arn:aws:ssm:us-east-1:${ACCOUNT}:parameter/secret because no identity-based policy allows the ssm:GetParameters action`,
    );
    expect(await failure("sts get-caller-identity", { ...env, AWS_SECRET_ACCESS_KEY: "wrong" })).toContain(
      "An error occurred (SignatureDoesNotMatch) when calling the GetCallerIdentity operation: The request signature we calculated does not match the signature you provided.",
    );
    expect(await failure("ssm describe-parameters", { AWS_ACCESS_KEY_ID: "AKIAUNKNOWN" })).toContain(
      "An error occurred (UnrecognizedClientException) when calling the DescribeParameters operation: The security token included in the request is invalid.",
    );
  });

  it("reads logs", async () => {
    const stream = "--log-group-name /aws/codebuild/app --log-stream-name one";
    await aws("logs create-log-group --log-group-name /aws/codebuild/app");
    await aws(`logs create-log-stream ${stream}`);
    const event = `timestamp=${Date.now()},message=hello`;
    await aws(`logs put-log-events ${stream} --log-events ${event}`);
    expect((await aws(`logs get-log-events ${stream}`)).events[0].message).toBe("hello");
    expect((await aws("logs filter-log-events --log-group-name /aws/codebuild/app")).events).toHaveLength(1);
    if (cli.major < 2) return;
    const tail = await runAws(cli, kiln.url, ["logs", "tail", "/aws/codebuild/app", "--format", "short"]);
    expect(tail.stdout).toContain("hello");
  });

  it("is told by name what is not offered", async () => {
    expect(await failure("ssm list-documents")).toContain(
      "An error occurred (UnknownOperationException) when calling the ListDocuments operation: kiln does not offer `ssm:ListDocuments`; it offers these operations of Systems Manager Parameter Store:",
    );
  });
});
