/** Unmodified SDK v3 clients against a started Kiln. */
import * as Logs from "@aws-sdk/client-cloudwatch-logs";
import * as Iam from "@aws-sdk/client-iam";
import * as Kms from "@aws-sdk/client-kms";
import * as Ssm from "@aws-sdk/client-ssm";
import * as Sts from "@aws-sdk/client-sts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { allowTo, documentText } from "../support/policy-documents.ts";
import { ACCOUNT, clientSettings, type StartedEndpoint, startEndpoint } from "../support/start-endpoint.ts";

let kiln: StartedEndpoint;
let ssm: Ssm.SSM;
let iam: Iam.IAM;
let sts: Sts.STS;
let kms: Kms.KMS;
let logs: Logs.CloudWatchLogs;

beforeAll(async () => {
  kiln = await startEndpoint();
  const settings = clientSettings(kiln.url);
  ssm = new Ssm.SSM(settings);
  iam = new Iam.IAM(settings);
  sts = new Sts.STS(settings);
  kms = new Kms.KMS(settings);
  logs = new Logs.CloudWatchLogs(settings);
});

afterAll(async () => {
  for (const client of [ssm, iam, sts, kms, logs]) client.destroy();
  await kiln.close();
});

const trust = documentText(
  allowTo({ Service: "codebuild.amazonaws.com" }, "sts:AssumeRole"),
  allowTo({ AWS: `arn:aws:iam::${ACCOUNT}:root` }, "sts:AssumeRole"),
);

describe("Parameter Store", () => {
  it("puts, gets, lists and deletes parameters", async () => {
    const put = await ssm.putParameter({ Name: "/app/url", Value: "docker.io", Type: "String" });
    expect(put).toMatchObject({ Version: 1, Tier: "Standard" });
    await ssm.putParameter({ Name: "/app/password", Value: "s3cret&<ü>", Type: "SecureString", Description: "d" });
    const { Parameters, InvalidParameters } = await ssm.getParameters({
      Names: ["/app/password", "/app/url", "/app/none"],
      WithDecryption: true,
    });
    expect(InvalidParameters).toEqual(["/app/none"]);
    expect(Parameters?.map(({ Name, Value }) => [Name, Value]).sort()).toEqual([
      ["/app/password", "s3cret&<ü>"],
      ["/app/url", "docker.io"],
    ]);
    const byPath = await ssm.getParametersByPath({ Path: "/app", Recursive: true });
    const sealed = byPath.Parameters?.find((parameter) => parameter.Name === "/app/password");
    expect(sealed?.Value).not.toContain("s3cret");
    expect(sealed?.LastModifiedDate).toBeInstanceOf(Date);
    const described = await ssm.describeParameters({
      ParameterFilters: [{ Key: "Name", Option: "BeginsWith", Values: ["/app/"] }],
    });
    expect(described.Parameters?.map((parameter) => parameter.Name).sort()).toEqual(["/app/password", "/app/url"]);
    await ssm.deleteParameter({ Name: "/app/url" });
    await expect(ssm.getParameter({ Name: "/app/url" })).rejects.toThrow(Ssm.ParameterNotFound);
  });

  it("pages with the SDK's paginator", async () => {
    for (const name of ["a", "b", "c"]) await ssm.putParameter({ Name: `/page/${name}`, Value: name, Type: "String" });
    const names: (string | undefined)[] = [];
    const pages = Ssm.paginateGetParametersByPath({ client: ssm, pageSize: 2 }, { Path: "/page" });
    for await (const page of pages) names.push(...(page.Parameters ?? []).map((parameter) => parameter.Name));
    expect(names.sort()).toEqual(["/page/a", "/page/b", "/page/c"]);
  });

  it("names every broken constraint in one message", async () => {
    const bad = ssm.putParameter({ Name: "", Value: "v", Type: "Text" as "String" });
    await expect(bad).rejects.toMatchObject({
      name: "ValidationException",
      message:
        "2 validation errors detected: Value '' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 1; Value 'Text' at 'type' failed to satisfy constraint: Member must satisfy enum value set: [SecureString, StringList, String]",
    });
  });
});

