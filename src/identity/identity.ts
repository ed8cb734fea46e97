/**
 * Signing in and policies: from an access key to its secret and principal, and from a principal to its policies. Read on
 * every request, so documents are parsed once per text; another process may change the records at any time, so the
 * records themselves are read each time.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
 */
import type { NamedPolicy, PrincipalPolicies } from "../authorize/decision.ts";
import { type AwsScope, globalArnIn, parseArn } from "../core/arn.ts";
import type { PolicyDocument, Principal, RootPrincipal } from "../core/aws.ts";
import type { Clock } from "../core/clock.ts";
import type { Ids } from "../core/ids.ts";
import { Secret } from "../core/secret.ts";
import type { Store } from "../store/store.ts";
import { defaultDocumentText, findManagedPolicy } from "./managed-policies.ts";
import {
  type AccessKeyRecord,
  type EntityRecord,
  entityKey,
  type IdentityCollections,
  identityCollections,
  type SessionRecord,
  type SessionSecrets,
  type TagRecord,
  type UserRecord,
} from "./records.ts";

export interface AccessKey {
  readonly accessKeyId: string;
  readonly secret: Secret;
  /** Set for temporary keys; the request must carry the same. */
  readonly sessionToken?: string;
  readonly expiresAtMs?: number;
  readonly status: "Active" | "Inactive";
  readonly principal: Principal;
}

