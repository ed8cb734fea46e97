/**
 * A rotation: a version that has only its AWSPENDING label so far, and the function's four steps, one after the other,
 * behind the answer. The function does the work with calls of its own; what it did is read from the labels.
 * Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
 * Gap: AWS tries a failed rotation again by itself; here the next window or the next RotateSecret does.
 */
import { MINUTE_MS } from "../../../core/clock.ts";
import { debug } from "../../../core/log.ts";
import type { Background, Surroundings } from "../background.ts";
import { putSecret, type Rotation, type SecretRecord, secretArn, secretKeyOf, secretsIn } from "../records.ts";
import { CURRENT, moveStage, PENDING, versionAt, versionById } from "../version-stages.ts";
import { functionUrl } from "./rotation-functions.ts";
import { daysBetween, nextWindow } from "./rotation-schedule.ts";

const STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"] as const;
/** As long as a Lambda function may run. */
const STEP_TIMEOUT_MS = 15 * MINUTE_MS;

type Step = (typeof STEPS)[number];

/** The version of a rotation that has begun and did not finish: AWSPENDING is not where AWSCURRENT is. */
export function unfinishedVersion({ versions }: SecretRecord): string | undefined {
  const pending = versionAt(versions, PENDING);
  return pending?.stages.includes(CURRENT) ? undefined : pending?.id;
}

/** The record with a rotation begun: the version is there, with AWSPENDING and without a value unless it had one. */
export function withRotationBegun(
  { ids, clock }: Surroundings,
  record: SecretRecord,
  rotation: Rotation,
  versionId: string,
): SecretRecord {
  const nowMs = clock.nowMs();
  const isThere = versionById(record.versions, versionId) !== undefined;
  const empty = { id: versionId, stages: [], createdAtMs: nowMs, isEmpty: true } as const;
  const versions = moveStage(isThere ? record.versions : [...record.versions, empty], PENDING, versionId);
  const pending = { versionId, rotationToken: ids.uuid() };
  return { ...record, versions, lastChangedMs: nowMs, rotation: { ...rotation, pending } };
}

/** Starts the steps of the record's pending rotation; nothing where one runs already or nothing stands for the function. */
export function runRotation(surroundings: Surroundings, background: Background, record: SecretRecord): void {
  run(surroundings, background, record, STEPS, finished);
}

/** Only the step that tries the function out. AWS: its version is taken away again. */
export function testRotation(surroundings: Surroundings, background: Background, record: SecretRecord): void {
  run(surroundings, background, record, ["testSecret"], tested);
}

function run(
  surroundings: Surroundings,
  background: Background,
  record: SecretRecord,
  steps: readonly Step[],
  after: (current: SecretRecord, versionId: string, nowMs: number) => SecretRecord,
): void {
  const { store, clock } = surroundings;
  const { rotation } = record;
  const url = rotation && functionUrl(store, rotation.functionArn);
  const pending = rotation?.pending;
  if (url === undefined || !pending) return;
  const arn = secretArn(record);
  background.start(arn, async () => {
    let failure: unknown;
    try {
      for (const Step of steps) {
        // Cancelled meanwhile, or another one took its place.
        if (secretsIn(store).get(secretKeyOf(record))?.rotation?.pending?.versionId !== pending.versionId) return;
        const event = {
          Step,
          SecretId: arn,
          ClientRequestToken: pending.versionId,
          RotationToken: pending.rotationToken,
        };
        await invoke(background.signal, url, event);
      }
    } catch (error) {
      failure = error;
      debug("endpoint", () => `the rotation of ${arn} failed: ${error instanceof Error ? error.message : error}`);
    }
    if (background.signal.aborted || (failure !== undefined && after === finished)) return;
    await store.write(() => {
      const current = secretsIn(store).get(secretKeyOf(record));
      if (!current || current.suffix !== record.suffix) return;
      const changed = after(current, pending.versionId, clock.nowMs());
      if (changed !== current) putSecret(store, changed);
    });
  });
}

/** The secret is rotated once the function has moved AWSCURRENT to the rotation's version. */
function finished(current: SecretRecord, versionId: string, nowMs: number): SecretRecord {
  const { rotation } = current;
  if (!rotation || rotation.pending?.versionId !== versionId) return current;
  if (versionAt(current.versions, CURRENT)?.id !== versionId) return current;
  const { pending: _, ...rest } = rotation;
  const window = nextWindow(rotation.rules, nowMs);
  const days = daysBetween(rotation.rules, nowMs);
  const shown = { ...(window && { window }), ...(days !== undefined && { daysBetween: days }) };
  return { ...current, rotation: { ...rest, ...shown, lastRotatedMs: nowMs } };
}

function tested(current: SecretRecord, versionId: string): SecretRecord {
  const { rotation } = current;
  if (!rotation || rotation.pending?.versionId !== versionId) return current;
  const { pending: _, ...rest } = rotation;
  const versions = moveStage(current.versions, PENDING, undefined).filter(
    ({ id, isEmpty }) => id !== versionId || !isEmpty,
  );
  return { ...current, versions, rotation: rest };
}

/** One step. Rejects when the function failed, as Lambda and its local stand-ins say it, or took too long. */
async function invoke(signal: AbortSignal, url: string, event: object): Promise<void> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(event),
    redirect: "error",
    // Not the services' clock: a test that moves it forward must not end a function that runs.
    signal: AbortSignal.any([signal, AbortSignal.timeout(STEP_TIMEOUT_MS)]),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`the function answered HTTP ${response.status}`);
  if (response.headers.has("x-amz-function-error") || isError(text)) throw new Error("the function answered an error");
}

/** Lambda's body of a function that threw; its local runtimes answer it with 200. */
function isError(text: string): boolean {
  if (!text.startsWith("{")) return false;
  try {
    const body: object = JSON.parse(text);
    return "errorType" in body || "errorMessage" in body;
  } catch {
    return false;
  }
}
