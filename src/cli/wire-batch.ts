/** Batches as BatchGetBuildBatches answers them, with the members commands read, and how people name them. */
import type { Kiln } from "../app.ts";
import type { BatchRecord } from "../explain/index.ts";

export interface WireBatch extends BatchRecord {
  readonly buildBatchNumber?: number;
  readonly currentPhase?: string;
  readonly complete?: boolean;
  readonly startTime?: number;
  readonly endTime?: number;
  readonly serviceRole?: string;
  readonly environment?: { readonly image?: string };
  readonly source?: { readonly type?: string; readonly location?: string };
}

/** AWS: BatchGetBuildBatches takes at most 100 ids. */
const MAX_BATCH = 100;

/** One batch by id or ARN, or undefined. */
export async function findBatch(kiln: Kiln, id: string): Promise<WireBatch | undefined> {
  return (await batchesOf(kiln, [id]))[0];
}

/** By full id, ARN, bare uuid or the start of it. */
export async function batchNamed(kiln: Kiln, id: string): Promise<WireBatch | undefined> {
  const short = id.replace(/^arn:[^/]*\//, "");
  if (short.includes(":")) return findBatch(kiln, short);
  const { ids = [] } = await kiln.root.call<{ ids?: string[] }>("codebuild", "ListBuildBatches", {});
  const full = ids.find((known) => known.split(":").at(-1)?.startsWith(short));
  return full === undefined ? undefined : findBatch(kiln, full);
}

/** The newest batches of all projects, newest first. */
export async function newestBatches(kiln: Kiln, limit: number): Promise<WireBatch[]> {
  const { ids = [] } = await kiln.root.call<{ ids?: string[] }>("codebuild", "ListBuildBatches", {
    sortOrder: "DESCENDING",
  });
  const batches = await batchesOf(kiln, ids.slice(0, Math.min(limit, MAX_BATCH)));
  return batches.toSorted((a, b) => (b.startTime ?? 0) - (a.startTime ?? 0));
}

async function batchesOf(kiln: Kiln, ids: readonly string[]): Promise<WireBatch[]> {
  if (ids.length === 0) return [];
  const { buildBatches = [] } = await kiln.root.call<{ buildBatches?: WireBatch[] }>(
    "codebuild",
    "BatchGetBuildBatches",
    { ids },
  );
  return buildBatches;
}
