/** The operations of ECR, imported when the service is first called (index.ts). */
import type { Operations } from "../service.ts";
import type { EcrDeps } from "./find-repository.ts";
import { getAuthorizationToken } from "./get-authorization-token.ts";
import { batchDeleteImage, batchGetImage } from "./images/batch-images.ts";
import { listImageReferrers } from "./images/list-image-referrers.ts";
import { describeImages, listImages } from "./images/list-images.ts";
import { putImage } from "./images/put-image.ts";
import { describeImageReplicationStatus } from "./images/replication-status.ts";
import { describeImageScanFindings } from "./images/scan-findings.ts";
import { updateImageStorageClass } from "./images/storage-class.ts";
import { completeLayerUpload, initiateLayerUpload, uploadLayerPart } from "./layers/layer-uploads.ts";
import { batchCheckLayerAvailability, getDownloadUrlForLayer } from "./layers/layers.ts";
import { deleteLifecyclePolicy, getLifecyclePolicy, putLifecyclePolicy } from "./lifecycle/lifecycle-policy.ts";
import { getLifecyclePolicyPreview, startLifecyclePolicyPreview } from "./lifecycle/preview.ts";
import { getAccountSetting, putAccountSetting } from "./registry-settings/account-settings.ts";
import {
  createPullThroughCacheRule,
  deletePullThroughCacheRule,
  describePullThroughCacheRules,
  updatePullThroughCacheRule,
  validatePullThroughCacheRule,
} from "./registry-settings/cache-rules.ts";
import {
  createRepositoryCreationTemplate,
  deleteRepositoryCreationTemplate,
  describeRepositoryCreationTemplates,
  updateRepositoryCreationTemplate,
} from "./registry-settings/creation-templates.ts";
import {
  deregisterPullTimeUpdateExclusion,
  listPullTimeUpdateExclusions,
  registerPullTimeUpdateExclusion,
} from "./registry-settings/pull-time-exclusions.ts";
import { deleteRegistryPolicy, getRegistryPolicy, putRegistryPolicy } from "./registry-settings/registry-policy.ts";
import { describeRegistry, putReplicationConfiguration } from "./registry-settings/replication.ts";
import {
  batchGetRepositoryScanningConfiguration,
  getRegistryScanningConfiguration,
  putImageScanningConfiguration,
  putRegistryScanningConfiguration,
} from "./registry-settings/scanning.ts";
import { createRepository, deleteRepository, describeRepositories } from "./repositories/repositories.ts";
import { deleteRepositoryPolicy, getRepositoryPolicy, setRepositoryPolicy } from "./repositories/repository-policy.ts";
import { putImageTagMutability } from "./repositories/tag-mutability.ts";
import { listTagsForResource, tagResource, untagResource } from "./repositories/tags.ts";

export const operations = (deps: EcrDeps): Operations => [
  getAuthorizationToken(deps),
  createRepository(deps),
  describeRepositories(deps),
  deleteRepository(deps),
  putImageTagMutability(deps),
  setRepositoryPolicy(deps),
  getRepositoryPolicy(deps),
  deleteRepositoryPolicy(deps),
  tagResource(deps),
  untagResource(deps),
  listTagsForResource(deps),
  listImages(deps),
  describeImages(deps),
  batchGetImage(deps),
  batchDeleteImage(deps),
  putImage(deps),
  listImageReferrers(deps),
  updateImageStorageClass(deps),
  describeImageReplicationStatus(deps),
  describeImageScanFindings(deps),
  batchCheckLayerAvailability(deps),
  getDownloadUrlForLayer(deps),
  initiateLayerUpload(deps),
  uploadLayerPart(deps),
  completeLayerUpload(deps),
  putLifecyclePolicy(deps),
  getLifecyclePolicy(deps),
  deleteLifecyclePolicy(deps),
  startLifecyclePolicyPreview(deps),
  getLifecyclePolicyPreview(deps),
  describeRegistry(deps),
  putReplicationConfiguration(deps),
  putRegistryPolicy(deps),
  getRegistryPolicy(deps),
  deleteRegistryPolicy(deps),
  putAccountSetting(deps),
  getAccountSetting(deps),
  putRegistryScanningConfiguration(deps),
  getRegistryScanningConfiguration(deps),
  batchGetRepositoryScanningConfiguration(deps),
  putImageScanningConfiguration(deps),
  createPullThroughCacheRule(deps),
  updatePullThroughCacheRule(deps),
  describePullThroughCacheRules(deps),
  deletePullThroughCacheRule(deps),
  validatePullThroughCacheRule(deps),
  createRepositoryCreationTemplate(deps),
  updateRepositoryCreationTemplate(deps),
  describeRepositoryCreationTemplates(deps),
  deleteRepositoryCreationTemplate(deps),
  registerPullTimeUpdateExclusion(deps),
  deregisterPullTimeUpdateExclusion(deps),
  listPullTimeUpdateExclusions(deps),
];
