/** A repository's images as lifecycle rules look at them. */
import type { Images, RepositoryAddress } from "../../../registry/index.ts";
import type { LifecycleImage } from "./evaluate-policy.ts";

export function lifecycleImages(images: Images, address: RepositoryAddress): readonly LifecycleImage[] {
  const tags = images.tagsByDigest(address);
  return images.manifests(address).map(({ digest, record }) => ({
    digest,
    tags: tags.get(digest) ?? [],
    pushedAtMs: record.pushedAtMs,
    lastPulledAtMs: record.lastPulledAtMs,
    archivedAtMs: record.archivedAtMs,
    activatedAtMs: record.activatedAtMs,
    manifests: record.manifests,
  }));
}
