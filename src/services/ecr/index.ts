/**
 * Amazon Elastic Container Registry, JSON API: repositories and their policies, images, layers, lifecycle policies, and
 * the settings of a registry. Pushes and pulls themselves go through registry/ (`/v2/`), which asks the same policies,
 * keeps the same images and applies these settings.
 *
 * Sources: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/ and texts of real calls collected in November 2026.
 * Gaps: encryption with KMS keys, scanning of images, signing; refused by name.
 * Differences: policies are given back as they were set, not reformatted; lifecycle policies are evaluated each hour.
 */
import type { ServiceDefinition } from "../service.ts";
import type { EcrDeps } from "./find-repository.ts";

export type { EcrDeps } from "./find-repository.ts";
export { type LifecycleTimer, startLifecycleTimer } from "./lifecycle/expiry-timer.ts";

export const ecrService = (deps: EcrDeps): ServiceDefinition => ({
  name: "ecr",
  title: "Elastic Container Registry",
  protocol: "awsJson1_1",
  targetPrefix: "AmazonEC2ContainerRegistry_V20150921",
  operations: async () => (await import("./operations.ts")).operations(deps),
});
