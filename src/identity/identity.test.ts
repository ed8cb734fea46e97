import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type Answer,
  accountId,
  type IdentityFixture,
  openIdentity,
  scope,
} from "../../test/support/identity-fixture.ts";
import { allow, CODEBUILD_TRUST, documentText, trusting } from "../../test/support/policy-documents.ts";
import { systemIds } from "../core/ids.ts";
import { createIdentity, servicePrincipal } from "./index.ts";

let at: IdentityFixture;
beforeEach(async () => {
  at = await openIdentity();
});
afterEach(() => at.close());

describe("access keys", () => {
  it("finds the root key with the account's root", () => {
    const key = at.identity.findAccessKey("test");
    expect(key?.principal).toEqual({
      type: "Root",
      arn: `arn:aws:iam::${accountId}:root`,
      accountId,
      userId: accountId,
    });
    expect(key?.secret.reveal()).toBe("test");
    expect(JSON.stringify(key)).toContain('"secret":"***"');
  });

  it("finds the root of every account under the account's id, with the root key's secret", () => {
    const key = at.identity.findAccessKey("444455556666");
    expect(key?.principal).toEqual({
      type: "Root",
      arn: "arn:aws:iam::444455556666:root",
      accountId: "444455556666",
      userId: "444455556666",
    });
    expect(key?.secret.reveal()).toBe("test");
    expect(at.identity.findAccessKey("44445555666")).toBeUndefined();
  });

  it("does not find a key that nobody has", () => {
    expect(at.identity.findAccessKey("AKIAUNKNOWN")).toBeUndefined();
  });

  it("finds a user's key, its status, and nothing once it is deleted", async () => {
    await at.iam("CreateUser", { UserName: "ann", Path: "/team/" });
    const { AccessKey } = await at.iam("CreateAccessKey", { UserName: "ann" });
    const id = AccessKey.AccessKeyId;
    expect(id).toMatch(/^AKIA[A-Z2-7]{16}$/);
    const key = at.identity.findAccessKey(id);
    expect(key?.secret.reveal()).toBe(AccessKey.SecretAccessKey);
    expect(key?.principal).toMatchObject({ type: "User", arn: `arn:aws:iam::${accountId}:user/team/ann` });
    await at.iam("UpdateAccessKey", { UserName: "ann", AccessKeyId: id, Status: "Inactive" });
    expect(at.identity.findAccessKey(id)?.status).toBe("Inactive");
    await at.iam("DeleteAccessKey", { UserName: "ann", AccessKeyId: id });
    expect(at.identity.findAccessKey(id)).toBeUndefined();
  });

  it("keeps no secret in clear", async () => {
    await at.iam("CreateUser", { UserName: "ann" });
    const { AccessKey } = await at.iam("CreateAccessKey", { UserName: "ann" });
    const { Credentials } = await at.as(AccessKey.AccessKeyId).call<Answer>("sts", "GetSessionToken", {});
    const stored = ["iam-access-keys", "sts-sessions"]
      .flatMap((name) => at.store.collection(name).list([]))
      .map((entry) => JSON.stringify(entry))
      .join("\n");
    expect(stored).toContain(AccessKey.AccessKeyId);
    for (const secret of [AccessKey.SecretAccessKey, Credentials.SecretAccessKey, Credentials.SessionToken]) {
      expect(stored).not.toContain(secret);
    }
  });

  it("finds the same keys after a restart", async () => {
    await at.iam("CreateUser", { UserName: "ann" });
    const { AccessKey } = await at.iam("CreateAccessKey", { UserName: "ann" });
    const rootKey = { accessKeyId: "test", secretAccessKey: "test" };
    const again = createIdentity({ store: at.store, clock: at.clock, ids: systemIds, scope, rootKey });
    expect(again.findAccessKey(AccessKey.AccessKeyId)?.secret.reveal()).toBe(AccessKey.SecretAccessKey);
  });
});

