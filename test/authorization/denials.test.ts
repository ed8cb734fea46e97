/**
 * What each service says when it refuses, to the letter. Sources: texts of real calls quoted in public reports, and
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AssumedRolePrincipal, ServiceName } from "../../src/core/aws.ts";
import { iam } from "../../src/services/iam/index.ts";
import { kms } from "../../src/services/kms/index.ts";
import { logs } from "../../src/services/logs/index.ts";
import { secretsmanager } from "../../src/services/secretsmanager/index.ts";
import { ssm } from "../../src/services/ssm/index.ts";
import { sts } from "../../src/services/sts/index.ts";
import { documentText, trusting } from "../support/policy-documents.ts";
import { failureOf } from "../support/services-fixture.ts";
import { ACCOUNT, filled, type Kept, keepFrom, openStage, type Stage } from "./stage.ts";

const USER = `User: arn:aws:sts::${ACCOUNT}:assumed-role/caller/session is not authorized to perform:`;
const STRANGER: AssumedRolePrincipal = {
  ...{ type: "AssumedRole", accountId: "444455556666", userId: "AROABBBBBBBBBBBBBBBBB:session" },
  ...{ arn: "arn:aws:sts::444455556666:assumed-role/caller/session", roleArn: "arn:aws:iam::444455556666:role/caller" },
  ...{ roleName: "caller", sessionName: "session", sessionPolicies: [], sessionTags: {}, tokenIssuedAtMs: 0 },
};
const HIDDEN =
  "because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based " +
  "policy explicitly denies access";
const ALL = { Effect: "Allow", Action: "*", Resource: "*" };
const ROOT_ONLY = (Action: string[]) =>
  documentText({ Effect: "Allow", Principal: { AWS: `arn:aws:iam::${ACCOUNT}:role/admin` }, Action, Resource: "*" });
const TRUST = trusting({ AWS: `arn:aws:iam::${ACCOUNT}:root` });

let stage: Stage;
const kept: Kept = { account: ACCOUNT };
const encrypted = { Plaintext: Buffer.from("x") };

beforeAll(async () => {
  stage = await openStage({ services: () => [iam, kms, logs, secretsmanager, ssm, sts] });
  const make = async (service: ServiceName, operation: string, input: object, keep?: Record<string, string>) =>
    keepFrom(await stage.call("root", [], service, operation, filled(input, kept)), keep, kept);
  await make("kms", "CreateKey", {}, { keyArn: "KeyMetadata.Arn" });
  await make("kms", "CreateKey", {}, { closedArn: "KeyMetadata.Arn" });
  await make("kms", "Encrypt", { KeyId: "{keyArn}", ...encrypted }, { blob: "CiphertextBlob" });
  await make("kms", "Encrypt", { KeyId: "{closedArn}", ...encrypted }, { closedBlob: "CiphertextBlob" });
  const onClosed = { Type: "SecureString", Value: "x", KeyId: "{closedArn}" };
  await make("ssm", "PutParameter", { Name: "/closed", ...onClosed });
  await make("ssm", "PutParameter", { Name: "/open", ...onClosed, KeyId: "{keyArn}" });
  await make("kms", "PutKeyPolicy", { KeyId: "{closedArn}", Policy: ROOT_ONLY(["kms:*"]), ...BYPASS });
  const shared = documentText({ Effect: "Allow", Principal: "*", Action: "kms:*", Resource: "*" });
  await make("kms", "CreateKey", { Policy: shared }, { sharedArn: "KeyMetadata.Arn" });
  await make("secretsmanager", "CreateSecret", { ...secret, Name: "app", KmsKeyId: "{keyArn}" }, { secretArn: "ARN" });
  await make("iam", "CreateRole", { RoleName: "target", Path: "/p/", AssumeRolePolicyDocument: TRUST });
  await make("iam", "CreateUser", { UserName: "ann", Path: "/p/" });
});
afterAll(() => stage.close());

const BYPASS = { BypassPolicyLockoutSafetyCheck: true };
const secret = { SecretString: "x", ClientRequestToken: "11111111-2222-4333-8444-555555555555" };

/** The refusal of a role with these statements. */
const refusal = (service: ServiceName, operation: string, input: object, ...statements: object[]) =>
  failureOf(stage.call("role", statements, service, operation, filled(input, kept)));
