/** Roles: made, read, changed, deleted. Their policies, tags and boundaries are in files of their own. */

import { globalArnIn } from "../../../core/arn.ts";
import { entityKey, forgetUses, type RoleRecord } from "../../../identity/index.ts";
import { operation } from "../../service.ts";
import {
  deleteConflict,
  entityAlreadyExists,
  invalidMarker,
  malformedPolicyDocument,
  noSuchBoundary,
  noSuchEntity,
  quotaExceeded,
  serviceRolePath,
  unmodifiableEntity,
} from "../errors.ts";
import { nameKey, pageOf } from "../pages.ts";
import { requireTrustPolicy } from "../policies/documents.ts";
import type * as Shapes from "../shapes.gen.ts";
import { boundaryOf, requireBoundary } from "./boundaries.ts";
import {
  addEntity,
  changeAnyEntity,
  changeEntity,
  listEntities,
  newEntity,
  ROLE,
  requireEntity,
  requireModifiable,
  SERVICE_ROLE_PATH,
} from "./entities.ts";
import { creationAccess, entityAccess, listAccess } from "./entity-access.ts";
import { fullRole, identification, listedRole } from "./role-shapes.ts";
import { requireTags, TAG_ERRORS } from "./tags.ts";

const DOCS = "https://docs.aws.amazon.com/IAM/latest/APIReference";
const DEFAULT_SESSION_SECONDS = 3_600;

export const createRole = operation<Shapes.CreateRoleRequest, Shapes.CreateRoleResponse>({
  name: "CreateRole",
  support: "supported",
  source: `${DOCS}/API_CreateRole.html`,
  authorize: (input, context) => creationAccess(ROLE, input, context),
  errors: [
    ...[malformedPolicyDocument, quotaExceeded, entityAlreadyExists, noSuchBoundary],
    ...[...TAG_ERRORS, serviceRolePath],
  ],
  async run(input, context) {
    if (input.Path?.startsWith(SERVICE_ROLE_PATH)) throw serviceRolePath();
    const role = await addEntity(ROLE, context, (): RoleRecord => {
      const trust = requireTrustPolicy(input.AssumeRolePolicyDocument, context);
      const tags = requireTags(input.Tags);
      if (input.PermissionsBoundary !== undefined) requireBoundary(input.PermissionsBoundary, context);
      return {
        ...newEntity(ROLE, { name: input.RoleName, path: input.Path }, context),
        ...trust,
        maxSessionSeconds: input.MaxSessionDuration ?? DEFAULT_SESSION_SECONDS,
        tags,
        ...(input.Description === undefined ? {} : { description: input.Description }),
        ...(input.PermissionsBoundary === undefined ? {} : { boundaryArn: input.PermissionsBoundary }),
      };
    });
    const { tags } = role;
    // AWS: the answer has neither MaxSessionDuration nor RoleLastUsed.
    return { Role: { ...identification(role, context), ...boundaryOf(role), ...(tags.length > 0 && { Tags: tags }) } };
  },
});

export const getRole = operation<Shapes.GetRoleRequest, Shapes.GetRoleResponse>({
  name: "GetRole",
  support: "supported",
  source: `${DOCS}/API_GetRole.html`,
  authorize: (input, context) => [entityAccess(ROLE, "GetRole", input.RoleName, context)],
  errors: [noSuchEntity],
  run: (input, context) => ({ Role: fullRole(requireEntity(ROLE, input.RoleName, context), context) }),
});

export const listRoles = operation<Shapes.ListRolesRequest, Shapes.ListRolesResponse>({
  name: "ListRoles",
  support: "supported",
  source: `${DOCS}/API_ListRoles.html`,
  authorize: (input, { scope }) => listAccess("ListRoles", globalArnIn(scope, "iam", `role${input.PathPrefix ?? "/"}`)),
  errors: [invalidMarker],
  run(input, context) {
    const roles = listEntities(ROLE, context).filter((role) => role.path.startsWith(input.PathPrefix ?? "/"));
    const page = pageOf(roles, input, (role) => nameKey(role.name));
    // AWS: lists have neither tags, nor boundary, nor RoleLastUsed.
    return { Roles: page.items.map((role) => listedRole(role, context)), ...page.members };
  },
});

export const updateRole = operation<Shapes.UpdateRoleRequest, object>({
  name: "UpdateRole",
  support: "supported",
  source: `${DOCS}/API_UpdateRole.html`,
  authorize: (input, context) => [entityAccess(ROLE, "UpdateRole", input.RoleName, context)],
  errors: [noSuchEntity, unmodifiableEntity],
  async run(input, context) {
    await changeAnyEntity(ROLE, input.RoleName, context, (role) => {
      // AWS: of a service-linked role the description may be changed, nothing else.
      if (input.MaxSessionDuration !== undefined) requireModifiable(ROLE, role);
      return {
        ...role,
        maxSessionSeconds: input.MaxSessionDuration ?? role.maxSessionSeconds,
        ...(input.Description === undefined ? {} : { description: input.Description }),
      };
    });
    return {};
  },
});

export const updateRoleDescription = operation<
  Shapes.UpdateRoleDescriptionRequest,
  Shapes.UpdateRoleDescriptionResponse
>({
  name: "UpdateRoleDescription",
  support: "supported",
  source: `${DOCS}/API_UpdateRoleDescription.html`,
  authorize: (input, context) => [entityAccess(ROLE, "UpdateRoleDescription", input.RoleName, context)],
  errors: [noSuchEntity],
  async run(input, context) {
    const change = (role: RoleRecord) => ({ ...role, description: input.Description });
    return { Role: listedRole(await changeAnyEntity(ROLE, input.RoleName, context, change), context) };
  },
});

export const updateAssumeRolePolicy = operation<Shapes.UpdateAssumeRolePolicyRequest, object>({
  name: "UpdateAssumeRolePolicy",
  support: "supported",
  source: `${DOCS}/API_UpdateAssumeRolePolicy.html`,
  authorize: (input, context) => [entityAccess(ROLE, "UpdateAssumeRolePolicy", input.RoleName, context)],
  errors: [noSuchEntity, malformedPolicyDocument, quotaExceeded, unmodifiableEntity],
  async run(input, context) {
    await changeEntity(ROLE, input.RoleName, context, (role) => ({
      ...role,
      ...requireTrustPolicy(input.PolicyDocument, context),
    }));
    return {};
  },
});

export const deleteRole = operation<Shapes.DeleteRoleRequest, object>({
  name: "DeleteRole",
  support: "supported",
  source: `${DOCS}/API_DeleteRole.html`,
  authorize: (input, context) => [entityAccess(ROLE, "DeleteRole", input.RoleName, context)],
  errors: [noSuchEntity, deleteConflict, unmodifiableEntity],
  async run(input, context) {
    await context.store.write(() => {
      const role = requireEntity(ROLE, input.RoleName, context);
      requireModifiable(ROLE, role);
      if (role.attachedPolicyArns.length > 0) throw deleteConflict("detach all policies");
      if (Object.keys(role.inlinePolicies).length > 0) throw deleteConflict("delete policies");
      ROLE.collection(context.store).delete(entityKey(context.scope.accountId, input.RoleName));
      forgetUses(context.store, role.id);
    });
    return {};
  },
});