describe("policies of a principal", () => {
  const sessionOf = (credentials: Answer) => at.identity.findAccessKey(credentials["AccessKeyId"])?.principal as never;

  async function assumed(roleName: string): Promise<Answer> {
    const answer = await at.as("test").call<Answer>("sts", "AssumeRole", {
      RoleArn: `arn:aws:iam::${accountId}:role/${roleName}`,
      RoleSessionName: "session",
    });
    return answer["Credentials"];
  }

  it("are none for root and for services", () => {
    const service = servicePrincipal("codebuild.amazonaws.com", "", { accountId });
    expect(at.identity.policiesOf(service)).toEqual({ identity: [] });
    expect(at.identity.policiesOf(at.identity.findAccessKey("test")?.principal as never)).toEqual({ identity: [] });
  });

  it("are a role's managed and inline policies and its boundary, by the names people know", async () => {
    await at.iam("CreateRole", { RoleName: "R", AssumeRolePolicyDocument: trusting({ AWS: accountId }) });
    const PolicyArn = "arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess";
    await at.iam("AttachRolePolicy", { RoleName: "R", PolicyArn });
    const PolicyDocument = documentText(allow("ssm:*"));
    await at.iam("PutRolePolicy", { RoleName: "R", PolicyName: "logs", PolicyDocument });
    const boundary = "arn:aws:iam::aws:policy/PowerUserAccess";
    await at.iam("PutRolePermissionsBoundary", { RoleName: "R", PermissionsBoundary: boundary });
    const policies = at.identity.policiesOf(sessionOf(await assumed("R")));
    expect(policies.identity.map(({ name, arn }) => ({ name, arn }))).toEqual([
      { name: PolicyArn, arn: PolicyArn },
      { name: "inline policy logs of role R", arn: undefined },
    ]);
    expect(policies.boundary?.name).toBe(boundary);
  });

  it("are the same parsed document for the same text, and change with the next write", async () => {
    await at.iam("CreateRole", { RoleName: "R", AssumeRolePolicyDocument: trusting({ AWS: accountId }) });
    const put = (action: string) =>
      at.iam("PutRolePolicy", { RoleName: "R", PolicyName: "p", PolicyDocument: documentText(allow(action)) });
    await put("ssm:*");
    const principal = sessionOf(await assumed("R"));
    const documentNow = () => at.identity.policiesOf(principal).identity[0]?.document;
    const first = documentNow();
    expect(documentNow()).toBe(first);
    await put("kms:*");
    expect(documentNow()).toEqual(JSON.parse(documentText(allow("kms:*"))));
  });

  it("include those of a user's groups", async () => {
    const caller = await at.user("ann");
    const list = () => caller.call("iam", "ListUsers", {});
    await expect(list()).rejects.toThrow(
      `User: arn:aws:iam::${accountId}:user/ann is not authorized to perform: iam:ListUsers on resource: arn:aws:iam::${accountId}:user/ because no identity-based policy allows the iam:ListUsers action`,
    );
    await at.iam("CreateGroup", { GroupName: "admins" });
    await at.iam("AttachGroupPolicy", { GroupName: "admins", PolicyArn: "arn:aws:iam::aws:policy/IAMReadOnlyAccess" });
    await at.iam("AddUserToGroup", { GroupName: "admins", UserName: "ann" });
    await expect(list()).resolves.toMatchObject({ IsTruncated: false });
  });

  it("are gone for sessions of a role that was made again under the same name", async () => {
    const make = () => at.iam("CreateRole", { RoleName: "R", AssumeRolePolicyDocument: trusting({ AWS: accountId }) });
    const grant = () => at.iam("AttachRolePolicy", { RoleName: "R", PolicyArn });
    const PolicyArn = "arn:aws:iam::aws:policy/AdministratorAccess";
    await make();
    await grant();
    const old = sessionOf(await assumed("R"));
    expect(at.identity.policiesOf(old).identity).toHaveLength(1);
    await at.iam("DetachRolePolicy", { RoleName: "R", PolicyArn });
    await at.iam("DeleteRole", { RoleName: "R" });
    await make();
    await grant();
    expect(at.identity.policiesOf(old)).toEqual({ identity: [] });
  });

  it("come with the entity's tags", async () => {
    await at.iam("CreateRole", {
      RoleName: "R",
      AssumeRolePolicyDocument: trusting({ AWS: accountId }),
      Tags: [{ Key: "team", Value: "red" }],
    });
    expect(at.identity.tagsOf(sessionOf(await assumed("R")))).toEqual({ team: "red" });
  });
});

it("forgets sessions a day after they expired", async () => {
  await at.iam("CreateRole", { RoleName: "R", AssumeRolePolicyDocument: trusting({ AWS: accountId }) });
  const session = async () =>
    (await at.as("test").call<Answer>("sts", "GetSessionToken", { DurationSeconds: 900 }))["Credentials"].AccessKeyId;
  const first = await session();
  at.clock.advance(3_600_000);
  await session();
  expect(at.identity.findAccessKey(first)?.expiresAtMs).toBeLessThan(at.clock.nowMs());
  at.clock.advance(25 * 3_600_000);
  await session();
  expect(at.identity.findAccessKey(first)).toBeUndefined();
});

it("knows the service role that documents create", async () => {
  await at.iam("CreateRole", { RoleName: "CodeBuildServiceRole", AssumeRolePolicyDocument: CODEBUILD_TRUST });
  await at.iam("AttachRolePolicy", {
    RoleName: "CodeBuildServiceRole",
    PolicyArn: "arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess",
  });
  const { AttachedPolicies } = await at.iam("ListAttachedRolePolicies", { RoleName: "CodeBuildServiceRole" });
  expect(AttachedPolicies).toEqual([
    { PolicyName: "AmazonSSMReadOnlyAccess", PolicyArn: "arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess" },
  ]);
});
