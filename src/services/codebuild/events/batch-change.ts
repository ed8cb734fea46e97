/**
 * Changes of a batch as events, in the shape of a build's. Pure. AWS documents the two detail-types of builds only (each
 * build of a batch sends those); the ones of the batch itself are Kiln's, made after their pattern.
 */
import type { BatchPhaseRecord, BatchRecord } from "../batches/batch-records.ts";
import { buildArn } from "../records.ts";
import { contextLines, dateText, eventOf, type StateChangeEvent, shownLocation } from "./state-change.ts";

export const BATCH_STATE_CHANGE = "CodeBuild Build Batch State Change";
export const BATCH_PHASE_CHANGE = "CodeBuild Build Batch Phase Change";

/** What happened between `before` (undefined: the batch is new) and `after`. */
export function batchChangesBetween(before: BatchRecord | undefined, after: BatchRecord): StateChangeEvent[] {
  const events: StateChangeEvent[] = [];
  const isNew = before === undefined || (before.batch.complete === true && after.batch.complete !== true);
  if (isNew) events.push(stateChange(after, newestStart(after)));
  const known = new Set(before?.phases.filter(isOver).map(keyOf));
  for (const phase of after.phases)
    if (isOver(phase) && !known.has(keyOf(phase))) events.push(phaseChange(after, phase));
  if (after.batch.complete === true && (isNew || before?.batch.complete !== true)) {
    events.push(stateChange(after, after.batch.endTime ?? newestStart(after)));
  }
  return events;
}

const isOver = (phase: BatchPhaseRecord): boolean => phase.phaseStatus !== undefined && phase.phaseStatus !== "RETRY";
const keyOf = (phase: BatchPhaseRecord): string => `${phase.phaseType} ${phase.startTimeMs}`;
const newestStart = ({ phases, batch }: BatchRecord): number => phases.at(-1)?.startTimeMs ?? batch.startTime ?? 0;

function stateChange(record: BatchRecord, atMs: number): StateChangeEvent {
  const { batch } = record;
  const status = batch.buildBatchStatus ?? "IN_PROGRESS";
  const detail = {
    "build-batch-status": status,
    ...identity(record),
    "additional-information": additionalInformation(record),
    "current-phase": batch.complete === true ? "COMPLETED" : (batch.currentPhase ?? "SUBMITTED"),
    version: "1",
  };
  return envelope(record, BATCH_STATE_CHANGE, atMs, `${status} ${atMs}`, detail);
}

function phaseChange(record: BatchRecord, phase: BatchPhaseRecord): StateChangeEvent {
  const endMs = phase.endTimeMs ?? phase.startTimeMs;
  const detail = {
    "completed-phase": phase.phaseType,
    ...identity(record),
    "completed-phase-context": `[${contextLines(phase).join(", ")}]`,
    "additional-information": additionalInformation(record),
    "completed-phase-status": phase.phaseStatus,
    "completed-phase-duration-seconds": phase.durationInSeconds ?? 0,
    version: "1",
    "completed-phase-start": dateText(phase.startTimeMs),
    "completed-phase-end": dateText(endMs),
  };
  return envelope(record, BATCH_PHASE_CHANGE, endMs, keyOf(phase), detail);
}

const identity = ({ batch, settings }: BatchRecord) => ({
  "project-name": settings.projectName,
  "build-batch-id": batch.arn ?? "",
});

const envelope = (
  { scope, batch }: BatchRecord,
  detailType: string,
  atMs: number,
  what: string,
  detail: Readonly<Record<string, unknown>>,
): StateChangeEvent => eventOf({ scope, arn: batch.arn ?? "", atMs, detailType, detail, key: `${detailType} ${what}` });

function additionalInformation({ batch, settings, groups, initiator, scope }: BatchRecord): object {
  return {
    "build-batch-number": batch.buildBatchNumber,
    "build-batch-start-time": dateText(batch.startTime ?? 0),
    "batch-complete": batch.complete ?? false,
    initiator,
    source: { location: shownLocation(settings.source.location), type: settings.source.type },
    "source-version": settings.sourceVersion,
    "build-groups": groups.map(({ identifier, current, dependsOn }) => ({
      identifier,
      "depends-on": dependsOn,
      "build-status": current?.buildStatus,
      "build-id": current?.uuid === undefined ? undefined : buildArn(scope, `${settings.projectName}:${current.uuid}`),
    })),
  };
}
