/**
 * GetKeyLastUsage, and the notes it answers from: which operation a key last did, when, and for which request. A note stays
 * in memory and is written behind the answer, at most once a minute and key, so that encryption costs no write of its own.
 * Source: https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyLastUsage.html
 * Gap: after a stop, uses of the last minute are not known; there are no CloudTrail events to name.
 */
import type { RequestContext } from "../../../authorize/decision.ts";
import { parseArn } from "../../../core/arn.ts";
import { DAY_MS, MINUTE_MS } from "../../../core/clock.ts";
import { debug } from "../../../core/log.ts";
import type { Store } from "../../../store/store.ts";
import { type AnyOperation, type OperationContext, operation } from "../../service.ts";
import { lookupErrors } from "../errors.ts";
import { type AbsentKey, type FoundKey, findKeyById, requireKeyNotAlias, soughtKeyNotAlias } from "../find-key.ts";
import { keyAccess } from "../key-access.ts";
import { type KeyRecord, type KeyUse, keyArn, lastUsesIn, recordKeyOf } from "../records.ts";
import type { GetKeyLastUsageRequest, GetKeyLastUsageResponse, KeyLastUsageData } from "../shapes.gen.ts";

const WRITE_EVERY_MS = MINUTE_MS;
const MAX_KNOWN = 10_000;

interface Note extends KeyUse {
  /** Of the use that was last given to the store. */
  readonly writtenAtMs: number;
  readonly isWritten: boolean;
}

/** By key ARN, of the keys that this process used. */
const notes = new WeakMap<Store, Map<string, Note>>();

/** The operation, which notes the keys that it answers with when it succeeds. */
export function noted(definition: AnyOperation): AnyOperation {
  const { name, run } = definition;
  const note = (context: OperationContext, output: Answer): object => {
    if (output.KeyId !== undefined) noteUse(context, name, output.KeyId);
    // AWS: ReEncrypt uses two keys.
    if (output.SourceKeyId !== undefined) noteUse(context, name, output.SourceKeyId);
    return output;
  };
  return {
    ...definition,
    run(input, context) {
      const output = run(input, context);
      return output instanceof Promise ? output.then((answer) => note(context, answer)) : note(context, output);
    },
  };
}

/** Each names its keys by ARN. */
interface Answer {
  readonly KeyId?: string;
  readonly SourceKeyId?: string;
}

function noteUse(context: OperationContext, name: string, arn: string): void {
  const { store, clock, requestId } = context;
  const atMs = clock.nowMs();
  const known = notes.get(store) ?? new Map<string, Note>();
  notes.set(store, known);
  const last = known.get(arn);
  const isRecent = last !== undefined && atMs - last.writtenAtMs < WRITE_EVERY_MS;
  if (!last && known.size >= MAX_KNOWN) known.clear();
  const written = isRecent ? last : { writtenAtMs: atMs, isWritten: false };
  const note: Note = {
    operation: name,
    atMs,
    requestId,
    writtenAtMs: written.writtenAtMs,
    isWritten: written.isWritten,
  };
  known.set(arn, note);
  if (!isRecent) void write(context, arn, note, known);
}

async function write(context: OperationContext, arn: string, note: Note, known: Map<string, Note>): Promise<void> {
  const parsed = parseArn(arn);
  if (!parsed) return;
  const { operation: name, atMs, requestId } = note;
  try {
    await context.store.write(() => {
      const key = findKeyById(context, parsed, parsed.resource.slice("key/".length));
      if (key) lastUsesIn(context.store).put(recordKeyOf(key), { operation: name, atMs, requestId });
    });
    const latest = known.get(arn);
    if (latest?.writtenAtMs === note.writtenAtMs) known.set(arn, { ...latest, isWritten: true });
  } catch (error) {
    debug("endpoint", () => `last use of ${arn} not written: ${String(error)}`);
  }
}

export const getKeyLastUsage = operation<GetKeyLastUsageRequest, GetKeyLastUsageResponse>({
  name: "GetKeyLastUsage",
  support: "partial",
  gaps: [
    "no `CloudTrailEventId`: there are no CloudTrail events",
    "after a stop, uses of the last minute are not known",
  ],
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyLastUsage.html",
  authorize: async (input, context) => [
    keyAccess(context, "kms:GetKeyLastUsage", await soughtKeyNotAlias(context, input.KeyId)),
  ],
  errors: lookupErrors,
  async run(input, context) {
    const { key } = await requireKeyNotAlias(context, input.KeyId);
    const use = lastUseOf(context.store, key);
    return {
      KeyId: keyArn(key),
      KeyLastUsage: use
        ? {
            Operation: use.operation as NonNullable<KeyLastUsageData["Operation"]>,
            Timestamp: use.atMs,
            KmsRequestId: use.requestId,
          }
        : {},
      // Uses are noted from a key's first day on.
      TrackingStartDate: key.createdAtMs,
      KeyCreationDate: key.createdAtMs,
    };
  },
});

/** Condition key of disabling and deleting: whole days since the last use, or since the key was made. */
export function idleCondition(context: OperationContext, sought: FoundKey | AbsentKey): RequestContext {
  if ("absentArn" in sought) return {};
  const { key } = sought;
  const idleMs = context.clock.nowMs() - (lastUseOf(context.store, key)?.atMs ?? key.createdAtMs);
  return { "kms:TrailingDaysWithoutKeyUsage": String(Math.max(0, Math.floor(idleMs / DAY_MS))) };
}

/**
 * The later of what this process noted and what any process wrote. A note whose written use is not in the store is of a
 * state that a restore replaced.
 */
function lastUseOf(store: Store, key: KeyRecord): KeyUse | undefined {
  const stored = lastUsesIn(store).get(recordKeyOf(key));
  const note = notes.get(store)?.get(keyArn(key));
  const isReplaced = note?.isWritten && (stored?.atMs ?? Number.NEGATIVE_INFINITY) < note.writtenAtMs;
  const known = isReplaced ? undefined : note;
  return stored && (!known || stored.atMs > known.atMs) ? stored : known;
}
