/**
 * Amazon Elastic Container Registry, JSON API: repositories, their policies and tags, images. Pushes and pulls
 * themselves go through registry/ (`/v2/`), which asks the same policies and keeps the same images.
 *
 * Sources: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/ and texts of real calls collected in November 2026.
 * Gaps: layer transfer through the JSON API (InitiateLayerUpload … GetDownloadUrlForLayer), lifecycle policies,
 * scanning, replication, pull-through cache, creation templates, registry policy, KMS encryption.
 * Differences: repository policies are given back as they were set, not reformatted.
 */
import type { ServiceDefinition } from "../service.ts";
import type { EcrDeps } from "./find-repository.ts";

export type { EcrDeps } from "./find-repository.ts";

export const ecrService = (deps: EcrDeps): ServiceDefinition => ({
  name: "ecr",
  title: "Elastic Container Registry",
  protocol: "awsJson1_1",
  targetPrefix: "AmazonEC2ContainerRegistry_V20150921",
  operations: async () => (await import("./operations.ts")).operations(deps),
});
