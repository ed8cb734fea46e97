/**
 * Which test files are this build's: the two strategies of `codebuild-tests-run`. Pure.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/parallel-test-splitting.html: equal-distribution sorts
 * the names and cuts them into chunks that differ by one file at most; stability hashes names consistently.
 * AWS does not publish its hash. Kiln's: a file belongs to the shard with the greatest SHA-256 of `<name>\0<index>`, so
 * that another file, or another shard, moves no more files than it must.
 */
import { createHash } from "node:crypto";

export const SHARDING_STRATEGIES = ["equal-distribution", "stability"] as const;
export type ShardingStrategy = (typeof SHARDING_STRATEGIES)[number];

export interface Shard {
  /** From 0. */
  readonly index: number;
  readonly count: number;
}

/** The files of one shard, sorted by the bytes of their names. */
export function filesOfShard(files: readonly string[], shard: Shard, strategy: ShardingStrategy): string[] {
  const sorted = [...new Set(files)].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  if (strategy === "stability") return sorted.filter((file) => stableShard(file, shard.count) === shard.index);
  const start = Math.floor((sorted.length * shard.index) / shard.count);
  return sorted.slice(start, Math.floor((sorted.length * (shard.index + 1)) / shard.count));
}

function stableShard(file: string, count: number): number {
  let best = 0;
  let greatest = "";
  for (let index = 0; index < count; index++) {
    const weight = createHash("sha256").update(`${file}\0${index}`).digest("hex");
    if (weight <= greatest) continue;
    greatest = weight;
    best = index;
  }
  return best;
}

/** The shard that the batch gave the build; outside a fan-out the only one. */
export function shardFrom(variables: Readonly<Record<string, string | undefined>>): Shard {
  const index = Number(variables["KILN_SHARD_INDEX"] ?? "");
  const count = Number(variables["KILN_SHARD_COUNT"] ?? "");
  const isGiven = Number.isInteger(index) && Number.isInteger(count) && index >= 0 && index < count;
  return isGiven ? { index, count } : { index: 0, count: 1 };
}
