import { kms } from "../../src/services/kms/index.ts";
import { ssm } from "../../src/services/ssm/index.ts";
import { describeAuthorization } from "./describe-authorization.ts";

const TAGS = [{ Key: "team", Value: "blue" }];

describeAuthorization({
  service: "ssm",
  services: () => [ssm, kms],
  preparations: [
    { service: "kms", operation: "CreateKey", input: {}, keep: { keyId: "KeyMetadata.KeyId" } },
    { service: "ssm", operation: "PutParameter", input: { Name: "/app/a", Value: "1", Type: "String" } },
    { service: "ssm", operation: "PutParameter", input: { Name: "plain", Value: "1", Type: "String" } },
  ],
  steps: [
    {
      operation: "PutParameter",
      about: "with a slash in front",
      input: { Name: "/app/b", Value: "1", Type: "String" },
      asks: ["ssm:PutParameter parameter/app/b"],
    },
    {
      operation: "PutParameter",
      about: "without one",
      input: { Name: "b", Value: "1", Type: "String", Overwrite: true },
      asks: ["ssm:PutParameter parameter/b"],
    },
    {
      operation: "PutParameter",
      about: "with tags and policies",
      input: {
        ...{ Name: "/app/tagged", Value: "1", Type: "String", Tier: "Advanced", Tags: TAGS },
        Policies: '[{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"2099-12-02T21:34:33.000Z"}}]',
      },
      asks: ["ssm:PutParameter parameter/app/tagged", "ssm:AddTagsToResource parameter/app/tagged"],
    },
    {
      operation: "PutParameter",
      about: "a SecureString under a customer key",
      input: { Name: "/app/secret", Value: "1", Type: "SecureString", KeyId: "{keyId}" },
      asks: ["ssm:PutParameter parameter/app/secret"],
      also: ["kms:Encrypt"],
    },
    {
      operation: "PutParameter",
      about: "an advanced SecureString under a customer key",
      input: { Name: "/app/big", Value: "1", Type: "SecureString", KeyId: "{keyId}", Tier: "Advanced" },
      asks: ["ssm:PutParameter parameter/app/big"],
      also: ["kms:GenerateDataKey", "kms:Encrypt"],
    },
    {
      operation: "GetParameter",
      about: "by name and version",
      input: { Name: "/app/a:1" },
      asks: ["ssm:GetParameter parameter/app/a"],
    },
    {
      operation: "GetParameter",
      about: "by ARN",
      input: { Name: "arn:aws:ssm:us-east-1:{account}:parameter/app/a" },
      asks: ["ssm:GetParameter parameter/app/a"],
    },
    {
      operation: "GetParameter",
      about: "decrypted",
      input: { Name: "/app/secret", WithDecryption: true },
      asks: ["ssm:GetParameter parameter/app/secret"],
      also: ["kms:Decrypt"],
    },
    {
      operation: "GetParameter",
      about: "that does not exist",
      input: { Name: "/app/missing" },
      asks: ["ssm:GetParameter parameter/app/missing"],
      fails: "ParameterNotFound",
    },
    {
      operation: "GetParameter",
      about: "whose name is none",
      input: { Name: "/app//a b" },
      asks: ["ssm:GetParameter *"],
      fails: "ValidationException",
    },
    {
      operation: "GetParameters",
      about: "each of them",
      input: { Names: ["/app/a", "plain", "missing:2"] },
      asks: [
        "ssm:GetParameters parameter/app/a",
        "ssm:GetParameters parameter/plain",
        "ssm:GetParameters parameter/missing",
      ],
    },
    {
      operation: "GetParametersByPath",
      about: "without a slash at the end",
      input: { Path: "/app" },
      asks: ["ssm:GetParametersByPath parameter/app"],
    },
    {
      operation: "GetParametersByPath",
      about: "with a slash at the end",
      input: { Path: "/app/", Recursive: true },
      asks: ["ssm:GetParametersByPath parameter/app/"],
    },
    {
      operation: "GetParametersByPath",
      about: "of everything",
      input: { Path: "/" },
      asks: ["ssm:GetParametersByPath parameter/"],
    },
    {
      operation: "GetParametersByPath",
      about: "of a path that is none",
      input: { Path: "/a//b" },
      asks: ["ssm:GetParametersByPath *"],
      fails: "ValidationException",
    },
    {
      operation: "GetParameterHistory",
      input: { Name: "/app/a" },
      asks: ["ssm:GetParameterHistory parameter/app/a"],
    },
    { operation: "DescribeParameters", asks: ["ssm:DescribeParameters *"] },
    {
      operation: "LabelParameterVersion",
      input: { Name: "/app/a", Labels: ["live"] },
      asks: ["ssm:LabelParameterVersion parameter/app/a"],
    },
    {
      operation: "UnlabelParameterVersion",
      input: { Name: "/app/a", ParameterVersion: 1, Labels: ["live"] },
      asks: ["ssm:UnlabelParameterVersion parameter/app/a"],
    },
    {
      operation: "AddTagsToResource",
      input: { ResourceType: "Parameter", ResourceId: "/app/a", Tags: TAGS },
      asks: ["ssm:AddTagsToResource parameter/app/a"],
    },
    {
      operation: "ListTagsForResource",
      input: { ResourceType: "Parameter", ResourceId: "/app/a" },
      asks: ["ssm:ListTagsForResource parameter/app/a"],
    },
    {
      operation: "RemoveTagsFromResource",
      input: { ResourceType: "Parameter", ResourceId: "/app/a", TagKeys: ["team"] },
      asks: ["ssm:RemoveTagsFromResource parameter/app/a"],
    },
    {
      operation: "UpdateServiceSetting",
      input: { SettingId: "/ssm/parameter-store/default-parameter-tier", SettingValue: "Standard" },
      asks: ["ssm:UpdateServiceSetting servicesetting/ssm/parameter-store/default-parameter-tier"],
    },
    {
      operation: "GetServiceSetting",
      input: { SettingId: "arn:aws:ssm:us-east-1:{account}:servicesetting/ssm/parameter-store/default-parameter-tier" },
      asks: ["ssm:GetServiceSetting servicesetting/ssm/parameter-store/default-parameter-tier"],
    },
    {
      operation: "ResetServiceSetting",
      input: { SettingId: "/ssm/parameter-store/default-parameter-tier" },
      asks: ["ssm:ResetServiceSetting servicesetting/ssm/parameter-store/default-parameter-tier"],
    },
    {
      operation: "PutResourcePolicy",
      input: {
        ResourceArn: "arn:aws:ssm:us-east-1:{account}:parameter/app/tagged",
        Policy: JSON.stringify({
          Version: "2012-10-17",
          Statement: { Effect: "Allow", Principal: { AWS: "444455556666" }, Action: "ssm:GetParameter", Resource: "*" },
        }),
      },
      asks: ["ssm:PutResourcePolicy parameter/app/tagged"],
      keep: { policyId: "PolicyId", policyHash: "PolicyHash" },
    },
    {
      operation: "GetResourcePolicies",
      input: { ResourceArn: "arn:aws:ssm:us-east-1:{account}:parameter/app/tagged" },
      asks: ["ssm:GetResourcePolicies parameter/app/tagged"],
    },
    {
      operation: "DeleteResourcePolicy",
      input: {
        ResourceArn: "arn:aws:ssm:us-east-1:{account}:parameter/app/tagged",
        PolicyId: "{policyId}",
        PolicyHash: "{policyHash}",
      },
      asks: ["ssm:DeleteResourcePolicy parameter/app/tagged"],
    },
    { operation: "DeleteParameter", input: { Name: "plain" }, asks: ["ssm:DeleteParameter parameter/plain"] },
    {
      operation: "DeleteParameters",
      about: "each of them",
      input: { Names: ["/app/a", "/app/missing"] },
      asks: ["ssm:DeleteParameters parameter/app/a", "ssm:DeleteParameters parameter/app/missing"],
    },
  ],
  surprises: [
    {
      resource: /^arn:aws:ssm:[^:]*:[^:]*:\*$/,
      why: "DescribeParameters, and names that cannot be part of an ARN, are authorised on the account's ARN with a star",
    },
  ],
});
