import { iam } from "../../src/services/iam/index.ts";
import { sts } from "../../src/services/sts/index.ts";
import { allow, CODEBUILD_TRUST, documentText } from "../support/policy-documents.ts";
import { describeAuthorization, type Step } from "./describe-authorization.ts";

const DOCUMENT = documentText(allow("s3:*"));
const TAGS = [{ Key: "team", Value: "blue" }];
const POLICY = "arn:aws:iam::{account}:policy/p/app";
const AWS_POLICY = "arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess";

const on = (operation: string, input: object, resource: string, more: Partial<Step> = {}): Step => ({
  operation,
  input,
  asks: [`iam:${operation} ${resource}`],
  ...more,
});
const onRole = (operation: string, input: object = {}, more: Partial<Step> = {}) =>
  on(operation, { RoleName: "r", ...input }, "role/p/r", more);
const onUser = (operation: string, input: object = {}, more: Partial<Step> = {}) =>
  on(operation, { UserName: "u", ...input }, "user/p/u", more);
const onGroup = (operation: string, input: object = {}, more: Partial<Step> = {}) =>
  on(operation, { GroupName: "g", ...input }, "group/p/g", more);
const onPolicy = (operation: string, input: object = {}, more: Partial<Step> = {}) =>
  on(operation, { PolicyArn: POLICY, ...input }, "policy/p/app", more);
const onAll = (operation: string, input: object = {}, more: Partial<Step> = {}) => on(operation, input, "*", more);

/** Operations that roles, users and groups have alike. */
const policiesOf = (kind: "Role" | "User" | "Group", make: typeof onRole): Step[] => [
  make(`Put${kind}Policy`, { PolicyName: "inline", PolicyDocument: DOCUMENT }),
  make(`Get${kind}Policy`, { PolicyName: "inline" }),
  make(`List${kind}Policies`),
  make(`Delete${kind}Policy`, { PolicyName: "inline" }),
  make(`Attach${kind}Policy`, { PolicyArn: AWS_POLICY }),
  make(`ListAttached${kind}Policies`),
  make(`Detach${kind}Policy`, { PolicyArn: AWS_POLICY }),
];
const taggedOf = (kind: "Role" | "User", make: typeof onRole): Step[] => [
  make(`Tag${kind}`, { Tags: TAGS }),
  make(`List${kind}Tags`),
  make(`Untag${kind}`, { TagKeys: ["team"] }),
  make(`Put${kind}PermissionsBoundary`, { PermissionsBoundary: AWS_POLICY }),
  make(`Delete${kind}PermissionsBoundary`),
];