const refusalOfStranger = (service: ServiceName, operation: string, input: object, ...statements: object[]) =>
  failureOf(stage.callAs(STRANGER, statements, service, operation, filled(input, kept)));
const denied = (text: string) => `AccessDeniedException: ${filled(text, kept)}`;
const silent = (action: string) => `because no identity-based policy allows the ${action} action`;

describe("ssm refuses", () => {
  const arn = "arn:aws:ssm:us-east-1:{account}:";

  it.each([
    ["GetParameter", { Name: "/a/b" }, "parameter/a/b"],
    ["GetParameters", { Names: ["x", "/a/b"] }, "parameter/x"],
    ["GetParametersByPath", { Path: "/a/x/" }, "parameter/a/x/"],
    ["GetParameter", { Name: "a//b" }, "*"],
    ["DescribeParameters", {}, "*"],
    ["DeleteParameters", { Names: ["/a", "/b"] }, "parameter/a"],
  ])("%s of %o on %s", async (operation, input, resource) => {
    expect(await refusal("ssm", operation, input)).toBe(
      denied(`${USER} ssm:${operation} on resource: ${arn}${resource} ${silent(`ssm:${operation}`)}`),
    );
  });

  it("with an explicit deny", async () => {
    const deny = { Effect: "Deny", Action: "ssm:GetParameter", Resource: "*" };
    expect(await refusal("ssm", "GetParameter", { Name: "/a" }, ALL, deny)).toBe(
      denied(
        `${USER} ssm:GetParameter on resource: ${arn}parameter/a with an explicit deny in an identity-based policy`,
      ),
    );
  });

  it("in KMS's words what KMS refuses", async () => {
    const suffix =
      / \(Service: AWSKMS; Status Code: 400; Error Code: AccessDeniedException; Request ID: [-0-9a-f]{36}; Proxy: null\)$/;
    const all = { Effect: "Allow", Action: "ssm:*", Resource: "*" };
    const text = await refusal("ssm", "GetParameter", { Name: "/open", WithDecryption: true }, all);
    expect(text).toMatch(suffix);
    expect(text.replace(suffix, "")).toBe(denied(`${USER} kms:Decrypt on resource: {keyArn} ${silent("kms:Decrypt")}`));
    const closed = await refusal("ssm", "GetParameter", { Name: "/closed", WithDecryption: true }, ALL);
    expect(closed.replace(suffix, "")).toBe(
      denied(
        `${USER} kms:Decrypt on resource: {closedArn} because no resource-based policy allows the kms:Decrypt action`,
      ),
    );
  });
});

