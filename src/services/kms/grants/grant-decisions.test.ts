/** What grants let callers do, with the real identity: users, roles and other accounts, denials, constraints, grants by grants. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type Answer,
  accountId,
  type IdentityFixture,
  openIdentity,
} from "../../../../test/support/identity-fixture.ts";
import { allow, documentText, trusting } from "../../../../test/support/policy-documents.ts";
import { failureOf } from "../../../../test/support/services-fixture.ts";
import type { AwsCaller } from "../../../core/aws.ts";
import { kms } from "../index.ts";

const GUEST = "444455556666";
const root = (account: string) => `arn:aws:iam::${account}:root`;
const user = (name: string, account = accountId) => `arn:aws:iam::${account}:user/${name}`;
const Plaintext = Buffer.from("hello");

let at: IdentityFixture;
let owner: AwsCaller;
let guest: AwsCaller;
let KeyId = "";
beforeEach(async () => {
  at = await openIdentity(kms);
  owner = at.as("test");
  guest = at.as(GUEST);
  KeyId = await newKey();
});
afterEach(() => at.close());

/** A key that only root may use: nothing is left to identity policies. */
async function newKey(...statements: readonly object[]): Promise<string> {
  const onlyRoot = { Bool: { "aws:PrincipalIsAWSService": "false" }, StringEquals: { "aws:PrincipalType": "Account" } };
  const Policy = documentText(
    { Effect: "Allow", Principal: { AWS: root(accountId) }, Action: "kms:*", Resource: "*", Condition: onlyRoot },
    ...statements,
  );
  return (await owner.call<Answer>("kms", "CreateKey", { Policy }))["KeyMetadata"].Arn;
}

const grant = async (GranteePrincipal: string, input: object = {}, by: AwsCaller = owner): Promise<Answer> =>
  by.call<Answer>("kms", "CreateGrant", { KeyId, GranteePrincipal, Operations: ["Encrypt"], ...input });

const encrypt = (caller: AwsCaller, EncryptionContext?: object) =>
  caller.call<Answer>("kms", "Encrypt", { KeyId, Plaintext, ...(EncryptionContext && { EncryptionContext }) });

async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "done";
  } catch (error) {
    return (error as Error).message.replace(/^.*?(because|with an explicit) /s, "$1 ");
  }
}
const SILENT = "because no resource-based policy allows the kms:Encrypt action";

/** A session of a new role. */
async function role(name: string, more: object = {}, session: object = {}): Promise<AwsCaller> {
  const trust = trusting({ AWS: root(accountId) });
  await at.iam("CreateRole", { RoleName: name, Path: "/team/", AssumeRolePolicyDocument: trust, ...more });
  const RoleArn = `arn:aws:iam::${accountId}:role/team/${name}`;
  const boss = await at.user(`boss-of-${name}`, [allow("sts:AssumeRole")]);
  const { Credentials } = await boss.call<Answer>("sts", "AssumeRole", {
    RoleArn,
    RoleSessionName: "session",
    ...session,
  });
  return at.as(Credentials.AccessKeyId);
}

async function guestUser(name: string, ...statements: readonly object[]): Promise<AwsCaller> {
  await guest.call("iam", "CreateUser", { UserName: name });
  if (statements.length > 0) {
    const PolicyDocument = documentText(...statements);
    await guest.call("iam", "PutUserPolicy", { UserName: name, PolicyName: "p", PolicyDocument });
  }
  const { AccessKey } = await guest.call<Answer>("iam", "CreateAccessKey", { UserName: name });
  return at.as(AccessKey.AccessKeyId);
}

