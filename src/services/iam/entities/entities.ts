/**
 * Roles, users and groups have most of their behaviour in common: this is what they share, as one table row per kind.
 * The operations in entity-policies.ts, tags.ts and boundaries.ts are made from these rows; their permissions are in
 * entity-access.ts.
 */
import { globalArnIn } from "../../../core/arn.ts";
import { wholeSecond } from "../../../core/clock.ts";
import {
  type EntityRecord,
  type EntityWord,
  entityKey,
  type GroupRecord,
  identityCollections,
  type RoleRecord,
  type UserRecord,
} from "../../../identity/index.ts";
import type { Collection, Store } from "../../../store/store.ts";
import type { OperationContext } from "../../service.ts";
import { entityAlreadyExists, noSuchEntity, quotaExceeded, unmodifiableEntity } from "../errors.ts";

/** What is the same for all entities of a kind: words, quotas, and where they are stored. */
export interface EntityKind<R extends EntityRecord> {
  readonly word: EntityWord;
  /** As in operation names: `AttachRolePolicy`. */
  readonly title: "Role" | "User" | "Group";
  readonly nameMember: "RoleName" | "UserName" | "GroupName";
  readonly idPrefix: "AROA" | "AIDA" | "AGPA";
  /** Quota of all inline policies together, without white space. */
  readonly maxInlineBytes: number;
  readonly perAccountQuota: { readonly name: string; readonly limit: number };
  readonly attachQuota: { readonly name: string; readonly limit: number };
  collection(store: Store): Collection<R>;
}

/** Roles. Quotas: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html, also of the kinds below. */
export const ROLE: EntityKind<RoleRecord> = {
  word: "role",
  title: "Role",
  nameMember: "RoleName",
  idPrefix: "AROA",
  maxInlineBytes: 10_240,
  perAccountQuota: { name: "RolesPerAccount", limit: 1_000 },
  attachQuota: { name: "PoliciesPerRole", limit: 10 },
  collection: (store) => identityCollections(store).roles,
};

/** Users. */
export const USER: EntityKind<UserRecord> = {
  word: "user",
  title: "User",
  nameMember: "UserName",
  idPrefix: "AIDA",
  maxInlineBytes: 2_048,
  perAccountQuota: { name: "UsersPerAccount", limit: 5_000 },
  attachQuota: { name: "PoliciesPerUser", limit: 10 },
  collection: (store) => identityCollections(store).users,
};

/** Groups. */
export const GROUP: EntityKind<GroupRecord> = {
  word: "group",
  title: "Group",
  nameMember: "GroupName",
  idPrefix: "AGPA",
  maxInlineBytes: 5_120,
  perAccountQuota: { name: "GroupsPerAccount", limit: 300 },
  attachQuota: { name: "PoliciesPerGroup", limit: 10 },
  collection: (store) => identityCollections(store).groups,
};

/** Every kind by its word, for what is the same for all of them. */
export const ENTITY_KINDS = { role: ROLE, user: USER, group: GROUP } as unknown as Readonly<
  Record<EntityWord, EntityKind<EntityRecord>>
>;

/** Inputs name the entity by the member of its kind. */
export interface EntityInput {
  readonly RoleName?: string | undefined;
  readonly UserName?: string | undefined;
  readonly GroupName?: string | undefined;
}

/** Name of the entity; the model has checked that it is there. */
export const nameIn = <R extends EntityRecord>(kind: EntityKind<R>, input: EntityInput): string =>
  input[kind.nameMember] as string;

/** The account's entity of this name, in any case; undefined when there is none. */
export function findEntity<R extends EntityRecord>(
  kind: EntityKind<R>,
  name: string,
  { store, scope }: OperationContext,
): R | undefined {
  return kind.collection(store).get(entityKey(scope.accountId, name));
}

/** {@link findEntity} that throws NoSuchEntity. */
export function requireEntity<R extends EntityRecord>(kind: EntityKind<R>, name: string, context: OperationContext): R {
  const record = findEntity(kind, name, context);
  if (!record) throw noSuchEntity(kind.word, name);
  return record;
}

/** All entities of the account in name order. */
export const listEntities = <R extends EntityRecord>(
  kind: EntityKind<R>,
  { store, scope }: Pick<OperationContext, "store" | "scope">,
): R[] =>
  kind
    .collection(store)
    .list([scope.accountId])
    .map(({ value }) => value);

/** Path of the roles that belong to AWS services. */
export const SERVICE_ROLE_PATH = "/aws-service-role/";

/** True for a role that belongs to an AWS service. */
export const isServiceLinked = (role: Pick<EntityRecord, "path">): boolean => role.path.startsWith(SERVICE_ROLE_PATH);

/** AWS: a service-linked role is changed by its service only, whatever the caller's policies say. */
export function requireModifiable<R extends EntityRecord>(kind: EntityKind<R>, record: R): void {
  if (kind.word === "role" && isServiceLinked(record)) throw unmodifiableEntity(record.name);
}

/** {@link changeAnyEntity} for what nobody may change of a service-linked role. */
export const changeEntity = <R extends EntityRecord>(
  kind: EntityKind<R>,
  name: string,
  context: OperationContext,
  change: (record: R) => R,
): Promise<R> =>
  changeAnyEntity(kind, name, context, (record) => {
    requireModifiable(kind, record);
    return change(record);
  });

/** Writes what `change` makes of the entity; checks in `change` see the latest state. */
export async function changeAnyEntity<R extends EntityRecord>(
  kind: EntityKind<R>,
  name: string,
  context: OperationContext,
  change: (record: R) => R,
): Promise<R> {
  return context.store.write(() => {
    const record = change(requireEntity(kind, name, context));
    kind.collection(context.store).put(entityKey(context.scope.accountId, name), record);
    return record;
  });
}

/** What every new entity starts with. */
export function newEntity<R extends EntityRecord>(
  kind: EntityKind<R>,
  input: { readonly name: string; readonly path: string | undefined },
  context: OperationContext,
): EntityRecord {
  const path = input.path ?? "/";
  return {
    name: input.name,
    id: `${kind.idPrefix}${context.ids.base32(17)}`,
    path,
    arn: globalArnIn(context.scope, "iam", `${kind.word}${path}${input.name}`),
    // AWS: times in IAM's answers have whole seconds.
    createdMs: wholeSecond(context.clock.nowMs()),
    attachedPolicyArns: [],
    inlinePolicies: {},
    tags: [],
  };
}

/** Stores what `make` makes unless its name is taken or the account is full; checks in `make` see the latest state. */
export async function addEntity<R extends EntityRecord>(
  kind: EntityKind<R>,
  context: OperationContext,
  make: () => R,
): Promise<R> {
  const { store, scope } = context;
  return store.write(() => {
    const record = make();
    const collection = kind.collection(store);
    const key = entityKey(scope.accountId, record.name);
    if (collection.has(key)) throw entityAlreadyExists(kind.word, record.name);
    const { name, limit } = kind.perAccountQuota;
    if (collection.count([scope.accountId]) >= limit) throw quotaExceeded(name, limit);
    collection.put(key, record);
    return record;
  });
}
