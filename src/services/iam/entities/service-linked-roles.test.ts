import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { accountId, type IdentityFixture, openIdentity } from "../../../../test/support/identity-fixture.ts";
import { allow, documentText, trusting } from "../../../../test/support/policy-documents.ts";
import { failureOf } from "../../../../test/support/services-fixture.ts";
import { findManagedPolicy } from "../../../identity/index.ts";
import { LINKED_SERVICES } from "./linked-services.ts";

let at: IdentityFixture;
beforeEach(async () => {
  at = await openIdentity();
});
afterEach(() => at.close());

const create = (AWSServiceName: string, more: object = {}) =>
  at.iam("CreateServiceLinkedRole", { AWSServiceName, ...more });
const ECS = { RoleName: "AWSServiceRoleForECS" };
const PROTECTED =
  "UnmodifiableEntity: Cannot perform the operation on the protected role 'AWSServiceRoleForECS' - this role is only modifiable by AWS";

describe("a service-linked role", () => {
  it("has the service's path, trust and policy", async () => {
    const { Role } = await create("ecs.amazonaws.com");
    expect(Object.keys(Role)).toEqual(["Path", "RoleName", "RoleId", "Arn", "CreateDate", "AssumeRolePolicyDocument"]);
    expect(Role).toMatchObject({ ...ECS, Path: "/aws-service-role/ecs.amazonaws.com/" });
    expect(Role.Arn).toBe(`arn:aws:iam::${accountId}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS`);
    expect(JSON.parse(decodeURIComponent(Role.AssumeRolePolicyDocument))).toEqual({
      Version: "2012-10-17",
      Statement: [{ Action: ["sts:AssumeRole"], Effect: "Allow", Principal: { Service: ["ecs.amazonaws.com"] } }],
    });
    const read = (await at.iam("GetRole", ECS))["Role"];
    expect(read).toMatchObject({
      Description: "Role to enable Amazon ECS to manage your cluster.",
      MaxSessionDuration: 3600,
      RoleLastUsed: {},
    });
    expect((await at.iam("ListAttachedRolePolicies", ECS))["AttachedPolicies"]).toEqual([
      {
        PolicyName: "AmazonECSServiceRolePolicy",
        PolicyArn: "arn:aws:iam::aws:policy/aws-service-role/AmazonECSServiceRolePolicy",
      },
    ]);
  });

  it("is made once, or once for each suffix where the service takes one", async () => {
    await create("ecs.amazonaws.com");
    expect(await failureOf(create("ecs.amazonaws.com"))).toBe(
      "InvalidInput: Service role name AWSServiceRoleForECS has been taken in this account, please try a different suffix.",
    );
    expect(await failureOf(create("ecs.amazonaws.com", { CustomSuffix: "x" }))).toBe(
      "InvalidInput: Custom suffix is not allowed for ecs.amazonaws.com",
    );
    await create("autoscaling.amazonaws.com");
    const { Role } = await create("autoscaling.amazonaws.com", { CustomSuffix: "x", Description: "mine" });
    expect(Role.RoleName).toBe("AWSServiceRoleForAutoScaling_x");
    expect((await at.iam("GetRole", { RoleName: Role.RoleName }))["Role"].Description).toBe("mine");
  });

  it("of a service that is not known is refused by name", async () => {
    const failure = await failureOf(create("codebuild.amazonaws.com"));
    expect(failure).toMatch(
      /^NotImplemented: kiln does not offer `iam:CreateServiceLinkedRole for codebuild\.amazonaws\.com`; it offers the roles of apprunner\.amazonaws\.com, .*\(docs\/coverage\.md\)$/,
    );
  });

  it.each([...LINKED_SERVICES])("of %s has a policy that is known", (_service, { policyName, roleName }) => {
    const policy = findManagedPolicy(at.store, `arn:aws:iam::aws:policy/aws-service-role/${policyName}`);
    expect(policy?.versions).toHaveLength(1);
    expect(roleName).toMatch(/^AWSServiceRoleFor\w+$/);
  });

  it("is changed by nobody", async () => {
    await create("ecs.amazonaws.com");
    const PolicyArn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    const PolicyDocument = documentText(allow("s3:*"));
    const changes: [string, object][] = [
      ["AttachRolePolicy", { PolicyArn }],
      ["DetachRolePolicy", { PolicyArn: "arn:aws:iam::aws:policy/aws-service-role/AmazonECSServiceRolePolicy" }],
      ["PutRolePolicy", { PolicyName: "p", PolicyDocument }],
      ["DeleteRolePolicy", { PolicyName: "p" }],
      ["PutRolePermissionsBoundary", { PermissionsBoundary: PolicyArn }],
      ["DeleteRolePermissionsBoundary", {}],
      ["UpdateAssumeRolePolicy", { PolicyDocument: trusting({ AWS: accountId }) }],
      ["UpdateRole", { MaxSessionDuration: 7200 }],
      ["DeleteRole", {}],
    ];
    for (const [operation, input] of changes) {
      expect(await failureOf(at.iam(operation, { ...ECS, ...input })), operation).toBe(PROTECTED);
    }
  });

  it("may get another description and tags", async () => {
    await create("ecs.amazonaws.com");
    await at.iam("UpdateRole", { ...ECS, Description: "other" });
    await at.iam("TagRole", { ...ECS, Tags: [{ Key: "a", Value: "b" }] });
    expect((await at.iam("GetRole", ECS))["Role"]).toMatchObject({ Description: "other", Tags: [{ Key: "a" }] });
  });

  it("is deleted by a task", async () => {
    await create("ecs.amazonaws.com");
    const { DeletionTaskId } = await at.iam("DeleteServiceLinkedRole", ECS);
    expect(DeletionTaskId).toMatch(
      /^task\/aws-service-role\/ecs\.amazonaws\.com\/AWSServiceRoleForECS\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    );
    const status = () => at.iam("GetServiceLinkedRoleDeletionStatus", { DeletionTaskId });
    expect(await status()).toEqual({ Status: "SUCCEEDED" });
    expect(await failureOf(at.iam("GetRole", ECS))).toBe(
      "NoSuchEntity: The role with name AWSServiceRoleForECS cannot be found.",
    );
    await create("ecs.amazonaws.com");
    at.clock.advance(25 * 3_600_000);
    await at.iam("DeleteServiceLinkedRole", ECS);
    expect(await failureOf(status())).toBe(`NoSuchEntity: The deletion task ${DeletionTaskId} cannot be found.`);
  });
});