describe("a grantee", () => {
  it("may do what the grant permits, from then on until it ends, and nothing else", async () => {
    const ann = await at.user("ann");
    expect(await outcome(encrypt(ann))).toBe(SILENT);
    const { GrantId, GrantToken } = await grant(user("ann"));
    expect(await outcome(encrypt(ann))).toBe("done");
    expect(await outcome(ann.call("kms", "Encrypt", { KeyId, Plaintext, GrantTokens: [GrantToken] }))).toBe("done");
    expect(await outcome(ann.call("kms", "DescribeKey", { KeyId }))).toBe(
      "because no resource-based policy allows the kms:DescribeKey action",
    );
    expect(await outcome(encrypt(await at.user("bob", [allow("*")])))).toBe(SILENT);
    await owner.call("kms", "RevokeGrant", { KeyId, GrantId });
    expect(await outcome(encrypt(ann))).toBe(SILENT);
  });

  it("is stopped by a Deny of its own policies and of the key's", async () => {
    const ann = await at.user("ann", [{ ...allow("kms:Encrypt"), Effect: "Deny" }]);
    await grant(user("ann"));
    expect(await outcome(encrypt(ann))).toBe("with an explicit deny in an identity-based policy");
    const Deny = { Effect: "Deny", Principal: "*", Action: "kms:Encrypt", Resource: "*" };
    KeyId = await newKey(Deny);
    await grant(user("bob"));
    expect(await outcome(encrypt(await at.user("bob")))).toBe("with an explicit deny in a resource-based policy");
  });

  it("can be a role, whose sessions stay within boundary and session policy", async () => {
    const plain = await role("Plain");
    await at.iam("CreatePolicy", { PolicyName: "Limit", PolicyDocument: documentText(allow("s3:*")) });
    const PermissionsBoundary = `arn:aws:iam::${accountId}:policy/Limit`;
    const bounded = await role("Bounded", { PermissionsBoundary });
    const narrow = await role("Narrow", {}, { Policy: documentText(allow("s3:*")) });
    for (const name of ["Plain", "Bounded", "Narrow"]) await grant(`arn:aws:iam::${accountId}:role/team/${name}`);
    expect(await outcome(encrypt(plain))).toBe("done");
    expect(await outcome(encrypt(bounded))).toBe("because no permissions boundary allows the kms:Encrypt action");
    expect(await outcome(encrypt(narrow))).toBe("because no session policy allows the kms:Encrypt action");
    await grant(`arn:aws:sts::${accountId}:assumed-role/Narrow/session`);
    expect(await outcome(encrypt(narrow))).toBe("done");
  });

  it("can be an account, whose policies decide then", async () => {
    await grant(root(accountId));
    expect(await outcome(encrypt(await at.user("ann", [allow("kms:Encrypt")])))).toBe("done");
    expect(await outcome(encrypt(await at.user("bob")))).toBe(
      "because no identity-based policy allows the kms:Encrypt action",
    );
  });

  it("can be of another account: by name without policies of its own, by account with them", async () => {
    const eve = await guestUser("eve");
    const mallory = await guestUser("mallory", allow("kms:Encrypt", KeyId));
    const hidden = `because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access`;
    expect(await outcome(encrypt(mallory))).toBe(hidden);
    const { GrantId } = await grant(user("eve", GUEST));
    expect(await outcome(encrypt(eve))).toBe("done");
    await owner.call("kms", "RevokeGrant", { KeyId, GrantId });
    await grant(root(GUEST));
    expect(await outcome(encrypt(eve))).toBe("because no identity-based policy allows the kms:Encrypt action");
    expect(await outcome(encrypt(mallory))).toBe("done");
    expect(await outcome(encrypt(guest))).toBe("done");
  });
});

describe("a constraint", () => {
  const constrained = (type: string, pairs: object, Operations = ["Encrypt", "DescribeKey"]) =>
    grant(user("ann"), { Operations, Constraints: { [type]: pairs } });

  it("of a subset asks for its pairs, the values exactly, the keys in any case", async () => {
    const ann = await at.user("ann");
    const who = "${aws:username}";
    await constrained("EncryptionContextSubset", { app: "Web", who });
    expect(await outcome(encrypt(ann, { app: "Web", who }))).toBe("done");
    expect(await outcome(encrypt(ann, { APP: "Web", who, more: "1" }))).toBe("done");
    expect(await outcome(encrypt(ann, { app: "web", who }))).toBe(SILENT);
    expect(await outcome(encrypt(ann, { app: "Web", who: "ann" }))).toBe(SILENT);
    expect(await outcome(encrypt(ann, { app: "Web" }))).toBe(SILENT);
    expect(await outcome(encrypt(ann))).toBe(SILENT);
    // Not for operations without an encryption context.
    expect(await outcome(ann.call("kms", "DescribeKey", { KeyId }))).toBe("done");
  });

  it("of equality asks for these pairs and no others", async () => {
    const ann = await at.user("ann");
    await constrained("EncryptionContextEquals", { app: "web", env: "prod" });
    expect(await outcome(encrypt(ann, { env: "prod", app: "web" }))).toBe("done");
    expect(await outcome(encrypt(ann, { env: "prod", app: "web", more: "1" }))).toBe(SILENT);
    expect(await outcome(encrypt(ann, { app: "web" }))).toBe(SILENT);
  });
});

describe("a grant made by a grant", () => {
  const parent = (Constraints?: object) =>
    grant(user("ann"), { Operations: ["Encrypt", "CreateGrant"], ...(Constraints && { Constraints }) });
  const REFUSED = "because no resource-based policy allows the kms:CreateGrant action";

  it("permits no more than its parent", async () => {
    const ann = await at.user("ann");
    await parent();
    const bob = await at.user("bob");
    expect(await outcome(grant(user("bob"), { Operations: ["Encrypt", "Decrypt"] }, ann))).toBe(REFUSED);
    expect(await outcome(grant(user("bob"), { Operations: ["Encrypt"] }, ann))).toBe("done");
    expect(await outcome(encrypt(bob))).toBe("done");
  });

  it.each([
    ["EncryptionContextSubset", "EncryptionContextSubset", { app: "web" }, "done"],
    ["EncryptionContextSubset", "EncryptionContextSubset", { app: "web", env: "x" }, "done"],
    ["EncryptionContextSubset", "EncryptionContextEquals", { app: "web" }, "done"],
    ["EncryptionContextSubset", "EncryptionContextSubset", { app: "other" }, REFUSED],
    ["EncryptionContextSubset", "EncryptionContextSubset", {}, REFUSED],
    ["EncryptionContextEquals", "EncryptionContextEquals", { app: "web" }, "done"],
    ["EncryptionContextEquals", "EncryptionContextEquals", { app: "web", env: "x" }, REFUSED],
    ["EncryptionContextEquals", "EncryptionContextSubset", { app: "web" }, REFUSED],
  ])("under %s may be under %s of %j: %s", async (ofParent, type, pairs, expected) => {
    const ann = await at.user("ann");
    await parent({ [ofParent]: { app: "web" } });
    expect(await outcome(grant(user("bob"), { Constraints: { [type]: pairs } }, ann))).toBe(expected);
  });
});

