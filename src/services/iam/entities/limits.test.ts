import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { accountId, type IdentityFixture, openIdentity } from "../../../../test/support/identity-fixture.ts";
import { allow, CODEBUILD_TRUST, documentText } from "../../../../test/support/policy-documents.ts";
import { failureOf } from "../../../../test/support/services-fixture.ts";
import { entityKey, identityCollections, rootPrincipal } from "../../../identity/index.ts";
import type { Collection, Entry } from "../../../store/store.ts";

let at: IdentityFixture;
beforeEach(async () => {
  at = await openIdentity();
});
afterEach(() => at.close());

const PolicyDocument = documentText(allow("s3:*"));

describe("an account", () => {
  it.each([
    ["CreateGroup", "groups", 300, "GroupsPerAccount", { GroupName: "last" }],
    ["CreateUser", "users", 5000, "UsersPerAccount", { UserName: "last" }],
    ["CreateRole", "roles", 1000, "RolesPerAccount", { RoleName: "last", AssumeRolePolicyDocument: CODEBUILD_TRUST }],
    ["CreatePolicy", "policies", 1500, "PoliciesPerAccount", { PolicyName: "last", PolicyDocument }],
  ] as const)("%s: %s, %d at most", async (operation, kind, limit, quota, input) => {
    await at.iam(operation, input);
    const collection: Collection<{ name: string }> = identityCollections(at.store)[kind];
    const { value } = collection.list([accountId])[0] as Entry<{ name: string }>;
    await at.store.write(() => {
      collection.delete(entityKey(accountId, value.name));
      for (let n = 0; n < limit; n++) collection.put(entityKey(accountId, `n${n}`), { ...value, name: `n${n}` });
    });
    expect(await failureOf(at.iam(operation, input))).toBe(`LimitExceeded: Cannot exceed quota for ${quota}: ${limit}`);
    const other = { partition: "aws", region: "us-east-1", accountId: "444455556666" };
    await at.dispatcher.callerFor(rootPrincipal(other), other).call("iam", operation, input);
  });
});

describe("an entity", () => {
  beforeEach(() => at.iam("CreateUser", { UserName: "ann" }));

  it("has 50 tags at most, replaced ones not counted twice", async () => {
    const tags = (from: number, count: number) =>
      Array.from({ length: count }, (_, n) => ({ Key: `k${from + n}`, Value: "v" }));
    const tag = (Tags: object[]) => at.iam("TagUser", { UserName: "ann", Tags });
    await tag(tags(0, 40));
    await tag(tags(30, 20));
    expect(await failureOf(tag(tags(50, 1)))).toBe("LimitExceeded: The number of tags has reached the maximum limit.");
    expect(await failureOf(tag(tags(0, 51)))).toMatch(
      /^ValidationError: 1 validation error detected: Value '\[Tag\(key=k0, value=v\), .*\]' at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50$/,
    );
  });

  it("is in ten groups at most", async () => {
    for (let n = 0; n <= 10; n++) await at.iam("CreateGroup", { GroupName: `g${n}` });
    const join = (n: number) => at.iam("AddUserToGroup", { UserName: "ann", GroupName: `g${n}` });
    for (let n = 0; n < 10; n++) await join(n);
    expect(await failureOf(join(10))).toBe("LimitExceeded: Cannot exceed quota for GroupsPerUser: 10");
    await join(9);
  });

  it.each(["/x", "x/", "//", "/a b/"])("cannot have the path %s", async (Path) => {
    const failure = at.iam("CreateUser", { UserName: "bob", Path });
    expect(await failureOf(failure)).toBe(
      "ValidationError: The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.",
    );
  });

  it("has sessions between one and twelve hours", async () => {
    const input = { RoleName: "R", AssumeRolePolicyDocument: CODEBUILD_TRUST };
    for (const MaxSessionDuration of [3599, 43_201]) {
      expect(await failureOf(at.iam("CreateRole", { ...input, MaxSessionDuration }))).toContain(
        "at 'maxSessionDuration' failed to satisfy constraint: Member must have value",
      );
    }
  });

  it("has keys that are active or not", async () => {
    const { AccessKey } = await at.iam("CreateAccessKey", { UserName: "ann" });
    const update = (Status: string) =>
      at.iam("UpdateAccessKey", { UserName: "ann", AccessKeyId: AccessKey.AccessKeyId, Status });
    await update("Inactive");
    const text =
      "ValidationError: 1 validation error detected: Value at 'status' failed to satisfy constraint: Member must satisfy enum value set";
    expect(await failureOf(update("Expired"))).toBe(text);
    expect(await failureOf(update("On"))).toBe(text);
  });

  it("has a boundary of its own account or of AWS", async () => {
    const foreign = "arn:aws:iam::444455556666:policy/p";
    const other = { partition: "aws", region: "us-east-1", accountId: "444455556666" };
    const elsewhere = at.dispatcher.callerFor(rootPrincipal(other), other);
    await elsewhere.call("iam", "CreatePolicy", { PolicyName: "p", PolicyDocument });
    const put = (PermissionsBoundary: string) =>
      at.iam("PutUserPermissionsBoundary", { UserName: "ann", PermissionsBoundary });
    expect(await failureOf(put(foreign))).toBe(
      `NoSuchEntity: Scope ARN: ${foreign} does not exist or is not attachable.`,
    );
    expect(await failureOf(at.iam("GetPolicy", { PolicyArn: foreign }))).toContain("AccessDenied");
    expect(await failureOf(at.iam("GetPolicy", { PolicyArn: `arn:aws:iam::${accountId}:role/p` }))).toBe(
      "ValidationError: Invalid ARN:  Could not be parsed!",
    );
    await at.iam("CreatePolicy", { PolicyName: "p", PolicyDocument });
    await put(`arn:aws:iam::${accountId}:policy/p`);
  });
});
