/**
 * Which images a lifecycle policy takes, as data in and data out: rules in order of priority, an image taken by one rule
 * at most, and never by a rule when a rule before it selects the image.
 * Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html (evaluation rules) and its examples
 */
import { DAY_MS } from "../../../core/clock.ts";
import type { LifecycleRule } from "./parse-policy.ts";

/** What the rules look at of an image. */
export interface LifecycleImage {
  readonly digest: string;
  readonly tags: readonly string[];
  readonly pushedAtMs: number;
  readonly lastPulledAtMs?: number | undefined;
  readonly archivedAtMs?: number | undefined;
  readonly activatedAtMs?: number | undefined;
  /** Manifests of an index: they cannot go before it does. */
  readonly manifests?: readonly string[] | undefined;
}

export interface LifecycleVerdict {
  readonly image: LifecycleImage;
  readonly rule: LifecycleRule;
}

/** `rules` in order of priority. The verdicts are in the same order, older images first. */
export function evaluateLifecycle(
  rules: readonly LifecycleRule[],
  images: readonly LifecycleImage[],
  nowMs: number,
): readonly LifecycleVerdict[] {
  const verdicts: LifecycleVerdict[] = [];
  // AWS: an image that a rule selects, taken or not, is out of reach of the rules after it.
  const claimed = new Set<string>();
  for (const rule of rules) {
    const selected = images.filter((image) => selects(rule, image)).sort(byAge);
    for (const image of taken(rule, selected, nowMs)) if (!claimed.has(image.digest)) verdicts.push({ image, rule });
    for (const { digest } of selected) claimed.add(digest);
  }
  return withoutReferenced(verdicts, images);
}

const byAge = (a: LifecycleImage, b: LifecycleImage): number =>
  a.pushedAtMs - b.pushedAtMs || (a.digest < b.digest ? -1 : 1);

function selects({ tagStatus, tagPatterns, storageClass }: LifecycleRule, image: LifecycleImage): boolean {
  if ((storageClass === "archive") !== (image.archivedAtMs !== undefined)) return false;
  switch (tagStatus) {
    case "any":
      return true;
    case "untagged":
      return image.tags.length === 0;
    case "tagged":
      // AWS: each of several patterns must match a tag of the image.
      return tagPatterns.every((pattern) => image.tags.some((tag) => isMatch(pattern, tag)));
  }
}

/** Of the selected images, oldest first, those that are too many or too old. */
function taken(rule: LifecycleRule, selected: readonly LifecycleImage[], nowMs: number): readonly LifecycleImage[] {
  const { countType, countNumber } = rule;
  if (countType === "imageCountMoreThan") return selected.slice(0, Math.max(0, selected.length - countNumber));
  return selected.filter((image) => nowMs - sinceMs(countType, image) > countNumber * DAY_MS);
}

function sinceMs(countType: Exclude<LifecycleRule["countType"], "imageCountMoreThan">, image: LifecycleImage): number {
  switch (countType) {
    case "sinceImagePushed":
      return image.pushedAtMs;
    case "sinceImagePulled":
      // AWS: an image that was never pulled counts from its push, one that came back from the archive from then.
      return Math.max(image.lastPulledAtMs ?? image.pushedAtMs, image.activatedAtMs ?? 0);
    case "sinceImageTransitioned":
      return image.archivedAtMs ?? Number.POSITIVE_INFINITY;
  }
}

/** What becomes of an image: it stays, is archived, or expires. */
type Fate = 0 | 1 | 2;
const [STAYS, ARCHIVED, EXPIRES]: readonly [Fate, Fate, Fate] = [0, 1, 2];

/** AWS: an image that an index lists cannot be expired or archived unless the index is. */
function withoutReferenced(
  verdicts: readonly LifecycleVerdict[],
  images: readonly LifecycleImage[],
): readonly LifecycleVerdict[] {
  const going = new Map(
    verdicts.map(({ image, rule }) => [image.digest, rule.action === "expire" ? EXPIRES : ARCHIVED]),
  );
  const byDigest = new Map(images.map((image) => [image.digest, image]));
  const fateOf = ({ digest, archivedAtMs }: LifecycleImage): Fate =>
    going.get(digest) ?? (archivedAtMs === undefined ? STAYS : ARCHIVED);
  // An index keeps its images, which may be indexes themselves and are then looked at again.
  const indexes = images.filter(({ manifests }) => manifests !== undefined);
  for (const index of indexes) {
    for (const digest of index.manifests ?? []) {
      const child = byDigest.get(digest);
      if (!child || (going.get(digest) ?? STAYS) <= fateOf(index)) continue;
      going.delete(digest);
      if (child.manifests) indexes.push(child);
    }
  }
  return verdicts.filter(({ image }) => going.has(image.digest));
}

function isMatch(pattern: string, tag: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(tag);
}
