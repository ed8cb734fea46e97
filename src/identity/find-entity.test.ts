import { afterEach, beforeEach, expect, it } from "vitest";
import { accountId, type IdentityFixture, openIdentity } from "../../test/support/identity-fixture.ts";
import { trusting } from "../../test/support/policy-documents.ts";
import { findEntityByArn } from "./find-entity.ts";

let at: IdentityFixture;
beforeEach(async () => {
  at = await openIdentity();
  await at.iam("CreateUser", { UserName: "Ann", Path: "/team/" });
  await at.iam("CreateGroup", { GroupName: "g" });
  const AssumeRolePolicyDocument = trusting({ AWS: accountId });
  await at.iam("CreateRole", { RoleName: "Ann", AssumeRolePolicyDocument });
});
afterEach(() => at.close());

const found = (arn: string) => {
  const entity = findEntityByArn(at.store, arn);
  return entity && [entity.word, entity.record.name];
};

it("finds roles, users and groups by their ARN", () => {
  expect(found(`arn:aws:iam::${accountId}:role/Ann`)).toEqual(["role", "Ann"]);
  expect(found(`arn:aws:iam::${accountId}:user/team/Ann`)).toEqual(["user", "Ann"]);
  expect(found(`arn:aws:iam::${accountId}:group/g`)).toEqual(["group", "g"]);
});

it.each([
  ["another case", `arn:aws:iam::${accountId}:role/ann`],
  ["no path", `arn:aws:iam::${accountId}:user/Ann`],
  ["a path too much", `arn:aws:iam::${accountId}:role/x/Ann`],
  ["another account", "arn:aws:iam::444455556666:role/Ann"],
  ["another partition", `arn:aws-cn:iam::${accountId}:role/Ann`],
  ["another service", `arn:aws:sts::${accountId}:role/Ann`],
  ["another kind", `arn:aws:iam::${accountId}:policy/Ann`],
  ["a member of every object", `arn:aws:iam::${accountId}:constructor/Ann`],
  ["no ARN", "Ann"],
])("finds nothing by an ARN with %s", (_, arn) => {
  expect(found(arn)).toBeUndefined();
});
