import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type Answer,
  accountId,
  type IdentityFixture,
  openIdentity,
} from "../../../../test/support/identity-fixture.ts";
import { allow, CODEBUILD_TRUST, documentText } from "../../../../test/support/policy-documents.ts";
import { failureOf } from "../../../../test/support/services-fixture.ts";

let at: IdentityFixture;
const READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess";
const DOCUMENT = documentText(allow("s3:*"));
const ENCODED = encodeURIComponent(DOCUMENT).replaceAll("*", "%2A");

beforeEach(async () => {
  at = await openIdentity();
  await at.iam("CreateUser", { UserName: "ann", PermissionsBoundary: READ_ONLY });
  await at.iam("PutUserPolicy", { UserName: "ann", PolicyName: "p", PolicyDocument: DOCUMENT });
  await at.iam("CreateUser", { UserName: "bob", Tags: [{ Key: "a", Value: "b" }] });
  await at.iam("CreateGroup", { GroupName: "g" });
  await at.iam("AddUserToGroup", { UserName: "bob", GroupName: "g" });
  await at.iam("CreateRole", { RoleName: "R", Description: "d", AssumeRolePolicyDocument: CODEBUILD_TRUST });
  await at.iam("CreatePolicy", { PolicyName: "own", Description: "d", PolicyDocument: DOCUMENT });
  await at.iam("AttachRolePolicy", { RoleName: "R", PolicyArn: `arn:aws:iam::${accountId}:policy/own` });
  await at.iam("AttachGroupPolicy", { GroupName: "g", PolicyArn: READ_ONLY });
});
afterEach(() => at.close());

const details = (input: object = {}) => at.iam("GetAccountAuthorizationDetails", input);

describe("the account's authorization details", () => {
  it("show users with their groups and policies", async () => {
    const { UserDetailList } = await details();
    expect(UserDetailList).toEqual([
      {
        Path: "/",
        UserName: "ann",
        UserId: expect.stringMatching(/^AIDA/),
        Arn: `arn:aws:iam::${accountId}:user/ann`,
        CreateDate: at.clock.nowMs(),
        UserPolicyList: [{ PolicyName: "p", PolicyDocument: ENCODED }],
        GroupList: [],
        AttachedManagedPolicies: [],
        PermissionsBoundary: {
          PermissionsBoundaryType: "PermissionsBoundaryPolicy",
          PermissionsBoundaryArn: READ_ONLY,
        },
        Tags: [],
      },
      expect.objectContaining({ UserName: "bob", GroupList: ["g"], Tags: [{ Key: "a", Value: "b" }] }),
    ]);
    expect(UserDetailList[1]).not.toHaveProperty("UserPolicyList");
  });

  it("show groups and roles", async () => {
    const { GroupDetailList, RoleDetailList } = await details();
    expect(GroupDetailList).toMatchObject([
      {
        GroupName: "g",
        GroupPolicyList: [],
        AttachedManagedPolicies: [{ PolicyName: "ReadOnlyAccess", PolicyArn: READ_ONLY }],
      },
    ]);
    expect(RoleDetailList).toHaveLength(1);
    expect(Object.keys(RoleDetailList[0])).toEqual([
      ...["Path", "RoleName", "RoleId", "Arn", "CreateDate", "AssumeRolePolicyDocument", "InstanceProfileList"],
      ...["RolePolicyList", "AttachedManagedPolicies", "Tags", "RoleLastUsed"],
    ]);
  });

  it("show own policies, and of AWS's those in use", async () => {
    await at.iam("CreatePolicy", { PolicyName: "unused", PolicyDocument: DOCUMENT });
    const { Policies } = await details();
    expect(Policies.map((policy: Answer) => policy["PolicyName"])).toEqual(["own", "unused", "ReadOnlyAccess"]);
    expect(Policies[0]).toMatchObject({
      ...{ AttachmentCount: 1, PermissionsBoundaryUsageCount: 0, DefaultVersionId: "v1", Description: "d" },
      PolicyVersionList: [{ Document: ENCODED, VersionId: "v1", IsDefaultVersion: true, CreateDate: at.clock.nowMs() }],
    });
    expect(Policies[2]).toMatchObject({ AttachmentCount: 1, PermissionsBoundaryUsageCount: 1 });
  });

  it("are filtered by kind", async () => {
    const counts = async (...Filter: string[]) => {
      const { IsTruncated, ...lists } = await details({ Filter });
      expect(IsTruncated).toBe(false);
      return Object.values(lists).map((list) => list.length);
    };
    expect(await counts("User")).toEqual([2, 0, 0, 0]);
    expect(await counts("Group", "Role")).toEqual([0, 1, 1, 0]);
    expect(await counts("LocalManagedPolicy")).toEqual([0, 0, 0, 1]);
    expect(await counts("AWSManagedPolicy")).toEqual([0, 0, 0, 1]);
    expect(await counts()).toEqual([2, 1, 1, 2]);
  });

  it("come in pages through all kinds", async () => {
    const names: string[] = [];
    let Marker: string | undefined;
    let pages = 0;
    do {
      const page = await details({ MaxItems: 2, ...(Marker !== undefined && { Marker }) });
      const { UserDetailList, GroupDetailList, RoleDetailList, Policies } = page;
      for (const one of [...UserDetailList, ...GroupDetailList, ...RoleDetailList, ...Policies]) names.push(one.Arn);
      Marker = page["Marker"];
      pages++;
    } while (Marker !== undefined);
    expect(pages).toBe(3);
    expect(names).toHaveLength(6);
    expect(new Set(names).size).toBe(6);
  });

  it("are refused without the permission", async () => {
    const eve = await at.user("eve");
    expect(await failureOf(eve.call("iam", "GetAccountAuthorizationDetails", {}))).toBe(
      `AccessDenied: User: arn:aws:iam::${accountId}:user/eve is not authorized to perform: iam:GetAccountAuthorizationDetails on resource: * because no identity-based policy allows the iam:GetAccountAuthorizationDetails action`,
    );
  });
});
