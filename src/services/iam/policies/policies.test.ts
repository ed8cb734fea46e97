import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { accountId, type IdentityFixture, openIdentity } from "../../../../test/support/identity-fixture.ts";
import { allow, CODEBUILD_TRUST, documentText } from "../../../../test/support/policy-documents.ts";
import { failureOf } from "../../../../test/support/services-fixture.ts";

let at: IdentityFixture;
beforeEach(async () => {
  at = await openIdentity();
  await at.iam("CreateRole", { RoleName: "R", AssumeRolePolicyDocument: CODEBUILD_TRUST });
});
afterEach(() => at.close());

const arnOf = (name: string) => `arn:aws:iam::${accountId}:policy/${name}`;
const createPolicy = (PolicyName: string, more: object = {}) =>
  at.iam("CreatePolicy", { PolicyName, PolicyDocument: documentText(allow("ssm:*")), ...more });
const attach = (PolicyArn: string, RoleName = "R") => at.iam("AttachRolePolicy", { RoleName, PolicyArn });

describe("attaching", () => {
  it("is idempotent and counted", async () => {
    const { Policy } = await createPolicy("p");
    await attach(Policy.Arn);
    await attach(Policy.Arn);
    expect((await at.iam("GetPolicy", { PolicyArn: Policy.Arn }))["Policy"].AttachmentCount).toBe(1);
    expect(await at.iam("ListEntitiesForPolicy", { PolicyArn: Policy.Arn })).toMatchObject({
      PolicyRoles: [{ RoleName: "R" }],
      PolicyUsers: [],
      PolicyGroups: [],
    });
  });

  it.each([
    [
      "arn:aws:iam::aws:policy/NoSuchThing",
      "NoSuchEntity: Policy arn:aws:iam::aws:policy/NoSuchThing does not exist or is not attachable.",
    ],
    ["AmazonSSMReadOnlyAccess", "ValidationError: Invalid ARN:  Could not be parsed!"],
    [
      "arn:aws:iam::aws:policy/aws-service-role/AmazonECSServiceRolePolicy",
      "PolicyNotAttachable: Cannot attach a Service Role Policy to a Customer Role.",
    ],
  ])("%s is refused", async (arn, text) => {
    expect(await failureOf(attach(arn))).toBe(text);
  });

  it("to a role that does not exist is refused", async () => {
    expect(await failureOf(attach("arn:aws:iam::aws:policy/ReadOnlyAccess", "X"))).toBe(
      "NoSuchEntity: The role with name X cannot be found.",
    );
  });

  it("stops at ten policies", async () => {
    for (let i = 0; i < 10; i++) await attach((await createPolicy(`p${i}`))["Policy"].Arn);
    expect(await failureOf(attach("arn:aws:iam::aws:policy/ReadOnlyAccess"))).toBe(
      "LimitExceeded: Cannot exceed quota for PoliciesPerRole: 10",
    );
  });

  it("is undone once", async () => {
    const PolicyArn = "arn:aws:iam::aws:policy/AmazonSSMFullAccess";
    await attach(PolicyArn);
    await at.iam("DetachRolePolicy", { RoleName: "R", PolicyArn });
    expect(await failureOf(at.iam("DetachRolePolicy", { RoleName: "R", PolicyArn }))).toBe(
      `NoSuchEntity: Policy ${PolicyArn} was not found.`,
    );
  });
});

