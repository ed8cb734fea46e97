/**
 * The registries that AWS knows as upstreams of a pull-through cache, by their hosts.
 * Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-creating-rule.html
 */
import type { CreatePullThroughCacheRuleRequest } from "../shapes.gen.ts";

type UpstreamRegistry = NonNullable<CreatePullThroughCacheRuleRequest["upstreamRegistry"]>;

interface Known {
  readonly name: UpstreamRegistry;
  readonly host: RegExp;
  /** AWS: a rule without a secret is refused. */
  readonly needsCredentials: boolean;
}

const KNOWN: readonly Known[] = [
  { name: "ecr-public", host: /^public\.ecr\.aws$/, needsCredentials: false },
  { name: "ecr", host: /^\d{12}\.dkr[.-]ecr\./, needsCredentials: false },
  { name: "docker-hub", host: /^registry-1\.docker\.io$/, needsCredentials: true },
  { name: "quay", host: /^quay\.io$/, needsCredentials: false },
  { name: "k8s", host: /^registry\.k8s\.io$/, needsCredentials: false },
  { name: "github-container-registry", host: /^ghcr\.io$/, needsCredentials: true },
  { name: "azure-container-registry", host: /\.azurecr\.io$/, needsCredentials: true },
  { name: "gitlab-container-registry", host: /^registry\.gitlab\.com$/, needsCredentials: true },
  { name: "chainguard", host: /^cgr\.dev$/, needsCredentials: true },
];

/** Undefined for a registry that only Kiln takes. */
export const upstreamRegistryOf = (url: string): UpstreamRegistry | undefined =>
  KNOWN.find(({ host }) => host.test(url.replace(/^https?:\/\//, "")))?.name;

export const needsCredentials = (registry: UpstreamRegistry | undefined): boolean =>
  KNOWN.some(({ name, needsCredentials: needs }) => name === registry && needs);
