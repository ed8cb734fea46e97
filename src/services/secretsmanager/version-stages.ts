/**
 * Staging labels: each is on one version at most. Pure functions over a secret's versions.
 * Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html#term_version
 */
import { DAY_MS } from "../../core/clock.ts";
import { quotaExceeded } from "./errors.ts";
import type { SecretVersion } from "./records.ts";

export const CURRENT = "AWSCURRENT";
export const PREVIOUS = "AWSPREVIOUS";
export const PENDING = "AWSPENDING";

const MAX_VERSIONS = 100;
/** On all versions of a secret. */
const MAX_STAGES = 20;
const MIN_AGE_MS = DAY_MS;

type Versions = readonly SecretVersion[];

export const versionAt = (versions: Versions, stage: string): SecretVersion | undefined =>
  versions.find((version) => version.stages.includes(stage));

export const versionById = (versions: Versions, id: string): SecretVersion | undefined =>
  versions.find((version) => version.id === id);

/** `versions`, or the error for more labels than a secret may have. */
export function requireStagesFit(versions: Versions): Versions {
  if (versions.reduce((count, version) => count + version.stages.length, 0) > MAX_STAGES) throw quotaExceeded();
  return versions;
}

/** `stages` move to one version. AWS: the version that loses AWSCURRENT gets AWSPREVIOUS. */
export function withStages(versions: Versions, id: string, stages: readonly string[]): SecretVersion[] {
  const old = versionAt(versions, CURRENT);
  const moved = stages.reduce<Versions>((all, stage) => moveStage(all, stage, id), versions);
  const isDemoted = old !== undefined && old.id !== id && stages.includes(CURRENT);
  return [...(isDemoted ? moveStage(moved, PREVIOUS, old.id) : moved)];
}

/** On `id` only, or on no version. */
export const moveStage = (versions: Versions, stage: string, id: string | undefined): SecretVersion[] =>
  versions.map((version) => {
    const others = version.stages.filter((one) => one !== stage);
    return { ...version, stages: version.id === id ? [...others, stage].sort() : others };
  });

/**
 * Without the oldest versions that AWS may forget while there are more than a hundred: no label, older than a day. The
 * error for a version too many where none may go.
 */
export function withoutForgotten(versions: Versions, nowMs: number): Versions {
  let excess = versions.length - MAX_VERSIONS;
  if (excess <= 0) return versions;
  const kept = versions.filter(
    ({ stages, createdAtMs }) => stages.length > 0 || nowMs - createdAtMs < MIN_AGE_MS || excess-- <= 0,
  );
  if (kept.length > MAX_VERSIONS) throw quotaExceeded();
  return kept;
}
