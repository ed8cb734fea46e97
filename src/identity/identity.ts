/**
 * Signing in and policies: from an access key to its secret and principal, and from a principal to its policies. Read on
 * every request; another process may change the records at any time, so they are read each time.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
 */
import type { NamedPolicy, PrincipalPolicies } from "../authorize/decision.ts";
import { type AwsScope, isAccountId } from "../core/arn.ts";
import type { Principal } from "../core/aws.ts";
import type { Clock } from "../core/clock.ts";
import type { Ids } from "../core/ids.ts";
import { Secret } from "../core/secret.ts";
import type { Store } from "../store/store.ts";
import { managedPolicyInForce, policiesHeldBy } from "./held-policies.ts";
import { rootPrincipal } from "./principals.ts";
import {
  type AccessKeyRecord,
  type Entity,
  entityKey,
  type IdentityCollections,
  identityCollections,
  type SessionRecord,
  type SessionSecrets,
  type TagRecord,
  type UserRecord,
} from "./records.ts";

/** An access key with its secret, in memory only. */
export interface AccessKey {
  readonly accessKeyId: string;
  readonly secret: Secret;
  /** Set for temporary keys; the request must carry the same. */
  readonly sessionToken?: string;
  readonly expiresAtMs?: number;
  readonly status: "Active" | "Inactive";
  readonly principal: Principal;
}

/** How keys are taken; in memory only, and changed by the control API alone. */
export interface KeySettings {
  /** Any key with any signature acts as root of the account: nobody looks at signatures, tokens and policies. */
  isLenient: boolean;
  /** The account that the root key, and with `isLenient` every key, acts for. */
  accountId: string;
}

/** Questions of the endpoint and the dispatcher; every answer is the state of now. */
export interface Identity {
  /** The key, also when it is inactive or expired; undefined when nobody has it. */
  findAccessKey(accessKeyId: string): AccessKey | undefined;
  /** The root that every key acts as while keys are taken leniently; else undefined. */
  lenientRoot(): Principal | undefined;
  readonly keySettings: KeySettings;
  /** Policies in force now; none for root and for services. */
  policiesOf(principal: Principal): PrincipalPolicies;
  /** True for a user, or a session of a role, that was deleted since, even if there is one of that name again. */
  isGone(principal: Principal): boolean;
  /** Tags of the user or role itself (a session's own tags are in the principal). */
  tagsOf(principal: Principal): Readonly<Record<string, string>>;
}

export interface IdentityOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly scope: AwsScope;
  /** The key of the account's root user. The same secret with an account id as key id is the key of that account's root. */
  readonly rootKey: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

const NO_POLICIES: PrincipalPolicies = { identity: [] };
/** What root may do, as a policy: sessions of GetFederationToken are limited to what their issuer may do. */
const ROOT_POLICY: NamedPolicy = {
  name: "the root user's own rights",
  document: { Version: "2012-10-17", Statement: { Effect: "Allow", Action: "*", Resource: "*" } },
};
const MAX_ROOT_KEYS = 2_000;
/** By the tags of a record: the same object until they change. */
const tagMaps = new WeakMap<readonly TagRecord[], Readonly<Record<string, string>>>();
const NO_TAGS: Readonly<Record<string, string>> = {};

/** Identities of a store; the account's root key comes from the options. */
export function createIdentity(options: IdentityOptions): Identity {
  const { store } = options;
  const collections = identityCollections(store);
  const opened = new OpenedKeys(store);
  const rootKey: AccessKey = {
    accessKeyId: options.rootKey.accessKeyId,
    secret: new Secret(options.rootKey.secretAccessKey),
    status: "Active",
    principal: rootPrincipal(options.scope),
  };

  const otherRootKeys = new Map<string, AccessKey>();
  const keySettings: KeySettings = { isLenient: false, accountId: options.scope.accountId };

  function rootKeyOf(accountId: string): AccessKey {
    let key = otherRootKeys.get(accountId);
    if (!key) {
      key = { ...rootKey, accessKeyId: accountId, principal: rootPrincipal({ ...options.scope, accountId }) };
      if (otherRootKeys.size >= MAX_ROOT_KEYS) otherRootKeys.clear();
      otherRootKeys.set(accountId, key);
    }
    return key;
  }

  /** The root key itself, acting for the account that it was set to. */
  let setRootKey = rootKey;

  function rootKeyAsSet(): AccessKey {
    const { accountId } = keySettings;
    if (setRootKey.principal.accountId !== accountId) {
      const { principal } = accountId === options.scope.accountId ? rootKey : rootKeyOf(accountId);
      setRootKey = { ...rootKey, principal };
    }
    return setRootKey;
  }

  return {
    keySettings,
    lenientRoot: () => (keySettings.isLenient ? rootKeyAsSet().principal : undefined),
    findAccessKey(accessKeyId) {
      if (accessKeyId === rootKey.accessKeyId) return rootKeyAsSet();
      if (isAccountId(accessKeyId)) return rootKeyOf(accessKeyId);
      const session = collections.sessions.get([accessKeyId]);
      if (session) return opened.temporaryKey(session);
      const record = collections.accessKeys.get([accessKeyId]);
      const user = record && collections.users.get(entityKey(record.accountId, record.userName));
      return user && opened.userKey(record, user);
    },
    policiesOf(principal) {
      if (principal.type === "Root" || principal.type === "AWSService") return NO_POLICIES;
      const session = sessionPolicies(principal);
      if (principal.type === "FederatedUser" && principal.issuer.type === "Root") {
        return { identity: [ROOT_POLICY], ...session };
      }
      const entity = entityOf(principal, collections);
      if (!entity) return { ...NO_POLICIES, ...session };
      const { boundaryArn } = entity.record;
      return {
        identity: policiesHeldBy(store, entity),
        ...(boundaryArn === undefined ? {} : { boundary: managedPolicyInForce(store, boundaryArn) }),
        ...session,
      };
    },
    isGone(principal) {
      const issuer = principal.type === "FederatedUser" ? principal.issuer : principal;
      if (issuer.type !== "User" && issuer.type !== "AssumedRole") return false;
      return entityOf(principal, collections) === undefined;
    },
    tagsOf(principal) {
      const tags = entityOf(principal, collections)?.record.tags;
      if (!tags || tags.length === 0) return NO_TAGS;
      let known = tagMaps.get(tags);
      if (!known) {
        known = tagMap(tags);
        tagMaps.set(tags, known);
      }
      return known;
    },
  };
}

