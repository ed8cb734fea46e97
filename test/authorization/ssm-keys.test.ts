import { kms } from "../../src/services/kms/index.ts";
import { ssm } from "../../src/services/ssm/index.ts";
import { describeConditionKeys, type KeyedCall } from "./describe-condition-keys.ts";

const TAGS = [{ Key: "class", Value: "open" }];
const POLICIES = '[{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"2099-12-02T21:34:33.000Z"}}]';
const RESOURCE: KeyedCall["keys"] = [
  ["aws:ResourceTag/team", "blue", "red"],
  ["aws:resourcetag/TEAM", "blue", "red"],
  ["ssm:resourceTag/team", "blue", "red"],
  ["aws:ResourceAccount", "{account}", "444455556666"],
  ["aws:RequestedRegion", "us-east-1", "eu-west-1"],
];
const REQUEST: KeyedCall["keys"] = [
  ["aws:RequestTag/class", "open", "secret"],
  ["aws:TagKeys", "class", "team"],
];
const resource = { ResourceType: "Parameter", ResourceId: "/app/a" };

/** Every action on a parameter knows its tags. */
const onParameter = (operation: string, input: object): KeyedCall => ({
  action: `ssm:${operation}`,
  operation,
  input,
  keys: RESOURCE,
});

describeConditionKeys({
  service: "ssm",
  services: () => [ssm, kms],
  preparations: [
    {
      service: "ssm",
      operation: "PutParameter",
      input: { Name: "/app/a", Value: "1", Type: "String", Tags: [{ Key: "team", Value: "blue" }] },
    },
  ],
  calls: [
    onParameter("GetParameter", { Name: "/app/a" }),
    onParameter("GetParameters", { Names: ["/app/a"] }),
    onParameter("GetParameterHistory", { Name: "/app/a" }),
    onParameter("LabelParameterVersion", { Name: "/app/a", Labels: ["live"] }),
    onParameter("UnlabelParameterVersion", { Name: "/app/a", ParameterVersion: 1, Labels: ["live"] }),
    onParameter("ListTagsForResource", resource),
    onParameter("PutParameter", { Name: "/app/a", Value: "2", Overwrite: true }),
    {
      action: "ssm:PutParameter",
      operation: "PutParameter",
      input: { Name: "/app/tagged", Value: "1", Type: "String", Tags: TAGS },
      keys: [...REQUEST, ["ssm:Overwrite", "false", "true"]],
    },
    {
      action: "ssm:AddTagsToResource",
      operation: "PutParameter",
      input: { Name: "/app/tagged", Value: "1", Type: "String", Tags: TAGS },
      keys: REQUEST,
    },
    {
      action: "ssm:PutParameter",
      operation: "PutParameter",
      input: { Name: "/app/b", Value: "2", Type: "String", Overwrite: true, Policies: POLICIES, Tier: "Advanced" },
      keys: [
        ["ssm:Overwrite", "true", "false"],
        ["ssm:Policies", POLICIES, "[]"],
      ],
    },
    {
      action: "ssm:GetParametersByPath",
      operation: "GetParametersByPath",
      input: { Path: "/app" },
      keys: [["ssm:Recursive", "false", "true"]],
    },
    {
      action: "ssm:GetParametersByPath",
      operation: "GetParametersByPath",
      input: { Path: "/app", Recursive: true },
      keys: [["ssm:Recursive", "true", "false"]],
    },
    {
      action: "ssm:AddTagsToResource",
      operation: "AddTagsToResource",
      input: { ...resource, Tags: TAGS },
      keys: [...REQUEST, ...RESOURCE],
    },
    {
      action: "ssm:RemoveTagsFromResource",
      operation: "RemoveTagsFromResource",
      input: { ...resource, TagKeys: ["class"] },
      keys: [["aws:TagKeys", "class", "team"], ...RESOURCE],
    },
    {
      action: "ssm:DeleteParameter",
      operation: "DeleteParameter",
      input: { Name: "/app/a" },
      keys: [["aws:ResourceTag/team", "blue", "red"]],
    },
  ],
});
