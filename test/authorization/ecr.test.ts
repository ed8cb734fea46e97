import { describeAuthorization, type Step } from "./describe-authorization.ts";
import { ecrOf } from "./ecr-fixture.ts";

const TAGS = [{ Key: "team", Value: "blue" }];
const MANIFEST = JSON.stringify({
  schemaVersion: 2,
  mediaType: "application/vnd.oci.image.index.v1+json",
  manifests: [],
});
const ARN = "arn:aws:ecr:us-east-1:{account}:repository/team/app";
const POLICY = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Deny", Principal: "*", Action: "ecr:ReplicateImage" }],
});

/** An operation on the repository `team/app`, whose action has its name. */
const onRepository = (operation: string, more: object = {}, fails?: string): Step => ({
  operation,
  input: { repositoryName: "team/app", ...more },
  asks: [`ecr:${operation} repository/team/app`],
  ...(fails !== undefined && { fails }),
});

describeAuthorization({
  service: "ecr",
  services: (outside) => [ecrOf(outside)],
  preparations: [{ service: "ecr", operation: "CreateRepository", input: { repositoryName: "team/app", tags: TAGS } }],
  steps: [
    { operation: "GetAuthorizationToken", asks: ["ecr:GetAuthorizationToken *"] },
    {
      operation: "CreateRepository",
      input: { repositoryName: "plain" },
      asks: ["ecr:CreateRepository repository/plain"],
    },
    {
      operation: "CreateRepository",
      about: "with tags",
      input: { repositoryName: "tagged", tags: TAGS },
      asks: ["ecr:CreateRepository repository/tagged", "ecr:TagResource repository/tagged"],
    },
    {
      operation: "DescribeRepositories",
      about: "by name",
      input: { repositoryNames: ["team/app", "plain"] },
      asks: ["ecr:DescribeRepositories repository/team/app", "ecr:DescribeRepositories repository/plain"],
    },
    { operation: "DescribeRepositories", about: "all", asks: ["ecr:DescribeRepositories repository/*"] },
    {
      operation: "DeleteRepository",
      input: { repositoryName: "plain" },
      asks: ["ecr:DeleteRepository repository/plain"],
    },
    onRepository("PutImageTagMutability", { imageTagMutability: "MUTABLE" }),
    onRepository("PutImage", { imageManifest: MANIFEST, imageTag: "v1" }),
    onRepository("ListImages"),
    onRepository("DescribeImages"),
    onRepository("BatchGetImage", { imageIds: [{ imageTag: "v1" }] }),
    onRepository("BatchDeleteImage", { imageIds: [{ imageTag: "v1" }] }),
    onRepository("SetRepositoryPolicy", { policyText: POLICY }),
    onRepository("GetRepositoryPolicy"),
    onRepository("DeleteRepositoryPolicy"),
    { ...onRepository("TagResource"), input: { resourceArn: ARN, tags: TAGS } },
    { ...onRepository("ListTagsForResource"), input: { resourceArn: ARN } },
    { ...onRepository("UntagResource"), input: { resourceArn: ARN, tagKeys: ["team"] } },
  ],
});
