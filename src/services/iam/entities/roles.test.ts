import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { accountId, type IdentityFixture, openIdentity } from "../../../../test/support/identity-fixture.ts";
import { CODEBUILD_TRUST, documentText, trusting } from "../../../../test/support/policy-documents.ts";
import { failureOf } from "../../../../test/support/services-fixture.ts";

let at: IdentityFixture;
beforeEach(async () => {
  at = await openIdentity();
});
afterEach(() => at.close());

const createRole = (RoleName: string, more: object = {}) =>
  at.iam("CreateRole", { RoleName, AssumeRolePolicyDocument: CODEBUILD_TRUST, ...more });
const arnOf = (name: string) => `arn:aws:iam::${accountId}:role/${name}`;
const decoded = (text: string) => JSON.parse(decodeURIComponent(text));

describe("a role", () => {
  it("is created without MaxSessionDuration in the answer, and read with it", async () => {
    const { Role } = await createRole("R", { Path: "/build/", Description: "d" });
    expect(Object.keys(Role)).toEqual(["Path", "RoleName", "RoleId", "Arn", "CreateDate", "AssumeRolePolicyDocument"]);
    expect(Role.Arn).toBe(arnOf("build/R"));
    expect(Role.RoleId).toMatch(/^AROA[A-Z2-7]{17}$/);
    expect(Role.AssumeRolePolicyDocument).not.toMatch(/[{}":,*!'() ]/);
    expect(decoded(Role.AssumeRolePolicyDocument)).toEqual(JSON.parse(CODEBUILD_TRUST));
    const read = (await at.iam("GetRole", { RoleName: "R" }))["Role"];
    expect(read).toEqual({ ...Role, Description: "d", MaxSessionDuration: 3600, RoleLastUsed: {} });
  });

  it("is listed without tags, boundary and last use", async () => {
    const boundary = "arn:aws:iam::aws:policy/PowerUserAccess";
    await createRole("R", { Tags: [{ Key: "a", Value: "b" }], PermissionsBoundary: boundary });
    expect((await at.iam("GetRole", { RoleName: "R" }))["Role"]).toMatchObject({
      Tags: [{ Key: "a", Value: "b" }],
      PermissionsBoundary: { PermissionsBoundaryArn: boundary },
    });
    const [listed] = (await at.iam("ListRoles"))["Roles"];
    expect(Object.keys(listed)).not.toEqual(expect.arrayContaining(["Tags", "PermissionsBoundary", "RoleLastUsed"]));
    expect(listed).not.toHaveProperty("Tags");
    expect(listed.MaxSessionDuration).toBe(3600);
  });

  it("is listed by path and in pages", async () => {
    for (const name of ["a", "b", "c"]) await createRole(name, { Path: "/p/" });
    await createRole("other");
    const first = await at.iam("ListRoles", { PathPrefix: "/p/", MaxItems: 2 });
    expect(first["Roles"].map((role: { RoleName: string }) => role.RoleName)).toEqual(["a", "b"]);
    expect(first["IsTruncated"]).toBe(true);
    const second = await at.iam("ListRoles", { PathPrefix: "/p/", MaxItems: 2, Marker: first["Marker"] });
    expect(second["Roles"].map((role: { RoleName: string }) => role.RoleName)).toEqual(["c"]);
    expect(second["IsTruncated"]).toBe(false);
    expect(await failureOf(at.iam("ListRoles", { Marker: "x" }))).toBe("ValidationError: Invalid Marker.");
  });

  it("is unique without regard to case", async () => {
    await createRole("Name");
    expect(await failureOf(createRole("name"))).toBe("EntityAlreadyExists: Role with name name already exists.");
  });

  it("that does not exist is told so", async () => {
    const text = "NoSuchEntity: The role with name X cannot be found.";
    expect(await failureOf(at.iam("GetRole", { RoleName: "X" }))).toBe(text);
    expect(await failureOf(at.iam("DeleteRole", { RoleName: "X" }))).toBe(text);
    expect(await failureOf(at.iam("UpdateRole", { RoleName: "X" }))).toBe(text);
  });

  it("is changed", async () => {
    await createRole("R");
    await at.iam("UpdateRole", { RoleName: "R", Description: "new", MaxSessionDuration: 7200 });
    const { Role } = await at.iam("UpdateRoleDescription", { RoleName: "R", Description: "newer" });
    expect(Role).toMatchObject({ Description: "newer", MaxSessionDuration: 7200 });
  });

  it("is deleted only without policies", async () => {
    await createRole("R");
    const PolicyArn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    await at.iam("AttachRolePolicy", { RoleName: "R", PolicyArn });
    const PolicyDocument = documentText({ Effect: "Allow", Action: "*", Resource: "*" });
    await at.iam("PutRolePolicy", { RoleName: "R", PolicyName: "p", PolicyDocument });
    const remove = () => at.iam("DeleteRole", { RoleName: "R" });
    expect(await failureOf(remove())).toBe("DeleteConflict: Cannot delete entity, must detach all policies first.");
    await at.iam("DetachRolePolicy", { RoleName: "R", PolicyArn });
    expect(await failureOf(remove())).toBe("DeleteConflict: Cannot delete entity, must delete policies first.");
    await at.iam("DeleteRolePolicy", { RoleName: "R", PolicyName: "p" });
    expect(await remove()).toEqual({});
  });
});

describe("a trust policy", () => {
  it("that is not JSON is refused", async () => {
    expect(await failureOf(createRole("R", { AssumeRolePolicyDocument: "nope" }))).toBe(
      "MalformedPolicyDocument: This policy contains invalid Json",
    );
  });

  it("that names nobody existing is refused", async () => {
    const AssumeRolePolicyDocument = trusting({ AWS: arnOf("ghost") });
    expect(await failureOf(createRole("R", { AssumeRolePolicyDocument }))).toBe(
      `MalformedPolicyDocument: Invalid principal in policy: "AWS":"${arnOf("ghost")}"`,
    );
  });

  it("that is too long is refused, white space aside", async () => {
    const condition = { StringEquals: { "sts:ExternalId": "x".repeat(2_000) } };
    const long = trusting({ AWS: accountId }, { Condition: condition });
    expect(await failureOf(createRole("R", { AssumeRolePolicyDocument: long }))).toBe(
      "LimitExceeded: Cannot exceed quota for ACLSizePerRole: 2048",
    );
    await createRole("R", { AssumeRolePolicyDocument: CODEBUILD_TRUST + " ".repeat(3_000) });
  });

  it("is replaced", async () => {
    await createRole("R");
    await at.iam("UpdateAssumeRolePolicy", { RoleName: "R", PolicyDocument: trusting({ AWS: accountId }) });
    const { Role } = await at.iam("GetRole", { RoleName: "R" });
    expect(decoded(Role.AssumeRolePolicyDocument).Statement[0].Principal).toEqual({ AWS: accountId });
  });

  it("shows the unique id of a role that was deleted and made again", async () => {
    const trusted = (await createRole("trusted"))["Role"];
    await createRole("R", { AssumeRolePolicyDocument: trusting({ AWS: trusted.Arn }) });
    const principal = async () =>
      decoded((await at.iam("GetRole", { RoleName: "R" }))["Role"].AssumeRolePolicyDocument).Statement[0].Principal.AWS;
    expect(await principal()).toBe(trusted.Arn);
    await at.iam("DeleteRole", { RoleName: "trusted" });
    await createRole("trusted");
    expect(await principal()).toBe(trusted.RoleId);
  });
});

describe("permissions", () => {
  it("print the entity as IAM does", async () => {
    await createRole("R", { Path: "/p/" });
    const ann = await at.user("ann");
    const who = `arn:aws:iam::${accountId}:user/ann`;
    expect(await failureOf(ann.call("iam", "GetRole", { RoleName: "R" }))).toBe(
      `AccessDenied: User: ${who} is not authorized to perform: iam:GetRole on resource: role R because no identity-based policy allows the iam:GetRole action`,
    );
    expect(await failureOf(ann.call("iam", "ListRoles", {}))).toBe(
      `AccessDenied: User: ${who} is not authorized to perform: iam:ListRoles on resource: arn:aws:iam::${accountId}:role/ because no identity-based policy allows the iam:ListRoles action`,
    );
  });

  it("are asked on the role's ARN with its path", async () => {
    await createRole("R", { Path: "/p/" });
    const ann = await at.user("ann", [{ Effect: "Allow", Action: "iam:GetRole", Resource: arnOf("p/*") }]);
    await expect(ann.call("iam", "GetRole", { RoleName: "R" })).resolves.toBeDefined();
  });

  it("for creating with tags include iam:TagRole", async () => {
    const ann = await at.user("ann", [{ Effect: "Allow", Action: "iam:CreateRole", Resource: "*" }]);
    const input = { RoleName: "R", AssumeRolePolicyDocument: CODEBUILD_TRUST, Tags: [{ Key: "a", Value: "b" }] };
    expect(await failureOf(ann.call("iam", "CreateRole", input))).toContain(
      "perform: iam:TagRole on resource: arn:aws:iam::111122223333:role/R ",
    );
  });

  it("can be tied to the boundary of a new role", async () => {
    const boundary = "arn:aws:iam::aws:policy/PowerUserAccess";
    const Condition = { ArnEquals: { "iam:PermissionsBoundary": boundary } };
    const ann = await at.user("ann", [{ Effect: "Allow", Action: "iam:CreateRole", Resource: "*", Condition }]);
    const input = { RoleName: "R", AssumeRolePolicyDocument: CODEBUILD_TRUST };
    expect(await failureOf(ann.call("iam", "CreateRole", input))).toContain("iam:CreateRole");
    await ann.call("iam", "CreateRole", { ...input, PermissionsBoundary: boundary });
  });

  it("do not help a temporary key without MFA", async () => {
    const ann = await at.user("ann", [{ Effect: "Allow", Action: "*", Resource: "*" }]);
    const { Credentials } = await ann.call<{ Credentials: { AccessKeyId: string } }>("sts", "GetSessionToken", {});
    expect(await failureOf(at.as(Credentials.AccessKeyId).call("iam", "ListRoles", {}))).toBe(
      "InvalidClientTokenId: The security token included in the request is invalid",
    );
  });
});

describe("tags", () => {
  it("are set, replaced and removed without regard to case", async () => {
    await createRole("R", { Tags: [{ Key: "Team", Value: "red" }] });
    await at.iam("TagRole", {
      RoleName: "R",
      Tags: [
        { Key: "team", Value: "blue" },
        { Key: "cost", Value: "1" },
      ],
    });
    const tags = async () => (await at.iam("ListRoleTags", { RoleName: "R" }))["Tags"];
    // AWS: sorted by key.
    expect(await tags()).toEqual([
      { Key: "cost", Value: "1" },
      { Key: "team", Value: "blue" },
    ]);
    await at.iam("UntagRole", { RoleName: "R", TagKeys: ["TEAM"] });
    expect(await tags()).toEqual([{ Key: "cost", Value: "1" }]);
  });

  it("with a key of AWS's own are refused", async () => {
    expect(await failureOf(createRole("R", { Tags: [{ Key: "AWS:x", Value: "1" }] }))).toBe(
      "InvalidInput: aws: prefixed tag key names are not allowed for external use.",
    );
  });

  it("with a key twice are refused", async () => {
    const Tags = [
      { Key: "a", Value: "1" },
      { Key: "A", Value: "2" },
    ];
    expect(await failureOf(createRole("R", { Tags }))).toBe(
      "InvalidInput: Duplicate tag keys found. Please note that Tag keys are case insensitive.",
    );
  });
});
