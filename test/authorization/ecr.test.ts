import { createHash } from "node:crypto";
import { iam } from "../../src/services/iam/index.ts";
import { describeAuthorization, type Step } from "./describe-authorization.ts";
import { ecrOf } from "./ecr-fixture.ts";

const TAGS = [{ Key: "team", Value: "blue" }];
const MANIFEST = JSON.stringify({
  schemaVersion: 2,
  mediaType: "application/vnd.oci.image.index.v1+json",
  manifests: [],
});
const sha256 = (text: string): string => `sha256:${createHash("sha256").update(text).digest("hex")}`;
const ARN = "arn:aws:ecr:us-east-1:{account}:repository/team/app";
const ROLE = "arn:aws:iam::{account}:role/ecr";
const POLICY = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Deny", Principal: "*", Action: "ecr:ReplicateImage" }],
});
const REGISTRY_POLICY = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Deny", Principal: "*", Action: "ecr:ReplicateImage", Resource: "*" }],
});
const LIFECYCLE = JSON.stringify({
  rules: [
    {
      rulePriority: 1,
      selection: { tagStatus: "untagged", countType: "imageCountMoreThan", countNumber: 9 },
      action: { type: "expire" },
    },
  ],
});

/** An operation on the repository `team/app`, whose action has its name. */
const onRepository = (operation: string, more: object = {}, fails?: string): Step => ({
  operation,
  input: { repositoryName: "team/app", ...more },
  asks: [`ecr:${operation} repository/team/app`],
  ...(fails !== undefined && { fails }),
});

/** An operation on the registry, whose action has no resource. */
const onRegistry = (operation: string, input: object = {}, more: Partial<Step> = {}): Step => ({
  operation,
  input,
  asks: [`ecr:${operation} *`],
  ...more,
});

