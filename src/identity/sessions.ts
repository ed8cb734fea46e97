/** Temporary credentials: made by STS, found by identity.ts, forgotten some time after they expired. */
import type { Principal } from "../core/aws.ts";
import { type Clock, DAY_MS } from "../core/clock.ts";
import type { Ids } from "../core/ids.ts";
import type { Store } from "../store/store.ts";
import { newAccessKeyId } from "./access-key-id.ts";
import { identityCollections, type SessionSecrets } from "./records.ts";

export interface IssuedSession extends SessionSecrets {
  readonly accessKeyId: string;
  readonly expiresAtMs: number;
}

/** Expired sessions stay this long, so that their use is answered with `ExpiredToken`. */
const KEEP_EXPIRED_MS = DAY_MS;
const MAX_FORGOTTEN_AT_ONCE = 100;

/** Issues credentials for `principal`; they are durable when the promise resolves. */
export async function issueSession(
  { store, clock, ids }: { readonly store: Store; readonly clock: Clock; readonly ids: Ids },
  principal: Principal,
  durationMs: number,
): Promise<IssuedSession> {
  const { sessions, sessionExpiries } = identityCollections(store);
  const nowMs = clock.nowMs();
  let accessKeyId: string;
  do accessKeyId = newAccessKeyId(ids, "ASIA", principal.accountId);
  while (sessions.has([accessKeyId]));
  const secrets: SessionSecrets = {
    secretAccessKey: ids.alphanumeric(40),
    // AWS: an opaque text of a few hundred characters that starts like this.
    sessionToken: `IQoJb3JpZ2luX2Vj${ids.bytes(240).toString("base64")}`,
  };
  const expiresAtMs = nowMs + durationMs;
  const sealedSecrets = store.seal(Buffer.from(JSON.stringify(secrets)), accessKeyId);
  await store.write(() => {
    forgetExpired(store, nowMs);
    sessions.put([accessKeyId], { accessKeyId, expiresAtMs, principal, sealedSecrets });
    sessionExpiries.put([sortable(expiresAtMs), accessKeyId], true);
  });
  return { ...secrets, accessKeyId, expiresAtMs };
}

/** Lets sessions last longer: those of work that goes on while the clock is moved (core/adjustable-clock.ts). */
export async function extendSessions(store: Store, accessKeyIds: readonly string[], byMs: number): Promise<void> {
  const { sessions, sessionExpiries } = identityCollections(store);
  await store.write(() => {
    for (const accessKeyId of accessKeyIds) {
      const session = sessions.get([accessKeyId]);
      if (!session) continue;
      const expiresAtMs = session.expiresAtMs + byMs;
      sessions.put([accessKeyId], { ...session, expiresAtMs });
      sessionExpiries.delete([sortable(session.expiresAtMs), accessKeyId]);
      sessionExpiries.put([sortable(expiresAtMs), accessKeyId], true);
    }
  });
}

function forgetExpired(store: Store, nowMs: number): void {
  const { sessions, sessionExpiries } = identityCollections(store);
  for (const { key } of sessionExpiries.list([], { limit: MAX_FORGOTTEN_AT_ONCE })) {
    const [expiry = "", accessKeyId = ""] = key;
    if (Number(expiry) > nowMs - KEEP_EXPIRED_MS) return;
    sessions.delete([accessKeyId]);
    sessionExpiries.delete(key);
  }
}

/** Epoch milliseconds as text that sorts by time. */
const sortable = (ms: number): string => String(ms).padStart(15, "0");
