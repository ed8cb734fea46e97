/**
 * Accounts of the registries Kiln stands in for (Docker Hub and others): who may log in and push there.
 * The first login to a host without any account declares it (trust on first use); after that passwords must match.
 * Passwords are kept as salted scrypt hashes and compared in constant time.
 */
import { type ScryptOptions, scrypt, timingSafeEqual } from "node:crypto";
import type { Clock } from "../core/clock.ts";
import type { Ids } from "../core/ids.ts";
import type { Store } from "../store/store.ts";
import type { AccountRecord, RegistryRecords } from "./records.ts";
import { canonicalHost, LOCAL_HOST } from "./repository-address.ts";

export interface AccountSummary {
  readonly host: string;
  readonly user: string;
  readonly declaredAtMs: number;
  readonly namespaces: readonly string[];
}

/** `declared`: the host had no account, this login made it; the caller tells the user. */
export type LoginOutcome = "ok" | "declared" | "refused";

/** `host` may be given as in docker's configuration (`https://index.docker.io/v1/`) or be Kiln's own address. */
export interface Accounts {
  /** Sets the account's password; `namespaces` are further ones it may push to, e.g. an organisation's. */
  declare(
    host: string,
    user: string,
    password: string,
    options?: { readonly namespaces?: readonly string[] },
  ): Promise<void>;
  /** Of one host, or of all. */
  list(host?: string): AccountSummary[];
  /** False when there was no such account. */
  remove(host: string, user: string): Promise<boolean>;
  login(host: string, user: string, password: string): Promise<LoginOutcome>;
  /** The account as it is stored, without its hash. */
  find(host: string, user: string): AccountSummary | undefined;
}

export interface AccountsDeps {
  readonly store: Store;
  readonly records: RegistryRecords;
  readonly clock: Clock;
  readonly ids: Ids;
  /** `host:port` of Kiln itself; logins there are to the local repositories. */
  readonly ownAuthorities: () => readonly string[];
}

/** Interactive-login strength: about 16 MiB and 30 ms a check. */
const SCRYPT: ScryptOptions = { N: 16_384, r: 8, p: 1 };
const HASH_BYTES = 32;

export function createAccounts({ store, records, clock, ids, ownAuthorities }: AccountsDeps): Accounts {
  const hostKey = (host: string): string => {
    const canonical = canonicalHost(host);
    return ownAuthorities().includes(canonical) ? LOCAL_HOST : canonical;
  };
  const userKey = (user: string): string => user.toLowerCase();

  const recordFor = async (user: string, password: string, namespaces: readonly string[]): Promise<AccountRecord> => {
    const salt = ids.bytes(16);
    const hash = await derive(password, salt);
    return {
      user: userKey(user),
      salt: salt.toString("base64"),
      hash: hash.toString("base64"),
      declaredAtMs: clock.nowMs(),
      namespaces: namespaces.map((name) => name.toLowerCase()),
    };
  };

  const matches = async (record: AccountRecord, password: string): Promise<boolean> => {
    const hash = await derive(password, Buffer.from(record.salt, "base64"));
    return timingSafeEqual(hash, Buffer.from(record.hash, "base64"));
  };

  return {
    async declare(host, user, password, { namespaces = [] } = {}) {
      const record = await recordFor(user, password, namespaces);
      await store.write(() => records.accounts.put([hostKey(host), record.user], record));
    },

    list: (host) =>
      records.accounts.list(host === undefined ? [] : [hostKey(host)]).map(({ key, value }) => summary(key[0], value)),

    remove: (host, user) =>
      store.write(() => {
        const key = [hostKey(host), userKey(user)];
        const isKnown = records.accounts.has(key);
        records.accounts.delete(key);
        return isKnown;
      }),

    find(host, user) {
      const record = records.accounts.get([hostKey(host), userKey(user)]);
      return record && summary(hostKey(host), record);
    },

    async login(host, user, password) {
      if (user === "" || password === "") return "refused";
      const key = hostKey(host);
      if (records.accounts.list([key], { limit: 1 }).length === 0) {
        const record = await recordFor(user, password, []);
        const isFirst = await store.write(() => {
          if (records.accounts.list([key], { limit: 1 }).length > 0) return false;
          records.accounts.put([key, record.user], record);
          return true;
        });
        if (isFirst) return "declared";
      }
      const record = records.accounts.get([key, userKey(user)]);
      // An unknown user costs as much time as a wrong password.
      const isRight = await matches(record ?? UNKNOWN_USER, password);
      return record && isRight ? "ok" : "refused";
    },
  };
}

const UNKNOWN_USER: AccountRecord = {
  user: "",
  salt: Buffer.alloc(16).toString("base64"),
  hash: Buffer.alloc(HASH_BYTES).toString("base64"),
  declaredAtMs: 0,
  namespaces: [],
};

const summary = (host: string | undefined, record: AccountRecord): AccountSummary => ({
  host: host ?? "",
  user: record.user,
  declaredAtMs: record.declaredAtMs,
  namespaces: record.namespaces,
});

const derive = (password: string, salt: Buffer): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    scrypt(password.normalize("NFC"), salt, HASH_BYTES, SCRYPT, (error, key) => (error ? reject(error) : resolve(key)));
  });
