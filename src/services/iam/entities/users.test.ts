import { afterEach, beforeEach, expect, it } from "vitest";
import { accountId, type IdentityFixture, openIdentity } from "../../../../test/support/identity-fixture.ts";
import { allow, documentText } from "../../../../test/support/policy-documents.ts";
import { failureOf } from "../../../../test/support/services-fixture.ts";

let at: IdentityFixture;
beforeEach(async () => {
  at = await openIdentity();
});
afterEach(() => at.close());

const ann = { UserName: "ann" };

it("a user reads itself without naming itself", async () => {
  const caller = await at.user("ann", [allow("iam:GetUser", "arn:aws:iam::*:user/${aws:username}")]);
  const { User } = await caller.call<{ User: object }>("iam", "GetUser", {});
  expect(User).toEqual({
    Path: "/",
    UserName: "ann",
    UserId: expect.stringMatching(/^AIDA/),
    Arn: `arn:aws:iam::${accountId}:user/ann`,
    CreateDate: at.clock.nowMs(),
  });
});

it("root reads itself", async () => {
  expect(await at.iam("GetUser")).toEqual({ User: { UserId: accountId, Arn: `arn:aws:iam::${accountId}:root` } });
});

it("a user that does not exist is told so", async () => {
  expect(await failureOf(at.iam("GetUser", { UserName: "X" }))).toBe(
    "NoSuchEntity: The user with name X cannot be found.",
  );
});

it("root must name the user of a key", async () => {
  expect(await failureOf(at.iam("CreateAccessKey"))).toBe(
    "ValidationError: Must specify userName when calling with non-User credentials",
  );
});

it("a user has two keys at most", async () => {
  await at.iam("CreateUser", ann);
  await at.iam("CreateAccessKey", ann);
  await at.iam("CreateAccessKey", ann);
  expect(await failureOf(at.iam("CreateAccessKey", ann))).toBe(
    "LimitExceeded: Cannot exceed quota for AccessKeysPerUser: 2",
  );
  const { AccessKeyMetadata } = await at.iam("ListAccessKeys", ann);
  expect(AccessKeyMetadata).toHaveLength(2);
  expect(AccessKeyMetadata[0]).not.toHaveProperty("SecretAccessKey");
});

it("a key of somebody else cannot be deleted in one's name", async () => {
  await at.iam("CreateUser", ann);
  await at.iam("CreateUser", { UserName: "bob" });
  const { AccessKey } = await at.iam("CreateAccessKey", { UserName: "bob" });
  const input = { ...ann, AccessKeyId: AccessKey.AccessKeyId };
  expect(await failureOf(at.iam("DeleteAccessKey", input))).toBe(
    `NoSuchEntity: The Access Key with id ${AccessKey.AccessKeyId} cannot be found.`,
  );
});

it("a user is deleted only without keys, policies and groups", async () => {
  await at.iam("CreateUser", ann);
  const { AccessKey } = await at.iam("CreateAccessKey", ann);
  await at.iam("PutUserPolicy", { ...ann, PolicyName: "p", PolicyDocument: documentText(allow("*")) });
  await at.iam("CreateGroup", { GroupName: "g" });
  await at.iam("AddUserToGroup", { ...ann, GroupName: "g" });
  const remove = () => at.iam("DeleteUser", ann);
  expect(await failureOf(remove())).toBe("DeleteConflict: Cannot delete entity, must remove referenced objects first.");
  await at.iam("DeleteAccessKey", { ...ann, AccessKeyId: AccessKey.AccessKeyId });
  expect(await failureOf(remove())).toBe("DeleteConflict: Cannot delete entity, must delete policies first.");
  await at.iam("DeleteUserPolicy", { ...ann, PolicyName: "p" });
  expect(await failureOf(remove())).toBe("DeleteConflict: Cannot delete entity, must remove users from group first.");
  expect(await failureOf(at.iam("DeleteGroup", { GroupName: "g" }))).toContain("must remove users from group first");
  await at.iam("RemoveUserFromGroup", { ...ann, GroupName: "g" });
  expect(await remove()).toEqual({});
  expect(await at.iam("DeleteGroup", { GroupName: "g" })).toEqual({});
});

it("a group lists its users and a user its groups", async () => {
  await at.iam("CreateUser", ann);
  const { Group } = await at.iam("CreateGroup", { GroupName: "g", Path: "/x/" });
  expect(Group).toMatchObject({ Arn: `arn:aws:iam::${accountId}:group/x/g`, GroupId: expect.stringMatching(/^AGPA/) });
  await at.iam("AddUserToGroup", { ...ann, GroupName: "G" });
  expect((await at.iam("GetGroup", { GroupName: "g" }))["Users"]).toMatchObject([{ UserName: "ann" }]);
  expect((await at.iam("ListGroupsForUser", ann))["Groups"]).toMatchObject([{ GroupName: "g" }]);
  expect(await failureOf(at.iam("AddUserToGroup", { ...ann, GroupName: "no" }))).toBe(
    "NoSuchEntity: The group with name no cannot be found.",
  );
});

it("an inline policy of a user that does not exist is told so", async () => {
  await at.iam("CreateUser", ann);
  expect(await failureOf(at.iam("GetUserPolicy", { ...ann, PolicyName: "p" }))).toBe(
    "NoSuchEntity: The user policy with name p cannot be found.",
  );
});

it("concurrent attachments all stay", async () => {
  await at.iam("CreateUser", ann);
  const names = ["ReadOnlyAccess", "PowerUserAccess", "IAMReadOnlyAccess", "AmazonS3FullAccess"];
  const attach = (name: string) => at.iam("AttachUserPolicy", { ...ann, PolicyArn: `arn:aws:iam::aws:policy/${name}` });
  await Promise.all(names.map(attach));
  expect((await at.iam("ListAttachedUserPolicies", ann))["AttachedPolicies"]).toHaveLength(4);
});
