/** Pages of every list, while the list changes between them. */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Answer, type IdentityFixture, openIdentity } from "../../../test/support/identity-fixture.ts";
import { allow, documentText, trusting } from "../../../test/support/policy-documents.ts";
import { failureOf } from "../../../test/support/services-fixture.ts";
import { nameKey, pageOf } from "./pages.ts";

describe("a page", () => {
  const list = (names: readonly string[], MaxItems: number, Marker?: string) =>
    pageOf(names, { MaxItems, Marker }, nameKey);

  it("goes on behind the place of the last item, whatever was made or deleted since", () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[A-Za-z]{1,3}$/), { selector: (name) => name.toLowerCase() });
    fc.assert(
      fc.property(names, names, fc.integer({ min: 1, max: 4 }), (before, after, size) => {
        const first = list(before, size);
        const { Marker } = first.members;
        if (Marker === undefined) {
          expect(first.items).toHaveLength(before.length);
          return;
        }
        const isLater = (name: string) => name.toLowerCase() > (first.items.at(-1) as string).toLowerCase();
        expect(first.items.length + before.filter(isLater).length).toBe(before.length);
        const second = list(after, 1_000, Marker).items;
        expect(new Set(second)).toEqual(new Set(after.filter(isLater)));
        expect(second).toHaveLength(after.filter(isLater).length);
      }),
    );
  });

  it("is the last when nothing follows", () => {
    expect(list(["a", "b"], 2)).toEqual({ items: ["a", "b"], members: { IsTruncated: false } });
    expect(list([], 2)).toEqual({ items: [], members: { IsTruncated: false } });
  });

  it.each([
    ["text", "nonsense"],
    ["a name", Buffer.from("a").toString("base64url")],
    ["JSON of another kind", Buffer.from('{"a":1}').toString("base64url")],
    ["a marker with blanks", Buffer.from('[ "a" ]').toString("base64url")],
    ["the marker of a list with other keys", Buffer.from("[1]").toString("base64url")],
    ["a marker with more behind it", `${Buffer.from('["a"]').toString("base64url")}!`],
  ])("is refused for %s as marker", (_, marker) => {
    expect(() => list(["a", "b"], 1, marker)).toThrow("Invalid Marker.");
  });
});

