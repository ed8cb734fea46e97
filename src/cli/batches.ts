/** `kiln builds …` on a batch: listed, shown, stopped, retried (its failed builds, watched). */
import type { Kiln } from "../app.ts";
import type { CommandContext } from "./command-context.ts";
import { buildIdOf } from "./explain/diagnose-batch.ts";
import { groupTable } from "./group-table.ts";
import { onWire } from "./on-wire.ts";
import { withSignals } from "./signals.ts";
import { table } from "./table.ts";
import { watchBatch } from "./watch-batch.ts";
import type { WireBatch } from "./wire-batch.ts";

const secondsOf = ({ startTime, endTime }: WireBatch): string =>
  startTime === undefined || endTime === undefined ? "" : ((endTime - startTime) / 1000).toFixed(1);

export function listBatches(context: CommandContext, batches: readonly WireBatch[]): void {
  context.print("");
  context.print(
    table([
      ["BATCH", "STATUS", "PHASE", "STARTED", "SECONDS"],
      ...batches.map((batch) => [
        batch.id ?? "",
        batch.buildBatchStatus ?? "",
        batch.currentPhase ?? "",
        batch.startTime === undefined ? "" : new Date(batch.startTime).toISOString().slice(0, 19),
        secondsOf(batch),
      ]),
    ]),
  );
}

export async function showBatch(context: CommandContext, kiln: Kiln, batch: WireBatch): Promise<number> {
  if (context.settings.output === "json") {
    context.printJson(onWire(batch));
    return 0;
  }
  context.print(
    table([
      ["batch", batch.id ?? ""],
      ["status", batch.buildBatchStatus ?? ""],
      ["role", `${batch.serviceRole ?? ""}, batch role ${batch.buildBatchConfig?.serviceRole ?? ""}`],
      ["image", batch.environment?.image ?? ""],
      ["source", batch.source?.location ?? batch.source?.type ?? ""],
    ]),
  );
  context.print("");
  for (const phase of batch.phases ?? []) {
    context.print(`${(phase.phaseType ?? "").padEnd(19)} ${phase.phaseStatus ?? ""}`.trimEnd());
    for (const { statusCode, message } of phase.contexts ?? [])
      context.print(`  ${statusCode ?? ""}: ${message ?? ""}`);
  }
  context.print("");
  context.print(await groupTable(kiln, batch));
  return 0;
}

export async function stopBatch(context: CommandContext, kiln: Kiln, batch: WireBatch): Promise<number> {
  const { buildBatch } = await kiln.root.call<{ buildBatch?: WireBatch }>("codebuild", "StopBuildBatch", {
    id: batch.id,
  });
  if (context.settings.output === "json") context.printJson(onWire(buildBatch));
  else context.print(`${batch.id}: ${buildBatch?.buildBatchStatus ?? ""}`);
  return 0;
}

/** What succeeded stays; the rest runs again under the batch's id. */
export async function retryBatch(context: CommandContext, kiln: Kiln, batch: WireBatch): Promise<number> {
  const { buildBatch } = await kiln.root.call<{ buildBatch?: WireBatch }>("codebuild", "RetryBuildBatch", {
    id: batch.id,
    retryType: "RETRY_FAILED_BUILDS",
  });
  const kept = new Set((buildBatch?.buildGroups ?? []).flatMap((group) => buildIdOf(group) ?? []));
  return withSignals((interruption) => watchBatch(context, kiln, batch.id ?? "", "kiln", interruption, kept));
}