describe("KMS", () => {
  it("encrypts and decrypts bytes", async () => {
    const { KeyMetadata } = await kms.createKey({});
    const { CiphertextBlob } = await kms.encrypt({ KeyId: KeyMetadata?.KeyId, Plaintext: Buffer.from("secret") });
    const { Plaintext } = await kms.decrypt({ CiphertextBlob });
    expect(Buffer.from(Plaintext ?? []).toString()).toBe("secret");
    expect(KeyMetadata?.CreationDate).toBeInstanceOf(Date);
  });

  it("lets a grantee in by a grant, until it is retired", async () => {
    const { KeyMetadata } = await kms.createKey({});
    const KeyId = KeyMetadata?.KeyId;
    await iam.createUser({ UserName: "grantee" });
    const { AccessKey } = await iam.createAccessKey({ UserName: "grantee" });
    const credentials = {
      accessKeyId: AccessKey?.AccessKeyId ?? "",
      secretAccessKey: AccessKey?.SecretAccessKey ?? "",
    };
    const grantee = new Kms.KMS({ ...clientSettings(kiln.url), credentials });
    const asked = { KeyId, Plaintext: Buffer.from("secret"), EncryptionContext: { app: "web" } };
    const denied = { name: "AccessDeniedException", message: expect.stringContaining("no identity-based policy") };
    await expect(grantee.encrypt(asked)).rejects.toMatchObject(denied);

    const { GrantId, GrantToken } = await kms.createGrant({
      ...{ KeyId, GranteePrincipal: `arn:aws:iam::${ACCOUNT}:user/grantee`, Operations: ["Encrypt", "RetireGrant"] },
      Constraints: { EncryptionContextSubset: { app: "web" } },
    });
    const GrantTokens = [GrantToken ?? ""];
    await grantee.encrypt({ ...asked, GrantTokens });
    await expect(grantee.encrypt({ ...asked, EncryptionContext: { app: "other" } })).rejects.toMatchObject(denied);
    await expect(grantee.encrypt({ ...asked, GrantTokens: ["none"] })).rejects.toBeInstanceOf(
      Kms.InvalidGrantTokenException,
    );
    const { Grants } = await kms.listGrants({ KeyId });
    expect(Grants).toMatchObject([{ GrantId, KeyId: KeyMetadata?.Arn, Operations: ["Encrypt", "RetireGrant"] }]);
    expect(Grants?.[0]?.CreationDate).toBeInstanceOf(Date);

    await grantee.retireGrant({ GrantToken });
    await expect(grantee.encrypt(asked)).rejects.toMatchObject(denied);
    grantee.destroy();
  });

  it("does not repeat a sensitive value in an error", async () => {
    await expect(kms.encrypt({ KeyId: "alias/x", Plaintext: Buffer.alloc(0) })).rejects.toMatchObject({
      name: "ValidationException",
      message:
        "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length greater than or equal to 1",
    });
  });
});

