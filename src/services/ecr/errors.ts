/**
 * Every error the ECR operations answer, besides the ones any service can answer. All are HTTP 400.
 * Sources: the operations' Errors sections, e.g.
 * https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html, and texts seen in public reports.
 * Texts marked `unverified` come from documentation or memory; correct them here, in one line.
 */
import { awsError } from "../../core/errors.ts";
import { repositoryMissingText } from "../../registry/index.ts";

export const reference = (operation: string): string =>
  `https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_${operation}.html`;

const client = { status: 400, fault: "client" } as const;

export const repositoryNotFound = awsError({
  ...client,
  code: "RepositoryNotFoundException",
  source: reference("DescribeRepositories"),
  message: repositoryMissingText,
});

export const repositoryAlreadyExists = awsError({
  ...client,
  code: "RepositoryAlreadyExistsException",
  source: reference("CreateRepository"),
  message: (name: string, registryId: string) =>
    `The repository with name '${name}' already exists in the registry with id '${registryId}'`,
});

export const repositoryNotEmpty = awsError({
  ...client,
  code: "RepositoryNotEmptyException",
  source: reference("DeleteRepository"),
  message: (name: string, registryId: string) =>
    `The repository with name '${name}' in registry with id '${registryId}' cannot be deleted because it still contains images`,
});

export const invalidParameter = awsError({
  ...client,
  code: "InvalidParameterException",
  source: reference("CreateRepository"),
  message: (parameter: string, constraint: string) =>
    `Invalid parameter at '${parameter}' failed to satisfy constraint: '${constraint}'`,
});

export const imageNotFound = awsError({
  ...client,
  code: "ImageNotFoundException",
  source: reference("DescribeImages"),
  message: (
    image: { imageDigest?: string | undefined; imageTag?: string | undefined },
    name: string,
    registryId: string,
  ) =>
    `The image with imageId {imageDigest:'${image.imageDigest ?? "null"}', imageTag:'${image.imageTag ?? "null"}'} ` +
    `does not exist within the repository with name '${name}' in the registry with id '${registryId}'`,
});

export const imageAlreadyExists = awsError({
  ...client,
  code: "ImageAlreadyExistsException",
  source: reference("PutImage"),
  message: (digest: string, tag: string | undefined, name: string, registryId: string) =>
    `Image with digest '${digest}' and tag '${tag ?? "null"}' already exists in the repository with name '${name}' in registry with id '${registryId}'`,
});

export const imageTagAlreadyExists = awsError({
  ...client,
  code: "ImageTagAlreadyExistsException",
  source: reference("PutImage"),
  message: (text: string) => text,
});

export const imageDigestDoesNotMatch = awsError({
  ...client,
  code: "ImageDigestDoesNotMatchException",
  source: reference("PutImage"),
  unverified: true,
  message: () => "The specified image digest does not match the digest calculated for the image.",
});

export const layersNotFound = awsError({
  ...client,
  code: "LayersNotFoundException",
  source: reference("PutImage"),
  unverified: true,
  message: (digest: string, name: string, registryId: string) =>
    `Layers with digests '${digest}' required for pushing image into repository with name '${name}' in the registry with id '${registryId}' do not exist`,
});

export const repositoryPolicyNotFound = awsError({
  ...client,
  code: "RepositoryPolicyNotFoundException",
  source: reference("GetRepositoryPolicy"),
  message: (name: string, registryId: string) =>
    `Repository policy does not exist for the repository with name '${name}' in the registry with id '${registryId}'`,
});

export const policyLocksOut = awsError({
  ...client,
  unverified: true,
  code: "InvalidParameterException",
  source: reference("SetRepositoryPolicy"),
  message: () =>
    "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'The policy would prevent you from setting another repository policy; use force to set it'",
});

export const tooManyTags = awsError({
  ...client,
  code: "TooManyTagsException",
  source: reference("TagResource"),
  unverified: true,
  message: () =>
    "The list of tags on the repository is over the limit. The maximum number of tags that can be applied to a repository is 50.",
});

/** Not AWS's: Kiln keeps images as they come and says so instead of recording a key it would not use. */
export const encryptionNotOffered = awsError({
  ...client,
  code: "InvalidParameterException",
  source: "docs/differences.md",
  message: (type: string) =>
    `kiln does not encrypt images with KMS keys: \`encryptionConfiguration.encryptionType\` is \`${type}\`, expected \`AES256\``,
});

const unverifiedClient = { ...client, unverified: true } as const;

/** For checks that ECR's newer operations make beyond the model. */
export const validationException = awsError({
  ...unverifiedClient,
  code: "ValidationException",
  source: reference("PutAccountSetting"),
  message: (text: string) => text,
});

export const limitExceeded = awsError({
  ...unverifiedClient,
  code: "LimitExceededException",
  source: reference("CreatePullThroughCacheRule"),
  message: (text: string) => text,
});

export const lifecyclePolicyNotFound = awsError({
  ...client,
  code: "LifecyclePolicyNotFoundException",
  source: reference("GetLifecyclePolicy"),
  message: (name: string, registryId: string) =>
    `Lifecycle policy does not exist for the repository with name '${name}' in the registry with id '${registryId}'`,
});

/** `what` is ECR's own sentence (lifecycle/parse-policy.ts). Seen: aws-provider and module reports of 2020 to 2026. */
export const lifecyclePolicyInvalid = awsError({
  ...client,
  code: "InvalidParameterException",
  source: reference("PutLifecyclePolicy"),
  message: (what: string) =>
    `Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure: ${what}'`,
});