describeAuthorization({
  service: "iam",
  services: () => [iam, sts],
  preparations: [
    { service: "iam", operation: "CreateUser", input: { UserName: "other" } },
    { service: "iam", operation: "CreateUser", input: { UserName: "caller" } },
  ],
  steps: [
    on(
      "CreateRole",
      {
        RoleName: "r",
        Path: "/p/",
        AssumeRolePolicyDocument: CODEBUILD_TRUST,
        Tags: TAGS,
        PermissionsBoundary: AWS_POLICY,
      },
      "role/p/r",
      { about: "with tags and a boundary", asks: ["iam:CreateRole role/p/r", "iam:TagRole role/p/r"] },
    ),
    on("CreateUser", { UserName: "u", Path: "/p/", Tags: TAGS, PermissionsBoundary: AWS_POLICY }, "user/p/u", {
      about: "with tags and a boundary",
      asks: ["iam:CreateUser user/p/u", "iam:TagUser user/p/u"],
    }),
    on("CreateGroup", { GroupName: "g", Path: "/p/" }, "group/p/g"),
    on("CreatePolicy", { PolicyName: "app", Path: "/p/", PolicyDocument: DOCUMENT, Tags: TAGS }, "", {
      about: "with tags",
      asks: ["iam:CreatePolicy policy/p/app", "iam:TagPolicy policy/p/app"],
    }),
    onRole("GetRole"),
    on("GetRole", { RoleName: "missing" }, "role/missing", { about: "that does not exist", fails: "NoSuchEntity" }),
    onAll("ListRoles"),
    onRole("UpdateRole", { Description: "d" }),
    onRole("UpdateRoleDescription", { Description: "d" }),
    onRole("UpdateAssumeRolePolicy", { PolicyDocument: CODEBUILD_TRUST }),
    ...policiesOf("Role", onRole),
    ...taggedOf("Role", onRole),
    onUser("GetUser"),
    on("GetUser", {}, "user/caller", { about: "of the caller", as: "user" }),
    onAll("ListUsers"),
    ...policiesOf("User", onUser),
    ...taggedOf("User", onUser),
    onUser("CreateAccessKey", {}, { keep: { keyId: "AccessKey.AccessKeyId" } }),
    onUser("ListAccessKeys"),
    onUser("GetAccessKeyLastUsed", { UserName: undefined, AccessKeyId: "{keyId}" }),
    onUser("UpdateAccessKey", { AccessKeyId: "{keyId}", Status: "Inactive" }),
    onUser("DeleteAccessKey", { AccessKeyId: "{keyId}" }),
    onGroup("GetGroup"),
    onAll("ListGroups"),
    onGroup("AddUserToGroup", { UserName: "u" }),
    onUser("ListGroupsForUser"),
    onGroup("RemoveUserFromGroup", { UserName: "u" }),
    ...policiesOf("Group", onGroup),
    onPolicy("GetPolicy"),
    on("GetPolicy", { PolicyArn: AWS_POLICY }, AWS_POLICY, { about: "of AWS" }),
    onAll("ListPolicies"),
    onPolicy("ListEntitiesForPolicy"),
    onPolicy("TagPolicy", { Tags: TAGS }),
    onPolicy("ListPolicyTags"),
    onPolicy("UntagPolicy", { TagKeys: ["team"] }),
    onPolicy("CreatePolicyVersion", { PolicyDocument: DOCUMENT }),
    onPolicy("GetPolicyVersion", { VersionId: "v2" }),
    onPolicy("ListPolicyVersions"),
    onPolicy("SetDefaultPolicyVersion", { VersionId: "v2" }),
    onPolicy("DeletePolicyVersion", { VersionId: "v1" }),
    onPolicy("DeletePolicy"),
    onAll("SimulateCustomPolicy", { PolicyInputList: [DOCUMENT], ActionNames: ["s3:GetObject"] }),
    on(
      "SimulatePrincipalPolicy",
      { PolicySourceArn: "arn:aws:iam::{account}:role/p/r", ActionNames: ["s3:GetObject"] },
      "role/p/r",
    ),
    onAll("GetContextKeysForCustomPolicy", { PolicyInputList: [DOCUMENT] }),
    on("GetContextKeysForPrincipalPolicy", { PolicySourceArn: "arn:aws:iam::{account}:user/p/u" }, "user/p/u"),
    onAll("GetAccountSummary"),
    onAll("GetAccountAuthorizationDetails"),
    onAll("GenerateCredentialReport"),
    onAll("GetCredentialReport"),
    onAll("CreateAccountAlias", { AccountAlias: "my-account" }),
    onAll("ListAccountAliases"),
    onAll("DeleteAccountAlias", { AccountAlias: "my-account" }),
    onAll("UpdateAccountPasswordPolicy"),
    onAll("GetAccountPasswordPolicy"),
    onAll("DeleteAccountPasswordPolicy"),
    on(
      "ListPoliciesGrantingServiceAccess",
      { Arn: "arn:aws:iam::{account}:role/p/r", ServiceNamespaces: ["s3"] },
      "role/p/r",
    ),
    on("GenerateServiceLastAccessedDetails", { Arn: "arn:aws:iam::{account}:role/p/r" }, "role/p/r", {
      keep: { jobId: "JobId" },
    }),
    onAll("GetServiceLastAccessedDetails", { JobId: "{jobId}" }),
    on(
      "CreateServiceLinkedRole",
      { AWSServiceName: "batch.amazonaws.com" },
      "role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch",
    ),
    on(
      "DeleteServiceLinkedRole",
      { RoleName: "AWSServiceRoleForBatch" },
      "role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch",
      { keep: { taskId: "DeletionTaskId" } },
    ),
    on(
      "GetServiceLinkedRoleDeletionStatus",
      { DeletionTaskId: "{taskId}" },
      "role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch",
    ),
    onUser("ListMFADevices"),
    onUser("ListSigningCertificates"),
    onUser("ListSSHPublicKeys"),
    onUser("ListServiceSpecificCredentials"),
    onAll("ListVirtualMFADevices"),
    onAll("ListServerCertificates"),
    onAll("ListInstanceProfiles"),
    onAll("ListOpenIDConnectProviders"),
    onAll("ListSAMLProviders"),
    onRole("ListInstanceProfilesForRole"),
    on("GetInstanceProfile", { InstanceProfileName: "i" }, "instance-profile/i", { fails: "NoSuchEntity" }),
    onUser("GetLoginProfile", {}, { fails: "NoSuchEntity" }),
    onUser("DeleteLoginProfile", {}, { fails: "NoSuchEntity" }),
    on("UpdateUser", { UserName: "u", NewUserName: "w" }, "", {
      about: "on both names",
      asks: ["iam:UpdateUser user/p/u", "iam:UpdateUser user/p/w"],
    }),
    on("UpdateGroup", { GroupName: "g", NewGroupName: "h" }, "", {
      about: "on both names",
      asks: ["iam:UpdateGroup group/p/g", "iam:UpdateGroup group/p/h"],
    }),
    on("DeleteUser", { UserName: "w" }, "user/p/w"),
    on("DeleteGroup", { GroupName: "h" }, "group/p/h"),
    onRole("DeleteRole"),
  ],
  surprises: ["iam:ListPoliciesGrantingServiceAccess", "iam:GenerateServiceLastAccessedDetails"].map((action) => ({
    action,
    resource: /:role\/p\/r$/,
    why: "the table marks every kind of resource as required, a call names one",
  })),
});