describe("IAM and STS", () => {
  it("makes a role, attaches policies, and takes them away", async () => {
    const { Role } = await iam.createRole({
      RoleName: "CodeBuildServiceRole",
      AssumeRolePolicyDocument: trust,
      Description: 'a & b < "c"',
      Tags: [{ Key: "team", Value: "a + b" }],
    });
    expect(Role).toMatchObject({
      Arn: `arn:aws:iam::${ACCOUNT}:role/CodeBuildServiceRole`,
      Path: "/",
      RoleName: "CodeBuildServiceRole",
    });
    expect(Role?.CreateDate).toBeInstanceOf(Date);
    const named = { RoleName: "CodeBuildServiceRole" };
    const PolicyArn = "arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess";
    await iam.attachRolePolicy({ ...named, PolicyArn });
    expect((await iam.listAttachedRolePolicies(named)).AttachedPolicies).toEqual([
      { PolicyName: "AmazonSSMReadOnlyAccess", PolicyArn },
    ]);
    const PolicyDocument =
      '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ssm:Get*","Resource":"*"}]}';
    await iam.putRolePolicy({ ...named, PolicyName: "inline", PolicyDocument });
    const inline = await iam.getRolePolicy({ ...named, PolicyName: "inline" });
    expect(decodeURIComponent(inline.PolicyDocument ?? "")).toBe(PolicyDocument);
    await iam.detachRolePolicy({ ...named, PolicyArn });
    expect((await iam.listAttachedRolePolicies(named)).AttachedPolicies).toEqual([]);
    const found = (await iam.getRole(named)).Role;
    expect(found).toMatchObject({ Tags: [{ Key: "team", Value: "a + b" }], Description: 'a & b < "c"' });
  });

  it("answers with IAM's own error types", async () => {
    const error = await iam.getRole({ RoleName: "nobody" }).catch((e: Error) => e);
    expect(error).toBeInstanceOf(Iam.NoSuchEntityException);
    expect(error).toMatchObject({ message: "The role with name nobody cannot be found." });
  });

  it("omits the value and the set of an enum in IAM's validation error", async () => {
    const tooLong = iam.getRole({ RoleName: "x".repeat(65) });
    await expect(tooLong).rejects.toMatchObject({
      name: "ValidationError",
      message: `1 validation error detected: Value '${"x".repeat(65)}' at 'roleName' failed to satisfy constraint: Member must have length less than or equal to 64`,
    });
  });

  it("tells root who it is", async () => {
    expect(await sts.getCallerIdentity({})).toMatchObject({
      UserId: ACCOUNT,
      Account: ACCOUNT,
      Arn: `arn:aws:iam::${ACCOUNT}:root`,
    });
  });

  it("gives temporary credentials that allow exactly what the role's policies allow", async () => {
    const RoleName = "Reader";
    const { Role } = await iam.createRole({ RoleName, AssumeRolePolicyDocument: trust });
    await ssm.putParameter({ Name: "/role/one", Value: "1", Type: "String" });
    const assumed = await sts.assumeRole({ RoleArn: Role?.Arn ?? "", RoleSessionName: "wire" });
    const given = assumed.Credentials as Record<"AccessKeyId" | "SecretAccessKey" | "SessionToken", string>;
    const settings = clientSettings(kiln.url, {
      accessKeyId: given.AccessKeyId,
      secretAccessKey: given.SecretAccessKey,
      sessionToken: given.SessionToken,
    });
    const asRole = new Ssm.SSM(settings);
    const whoAmI = await new Sts.STS(settings).getCallerIdentity({});
    const sessionArn = `arn:aws:sts::${ACCOUNT}:assumed-role/Reader/wire`;
    expect(whoAmI.Arn).toBe(sessionArn);
    const denied = await asRole.getParameter({ Name: "/role/one" }).catch((e: Ssm.SSMServiceException) => e);
    expect(denied).toMatchObject({
      name: "AccessDeniedException",
      message: `User: ${sessionArn} is not authorized to perform: ssm:GetParameter on resource: arn:aws:ssm:us-east-1:${ACCOUNT}:parameter/role/one because no identity-based policy allows the ssm:GetParameter action`,
    });
    const { requestId = "" } = (denied as Ssm.SSMServiceException).$metadata;
    expect(kiln.dispatcher.decisions({ requestId })).toMatchObject([
      { operation: "GetParameter", principalArn: sessionArn, errorCode: "AccessDeniedException" },
    ]);
    await iam.attachRolePolicy({ RoleName, PolicyArn: "arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess" });
    expect((await asRole.getParameter({ Name: "/role/one" })).Parameter?.Value).toBe("1");
    const put = asRole.putParameter({ Name: "/role/one", Value: "2", Overwrite: true });
    await expect(put).rejects.toMatchObject({ name: "AccessDeniedException" });
    const kept = kiln.dispatcher.decisions({ sessionName: "wire" }).map((record) => record.operation);
    expect(kept).toEqual(expect.arrayContaining(["GetParameter", "PutParameter"]));
  });
});

describe("CloudWatch Logs", () => {
  it("keeps events and gives them back in pages", async () => {
    const logGroupName = "/aws/codebuild/app";
    const logStreamName = "one";
    await logs.createLogGroup({ logGroupName, tags: { a: "b" } });
    await logs.createLogStream({ logGroupName, logStreamName });
    const timestamp = Date.now();
    const logEvents = ["one", "two ERROR", "three"].map((message) => ({ timestamp, message }));
    await logs.putLogEvents({ logGroupName, logStreamName, logEvents });
    const read = await logs.getLogEvents({ logGroupName, logStreamName, startFromHead: true });
    expect(read.events?.map(({ message }) => message)).toEqual(["one", "two ERROR", "three"]);
    expect(read.events?.[0]?.timestamp).toBe(timestamp);
    const found = await logs.filterLogEvents({ logGroupName, filterPattern: "ERROR" });
    expect(found.events?.map(({ message }) => message)).toEqual(["two ERROR"]);
    expect((await logs.describeLogStreams({ logGroupName })).logStreams?.[0]?.logStreamName).toBe("one");
    await expect(logs.createLogGroup({ logGroupName })).rejects.toThrow(Logs.ResourceAlreadyExistsException);
  });
});