export const lifecyclePreviewNotFound = awsError({
  ...unverifiedClient,
  code: "LifecyclePolicyPreviewNotFoundException",
  source: reference("GetLifecyclePolicyPreview"),
  message: (name: string, registryId: string) =>
    `Lifecycle policy preview does not exist for the repository with name '${name}' in the registry with id '${registryId}'`,
});

export const registryPolicyNotFound = awsError({
  ...client,
  code: "RegistryPolicyNotFoundException",
  source: reference("GetRegistryPolicy"),
  message: (registryId: string) => `Registry policy does not exist in the registry with id '${registryId}'`,
});

export const scanNotFound = awsError({
  ...client,
  code: "ScanNotFoundException",
  source: reference("DescribeImageScanFindings"),
  message: (
    image: { imageDigest?: string | undefined; imageTag?: string | undefined },
    name: string,
    registryId: string,
  ) =>
    `Image scan does not exist for the image with '{imageDigest:'${image.imageDigest ?? "null"}', imageTag:'${image.imageTag ?? "null"}'}' in the repository with name '${name}' in the registry with id '${registryId}'`,
});

export const cacheRuleNotFound = awsError({
  ...unverifiedClient,
  code: "PullThroughCacheRuleNotFoundException",
  source: reference("DeletePullThroughCacheRule"),
  message: (prefix: string, registryId: string) =>
    `The pull through cache rule with ECR repository prefix '${prefix}' does not exist in the registry with id '${registryId}'`,
});

export const cacheRuleAlreadyExists = awsError({
  ...unverifiedClient,
  code: "PullThroughCacheRuleAlreadyExistsException",
  source: reference("CreatePullThroughCacheRule"),
  message: (prefix: string, registryId: string) =>
    `A pull through cache rule with ECR repository prefix '${prefix}' already exists in the registry with id '${registryId}'`,
});

export const templateNotFound = awsError({
  ...unverifiedClient,
  code: "TemplateNotFoundException",
  source: reference("DeleteRepositoryCreationTemplate"),
  message: (prefix: string, registryId: string) =>
    `The repository creation template with prefix '${prefix}' does not exist in the registry with id '${registryId}'`,
});

export const templateAlreadyExists = awsError({
  ...unverifiedClient,
  code: "TemplateAlreadyExistsException",
  source: reference("CreateRepositoryCreationTemplate"),
  message: (prefix: string, registryId: string) =>
    `A repository creation template with prefix '${prefix}' already exists in the registry with id '${registryId}'`,
});

export const exclusionNotFound = awsError({
  ...unverifiedClient,
  code: "ExclusionNotFoundException",
  source: reference("DeregisterPullTimeUpdateExclusion"),
  message: (principalArn: string) => `The pull time update exclusion for '${principalArn}' does not exist`,
});

export const exclusionAlreadyExists = awsError({
  ...unverifiedClient,
  code: "ExclusionAlreadyExistsException",
  source: reference("RegisterPullTimeUpdateExclusion"),
  message: (principalArn: string) => `The pull time update exclusion for '${principalArn}' already exists`,
});

export const uploadNotFound = awsError({
  ...unverifiedClient,
  code: "UploadNotFoundException",
  source: reference("UploadLayerPart"),
  message: (uploadId: string, name: string, registryId: string) =>
    `Layer upload with id '${uploadId}' does not exist for the repository with name '${name}' in the registry with id '${registryId}'`,
});

interface PlaceOfUpload {
  readonly registryId: string;
  readonly repositoryName: string;
  readonly uploadId: string;
}

export const invalidLayerPart = awsError({
  ...unverifiedClient,
  code: "InvalidLayerPartException",
  source: reference("UploadLayerPart"),
  message: (_place: PlaceOfUpload, lastByte: number) =>
    `The layer part is not valid: the first byte must follow the last byte received, ${lastByte}`,
  extra: (place, lastValidByteReceived) => ({ ...place, lastValidByteReceived }),
});

export const emptyUpload = awsError({
  ...unverifiedClient,
  code: "EmptyUploadException",
  source: reference("CompleteLayerUpload"),
  message: (uploadId: string) => `The layer upload '${uploadId}' does not contain any layer parts`,
});

export const layerPartTooSmall = awsError({
  ...unverifiedClient,
  code: "LayerPartTooSmallException",
  source: reference("CompleteLayerUpload"),
  message: () => "Layer parts must be at least 5 MiB in size",
});

export const invalidLayer = awsError({
  ...unverifiedClient,
  code: "InvalidLayerException",
  source: reference("CompleteLayerUpload"),
  message: (digest: string) => `Layer digest '${digest}' does not match the digest calculated for the uploaded parts`,
});

export const layerAlreadyExists = awsError({
  ...unverifiedClient,
  code: "LayerAlreadyExistsException",
  source: reference("CompleteLayerUpload"),
  message: (digest: string, name: string, registryId: string) =>
    `Layer with digest '${digest}' already exists in the repository with name '${name}' in registry with id '${registryId}'`,
});

export const layerNotFound = awsError({
  ...unverifiedClient,
  code: "LayersNotFoundException",
  source: reference("GetDownloadUrlForLayer"),
  message: (digest: string, name: string, registryId: string) =>
    `Layer with digest '${digest}' does not exist in the repository with name '${name}' in the registry with id '${registryId}'`,
});

/** Not AWS's: a rule that named a registry without saying which kind could mean another machine's file or socket. */
export const upstreamUrlInvalid = awsError({
  ...client,
  code: "ValidationException",
  source: "docs/differences.md",
  message: (url: string) =>
    `\`upstreamRegistryUrl\` is \`${url}\`, expected a host with an optional port, e.g. \`registry-1.docker.io\``,
});