describe("kms refuses", () => {
  it("for the identity policy where the key policy hands the decision to IAM", async () => {
    expect(await refusal("kms", "GenerateDataKey", { KeyId: "{keyArn}", KeySpec: "AES_256" })).toBe(
      denied(`${USER} kms:GenerateDataKey on resource: {keyArn} ${silent("kms:GenerateDataKey")}`),
    );
  });

  it("for the key policy where it does not, whatever the identity policy says", async () => {
    expect(await refusal("kms", "GenerateDataKey", { KeyId: "{closedArn}", KeySpec: "AES_256" }, ALL)).toBe(
      denied(
        `${USER} kms:GenerateDataKey on resource: {closedArn} because no resource-based policy allows the ` +
          "kms:GenerateDataKey action",
      ),
    );
  });

  it("without naming the key where the caller did not", async () => {
    const about = "kms:Decrypt on the resource associated with this ciphertext";
    expect(await refusal("kms", "Decrypt", { CiphertextBlob: "{blob}" })).toBe(
      denied(`${USER} ${about} ${silent("kms:Decrypt")}`),
    );
    expect(await refusal("kms", "Decrypt", { CiphertextBlob: "{closedBlob}" }, ALL)).toBe(
      denied(`${USER} ${about} ${HIDDEN}`),
    );
  });

  it("strangers without saying whether there is a key", async () => {
    const text = (action: string) =>
      denied(
        `User: arn:aws:sts::444455556666:assumed-role/caller/session is not authorized to perform: ${action} on this ` +
          `resource ${HIDDEN}`,
      );
    const missing = "arn:aws:kms:us-east-1:{account}:key/11111111-2222-4333-8444-555555555555";
    for (const KeyId of ["{keyArn}", missing, "arn:aws:kms:us-east-1:{account}:alias/none"]) {
      expect(await refusalOfStranger("kms", "Encrypt", { KeyId, ...encrypted }, ALL)).toBe(text("kms:Encrypt"));
    }
    for (const KeyId of [missing, "{sharedArn}"]) {
      expect(await refusalOfStranger("kms", "GetKeyPolicy", { KeyId }, ALL)).toBe(text("kms:GetKeyPolicy"));
    }
    expect(await refusalOfStranger("kms", "Decrypt", { CiphertextBlob: "{blob}" }, ALL)).toBe(
      text("kms:Decrypt").replace("on this resource", "on the resource associated with this ciphertext"),
    );
  });

  it("aliases before their keys", async () => {
    const input = { AliasName: "alias/new", TargetKeyId: "{keyArn}" };
    const onKey = { Effect: "Allow", Action: "kms:*", Resource: "arn:aws:kms:*:*:key/*" };
    expect(await refusal("kms", "CreateAlias", input, onKey)).toBe(
      denied(
        `${USER} kms:CreateAlias on resource: arn:aws:kms:us-east-1:{account}:alias/new ${silent("kms:CreateAlias")}`,
      ),
    );
  });

  it("tags of a new key before the key", async () => {
    const tagged = { Tags: [{ TagKey: "a", TagValue: "b" }] };
    expect(await refusal("kms", "CreateKey", tagged)).toBe(
      denied(`${USER} kms:TagResource ${silent("kms:TagResource")}`),
    );
    const tag = { Effect: "Allow", Action: "kms:TagResource", Resource: "arn:aws:kms:*:{account}:key/*" };
    expect(await refusal("kms", "CreateKey", tagged, filled(tag, kept))).toBe(
      denied(`${USER} kms:CreateKey on resource: * ${silent("kms:CreateKey")}`),
    );
  });
});

describe("secretsmanager refuses", () => {
  it.each([
    ["GetSecretValue", { SecretId: "app" }, " on resource: {secretArn}"],
    ["GetSecretValue", { SecretId: "cfn/atlas/profile/development" }, " on resource: cfn/atlas/profile/development"],
    ["DescribeSecret", { SecretId: "{secretArn}" }, " on resource: {secretArn}"],
    ["CreateSecret", { ...secret, Name: "new" }, " on resource: new"],
    ["ListSecrets", {}, ""],
    ["GetRandomPassword", {}, ""],
  ])("%s of %o", async (operation, input, resource) => {
    const action = `secretsmanager:${operation}`;
    expect(await refusal("secretsmanager", operation, input)).toBe(
      denied(`${USER} ${action}${resource} ${silent(action)}`),
    );
  });

  it("without a reason what KMS refuses", async () => {
    const all = { Effect: "Allow", Action: "secretsmanager:*", Resource: "*" };
    expect(await refusal("secretsmanager", "GetSecretValue", { SecretId: "app" }, all)).toBe(
      "AccessDeniedException: Access to KMS is not allowed",
    );
  });

  it("each secret of a batch by itself", async () => {
    const batch = { Effect: "Allow", Action: "secretsmanager:BatchGetSecretValue", Resource: "*" };
    const input = { SecretIdList: ["app", "missing"] };
    const action = "secretsmanager:GetSecretValue";
    expect(await stage.call("role", [batch], "secretsmanager", "BatchGetSecretValue", input)).toEqual({
      SecretValues: [],
      Errors: [
        ["app", "{secretArn}"],
        ["missing", "missing"],
      ].map(([SecretId, resource]) => ({
        SecretId,
        ErrorCode: "AccessDeniedException",
        Message: filled(`${USER} ${action} on resource: ${resource} ${silent(action)}`, kept),
      })),
    });
  });

  it("what a resource policy denies", async () => {
    const policy = documentText({
      Effect: "Deny",
      Principal: "*",
      Action: "secretsmanager:DescribeSecret",
      Resource: "*",
    });
    const put = { SecretId: "app", ResourcePolicy: policy };
    await stage.call("root", [], "secretsmanager", "PutResourcePolicy", put);
    expect(await refusal("secretsmanager", "DescribeSecret", { SecretId: "app" }, ALL)).toBe(
      denied(
        `${USER} secretsmanager:DescribeSecret on resource: {secretArn} with an explicit deny in a resource-based policy`,
      ),
    );
  });
});