const tagMap = (tags: readonly TagRecord[]): Record<string, string> =>
  Object.fromEntries(tags.map((tag) => [tag.Key, tag.Value]));

/** The user's or role's record, unless it was deleted (and perhaps made again) since the credentials were issued. */
function entityOf(principal: Principal, { users, roles }: IdentityCollections): Entity | undefined {
  const issuer = principal.type === "FederatedUser" ? principal.issuer : principal;
  if (issuer.type === "User") {
    const user = users.get(entityKey(principal.accountId, issuer.userName));
    return user?.id === issuer.userId ? { word: "user", record: user } : undefined;
  }
  if (principal.type !== "AssumedRole") return undefined;
  const role = roles.get(entityKey(principal.accountId, principal.roleName));
  return role && principal.userId.startsWith(`${role.id}:`) ? { word: "role", record: role } : undefined;
}

function sessionPolicies(principal: Principal): Pick<PrincipalPolicies, "session"> {
  if (principal.type !== "AssumedRole" && principal.type !== "FederatedUser") return {};
  // AWS: a role session without session policies has all rights of the role, a federated session has none.
  if (principal.type === "AssumedRole" && principal.sessionPolicies.length === 0) return {};
  const name = principal.type === "AssumedRole" ? principal.sessionName : principal.name;
  const { sessionPolicies: documents, sessionPolicyArns: arns = [] } = principal;
  const session = documents.map((document, i): NamedPolicy => {
    const arn = arns[i - (documents.length - arns.length)];
    const policy = { name: `session policy ${i + 1} of ${name}`, document };
    return arn === undefined ? policy : { ...policy, name: `${policy.name} (${arn})`, arn };
  });
  return { session };
}

/**
 * Access keys by the records they were made from. The store gives the same object for a record until it changes, so nothing
 * is unsealed or parsed twice, and equal principals are one object. In memory only.
 */
class OpenedKeys {
  readonly #store: Store;
  readonly #ofUsers = new WeakMap<AccessKeyRecord, { readonly user: UserRecord; readonly key: AccessKey }>();
  readonly #ofSessions = new WeakMap<SessionRecord, AccessKey>();

  constructor(store: Store) {
    this.#store = store;
  }

  userKey(record: AccessKeyRecord, user: UserRecord): AccessKey {
    const known = this.#ofUsers.get(record);
    if (known?.user === user) return known.key;
    const key: AccessKey = {
      accessKeyId: record.accessKeyId,
      secret: new Secret(this.#open(record.accessKeyId, record.sealedSecret)),
      status: record.status,
      principal: { type: "User", arn: user.arn, accountId: record.accountId, userId: user.id, userName: user.name },
    };
    this.#ofUsers.set(record, { user, key });
    return key;
  }

  temporaryKey(session: SessionRecord): AccessKey {
    const known = this.#ofSessions.get(session);
    if (known) return known;
    const secrets = JSON.parse(this.#open(session.accessKeyId, session.sealedSecrets)) as SessionSecrets;
    const key: AccessKey = {
      accessKeyId: session.accessKeyId,
      secret: new Secret(secrets.secretAccessKey),
      sessionToken: secrets.sessionToken,
      expiresAtMs: session.expiresAtMs,
      status: "Active",
      principal: session.principal,
    };
    this.#ofSessions.set(session, key);
    return key;
  }

  #open(accessKeyId: string, sealed: string): string {
    return this.#store.unseal(sealed, accessKeyId).toString("utf8");
  }
}
