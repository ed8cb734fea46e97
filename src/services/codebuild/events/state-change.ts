/**
 * Changes of a build as the events that CodeBuild sends to EventBridge. Pure: two states of a record give the events
 * between them, in order.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/sample-build-notifications-ref.html
 * Gaps: no `network-interface` and `vpc-config`, because builds have none.
 */
import { createHash } from "node:crypto";
import type { BuildPhase } from "../../../build/run/index.ts";
import { type AwsScope, parseArn } from "../../../core/arn.ts";
import { isoSeconds } from "../../../core/clock.ts";
import type { BuildRecord } from "../records.ts";

export const STATE_CHANGE = "CodeBuild Build State Change";
export const PHASE_CHANGE = "CodeBuild Build Phase Change";

/** An event as EventBridge delivers it. */
export interface StateChangeEvent {
  readonly version: "0";
  /** The same event has the same id, wherever and however often it is delivered. */
  readonly id: string;
  readonly "detail-type": string;
  readonly source: "aws.codebuild";
  readonly account: string;
  /** ISO 8601, whole seconds. */
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

/** What happened between `before` (undefined: the build is new) and `after`. */
export function changesBetween(before: BuildRecord | undefined, after: BuildRecord): StateChangeEvent[] {
  const events: StateChangeEvent[] = [];
  if (!before) events.push(stateChange(after, after.build.startTime ?? 0, "SUBMITTED"));
  const known = new Set(before?.phases.filter(isOver).map(({ phaseType }) => phaseType));
  for (const phase of after.phases) {
    // The run tells SUBMITTED once more, which was over when the record was made.
    if (before && phase.phaseType === "SUBMITTED") continue;
    if (isOver(phase) && !known.has(phase.phaseType)) events.push(phaseChange(after, phase));
  }
  if (after.build.buildComplete === true && before?.build.buildComplete !== true) {
    events.push(stateChange(after, after.build.endTime ?? 0, "COMPLETED"));
  }
  return events;
}

const isOver = (phase: BuildPhase): boolean => phase.phaseStatus !== undefined;

function stateChange(record: BuildRecord, atMs: number, currentPhase: string): StateChangeEvent {
  const status = record.build.buildStatus ?? "IN_PROGRESS";
  const failed = record.phases.find(({ phaseStatus }) => phaseStatus !== undefined && phaseStatus !== "SUCCEEDED");
  return envelope(STATE_CHANGE, record, atMs, status, {
    "build-status": status,
    ...identity(record),
    "additional-information": additionalInformation(record),
    "current-phase": currentPhase,
    "current-phase-context": contextText(currentPhase === "COMPLETED" ? failed : undefined),
    version: "1",
  });
}

function phaseChange(record: BuildRecord, phase: BuildPhase): StateChangeEvent {
  const endMs = phase.endTimeMs ?? phase.startTimeMs;
  return envelope(PHASE_CHANGE, record, endMs, `${phase.phaseType} ${phase.startTimeMs}`, {
    "completed-phase": phase.phaseType,
    ...identity(record),
    "completed-phase-context": contextText(phase),
    "additional-information": additionalInformation(record),
    "completed-phase-status": phase.phaseStatus ?? "",
    "completed-phase-duration-seconds": phase.durationInSeconds ?? 0,
    version: "1",
    "completed-phase-start": dateText(phase.startTimeMs),
    "completed-phase-end": dateText(endMs),
  });
}

const identity = ({ build, settings }: BuildRecord) => ({
  "project-name": settings.projectName,
  // AWS: the member is called id and holds the ARN.
  "build-id": build.arn ?? "",
});

function envelope(
  detailType: string,
  { scope, build }: BuildRecord,
  atMs: number,
  what: string,
  detail: Readonly<Record<string, unknown>>,
): StateChangeEvent {
  const arn = build.arn ?? "";
  return eventOf({ scope, arn, atMs, detailType, detail, key: `${detailType} ${what}` });
}

/** The outer members. `key` tells events of one ARN apart: their ids are made of both. */
export function eventOf(input: {
  readonly scope: AwsScope;
  readonly arn: string;
  readonly atMs: number;
  readonly detailType: string;
  readonly key: string;
  readonly detail: Readonly<Record<string, unknown>>;
}): StateChangeEvent {
  const { scope, arn, atMs, detailType, detail, key } = input;
  return {
    version: "0",
    id: uuidOf(`${arn} ${key}`),
    "detail-type": detailType,
    source: "aws.codebuild",
    account: scope.accountId,
    time: isoSeconds(atMs),
    region: scope.region,
    resources: [arn],
    detail: withoutAbsent(detail),
  };
}

/** Settings and progress of the build, in kebab case. Values of variables as BatchGetBuilds shows them. */
function additionalInformation({ build, settings, phases }: BuildRecord): object {
  const { environment, source, cache } = settings;
  const { logs, artifacts } = build;
  const [, uuid = ""] = (parseArn(build.arn ?? "")?.resource ?? "").split(":");
  return withoutAbsent({
    artifact: withoutAbsent({
      md5sum: artifacts?.md5sum,
      sha256sum: artifacts?.sha256sum,
      location: artifacts?.location ?? "",
    }),
    cache: withoutAbsent({ type: cache.type, location: cache.location }),
    environment: withoutAbsent({
      image: environment.image,
      "privileged-mode": environment.privilegedMode ?? false,
      "image-pull-credentials-type": environment.imagePullCredentialsType,
      "compute-type": environment.computeType,
      type: environment.type,
      "environment-variables": (build.environment?.environmentVariables ?? []).map(({ name, type, value }) => ({
        name,
        type: type ?? "PLAINTEXT",
        value,
      })),
    }),
    "timeout-in-minutes": settings.timeoutInMinutes,
    "build-complete": build.buildComplete ?? false,
    "build-number": build.buildNumber,
    initiator: build.initiator,
    "build-start-time": dateText(build.startTime ?? 0),
    source: withoutAbsent({ buildspec: source.buildspec, location: shownLocation(source.location), type: source.type }),
    "source-version": settings.sourceVersion,
    logs:
      logs &&
      withoutAbsent({
        "group-name": logs.groupName,
        "stream-name": logs.streamName ?? (logs.groupName === undefined ? undefined : uuid),
        "deep-link": logs.deepLink,
      }),
    phases: phases.map((phase) =>
      withoutAbsent({
        "phase-context": isOver(phase) ? contextLines(phase) : undefined,
        "start-time": dateText(phase.startTimeMs),
        "end-time": phase.endTimeMs === undefined ? undefined : dateText(phase.endTimeMs),
        "duration-in-seconds": phase.durationInSeconds,
        "phase-type": phase.phaseType,
        "phase-status": phase.phaseStatus,
      }),
    ),
    "queued-timeout-in-minutes": settings.queuedTimeoutInMinutes,
  });
}

/** `CODE: message` of each context. */
export const contextLines = (phase: {
  readonly contexts?:
    | readonly { readonly statusCode?: string | undefined; readonly message?: string | undefined }[]
    | undefined;
}): string[] => (phase.contexts ?? []).map(({ statusCode = "", message = "" }) => `${statusCode}: ${message}`);

/** AWS: a list written as text, `[]` when there is nothing to say. */
const contextText = (phase: BuildPhase | undefined): string => `[${phase ? contextLines(phase).join(", ") : ""}]`;

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

/** `Sep 1, 2017 4:12:29 PM`, in UTC. Not by `Intl.DateTimeFormat`: making one costs 8 MiB. */
export function dateText(ms: number): string {
  const date = new Date(ms);
  const hour = date.getUTCHours();
  const [minute, second] = [date.getUTCMinutes(), date.getUTCSeconds()].map((part) => String(part).padStart(2, "0"));
  const day = `${MONTHS[date.getUTCMonth()]} ${date.getUTCDate()}, ${date.getUTCFullYear()}`;
  return `${day} ${hour % 12 || 12}:${minute}:${second} ${hour < 12 ? "AM" : "PM"}`;
}

/** A source's location as others may see it: user and password of a URL stay here. */
export const shownLocation = (location: string | undefined): string | undefined =>
  location?.replace(/^(\w+:\/\/)[^/?#]*@/, "$1");

/** A UUID's form, made of a text. */
function uuidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}

const withoutAbsent = (members: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