describe("logs refuses", () => {
  const arn = "arn:aws:logs:us-east-1:{account}:log-group:";

  it.each([
    ["CreateLogGroup", { logGroupName: "/g" }, "/g:log-stream:"],
    ["CreateLogStream", { logGroupName: "/g", logStreamName: "s" }, "/g:log-stream:s"],
    ["DescribeLogGroups", {}, ":log-stream:"],
    ["TagResource", { resourceArn: "arn:aws:logs:us-east-1:{account}:log-group:/g", tags: { a: "b" } }, "/g"],
    ["TagLogGroup", { logGroupName: "/g", tags: { a: "b" } }, "/g:log-stream:"],
  ])("%s of %o on %s", async (operation, input, resource) => {
    const action = `logs:${operation}`;
    expect(await refusal("logs", operation, input)).toBe(
      denied(`${USER} ${action} on resource: ${arn}${resource} ${silent(action)}`),
    );
  });

  it("a group with tags in a sentence of its own", async () => {
    const create = { Effect: "Allow", Action: "logs:CreateLogGroup", Resource: "*" };
    expect(await refusal("logs", "CreateLogGroup", { logGroupName: "/g", tags: { a: "b" } }, create)).toBe(
      denied("User with accountId: {account} is not authorized to perform CreateLogGroup with Tags"),
    );
  });

  it("the groups of other accounts", async () => {
    const input = { logGroupIdentifier: `${arn}/g`, logStreamName: "s" };
    expect(await refusalOfStranger("logs", "GetLogEvents", input, ALL)).toBe(
      denied(
        "User: arn:aws:sts::444455556666:assumed-role/caller/session is not authorized to perform: logs:GetLogEvents on " +
          `resource: ${arn}/g:log-stream:s because no resource-based policy allows the logs:GetLogEvents action`,
      ),
    );
  });
});

describe("iam refuses", () => {
  const arn = "arn:aws:iam::{account}:";

  it.each([
    ["GetRole", { RoleName: "target" }, "role target"],
    ["GetRole", { RoleName: "missing" }, "role missing"],
    ["DeleteUser", { UserName: "ann" }, "user ann"],
    ["CreateGroup", { GroupName: "g", Path: "/p/" }, "group g"],
    ["ListRoles", {}, `${arn}role/`],
    ["ListUsers", { PathPrefix: "/p/" }, `${arn}user/p/`],
    ["GetPolicy", { PolicyArn: `${arn}policy/p/app` }, `policy ${arn}policy/p/app`],
  ])("%s of %o on %s", async (operation, input, resource) => {
    const text = `${USER} iam:${operation} on resource: ${resource} ${silent(`iam:${operation}`)}`;
    expect(await refusal("iam", operation, input)).toBe(`AccessDenied: ${filled(text, kept)}`);
  });
});

describe("sts refuses", () => {
  it.each(["p/target", "missing"])("the role %s without a reason, also when there is none", async (role) => {
    const input = { RoleArn: `arn:aws:iam::{account}:role/${role}`, RoleSessionName: "one" };
    const text = `${USER} sts:AssumeRole on resource: arn:aws:iam::{account}:role/${role}`;
    expect(await refusal("sts", "AssumeRole", input)).toBe(`AccessDenied: ${filled(text, kept)}`);
  });
});