export interface Identity {
  /** The key, also when it is inactive or expired; undefined when nobody has it. */
  findAccessKey(accessKeyId: string): AccessKey | undefined;
  /** Policies in force now; none for root and for services. */
  policiesOf(principal: Principal): PrincipalPolicies;
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
const ACCOUNT_ID = /^\d{12}$/;
const NO_TAGS: Readonly<Record<string, string>> = {};

export function createIdentity(options: IdentityOptions): Identity {
  const { store } = options;
  const collections = identityCollections(store);
  const opened = new OpenedSecrets(store);
  const rootKey: AccessKey = {
    accessKeyId: options.rootKey.accessKeyId,
    secret: new Secret(options.rootKey.secretAccessKey),
    status: "Active",
    principal: rootPrincipal(options.scope),
  };

  const otherRootKeys = new Map<string, AccessKey>();

  function rootKeyOf(accountId: string): AccessKey {
    let key = otherRootKeys.get(accountId);
    if (!key) {
      key = { ...rootKey, accessKeyId: accountId, principal: rootPrincipal({ ...options.scope, accountId }) };
      if (otherRootKeys.size >= MAX_DOCUMENTS) otherRootKeys.clear();
      otherRootKeys.set(accountId, key);
    }
    return key;
  }

  return {
    findAccessKey(accessKeyId) {
      if (accessKeyId === rootKey.accessKeyId) return rootKey;
      if (ACCOUNT_ID.test(accessKeyId)) return rootKeyOf(accessKeyId);
      const session = collections.sessions.get([accessKeyId]);
      if (session) return temporaryKey(session, opened);
      const record = collections.accessKeys.get([accessKeyId]);
      return record && userKey(record, collections, opened);
    },
    policiesOf(principal) {
      if (principal.type === "Root" || principal.type === "AWSService") return NO_POLICIES;
      const session = sessionPolicies(principal);
      if (principal.type === "FederatedUser" && principal.issuer.type === "Root") {
        return { identity: [ROOT_POLICY], ...session };
      }
      const entity = entityOf(principal, collections);
      if (!entity) return { ...NO_POLICIES, ...session };
      const kind = principal.type === "AssumedRole" ? "role" : "user";
      const identity = [...policiesOfEntity(store, entity, kind)];
      if (kind === "user") identity.push(...policiesOfGroups(store, entity as UserRecord, collections));
      return {
        identity,
        ...(entity.boundaryArn === undefined ? {} : { boundary: managedPolicy(store, entity.boundaryArn) }),
        ...session,
      };
    },
    tagsOf(principal) {
      const tags = entityOf(principal, collections)?.tags ?? [];
      return tags.length === 0 ? NO_TAGS : tagMap(tags);
    },
  };
}

export const rootPrincipal = (scope: AwsScope): RootPrincipal => ({
  type: "Root",
  arn: globalArnIn(scope, "iam", "root"),
  accountId: scope.accountId,
  userId: scope.accountId,
});

const tagMap = (tags: readonly TagRecord[]): Record<string, string> =>
  Object.fromEntries(tags.map((tag) => [tag.Key, tag.Value]));

/** The user's or role's record, unless it was deleted (and perhaps made again) since the credentials were issued. */
function entityOf(principal: Principal, { users, roles }: IdentityCollections): EntityRecord | undefined {
  const issuer = principal.type === "FederatedUser" ? principal.issuer : principal;
  if (issuer.type === "User") {
    const user = users.get(entityKey(principal.accountId, issuer.userName));
    return user?.id === issuer.userId ? user : undefined;
  }
  if (principal.type !== "AssumedRole") return undefined;
  const role = roles.get(entityKey(principal.accountId, principal.roleName));
  return role && principal.userId.startsWith(`${role.id}:`) ? role : undefined;
}

/** Policies of a role, user or group by itself: managed ones first. */
function policiesOfEntity(store: Store, entity: EntityRecord, kind: "role" | "user" | "group"): NamedPolicy[] {
  const managed = entity.attachedPolicyArns.map((arn) => managedPolicy(store, arn));
  const inline = Object.entries(entity.inlinePolicies).map(([name, text]) => ({
    name: `inline policy ${name} of ${kind} ${entity.name}`,
    document: parsedDocument(text),
  }));
  return [...managed, ...inline];
}

/** A managed policy in force; one that cannot be found allows nothing. */
function managedPolicy(store: Store, arn: string): NamedPolicy {
  const policy = findManagedPolicy(store, arn);
  return { name: arn, arn, document: parsedDocument(policy ? defaultDocumentText(policy) : "{}") };
}

function policiesOfGroups(store: Store, { arn, groupNames }: UserRecord, from: IdentityCollections): NamedPolicy[] {
  const accountId = parseArn(arn)?.accountId ?? "";
  return groupNames.flatMap((name) => {
    const group = from.groups.get(entityKey(accountId, name));
    return group ? policiesOfEntity(store, group, "group") : [];
  });
}

function sessionPolicies(principal: Principal): Pick<PrincipalPolicies, "session"> {
  if (principal.type !== "AssumedRole" && principal.type !== "FederatedUser") return {};
  // AWS: a role session without session policies has all rights of the role, a federated session has none.
  if (principal.type === "AssumedRole" && principal.sessionPolicies.length === 0) return {};
  const name = principal.type === "AssumedRole" ? principal.sessionName : principal.name;
  const session = principal.sessionPolicies.map((document, i) => ({
    name: `session policy ${i + 1} of ${name}`,
    document,
  }));
  return { session };
}

const documents = new Map<string, PolicyDocument>();
const MAX_DOCUMENTS = 2_000;

/** The parsed document of a text: the same object for the same text, so that it is compiled once. */
export function parsedDocument(text: string): PolicyDocument {
  let document = documents.get(text);
  if (!document) {
    document = JSON.parse(text) as PolicyDocument;
    if (documents.size >= MAX_DOCUMENTS) documents.delete(documents.keys().next().value as string);
    documents.set(text, document);
  }
  return document;
}

function userKey(
  record: AccessKeyRecord,
  { users }: IdentityCollections,
  opened: OpenedSecrets,
): AccessKey | undefined {
  const user = users.get(entityKey(record.accountId, record.userName));
  if (!user) return undefined;
  return {
    accessKeyId: record.accessKeyId,
    secret: new Secret(opened.open(record.accessKeyId, record.sealedSecret)),
    status: record.status,
    principal: { type: "User", arn: user.arn, accountId: record.accountId, userId: user.id, userName: user.name },
  };
}

function temporaryKey(session: SessionRecord, opened: OpenedSecrets): AccessKey {
  const secrets = JSON.parse(opened.open(session.accessKeyId, session.sealedSecrets)) as SessionSecrets;
  return {
    accessKeyId: session.accessKeyId,
    secret: new Secret(secrets.secretAccessKey),
    sessionToken: secrets.sessionToken,
    expiresAtMs: session.expiresAtMs,
    status: "Active",
    principal: session.principal,
  };
}

/** Unsealed texts of the keys in use, so that a request does not decrypt the same bytes again. In memory only. */
class OpenedSecrets {
  readonly #store: Store;
  readonly #byId = new Map<string, { readonly sealed: string; readonly text: Secret }>();

  constructor(store: Store) {
    this.#store = store;
  }

  open(context: string, sealed: string): string {
    const known = this.#byId.get(context);
    if (known?.sealed === sealed) return known.text.reveal();
    const text = this.#store.unseal(sealed, context).toString("utf8");
    if (this.#byId.size >= MAX_DOCUMENTS) this.#byId.clear();
    this.#byId.set(context, { sealed, text: new Secret(text) });
    return text;
  }
}
