/** The operations of ECR, imported when the service is first called (index.ts). */
import type { Operations } from "../service.ts";
import { batchDeleteImage, batchGetImage } from "./batch-images.ts";
import type { EcrDeps } from "./find-repository.ts";
import { getAuthorizationToken } from "./get-authorization-token.ts";
import { describeImages, listImages } from "./list-images.ts";
import { putImage } from "./put-image.ts";
import { createRepository, deleteRepository, describeRepositories } from "./repositories.ts";
import { deleteRepositoryPolicy, getRepositoryPolicy, setRepositoryPolicy } from "./repository-policy.ts";
import { putImageTagMutability } from "./tag-mutability.ts";
import { listTagsForResource, tagResource, untagResource } from "./tags.ts";

export const operations = (deps: EcrDeps): Operations => [
  getAuthorizationToken(deps),
  createRepository(deps),
  describeRepositories(deps),
  deleteRepository(deps),
  putImageTagMutability(deps),
  listImages(deps),
  describeImages(deps),
  batchGetImage(deps),
  batchDeleteImage(deps),
  putImage(deps),
  setRepositoryPolicy(deps),
  getRepositoryPolicy(deps),
  deleteRepositoryPolicy(deps),
  tagResource(deps),
  untagResource(deps),
  listTagsForResource(deps),
];
