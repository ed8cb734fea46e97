/**
 * What is stored about identities, and where. Names of roles, users, groups and policies are unique without regard to
 * case, so their keys are in lower case. Policy documents are kept as the text they were given as.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
 */
import type { Principal } from "../core/aws.ts";
import type { Collection, Key, Store } from "../store/store.ts";

export interface TagRecord {
  readonly Key: string;
  readonly Value: string;
}

/** What roles, users and groups have in common. */
export interface EntityRecord {
  readonly name: string;
  /** `AROA…`, `AIDA…`, `AGPA…` */
  readonly id: string;
  readonly path: string;
  readonly arn: string;
  readonly createdMs: number;
  /** ARNs of managed policies, in the order of attachment. */
  readonly attachedPolicyArns: readonly string[];
  /** Inline policies: name to document text. */
  readonly inlinePolicies: Readonly<Record<string, string>>;
  readonly boundaryArn?: string;
  readonly tags: readonly TagRecord[];
}

export interface RoleRecord extends EntityRecord {
  readonly description?: string;
  readonly maxSessionSeconds: number;
  /** Text of the trust policy. */
  readonly trustPolicy: string;
  /** Unique ids that the ARNs in the trust policy had when it was saved. */
  readonly trustedIds: Readonly<Record<string, string>>;
}

export interface UserRecord extends EntityRecord {
  readonly groupNames: readonly string[];
  readonly accessKeyIds: readonly string[];
}

/** A group has nothing of its own; its members are in the users. */
export type GroupRecord = EntityRecord;

/** A role, user or group with its record; the word stands in its ARN. */
export type Entity =
  | { readonly word: "role"; readonly record: RoleRecord }
  | { readonly word: "user"; readonly record: UserRecord }
  | { readonly word: "group"; readonly record: GroupRecord };

/** The kinds of entity. */
export type EntityWord = Entity["word"];

export interface PolicyVersionRecord {
  /** `v1` */
  readonly versionId: string;
  readonly document: string;
  readonly createdMs: number;
}

export interface PolicyRecord {
  readonly name: string;
  /** `ANPA…` */
  readonly id: string;
  readonly path: string;
  readonly arn: string;
  readonly description?: string;
  readonly createdMs: number;
  readonly updatedMs: number;
  readonly defaultVersionId: string;
  /** Newest first. */
  readonly versions: readonly PolicyVersionRecord[];
  /** Number of the newest version ever made; numbers are not reused. */
  readonly lastVersion: number;
  readonly tags: readonly TagRecord[];
}

export interface AccessKeyRecord {
  readonly accessKeyId: string;
  readonly accountId: string;
  readonly userName: string;
  readonly status: "Active" | "Inactive";
  readonly createdMs: number;
  /** The secret, sealed with the key id as context. */
  readonly sealedSecret: string;
}

/** Temporary credentials of STS. */
export interface SessionRecord {
  readonly accessKeyId: string;
  readonly expiresAtMs: number;
  readonly principal: Principal;
  /** JSON of {@link SessionSecrets}, sealed with the key id as context. */
  readonly sealedSecrets: string;
}

export interface SessionSecrets {
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

export interface IdentityCollections {
  readonly roles: Collection<RoleRecord>;
  readonly users: Collection<UserRecord>;
  readonly groups: Collection<GroupRecord>;
  readonly policies: Collection<PolicyRecord>;
  /** By access key id alone: a request does not say its account. */
  readonly accessKeys: Collection<AccessKeyRecord>;
  readonly sessions: Collection<SessionRecord>;
  /** `[expiry, access key id]`, so that expired sessions are found without reading all. */
  readonly sessionExpiries: Collection<true>;
}

/** By store: every request asks. */
const knownCollections = new WeakMap<Store, IdentityCollections>();

/** The collections of a store that hold identities. */
export function identityCollections(store: Store): IdentityCollections {
  let known = knownCollections.get(store);
  if (!known) {
    known = collectionsOf(store);
    knownCollections.set(store, known);
  }
  return known;
}

function collectionsOf(store: Store): IdentityCollections {
  return {
    roles: store.collection("iam-roles"),
    users: store.collection("iam-users"),
    groups: store.collection("iam-groups"),
    policies: store.collection("iam-policies"),
    accessKeys: store.collection("iam-access-keys"),
    sessions: store.collection("sts-sessions"),
    sessionExpiries: store.collection("sts-session-expiries"),
  };
}

/** Key of a role, user, group or customer managed policy. */
export const entityKey = (accountId: string, name: string): Key => [accountId, name.toLowerCase()];
