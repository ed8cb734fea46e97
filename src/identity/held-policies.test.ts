import { afterEach, beforeEach, expect, it } from "vitest";
import { accountId, type IdentityFixture, openIdentity } from "../../test/support/identity-fixture.ts";
import { allow, documentText } from "../../test/support/policy-documents.ts";
import { findEntityByArn } from "./find-entity.ts";
import { type HeldPolicy, managedPolicyInForce, policiesHeldBy } from "./held-policies.ts";
import type { Entity } from "./records.ts";

const VIEW = "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess";
const text = documentText(allow("s3:*"));
let at: IdentityFixture;
beforeEach(async () => {
  at = await openIdentity();
  await at.iam("CreateUser", { UserName: "ann" });
  await at.iam("CreateGroup", { GroupName: "g" });
  await at.iam("AddUserToGroup", { UserName: "ann", GroupName: "g" });
  await at.iam("PutUserPolicy", { UserName: "ann", PolicyName: "own", PolicyDocument: text });
  await at.iam("AttachUserPolicy", { UserName: "ann", PolicyArn: VIEW });
  await at.iam("PutGroupPolicy", { GroupName: "g", PolicyName: "shared", PolicyDocument: text });
});
afterEach(() => at.close());

const held = (resource: string): readonly HeldPolicy[] =>
  policiesHeldBy(at.store, findEntityByArn(at.store, `arn:aws:iam::${accountId}:${resource}`) as Entity);

it("are a user's managed and inline policies, then those of its groups, each with where it comes from", () => {
  expect(held("user/ann").map(({ name, origin }) => ({ name, origin }))).toEqual([
    { name: VIEW, origin: { kind: "managed", name: "ViewOnlyAccess", arn: VIEW } },
    {
      name: "inline policy own of user ann",
      origin: { kind: "inline", name: "own", word: "user", entityName: "ann" },
    },
    {
      name: "inline policy shared of group g",
      origin: { kind: "inline", name: "shared", word: "group", entityName: "g" },
    },
  ]);
  expect(held("group/g")).toEqual(held("user/ann").slice(2));
});

it("come with their text and the document of it", () => {
  const [, inline] = held("user/ann");
  expect(inline).toMatchObject({ text, document: JSON.parse(text) });
});

it("are the same objects until the record changes", async () => {
  const before = held("user/ann");
  expect(held("user/ann").every((policy, i) => policy === before[i])).toBe(true);
  await at.iam("PutUserPolicy", { UserName: "ann", PolicyName: "own", PolicyDocument: documentText(allow("kms:*")) });
  const after = held("user/ann");
  expect(after.map((policy, i) => policy === before[i])).toEqual([true, false, true]);
  expect(after[1]?.document).toEqual(JSON.parse(documentText(allow("kms:*"))));
});

it("follow the default version of a managed policy", async () => {
  const { Policy } = await at.iam("CreatePolicy", { PolicyName: "P", PolicyDocument: text });
  expect(managedPolicyInForce(at.store, Policy.Arn).text).toBe(text);
  const PolicyDocument = documentText(allow("kms:*"));
  await at.iam("CreatePolicyVersion", { PolicyArn: Policy.Arn, PolicyDocument, SetAsDefault: true });
  expect(managedPolicyInForce(at.store, Policy.Arn).text).toBe(PolicyDocument);
});

it("allow nothing where a managed policy cannot be found", () => {
  const arn = `arn:aws:iam::${accountId}:policy/gone`;
  expect(managedPolicyInForce(at.store, arn)).toMatchObject({ name: arn, arn, text: "{}", document: {} });
});
