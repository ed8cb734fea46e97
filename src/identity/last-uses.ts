/**
 * When access keys, users and roles were last used, in which region and for which service: read by IAM's last-used
 * answers and the credential report. Noted by the dispatcher for every call from outside, written in batches behind the
 * answers. AWS: of several uses within 15 minutes only the first counts; here that is so for each service by itself.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html
 */
import type { Principal } from "../core/aws.ts";
import { type Clock, MINUTE_MS } from "../core/clock.ts";
import { debug } from "../core/log.ts";
import type { Collection, Store } from "../store/store.ts";

/** One use of a key or entity. */
export interface LastUse {
  /** AWS's namespace of the service, e.g. `ssm`. */
  readonly service: string;
  readonly atMs: number;
  readonly region: string;
}

/** Takes note of uses. */
export interface LastUses {
  /** Notes that the principal called `service`, with which long-term key if with one. */
  note(use: { readonly principal: Principal; readonly accessKeyId?: string | undefined } & Omit<LastUse, "atMs">): void;
  /** Writes what is waiting. */
  flush(): Promise<void>;
  /** Drops what is waiting and what is known: the state that it was about is no more. */
  forget(): Promise<void>;
}

const SPAN_MS = 15 * MINUTE_MS;
const FLUSH_AFTER_MS = 200;
const MAX_KNOWN = 10_000;

/** By `[id, service]`. Ids: `AKIA…` of keys, `AIDA…` of users, `AROA…` of roles, the account id for its root. */
const usesIn = (store: Store): Collection<Omit<LastUse, "service">> => store.collection("iam-last-uses");

/** Last uses of a store, written by this process. */
export function createLastUses({ store, clock }: { readonly store: Store; readonly clock: Clock }): LastUses {
  /** Service to time of the last use that was noted, by id: what need not be noted again. */
  const known = new Map<string, Map<string, number>>();
  let waiting: { readonly id: string; readonly use: LastUse }[] = [];
  let timer: { cancel(): void } | undefined;
  let writes: Promise<void> = Promise.resolve();

  function noteOf(id: string, service: string, region: string): void {
    const atMs = clock.nowMs();
    let services = known.get(id);
    if (!services) {
      if (known.size >= MAX_KNOWN) known.clear();
      services = new Map();
      known.set(id, services);
    }
    const notedMs = services.get(service);
    if (notedMs !== undefined && atMs - notedMs < SPAN_MS) return;
    services.set(service, atMs);
    waiting.push({ id, use: { service, region, atMs } });
    timer ??= clock.after(FLUSH_AFTER_MS, () => void flush());
  }

  async function write(batch: readonly { readonly id: string; readonly use: LastUse }[]): Promise<void> {
    try {
      const uses = usesIn(store);
      await store.write(() => {
        for (const { id, use } of batch) uses.put([id, use.service], { atMs: use.atMs, region: use.region });
      });
    } catch (error) {
      debug("endpoint", () => `last uses not written: ${String(error)}`);
      // The next uses are noted again.
      known.clear();
    }
  }

  function flush(): Promise<void> {
    timer?.cancel();
    timer = undefined;
    if (waiting.length === 0) return writes;
    const batch = waiting;
    waiting = [];
    writes = writes.then(() => write(batch));
    return writes;
  }

  return {
    note({ principal, accessKeyId, service, region }) {
      const id = idOf(principal);
      if (id !== undefined) noteOf(id, service, region);
      if (accessKeyId?.startsWith("AKIA")) noteOf(accessKeyId, service, region);
    },
    flush,
    forget() {
      timer?.cancel();
      timer = undefined;
      waiting = [];
      known.clear();
      return writes;
    },
  };
}

/** Unique id of the user or role, account id of root; undefined for services. */
function idOf(principal: Principal): string | undefined {
  switch (principal.type) {
    case "AssumedRole":
      return principal.userId.slice(0, principal.userId.indexOf(":"));
    case "FederatedUser":
      return principal.issuer.type === "User" ? principal.issuer.userId : principal.accountId;
    case "AWSService":
      return undefined;
    default:
      return principal.userId;
  }
}

/** Last uses of an id by service. */
export const lastUsesOf = (store: Store, id: string): LastUse[] =>
  usesIn(store)
    .list([id])
    .map(({ key, value }) => ({ ...value, service: key[1] as string }));

/** The last use of all. */
export const lastUseOf = (store: Store, id: string): LastUse | undefined =>
  lastUsesOf(store, id).reduce<LastUse | undefined>(
    (last, use) => (last && last.atMs >= use.atMs ? last : use),
    undefined,
  );

/** Forgets an id that is gone. Inside a write. */
export function forgetUses(store: Store, id: string): void {
  const uses = usesIn(store);
  for (const { key } of uses.list([id])) uses.delete(key);
}
