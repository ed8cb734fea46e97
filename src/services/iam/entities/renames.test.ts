import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { accountId, type IdentityFixture, openIdentity } from "../../../../test/support/identity-fixture.ts";
import { allow, documentText, trusting } from "../../../../test/support/policy-documents.ts";
import { failureOf } from "../../../../test/support/services-fixture.ts";

let at: IdentityFixture;
beforeEach(async () => {
  at = await openIdentity();
});
afterEach(() => at.close());

const arnOf = (name: string) => `arn:aws:iam::${accountId}:user/${name}`;
const rename = (UserName: string, NewUserName: string, NewPath?: string) =>
  at.iam("UpdateUser", { UserName, NewUserName, ...(NewPath !== undefined && { NewPath }) });

describe("a renamed user", () => {
  it("keeps its id, policies, groups, tags and keys", async () => {
    await at.user("ann", [allow("iam:GetUser")]);
    await at.iam("TagUser", { UserName: "ann", Tags: [{ Key: "a", Value: "b" }] });
    await at.iam("CreateGroup", { GroupName: "g" });
    await at.iam("AddUserToGroup", { UserName: "ann", GroupName: "g" });
    const before = (await at.iam("GetUser", { UserName: "ann" }))["User"];
    expect(await rename("ann", "bob", "/x/")).toEqual({});
    const after = (await at.iam("GetUser", { UserName: "bob" }))["User"];
    expect(after).toEqual({ ...before, UserName: "bob", Path: "/x/", Arn: arnOf("x/bob") });
    expect((await at.iam("ListUserPolicies", { UserName: "bob" }))["PolicyNames"]).toEqual(["test"]);
    expect((await at.iam("GetGroup", { GroupName: "g" }))["Users"]).toMatchObject([{ UserName: "bob" }]);
    const { AccessKeyMetadata } = await at.iam("ListAccessKeys", { UserName: "bob" });
    const key = AccessKeyMetadata[0].AccessKeyId;
    expect(AccessKeyMetadata[0].UserName).toBe("bob");
    expect(await at.as(key).call("iam", "GetUser", {})).toMatchObject({ User: { UserName: "bob" } });
    expect(await failureOf(at.iam("GetUser", { UserName: "ann" }))).toBe(
      "NoSuchEntity: The user with name ann cannot be found.",
    );
  });

  it("is still trusted by roles, under its new name", async () => {
    await at.user("ann", [allow("sts:AssumeRole")]);
    await at.iam("CreateRole", { RoleName: "R", AssumeRolePolicyDocument: trusting({ AWS: arnOf("ann") }) });
    await rename("ann", "bob");
    const { Role } = await at.iam("GetRole", { RoleName: "R" });
    expect(JSON.parse(decodeURIComponent(Role.AssumeRolePolicyDocument)).Statement[0].Principal.AWS).toBe(arnOf("bob"));
    const { AccessKeyMetadata } = await at.iam("ListAccessKeys", { UserName: "bob" });
    const bob = at.as(AccessKeyMetadata[0].AccessKeyId);
    const input = { RoleArn: `arn:aws:iam::${accountId}:role/R`, RoleSessionName: "session" };
    await expect(bob.call("sts", "AssumeRole", input)).resolves.toMatchObject({ Credentials: {} });
    await at.iam("CreateUser", { UserName: "ann" });
    const again = (await at.iam("GetRole", { RoleName: "R" }))["Role"];
    expect(decodeURIComponent(again.AssumeRolePolicyDocument)).toContain(arnOf("bob"));
  });

  it("keeps its temporary keys", async () => {
    const ann = await at.user("ann", [allow("sts:AssumeRole")]);
    const { Credentials } = await ann.call<{ Credentials: { AccessKeyId: string } }>("sts", "GetSessionToken", {});
    await rename("ann", "bob");
    expect(at.identity.findAccessKey(Credentials.AccessKeyId)?.principal.arn).toBe(arnOf("bob"));
  });

  it("may change the case of its name, and no more than that is not a conflict", async () => {
    await at.iam("CreateUser", { UserName: "ann" });
    await at.iam("CreateUser", { UserName: "bob" });
    await rename("ann", "Ann");
    expect((await at.iam("ListUsers"))["Users"].map((user: { UserName: string }) => user.UserName)).toEqual([
      "Ann",
      "bob",
    ]);
    await rename("Ann", "Ann", "/same/");
    expect(await failureOf(rename("Ann", "BOB"))).toBe("EntityAlreadyExists: User with name BOB already exists.");
  });

  it("needs the permission for both names", async () => {
    await at.iam("CreateUser", { UserName: "bob" });
    const ann = await at.user("ann", [allow("iam:UpdateUser", arnOf("bob"))]);
    expect(await failureOf(ann.call("iam", "UpdateUser", { UserName: "bob", NewUserName: "eve" }))).toBe(
      `AccessDenied: User: ${arnOf("ann")} is not authorized to perform: iam:UpdateUser on resource: user eve because no identity-based policy allows the iam:UpdateUser action`,
    );
    const PolicyDocument = documentText(allow("iam:UpdateUser", [arnOf("bob"), arnOf("x/eve")]));
    await at.iam("PutUserPolicy", { UserName: "ann", PolicyName: "test", PolicyDocument });
    await ann.call("iam", "UpdateUser", { UserName: "bob", NewUserName: "eve", NewPath: "/x/" });
  });
});

describe("a renamed group", () => {
  it("keeps its id, policies and members", async () => {
    const { Group } = await at.iam("CreateGroup", { GroupName: "g" });
    await at.iam("CreateUser", { UserName: "ann" });
    await at.iam("AddUserToGroup", { UserName: "ann", GroupName: "g" });
    await at.iam("PutGroupPolicy", { GroupName: "g", PolicyName: "p", PolicyDocument: documentText(allow("s3:*")) });
    await at.iam("UpdateGroup", { GroupName: "g", NewGroupName: "h", NewPath: "/x/" });
    const after = await at.iam("GetGroup", { GroupName: "h" });
    expect(after["Group"]).toEqual({
      ...Group,
      GroupName: "h",
      Path: "/x/",
      Arn: `arn:aws:iam::${accountId}:group/x/h`,
    });
    expect(after["Users"]).toMatchObject([{ UserName: "ann" }]);
    expect((await at.iam("ListGroupsForUser", { UserName: "ann" }))["Groups"]).toMatchObject([{ GroupName: "h" }]);
    expect((await at.iam("ListGroupPolicies", { GroupName: "h" }))["PolicyNames"]).toEqual(["p"]);
    await at.iam("CreateGroup", { GroupName: "g" });
    expect(await failureOf(at.iam("UpdateGroup", { GroupName: "g", NewGroupName: "H" }))).toBe(
      "EntityAlreadyExists: Group with name H already exists.",
    );
  });
});