describeAuthorization({
  service: "ecr",
  services: (outside) => [ecrOf(outside), iam],
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
    { ...onRepository("InitiateLayerUpload"), keep: { uploadId: "uploadId" } },
    onRepository("UploadLayerPart", {
      uploadId: "{uploadId}",
      partFirstByte: 0,
      partLastByte: 4,
      layerPartBlob: Buffer.from("layer"),
    }),
    onRepository("CompleteLayerUpload", { uploadId: "{uploadId}", layerDigests: [sha256("layer")] }),
    onRepository("BatchCheckLayerAvailability", { layerDigests: [sha256("layer")] }),
    onRepository("GetDownloadUrlForLayer", { layerDigest: sha256("layer") }),
    onRepository("PutImage", { imageManifest: MANIFEST, imageTag: "v1" }),
    onRepository("ListImages"),
    onRepository("DescribeImages"),
    onRepository("BatchGetImage", { imageIds: [{ imageTag: "v1" }] }),
    {
      operation: "ListImageReferrers",
      input: { repositoryName: "team/app", subjectId: { imageDigest: sha256(MANIFEST) } },
      asks: ["ecr:BatchGetImage repository/team/app"],
    },
    onRepository("DescribeImageReplicationStatus", { imageId: { imageTag: "v1" } }),
    onRepository("DescribeImageScanFindings", { imageId: { imageTag: "v1" } }, "ScanNotFoundException"),
    onRepository("UpdateImageStorageClass", { imageId: { imageTag: "v1" }, targetStorageClass: "ARCHIVE" }),
    onRepository("BatchDeleteImage", { imageIds: [{ imageTag: "v1" }] }),
    onRepository("SetRepositoryPolicy", { policyText: POLICY }),
    onRepository("GetRepositoryPolicy"),
    onRepository("DeleteRepositoryPolicy"),
    onRepository("PutLifecyclePolicy", { lifecyclePolicyText: LIFECYCLE }),
    onRepository("GetLifecyclePolicy"),
    onRepository("StartLifecyclePolicyPreview"),
    onRepository("GetLifecyclePolicyPreview"),
    onRepository("DeleteLifecyclePolicy"),
    onRepository("PutImageScanningConfiguration", { imageScanningConfiguration: { scanOnPush: true } }),
    {
      operation: "BatchGetRepositoryScanningConfiguration",
      input: { repositoryNames: ["team/app", "tagged"] },
      asks: [
        "ecr:BatchGetRepositoryScanningConfiguration repository/team/app",
        "ecr:BatchGetRepositoryScanningConfiguration repository/tagged",
      ],
    },
    { ...onRepository("TagResource"), input: { resourceArn: ARN, tags: TAGS } },
    { ...onRepository("ListTagsForResource"), input: { resourceArn: ARN } },
    { ...onRepository("UntagResource"), input: { resourceArn: ARN, tagKeys: ["team"] } },
    onRegistry("DescribeRegistry"),
    onRegistry(
      "PutReplicationConfiguration",
      { replicationConfiguration: { rules: [{ destinations: [{ region: "eu-west-1", registryId: "{account}" }] }] } },
      { also: ["iam:CreateServiceLinkedRole"] },
    ),
    onRegistry("PutRegistryPolicy", { policyText: REGISTRY_POLICY }),
    onRegistry("GetRegistryPolicy"),
    onRegistry("DeleteRegistryPolicy"),
    onRegistry("PutAccountSetting", { name: "BLOB_MOUNTING", value: "ENABLED" }),
    onRegistry("GetAccountSetting", { name: "BLOB_MOUNTING" }),
    onRegistry("PutRegistryScanningConfiguration", { scanType: "BASIC", rules: [] }),
    onRegistry("GetRegistryScanningConfiguration"),
    onRegistry(
      "CreatePullThroughCacheRule",
      { ecrRepositoryPrefix: "quay", upstreamRegistryUrl: "quay.io" },
      { also: ["iam:CreateServiceLinkedRole"] },
    ),
    {
      operation: "CreatePullThroughCacheRule",
      about: "with a role",
      input: {
        ecrRepositoryPrefix: "theirs",
        upstreamRegistryUrl: "444455556666.dkr.ecr.us-east-1.amazonaws.com",
        customRoleArn: ROLE,
      },
      asks: ["ecr:CreatePullThroughCacheRule *", `iam:PassRole ${ROLE}`],
    },
    onRegistry("DescribePullThroughCacheRules"),
    onRegistry("UpdatePullThroughCacheRule", { ecrRepositoryPrefix: "quay" }),
    {
      operation: "UpdatePullThroughCacheRule",
      about: "with a role",
      input: { ecrRepositoryPrefix: "theirs", customRoleArn: ROLE },
      asks: ["ecr:UpdatePullThroughCacheRule *", `iam:PassRole ${ROLE}`],
    },
    onRegistry("ValidatePullThroughCacheRule", { ecrRepositoryPrefix: "theirs" }),
    onRegistry("DeletePullThroughCacheRule", { ecrRepositoryPrefix: "quay" }),
    onRegistry("CreateRepositoryCreationTemplate", { prefix: "team", appliedFor: ["CREATE_ON_PUSH"] }),
    {
      operation: "CreateRepositoryCreationTemplate",
      about: "with a role",
      input: { prefix: "other", appliedFor: ["REPLICATION"], customRoleArn: ROLE },
      asks: ["ecr:CreateRepositoryCreationTemplate *", `iam:PassRole ${ROLE}`],
    },
    onRegistry("UpdateRepositoryCreationTemplate", { prefix: "team", description: "d" }),
    onRegistry("DescribeRepositoryCreationTemplates"),
    onRegistry("DeleteRepositoryCreationTemplate", { prefix: "team" }),
    onRegistry("RegisterPullTimeUpdateExclusion", { principalArn: ROLE }),
    onRegistry("ListPullTimeUpdateExclusions"),
    onRegistry("DeregisterPullTimeUpdateExclusion", { principalArn: ROLE }),
  ],
});