describe("the next page, when the last item of the page before was deleted", () => {
  let at: IdentityFixture;
  beforeEach(async () => {
    at = await openIdentity();
  });
  afterEach(() => at.close());

  /** Takes pages of one, deleting each item once it was seen; what came, in order. */
  async function emptied(
    operation: string,
    input: object,
    itemsIn: (answer: Answer) => string[],
    remove: (item: string) => Promise<unknown>,
  ): Promise<string[]> {
    const seen: string[] = [];
    let answer = await at.iam(operation, { ...input, MaxItems: 1 });
    for (;;) {
      for (const item of itemsIn(answer)) {
        seen.push(item);
        await remove(item);
      }
      if (!answer["IsTruncated"]) return seen;
      answer = await at.iam(operation, { ...input, MaxItems: 1, Marker: answer["Marker"] });
    }
  }

  const role = (RoleName: string) =>
    at.iam("CreateRole", { RoleName, AssumeRolePolicyDocument: trusting({ Service: "codebuild.amazonaws.com" }) });
  const namesIn = (list: string, member: string) => (answer: Answer) =>
    answer[list].map((one: Record<string, string>) => one[member]);

  it("goes on with users, roles and groups", async () => {
    for (const name of ["b", "C", "a"]) {
      await at.iam("CreateUser", { UserName: name });
      await at.iam("CreateGroup", { GroupName: name });
      await role(name);
    }
    for (const kind of ["User", "Role", "Group"]) {
      const remove = (name: string) => at.iam(`Delete${kind}`, { [`${kind}Name`]: name });
      expect(await emptied(`List${kind}s`, {}, namesIn(`${kind}s`, `${kind}Name`), remove)).toEqual(["a", "b", "C"]);
    }
  });

  it("goes on with a role's policies and tags", async () => {
    await role("R");
    const RoleName = "R";
    const attached = ["ReadOnlyAccess", "AdministratorAccess", "PowerUserAccess"];
    for (const name of attached) {
      await at.iam("AttachRolePolicy", { RoleName, PolicyArn: `arn:aws:iam::aws:policy/${name}` });
      await at.iam("PutRolePolicy", { RoleName, PolicyName: name, PolicyDocument: documentText(allow("s3:*")) });
      await at.iam("TagRole", { RoleName, Tags: [{ Key: name, Value: "" }] });
    }
    const inOrder = [...attached].sort();
    const lists: [string, (answer: Answer) => string[], (name: string) => Promise<unknown>][] = [
      [
        "ListAttachedRolePolicies",
        namesIn("AttachedPolicies", "PolicyName"),
        (name) => at.iam("DetachRolePolicy", { RoleName, PolicyArn: `arn:aws:iam::aws:policy/${name}` }),
      ],
      [
        "ListRolePolicies",
        (answer) => answer["PolicyNames"],
        (name) => at.iam("DeleteRolePolicy", { RoleName, PolicyName: name }),
      ],
      ["ListRoleTags", namesIn("Tags", "Key"), (name) => at.iam("UntagRole", { RoleName, TagKeys: [name] })],
    ];
    for (const [operation, itemsIn, remove] of lists) {
      expect(await emptied(operation, { RoleName }, itemsIn, remove)).toEqual(inOrder);
    }
  });

  it("goes on with managed policies and their versions", async () => {
    for (const PolicyName of ["b", "C", "a"]) {
      await at.iam("CreatePolicy", { PolicyName, PolicyDocument: documentText(allow("s3:*")) });
    }
    const arnOf = async (name: string) =>
      (await at.iam("ListPolicies", { Scope: "Local" }))["Policies"].find(
        (policy: { PolicyName: string }) => policy.PolicyName === name,
      ).Arn;
    const PolicyArn = await arnOf("a");
    for (let i = 0; i < 3; i++) {
      await at.iam("CreatePolicyVersion", { PolicyArn, PolicyDocument: documentText(allow("s3:*")) });
    }
    await at.iam("SetDefaultPolicyVersion", { PolicyArn, VersionId: "v1" });
    const removeVersion = async (VersionId: string) =>
      VersionId !== "v1" && at.iam("DeletePolicyVersion", { PolicyArn, VersionId });
    expect(await emptied("ListPolicyVersions", { PolicyArn }, namesIn("Versions", "VersionId"), removeVersion)).toEqual(
      ["v4", "v3", "v2", "v1"],
    );
    const remove = async (name: string) => at.iam("DeletePolicy", { PolicyArn: await arnOf(name) });
    expect(await emptied("ListPolicies", { Scope: "Local" }, namesIn("Policies", "PolicyName"), remove)).toEqual([
      ...["a", "b", "C"],
    ]);
  });

  it("goes on with everything that decides permissions in the account", async () => {
    await at.iam("CreateUser", { UserName: "u" });
    await at.iam("CreateGroup", { GroupName: "g" });
    await role("R");
    const itemsIn = (answer: Answer) => [
      ...namesIn("UserDetailList", "UserName")(answer),
      ...namesIn("GroupDetailList", "GroupName")(answer),
      ...namesIn("RoleDetailList", "RoleName")(answer),
    ];
    const kinds: Record<string, string> = { u: "User", g: "Group", R: "Role" };
    const remove = (name: string) => at.iam(`Delete${kinds[name]}`, { [`${kinds[name]}Name`]: name });
    expect(await emptied("GetAccountAuthorizationDetails", {}, itemsIn, remove)).toEqual(["u", "g", "R"]);
  });

  it("refuses what is no marker", async () => {
    await role("R");
    expect(await failureOf(at.iam("ListRoles", { Marker: "UkVBTA" }))).toBe("ValidationError: Invalid Marker.");
  });
});