describe("an ordinary role", () => {
  it("cannot take the path of service-linked ones, nor their policies", async () => {
    const input = { RoleName: "R", AssumeRolePolicyDocument: trusting({ Service: "ecs.amazonaws.com" }) };
    expect(await failureOf(at.iam("CreateRole", { ...input, Path: "/aws-service-role/ecs.amazonaws.com/" }))).toBe(
      "InvalidInput: Path prefix '/aws-service-role/' can only be used for AWS Service linked Roles",
    );
    await at.iam("CreateRole", input);
    const PolicyArn = "arn:aws:iam::aws:policy/aws-service-role/AmazonECSServiceRolePolicy";
    expect(await failureOf(at.iam("AttachRolePolicy", { RoleName: "R", PolicyArn }))).toBe(
      "PolicyNotAttachable: Cannot attach a Service Role Policy to a Customer Role.",
    );
    expect(await failureOf(at.iam("DeleteServiceLinkedRole", { RoleName: "R" }))).toBe(
      "NoSuchEntity: The role with name R cannot be found.",
    );
  });
});

it("the permission can be tied to the service", async () => {
  const Condition = { StringEquals: { "iam:AWSServiceName": "ecs.amazonaws.com" } };
  const ann = await at.user("ann", [{ ...allow("iam:CreateServiceLinkedRole"), Condition }]);
  await ann.call("iam", "CreateServiceLinkedRole", { AWSServiceName: "ecs.amazonaws.com" });
  const arn = `arn:aws:iam::${accountId}:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS`;
  expect(await failureOf(ann.call("iam", "CreateServiceLinkedRole", { AWSServiceName: "eks.amazonaws.com" }))).toBe(
    `AccessDenied: User: arn:aws:iam::${accountId}:user/ann is not authorized to perform: iam:CreateServiceLinkedRole on resource: ${arn} because no identity-based policy allows the iam:CreateServiceLinkedRole action`,
  );
});
