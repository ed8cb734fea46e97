/**
 * Users and groups that get another name or path. The unique id stays, and with it everything that hangs on it: policies,
 * keys, memberships, sessions, and the trust of roles that name the user.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_users_rename.html
 */

import { globalArnIn } from "../../../core/arn.ts";
import type { Principal } from "../../../core/aws.ts";
import {
  type EntityRecord,
  entityKey,
  followRename,
  type GroupRecord,
  identityCollections,
  type UserRecord,
} from "../../../identity/index.ts";
import { type OperationContext, operation } from "../../service.ts";
import { entityAlreadyExists, noSuchEntity } from "../errors.ts";
import type * as Shapes from "../shapes.gen.ts";
import { type EntityKind, GROUP, requireEntity, USER } from "./entities.ts";
import { entityAccess } from "./entity-access.ts";

const DOCS = "https://docs.aws.amazon.com/IAM/latest/APIReference";

interface Target {
  readonly name: string | undefined;
  readonly path: string | undefined;
}

export const updateUser = operation<Shapes.UpdateUserRequest, object>({
  name: "UpdateUser",
  support: "partial",
  gaps: ["policies of keys, secrets, repositories and buckets still name the user as before"],
  source: `${DOCS}/API_UpdateUser.html`,
  authorize: (input, context) =>
    renameAccess(USER, input.UserName, { name: input.NewUserName, path: input.NewPath }, context),
  errors: [noSuchEntity, entityAlreadyExists],
  async run(input, context) {
    await context.store.write(() => {
      const from = requireEntity(USER, input.UserName, context);
      const to = move(USER, from, { name: input.NewUserName, path: input.NewPath }, context);
      if (to.arn === from.arn) return;
      renameInKeys(to, context);
      renameInSessions(to, context);
      followRename(context.store, from, to);
    });
    return {};
  },
});

export const updateGroup = operation<Shapes.UpdateGroupRequest, object>({
  name: "UpdateGroup",
  support: "supported",
  source: `${DOCS}/API_UpdateGroup.html`,
  authorize: (input, context) =>
    renameAccess(GROUP, input.GroupName, { name: input.NewGroupName, path: input.NewPath }, context),
  errors: [noSuchEntity, entityAlreadyExists],
  async run(input, context) {
    await context.store.write(() => {
      const from = requireEntity(GROUP, input.GroupName, context);
      const to = move(GROUP, from, { name: input.NewGroupName, path: input.NewPath }, context);
      if (to.name !== from.name) renameInMemberships(from, to, context);
    });
    return {};
  },
});

/** AWS: the permission must cover the entity as it is and as it is to be. */
function renameAccess<R extends EntityRecord>(
  kind: EntityKind<R>,
  name: string,
  to: Target,
  context: OperationContext,
) {
  const request = entityAccess(kind, `Update${kind.title}`, name, context);
  const path = to.path ?? pathIn(request.resource, kind.word);
  const resource = globalArnIn(context.scope, "iam", `${kind.word}${path}${to.name ?? name}`);
  if (resource === request.resource) return [request];
  return [request, { ...request, resource, resourceText: `${kind.word} ${to.name ?? name}` }];
}

/** `/a/b/` of `arn:aws:iam::111122223333:user/a/b/name`. */
function pathIn(arn: string, word: string): string {
  const resource = arn.slice(arn.lastIndexOf(":") + 1);
  return resource.slice(word.length, resource.lastIndexOf("/") + 1);
}

/** Stores the entity under its new name; the caller is inside a write. */
function move<R extends EntityRecord>(kind: EntityKind<R>, from: R, target: Target, context: OperationContext): R {
  const { store, scope } = context;
  const collection = kind.collection(store);
  const name = target.name ?? from.name;
  const path = target.path ?? from.path;
  const [oldKey, newKey] = [entityKey(scope.accountId, from.name), entityKey(scope.accountId, name)];
  const isSameKey = name.toLowerCase() === from.name.toLowerCase();
  if (!isSameKey && collection.has(newKey)) throw entityAlreadyExists(kind.word, name);
  const to = { ...from, name, path, arn: globalArnIn(scope, "iam", `${kind.word}${path}${name}`) };
  if (!isSameKey) collection.delete(oldKey);
  collection.put(newKey, to);
  return to;
}

function renameInKeys(user: UserRecord, { store }: OperationContext): void {
  const { accessKeys } = identityCollections(store);
  for (const id of user.accessKeyIds) {
    const key = accessKeys.get([id]);
    if (key) accessKeys.put([id], { ...key, userName: user.name });
  }
}

/** Temporary keys say which user they stand for. Their ids do not say whose they are, so all are looked through. */
function renameInSessions(user: UserRecord, { store }: OperationContext): void {
  const { sessions } = identityCollections(store);
  for (const { key, value: session } of sessions.list([])) {
    const principal = renamed(session.principal, user);
    if (principal) sessions.put(key, { ...session, principal });
  }
}

function renamed(principal: Principal, { id, name, arn }: UserRecord): Principal | undefined {
  if (principal.type === "User" && principal.userId === id) return { ...principal, arn, userName: name };
  if (principal.type !== "FederatedUser") return undefined;
  const { issuer } = principal;
  if (issuer.type !== "User" || issuer.userId !== id) return undefined;
  return { ...principal, issuer: { ...issuer, arn, userName: name } };
}

function renameInMemberships(from: GroupRecord, to: GroupRecord, { store, scope }: OperationContext): void {
  const { users } = identityCollections(store);
  for (const { key, value: user } of users.list([scope.accountId])) {
    if (!user.groupNames.includes(from.name)) continue;
    users.put(key, { ...user, groupNames: user.groupNames.map((name) => (name === from.name ? to.name : name)) });
  }
}
