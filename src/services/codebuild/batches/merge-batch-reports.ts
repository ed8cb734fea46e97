/** The end of a fan-out: one report of those of all its builds, named in the batch's `reportArns`. */
import type { BuildContext } from "../builds/build-context.ts";
import type { BuildRunner } from "../builds/build-runner.ts";
import { mergeReports } from "../reports/index.ts";
import type { PhaseContext } from "../shapes.gen.ts";
import type { BatchJournal } from "./batch-journal.ts";
import { batchArn } from "./batch-records.ts";
import { reportsNotMerged } from "./batch-texts.ts";

/** Resolves with what could not be done. Nothing happens for batches of other kinds. */
export async function mergeBatchReports(
  journal: BatchJournal,
  { context, runner }: { readonly context: BuildContext; readonly runner: BuildRunner },
): Promise<readonly PhaseContext[]> {
  const { scope, settings, plan, groups, batch, uuid } = journal.record;
  const tasks = plan?.tasks.filter(({ shard }) => shard !== undefined) ?? [];
  const shards = tasks.map(({ identifier }) => {
    const group = groups.find((one) => one.identifier === identifier);
    return journal.buildOf(group?.current)?.build.reportArns ?? [];
  });
  if (shards.every((arns) => arns.length === 0)) return [];
  const session = runner.newSession(uuid, settings.projectName, settings.serviceRole, scope);
  const input = { scope, settings, shards, batchArn: batchArn(scope, batch.id ?? "") };
  const { reportArns, failures } = await mergeReports(context, input, session);
  await journal.save({ batch: { ...journal.record.batch, reportArns } });
  return failures.map(reportsNotMerged);
}