describe("inline policies", () => {
  const put = (PolicyName: string, PolicyDocument: string) =>
    at.iam("PutRolePolicy", { RoleName: "R", PolicyName, PolicyDocument });

  it("are put, read percent-encoded, listed, deleted", async () => {
    const text = documentText(allow("ssm:*", "arn:aws:ssm:*:*:parameter/a%3Ab"));
    await put("p", text);
    const read = await at.iam("GetRolePolicy", { RoleName: "R", PolicyName: "p" });
    expect(read).toMatchObject({ RoleName: "R", PolicyName: "p" });
    expect(decodeURIComponent(read["PolicyDocument"])).toBe(text);
    expect((await at.iam("ListRolePolicies", { RoleName: "R" }))["PolicyNames"]).toEqual(["p"]);
    await at.iam("DeleteRolePolicy", { RoleName: "R", PolicyName: "p" });
    expect(await failureOf(at.iam("GetRolePolicy", { RoleName: "R", PolicyName: "p" }))).toBe(
      "NoSuchEntity: The role policy with name p cannot be found.",
    );
  });

  it("may be called like a member of every object", async () => {
    expect(await failureOf(at.iam("GetRolePolicy", { RoleName: "R", PolicyName: "constructor" }))).toBe(
      "NoSuchEntity: The role policy with name constructor cannot be found.",
    );
  });

  it("are checked", async () => {
    expect(await failureOf(put("p", "{}"))).toBe("MalformedPolicyDocument: Syntax errors in policy.");
  });

  it("share one quota", async () => {
    const large = (sid: string) => documentText({ ...allow("ssm:*", `arn:aws:ssm:::${"x".repeat(6_000)}`), Sid: sid });
    await put("a", large("a"));
    expect(await failureOf(put("b", large("b")))).toBe(
      "LimitExceeded: Maximum policy size of 10240 bytes exceeded for role R",
    );
    await put("a", large("c"));
  });
});

describe("managed policies", () => {
  it("are created without a description in the answer", async () => {
    const { Policy } = await createPolicy("p", { Path: "/x/", Description: "d" });
    expect(Policy).toEqual({
      PolicyName: "p",
      PolicyId: expect.stringMatching(/^ANPA[A-Z2-7]{17}$/),
      Arn: arnOf("x/p"),
      Path: "/x/",
      DefaultVersionId: "v1",
      AttachmentCount: 0,
      PermissionsBoundaryUsageCount: 0,
      IsAttachable: true,
      CreateDate: at.clock.nowMs(),
      UpdateDate: at.clock.nowMs(),
    });
    const read = (await at.iam("GetPolicy", { PolicyArn: Policy.Arn }))["Policy"];
    expect(read).toEqual({ ...Policy, Description: "d", Tags: [] });
  });

  it("are unique by name", async () => {
    await createPolicy("p");
    expect(await failureOf(createPolicy("P", { Path: "/x/" }))).toBe(
      "EntityAlreadyExists: A policy called P already exists. Duplicate names are not allowed.",
    );
  });

  it("have a quota of 6144 characters", async () => {
    const PolicyDocument = documentText(allow("ssm:*", `arn:aws:ssm:::${"x".repeat(6_144)}`));
    expect(await failureOf(createPolicy("p", { PolicyDocument }))).toBe(
      "LimitExceeded: Cannot exceed quota for PolicySize: 6144",
    );
  });

  it("that do not exist are told so", async () => {
    expect(await failureOf(at.iam("GetPolicy", { PolicyArn: arnOf("nope") }))).toBe(
      `NoSuchEntity: Policy ${arnOf("nope")} was not found.`,
    );
  });

  it("keep five versions and number them on", async () => {
    const PolicyArn = (await createPolicy("p"))["Policy"].Arn;
    const version = (more: object = {}) =>
      at.iam("CreatePolicyVersion", { PolicyArn, PolicyDocument: documentText(allow("kms:*")), ...more });
    expect((await version({ SetAsDefault: true }))["PolicyVersion"]).toEqual({
      VersionId: "v2",
      IsDefaultVersion: true,
      CreateDate: at.clock.nowMs(),
    });
    for (let i = 0; i < 3; i++) await version();
    expect(await failureOf(version())).toBe(
      "LimitExceeded: A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.",
    );
    expect(await failureOf(at.iam("DeletePolicyVersion", { PolicyArn, VersionId: "v2" }))).toBe(
      "DeleteConflict: Cannot delete the default version of a policy.",
    );
    await at.iam("DeletePolicyVersion", { PolicyArn, VersionId: "v5" });
    expect((await version())["PolicyVersion"].VersionId).toBe("v6");
    await at.iam("SetDefaultPolicyVersion", { PolicyArn, VersionId: "v1" });
    const { Versions } = await at.iam("ListPolicyVersions", { PolicyArn });
    const shown = Versions.map((one: { VersionId: string; IsDefaultVersion: boolean }) => [
      one.VersionId,
      one.IsDefaultVersion,
    ]);
    expect(shown).toEqual([
      ["v6", false],
      ["v4", false],
      ["v3", false],
      ["v2", false],
      ["v1", true],
    ]);
    expect(Versions[0]).not.toHaveProperty("Document");
    const read = await at.iam("GetPolicyVersion", { PolicyArn, VersionId: "v1" });
    expect(decodeURIComponent(read["PolicyVersion"].Document)).toBe(documentText(allow("ssm:*")));
  });

  it("are deleted when nothing uses them and only the default version is left", async () => {
    const PolicyArn = (await createPolicy("p"))["Policy"].Arn;
    await attach(PolicyArn);
    const remove = () => at.iam("DeletePolicy", { PolicyArn });
    expect(await failureOf(remove())).toBe("DeleteConflict: Cannot delete a policy attached to entities.");
    await at.iam("DetachRolePolicy", { RoleName: "R", PolicyArn });
    await at.iam("PutRolePermissionsBoundary", { RoleName: "R", PermissionsBoundary: PolicyArn });
    expect(await failureOf(remove())).toBe("DeleteConflict: Cannot delete a policy attached to entities.");
    await at.iam("DeleteRolePermissionsBoundary", { RoleName: "R" });
    await at.iam("CreatePolicyVersion", { PolicyArn, PolicyDocument: documentText(allow("kms:*")) });
    expect(await failureOf(remove())).toContain("DeleteConflict: This policy has more than one version.");
    await at.iam("DeletePolicyVersion", { PolicyArn, VersionId: "v2" });
    expect(await remove()).toEqual({});
  });
});

