/**
 * Report groups of a fan-out: each of its builds has one of its own for each group of the buildspec.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/parallel-test-auto-merge.html. Not published: from which
 * number shards are counted; here from 1, as the identifiers of the builds.
 */

/** Name or ARN of one build's group; `index` counts from 0. */
export const shardGroup = (group: string, index: number): string => `${group}BuildFanoutShard${index + 1}`;

/** Name or ARN of the group that a build's group belongs to. */
export const wholeGroup = (group: string): string => group.replace(/BuildFanoutShard\d+$/, "");
