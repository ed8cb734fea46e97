import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { accountId, type IdentityFixture, openIdentity } from "../../../../test/support/identity-fixture.ts";
import { allow, documentText } from "../../../../test/support/policy-documents.ts";
import { failureOf } from "../../../../test/support/services-fixture.ts";
import { allowsService } from "./service-access.ts";

let at: IdentityFixture;
beforeEach(async () => {
  at = await openIdentity();
});
afterEach(() => at.close());

it("policies that grant a service are the entity's own and those of its groups", async () => {
  await at.user("ann", [allow("s3:*")]);
  await at.iam("CreateGroup", { GroupName: "g" });
  await at.iam("AddUserToGroup", { UserName: "ann", GroupName: "g" });
  const PolicyArn = "arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess";
  await at.iam("AttachGroupPolicy", { GroupName: "g", PolicyArn });
  const input = { Arn: `arn:aws:iam::${accountId}:user/ann`, ServiceNamespaces: ["s3", "ssm", "kms"] };
  expect(await at.iam("ListPoliciesGrantingServiceAccess", input)).toEqual({
    PoliciesGrantingServiceAccess: [
      {
        ServiceNamespace: "s3",
        Policies: [{ PolicyName: "test", PolicyType: "INLINE", EntityType: "USER", EntityName: "ann" }],
      },
      {
        ServiceNamespace: "ssm",
        Policies: [{ PolicyName: "AmazonSSMReadOnlyAccess", PolicyType: "MANAGED", PolicyArn }],
      },
      { ServiceNamespace: "kms", Policies: [] },
    ],
    IsTruncated: false,
  });
  const nobody = { ...input, Arn: `arn:aws:iam::${accountId}:role/nobody` };
  expect(await failureOf(at.iam("ListPoliciesGrantingServiceAccess", nobody))).toBe(
    `NoSuchEntity: ARN ${nobody.Arn} was not found.`,
  );
});

describe("a document allows a service", () => {
  const allows = (...statements: object[]) => allowsService(JSON.parse(documentText(...statements)), "ssm");
  const notAction = (...NotAction: string[]) => ({ Effect: "Allow", NotAction, Resource: "*" });

  it.each([
    [allow("*"), true],
    [allow("SSM:Get*"), true],
    [allow(["s3:*", "ssm:GetParameter"]), true],
    [allow("ssmmessages:*"), false],
    [{ ...allow("ssm:*"), Effect: "Deny" }, false],
    [notAction("iam:*"), true],
    [notAction("iam:*", "ssm:*"), false],
    [notAction("ssm:PutParameter"), true],
  ])("%j: %s", (statement, expected) => {
    expect(allows(statement)).toBe(expected);
  });
});
