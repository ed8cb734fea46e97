/**
 * What happens to secrets by themselves: a deletion whose window is over, a rotation whose window has opened. Done when
 * the service is first called, when a secret is looked at that is due, and by one timer for the next that will be.
 */
import { debug } from "../../core/log.ts";
import { type Background, backgroundOf, type Surroundings } from "./background.ts";
import { dueIn, dueMsOf, forgetSecret, isGone, putSecret, type SecretRecord, secretsIn } from "./records.ts";
import { functionUrl } from "./rotation/rotation-functions.ts";
import { nextWindow } from "./rotation/rotation-schedule.ts";
import { runRotation, unfinishedVersion, withRotationBegun } from "./rotation/run-rotation.ts";

const AT_ONCE = 500;

/** The store's background work, which looks for what is due by itself. */
export const watch = (context: Surroundings): Background => backgroundOf(context, lookForDue);

/** To be told of a record that was read: has what is due done soon. */
export function noteRead(context: Surroundings, record: SecretRecord): void {
  const background = watch(context);
  const due = dueMsOf(record);
  if (due !== undefined && due <= context.clock.nowMs()) background.lookSoon();
}

function lookForDue(surroundings: Surroundings): void {
  const { store } = surroundings;
  const background = watch(surroundings);
  store
    .write(() => doDue(surroundings))
    .then(({ rotating, nextMs }) => {
      for (const record of rotating) runRotation(surroundings, background, record);
      if (nextMs !== undefined) background.expect(nextMs);
    })
    .catch((error: unknown) => debug("store", () => `secrets that are due were left: ${error}`));
}

/** Only inside a write: deletes, and begins rotations, which run after it. */
function doDue(surroundings: Surroundings): { readonly rotating: SecretRecord[]; readonly nextMs: number | undefined } {
  const { store, clock } = surroundings;
  const nowMs = clock.nowMs();
  const rotating: SecretRecord[] = [];
  for (const { key } of dueIn(store).list([], { limit: AT_ONCE })) {
    const [time, ...secretKey] = key;
    const dueMs = Number(time);
    if (dueMs > nowMs) return { rotating, nextMs: dueMs };
    const record = secretsIn(store).get(secretKey);
    if (!record || dueMsOf(record) !== dueMs) dueIn(store).delete(key);
    else if (isGone(record, nowMs)) forgetSecret(store, record);
    else {
      const rotated = rotationDue(surroundings, record, nowMs);
      putSecret(store, rotated);
      if (rotated.rotation?.pending) rotating.push(rotated);
    }
  }
  const [next] = dueIn(store).list([], { limit: 1 });
  return { rotating, nextMs: next && Number(next.key[0]) };
}

/** The window that has opened is used up, also where nothing stands for the function: the next one is another try. */
function rotationDue(surroundings: Surroundings, record: SecretRecord, nowMs: number): SecretRecord {
  const { window: _, ...rotation } = record.rotation as NonNullable<SecretRecord["rotation"]>;
  const window = nextWindow(rotation.rules, nowMs);
  const next = { ...rotation, ...(window && { window }) };
  if (functionUrl(surroundings.store, rotation.functionArn) === undefined) return { ...record, rotation: next };
  return withRotationBegun(surroundings, record, next, unfinishedVersion(record) ?? surroundings.ids.uuid());
}