describe("AWS's managed policies", () => {
  const PolicyArn = "arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess";

  it("are read like one's own", async () => {
    const { Policy } = await at.iam("GetPolicy", { PolicyArn });
    expect(Policy).toMatchObject({ PolicyName: "AmazonSSMReadOnlyAccess", DefaultVersionId: "v1", Tags: [] });
    const { PolicyVersion } = await at.iam("GetPolicyVersion", { PolicyArn, VersionId: "v1" });
    expect(JSON.parse(decodeURIComponent(PolicyVersion.Document)).Statement[0].Action).toContain("ssm:Get*");
  });

  it("cannot be changed by anybody", async () => {
    const PolicyDocument = documentText(allow("*"));
    expect(await failureOf(at.iam("CreatePolicyVersion", { PolicyArn, PolicyDocument }))).toBe(
      `AccessDenied: User: arn:aws:iam::${accountId}:root is not authorized to perform: iam:CreatePolicyVersion on resource: policy ${PolicyArn}`,
    );
    expect(await failureOf(at.iam("DeletePolicy", { PolicyArn }))).toContain("AccessDenied");
  });

  it("are listed by scope", async () => {
    await createPolicy("own");
    const names = async (input: object) =>
      (await at.iam("ListPolicies", { MaxItems: 1000, ...input }))["Policies"].map(
        (policy: { PolicyName: string }) => policy.PolicyName,
      );
    expect(await names({ Scope: "Local" })).toEqual(["own"]);
    expect(await names({ Scope: "AWS" })).toContain("AdministratorAccess");
    expect(await names({ OnlyAttached: true })).toEqual([]);
    await attach(PolicyArn);
    expect(await names({ OnlyAttached: true })).toEqual(["AmazonSSMReadOnlyAccess"]);
  });
});
