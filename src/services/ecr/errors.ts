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
