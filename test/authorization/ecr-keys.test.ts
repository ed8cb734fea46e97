import { describeConditionKeys, type KeyedCall } from "./describe-condition-keys.ts";
import { ecrOf } from "./ecr-fixture.ts";

const TAGS = [{ Key: "team", Value: "blue" }];
const ARN = "arn:aws:ecr:us-east-1:{account}:repository/team/app";
const REQUEST_TAGS: KeyedCall["keys"] = [
  ["aws:RequestTag/team", "blue", "red"],
  ["aws:TagKeys", "team", "class"],
];
const RESOURCE_TAGS: KeyedCall["keys"] = [
  ["aws:ResourceTag/team", "blue", "red"],
  ["ecr:ResourceTag/team", "blue", "red"],
  ["aws:ResourceAccount", "{account}", "444455556666"],
];

describeConditionKeys({
  service: "ecr",
  services: (outside) => [ecrOf(outside)],
  preparations: [{ service: "ecr", operation: "CreateRepository", input: { repositoryName: "team/app", tags: TAGS } }],
  calls: [
    ...["ecr:CreateRepository", "ecr:TagResource"].map((action) => ({
      ...{ action, operation: "CreateRepository", input: { repositoryName: "tagged", tags: TAGS }, keys: REQUEST_TAGS },
    })),
    ...["GetAccountSetting", "PutAccountSetting"].map((operation) => ({
      action: `ecr:${operation}`,
      operation,
      input: { name: "BLOB_MOUNTING", ...(operation === "PutAccountSetting" && { value: "ENABLED" }) },
      keys: [["ecr:AccountSetting", "BLOB_MOUNTING", "REGISTRY_POLICY_SCOPE"]] satisfies KeyedCall["keys"],
    })),
    {
      action: "ecr:TagResource",
      operation: "TagResource",
      input: { resourceArn: ARN, tags: TAGS },
      keys: [...REQUEST_TAGS, ...RESOURCE_TAGS],
    },
    {
      action: "ecr:UntagResource",
      operation: "UntagResource",
      input: { resourceArn: ARN, tagKeys: ["class"] },
      keys: [["aws:TagKeys", "class", "team"], ...RESOURCE_TAGS],
    },
    ...["ListImages", "DescribeImages", "PutImageTagMutability", "GetRepositoryPolicy", "DeleteRepositoryPolicy"].map(
      (operation) => ({
        action: `ecr:${operation}`,
        operation,
        input: {
          repositoryName: "team/app",
          ...(operation === "PutImageTagMutability" && { imageTagMutability: "MUTABLE" }),
        },
        keys: RESOURCE_TAGS,
      }),
    ),
    ...["BatchGetImage", "BatchDeleteImage"].map((operation) => ({
      action: `ecr:${operation}`,
      operation,
      input: { repositoryName: "team/app", imageIds: [{ imageTag: "v1" }] },
      keys: RESOURCE_TAGS,
    })),
    {
      action: "ecr:DescribeRepositories",
      operation: "DescribeRepositories",
      input: { repositoryNames: ["team/app"] },
      keys: RESOURCE_TAGS,
    },
  ],
});