describe("retiring", () => {
  const retire = (caller: AwsCaller, { GrantId }: Answer) =>
    outcome(caller.call("kms", "RetireGrant", { KeyId, GrantId }));
  const REFUSED = "because no identity-based policy allows the kms:RetireGrant action";

  it("is for the retiring principal, and for the grantee only when the grant permits it", async () => {
    const ann = await at.user("ann");
    const bob = await at.user("bob");
    const one = await grant(user("ann"), { RetiringPrincipal: user("bob") });
    expect(await retire(ann, one)).toBe(REFUSED);
    expect(await retire(bob, one)).toBe("done");
    const two = await grant(user("ann"), { Operations: ["Encrypt", "RetireGrant"] });
    expect(await retire(bob, two)).toBe(REFUSED);
    expect(await outcome(ann.call("kms", "RetireGrant", { GrantToken: two["GrantToken"] }))).toBe("done");
  });

  it("is for root of the account, and for those whom its policies allow; the key's policy has no say", async () => {
    const everybody = { Effect: "Allow", Principal: { AWS: user("ann") }, Action: "kms:*", Resource: "*" };
    KeyId = await newKey(everybody);
    const ann = await at.user("ann");
    const bob = await at.user("bob", [allow("kms:RetireGrant")]);
    const one = await grant(user("carl"));
    expect(await retire(ann, one)).toBe(REFUSED);
    expect(await retire(bob, one)).toBe("done");
    expect(await retire(owner, await grant(user("carl")))).toBe("done");
    const denied = await at.user("dora", [{ ...allow("kms:RetireGrant"), Effect: "Deny" }]);
    const two = await grant(user("carl"), { RetiringPrincipal: user("dora") });
    expect(await retire(denied, two)).toBe("with an explicit deny in an identity-based policy");
  });

  it("works from another account, which learns nothing of grants that are not its own", async () => {
    const eve = await guestUser("eve");
    const own = await grant(user("ann"), { RetiringPrincipal: user("eve", GUEST) });
    const other = await grant(user("ann"));
    const hidden = /does not exist in this Region/;
    expect(await retire(eve, other)).toMatch(hidden);
    expect(await retire(eve, { GrantId: "f".repeat(64) })).toMatch(hidden);
    const { Grants } = await guest.call<Answer>("kms", "ListRetirableGrants", {
      RetiringPrincipal: user("eve", GUEST),
    });
    expect(Grants).toMatchObject([{ GrantId: own["GrantId"], KeyId }]);
    expect(await retire(eve, own)).toBe("done");
  });
});

describe("condition keys of CreateGrant", () => {
  const ann = user("ann");
  const asked = { Constraints: { EncryptionContextSubset: { app: "web" } }, RetiringPrincipal: user("carl") };
  it.each([
    ["Bool", { "kms:GrantIsForAWSResource": "false" }, { "kms:GrantIsForAWSResource": "true" }],
    ["StringEquals", { "kms:GranteePrincipal": ann }, { "kms:GranteePrincipal": user("bob") }],
    ["StringEquals", { "kms:RetiringPrincipal": user("carl") }, { "kms:RetiringPrincipal": ann }],
    [
      "ForAllValues:StringEquals",
      { "kms:GrantOperations": ["Encrypt", "Decrypt"] },
      { "kms:GrantOperations": "Decrypt" },
    ],
    [
      "StringEquals",
      { "kms:GrantConstraintType": "EncryptionContextSubset" },
      { "kms:GrantConstraintType": "EncryptionContextEquals" },
    ],
    ["StringEquals", { "kms:EncryptionContext:app": "web" }, { "kms:EncryptionContext:app": "other" }],
    ["ForAnyValue:StringEquals", { "kms:EncryptionContextKeys": "app" }, { "kms:EncryptionContextKeys": "other" }],
  ])("%s %j lets it through, %j does not", async (operator, meets, fails) => {
    const admin = (condition: object) => ({
      ...{ Effect: "Allow", Principal: { AWS: user("admin") }, Action: "kms:CreateGrant", Resource: "*" },
      Condition: { [operator]: condition },
    });
    const caller = await at.user("admin");
    KeyId = await newKey(admin(fails));
    expect(await failureOf(grant(ann, asked, caller))).toContain(
      "no resource-based policy allows the kms:CreateGrant action",
    );
    KeyId = await newKey(admin(meets));
    expect(await outcome(grant(ann, asked, caller))).toBe("done");
  });
});
