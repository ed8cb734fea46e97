/** Users: made, read, listed, deleted. */
import { globalArnIn } from "../../../core/arn.ts";
import { entityKey, forgetUses, type UserRecord } from "../../../identity/index.ts";
import { type OperationContext, operation } from "../../service.ts";
import {
  deleteConflict,
  entityAlreadyExists,
  invalidMarker,
  noSuchBoundary,
  noSuchEntity,
  quotaExceeded,
  userNameNeeded,
} from "../errors.ts";
import { nameKey, pageOf } from "../pages.ts";
import type * as Shapes from "../shapes.gen.ts";
import { boundaryOf, requireBoundary } from "./boundaries.ts";
import { addEntity, listEntities, newEntity, requireEntity, USER } from "./entities.ts";
import { creationAccess, entityAccess, listAccess } from "./entity-access.ts";
import { requireTags, TAG_ERRORS } from "./tags.ts";

const DOCS = "https://docs.aws.amazon.com/IAM/latest/APIReference";

/** The user an operation is about: the one named, or the caller. */
export function userNameOf(input: { readonly UserName?: string | undefined }, { principal }: OperationContext): string {
  if (input.UserName !== undefined) return input.UserName;
  if (principal.type !== "User") throw userNameNeeded();
  return principal.userName;
}

export const createUser = operation<Shapes.CreateUserRequest, Shapes.CreateUserResponse>({
  name: "CreateUser",
  support: "supported",
  source: `${DOCS}/API_CreateUser.html`,
  authorize: (input, context) => creationAccess(USER, input, context),
  errors: [entityAlreadyExists, noSuchBoundary, ...TAG_ERRORS, quotaExceeded],
  async run(input, context) {
    const user = await addEntity(USER, context, (): UserRecord => {
      const tags = requireTags(input.Tags);
      if (input.PermissionsBoundary !== undefined) requireBoundary(input.PermissionsBoundary, context);
      return {
        ...newEntity(USER, { name: input.UserName, path: input.Path }, context),
        tags,
        groupNames: [],
        accessKeyIds: [],
        ...(input.PermissionsBoundary === undefined ? {} : { boundaryArn: input.PermissionsBoundary }),
      };
    });
    return { User: fullUser(user) };
  },
});

export const getUser = operation<Shapes.GetUserRequest, object>({
  name: "GetUser",
  support: "partial",
  gaps: ["the root user has no CreateDate"],
  source: `${DOCS}/API_GetUser.html`,
  authorize(input, context) {
    const { principal } = context;
    if (input.UserName === undefined && principal.type === "Root") {
      return [{ action: "iam:GetUser", resource: principal.arn }];
    }
    return [entityAccess(USER, "GetUser", userNameOf(input, context), context)];
  },
  errors: [noSuchEntity, userNameNeeded],
  run(input, context) {
    const { principal } = context;
    if (input.UserName === undefined && principal.type === "Root") {
      // AWS: root has neither a user name nor a path.
      return { User: { UserId: principal.userId, Arn: principal.arn } };
    }
    return { User: fullUser(requireEntity(USER, userNameOf(input, context), context)) };
  },
});

export const listUsers = operation<Shapes.ListUsersRequest, Shapes.ListUsersResponse>({
  name: "ListUsers",
  support: "supported",
  source: `${DOCS}/API_ListUsers.html`,
  authorize: (input, { scope }) => listAccess("ListUsers", globalArnIn(scope, "iam", `user${input.PathPrefix ?? "/"}`)),
  errors: [invalidMarker],
  run(input, context) {
    const users = listEntities(USER, context).filter((user) => user.path.startsWith(input.PathPrefix ?? "/"));
    const page = pageOf(users, input, (user) => nameKey(user.name));
    // AWS: lists have neither tags nor boundary.
    return { Users: page.items.map(listedUser), ...page.members };
  },
});

export const deleteUser = operation<Shapes.DeleteUserRequest, object>({
  name: "DeleteUser",
  support: "supported",
  source: `${DOCS}/API_DeleteUser.html`,
  authorize: (input, context) => [entityAccess(USER, "DeleteUser", input.UserName, context)],
  errors: [noSuchEntity, deleteConflict],
  async run(input, context) {
    await context.store.write(() => {
      const user = requireEntity(USER, input.UserName, context);
      if (user.accessKeyIds.length > 0) throw deleteConflict("remove referenced objects");
      if (user.attachedPolicyArns.length > 0) throw deleteConflict("detach all policies");
      if (Object.keys(user.inlinePolicies).length > 0) throw deleteConflict("delete policies");
      if (user.groupNames.length > 0) throw deleteConflict("remove users from group");
      USER.collection(context.store).delete(entityKey(context.scope.accountId, input.UserName));
      forgetUses(context.store, user.id);
    });
    return {};
  },
});

/** As in lists. AWS: they have neither tags nor boundary. */
export const listedUser = (user: UserRecord): Shapes.User => ({
  Path: user.path,
  UserName: user.name,
  UserId: user.id,
  Arn: user.arn,
  CreateDate: user.createdMs,
});

/** With tags and boundary, which lists leave out. */
const fullUser = (user: UserRecord): Shapes.User => ({
  ...listedUser(user),
  ...boundaryOf(user),
  ...(user.tags.length > 0 && { Tags: user.tags }),
});
