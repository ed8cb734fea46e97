import { iam } from "../../src/services/iam/index.ts";
import { sts } from "../../src/services/sts/index.ts";
import { documentText, trusting } from "../support/policy-documents.ts";
import { describeConditionKeys, type KeyedCall } from "./describe-condition-keys.ts";

const DOCUMENT = documentText({ Effect: "Allow", Action: "s3:*", Resource: "*" });
const TRUST = trusting(
  { AWS: "111122223333" },
  { Action: ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"] },
);
const BOUNDARY = "arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess";
const OTHER = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
const Tags = [{ Key: "class", Value: "open" }];
const OWN_TAGS = [{ Key: "team", Value: "blue" }];

const REQUEST: KeyedCall["keys"] = [
  ["aws:RequestTag/class", "open", "secret"],
  ["aws:TagKeys", "class", "team"],
];
const RESOURCE: KeyedCall["keys"] = [
  ["aws:ResourceTag/team", "blue", "red"],
  ["iam:ResourceTag/team", "blue", "red"],
];
const BOUNDED: KeyedCall["keys"] = [["iam:PermissionsBoundary", BOUNDARY, OTHER]];
const ATTACHED: KeyedCall["keys"] = [["iam:PolicyARN", OTHER, BOUNDARY]];

const call = (operation: string, input: object, keys: KeyedCall["keys"], action = operation): KeyedCall => ({
  action: `iam:${action}`,
  operation,
  input,
  keys,
});
const onRole = (operation: string, input: object, keys: KeyedCall["keys"]) =>
  call(operation, { RoleName: "r", ...input }, [...RESOURCE, ...keys]);
const onUser = (operation: string, input: object, keys: KeyedCall["keys"]) =>
  call(operation, { UserName: "u", ...input }, [...RESOURCE, ...keys]);
const policy = { PolicyArn: "arn:aws:iam::{account}:policy/app" };

describeConditionKeys({
  service: "iam",
  services: () => [iam, sts],
  preparations: [
    {
      service: "iam",
      operation: "CreateRole",
      input: { RoleName: "r", AssumeRolePolicyDocument: TRUST, Tags: OWN_TAGS, PermissionsBoundary: BOUNDARY },
    },
    {
      service: "iam",
      operation: "CreateUser",
      input: { UserName: "u", Tags: OWN_TAGS, PermissionsBoundary: BOUNDARY },
    },
    { service: "iam", operation: "CreateGroup", input: { GroupName: "g" } },
    {
      service: "iam",
      operation: "CreatePolicy",
      input: { PolicyName: "app", PolicyDocument: DOCUMENT, Tags: OWN_TAGS },
    },
  ],
  calls: [
    call("CreateRole", { RoleName: "new", AssumeRolePolicyDocument: TRUST, Tags, PermissionsBoundary: BOUNDARY }, [
      ...REQUEST,
      ...BOUNDED,
    ]),
    call("CreateRole", { RoleName: "newer", AssumeRolePolicyDocument: TRUST, Tags }, REQUEST, "TagRole"),
    call("CreateUser", { UserName: "new", Tags, PermissionsBoundary: BOUNDARY }, [...REQUEST, ...BOUNDED]),
    call("CreateUser", { UserName: "newer", Tags }, REQUEST, "TagUser"),
    call("CreatePolicy", { PolicyName: "new", PolicyDocument: DOCUMENT, Tags }, REQUEST),
    call("CreatePolicy", { PolicyName: "newer", PolicyDocument: DOCUMENT, Tags }, REQUEST, "TagPolicy"),
    onRole("GetRole", {}, BOUNDED),
    onRole("UpdateRole", { Description: "d" }, BOUNDED),
    onRole("UpdateRoleDescription", { Description: "d" }, BOUNDED),
    onRole("UpdateAssumeRolePolicy", { PolicyDocument: TRUST }, BOUNDED),
    onRole("PutRolePolicy", { PolicyName: "i", PolicyDocument: DOCUMENT }, BOUNDED),
    onRole("DeleteRolePolicy", { PolicyName: "i" }, BOUNDED),
    onRole("AttachRolePolicy", { PolicyArn: OTHER }, [...BOUNDED, ...ATTACHED]),
    onRole("DetachRolePolicy", { PolicyArn: OTHER }, [...BOUNDED, ...ATTACHED]),
    onRole("TagRole", { Tags }, REQUEST),
    onRole("UntagRole", { TagKeys: ["class"] }, [["aws:TagKeys", "class", "team"]]),
    onRole("PutRolePermissionsBoundary", { PermissionsBoundary: BOUNDARY }, BOUNDED),
    call("DeleteRolePermissionsBoundary", { RoleName: "r" }, BOUNDED),
    onUser("PutUserPolicy", { PolicyName: "i", PolicyDocument: DOCUMENT }, BOUNDED),
    onUser("DeleteUserPolicy", { PolicyName: "i" }, BOUNDED),
    onUser("AttachUserPolicy", { PolicyArn: OTHER }, [...BOUNDED, ...ATTACHED]),
    onUser("DetachUserPolicy", { PolicyArn: OTHER }, [...BOUNDED, ...ATTACHED]),
    onUser("TagUser", { Tags }, REQUEST),
    onUser("UntagUser", { TagKeys: ["class"] }, [["aws:TagKeys", "class", "team"]]),
    onUser("PutUserPermissionsBoundary", { PermissionsBoundary: BOUNDARY }, BOUNDED),
    call("DeleteUserPermissionsBoundary", { UserName: "u" }, BOUNDED),
    call("AttachGroupPolicy", { GroupName: "g", PolicyArn: OTHER }, ATTACHED),
    call("DetachGroupPolicy", { GroupName: "g", PolicyArn: OTHER }, ATTACHED),
    call("GetPolicy", policy, RESOURCE.slice(0, 1)),
    call("TagPolicy", { ...policy, Tags }, [...REQUEST, ...RESOURCE.slice(0, 1)]),
    call("UntagPolicy", { ...policy, TagKeys: ["class"] }, [["aws:TagKeys", "class", "team"]]),
    call("CreateServiceLinkedRole", { AWSServiceName: "batch.amazonaws.com" }, [
      ["iam:AWSServiceName", "batch.amazonaws.com", "ecs.amazonaws.com"],
    ]),
    // AWS: IAM is one service for all regions.
    call("ListRoles", {}, [["aws:RequestedRegion", "us-east-1", "eu-west-1"]]),
  ],
});

const assumed = {
  ...{ RoleArn: "arn:aws:iam::{account}:role/target", RoleSessionName: "one", ExternalId: "12", SourceIdentity: "ann" },
  ...{ Tags, TransitiveTagKeys: ["class"] },
};

describeConditionKeys({
  service: "sts",
  services: () => [iam, sts],
  preparations: [
    {
      service: "iam",
      operation: "CreateRole",
      input: { RoleName: "target", AssumeRolePolicyDocument: TRUST, Tags: OWN_TAGS },
    },
  ],
  calls: [
    ...["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"].map((action) => ({
      action,
      operation: "AssumeRole",
      input: assumed,
      keys: [
        ["sts:RoleSessionName", "one", "two"],
        ["sts:ExternalId", "12", "13"],
        ["sts:SourceIdentity", "ann", "bob"],
        ["sts:TransitiveTagKeys", "class", "team"],
        ...REQUEST,
        ...RESOURCE,
      ] as KeyedCall["keys"],
    })),
    ...["sts:GetFederationToken", "sts:TagSession"].map((action) => ({
      action,
      operation: "GetFederationToken",
      as: "user" as const,
      input: { Name: "bob", Tags },
      keys: REQUEST,
    })),
  ],
});
