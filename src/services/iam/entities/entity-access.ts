/**
 * Which permissions the operations on roles, users and groups need: on one entity, for making one, for listing.
 * Sources: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html;
 * what denials print as seen on AWS.
 */
import type { AuthorizationRequest, RequestContext } from "../../../authorize/index.ts";
import { globalArnIn } from "../../../core/arn.ts";
import type { EntityRecord } from "../../../identity/index.ts";
import type { OperationContext } from "../../service.ts";
import { requestTagKeys, resourceTagKeys } from "../../tag-keys.ts";
import { type EntityInput, type EntityKind, findEntity, nameIn } from "./entities.ts";

/** Permission on one entity. A denial prints `on resource: role NAME`. */
export function entityAccess<R extends EntityRecord>(
  kind: EntityKind<R>,
  action: string,
  name: string,
  context: OperationContext,
  conditionKeys: RequestContext = {},
): AuthorizationRequest {
  const record = findEntity(kind, name, context);
  return {
    action: `iam:${action}`,
    resource: record?.arn ?? globalArnIn(context.scope, "iam", `${kind.word}/${name}`),
    resourceText: `${kind.word} ${name}`,
    context: { ...entityTagKeys(record?.tags), ...boundaryKey(action, record), ...conditionKeys },
  };
}

/** Actions that can be limited to entities with a certain boundary. */
const KNOWING_BOUNDARY = new Set([
  ...["GetRole", "UpdateRole", "UpdateRoleDescription", "UpdateAssumeRolePolicy", "DeleteRole"],
  ...["AttachRolePolicy", "DetachRolePolicy", "PutRolePolicy", "DeleteRolePolicy", "DeleteRolePermissionsBoundary"],
  ...["AttachUserPolicy", "DetachUserPolicy", "PutUserPolicy", "DeleteUserPolicy", "DeleteUserPermissionsBoundary"],
]);

/** AWS: the boundary that the entity has; where one is given in the request, that one counts. */
const boundaryKey = (action: string, record: EntityRecord | undefined): RequestContext =>
  record?.boundaryArn !== undefined && KNOWING_BOUNDARY.has(action)
    ? { "iam:PermissionsBoundary": record.boundaryArn }
    : {};

/** Permission to make an entity at a path, with the tags and boundary it is to have. */
export function creationAccess<R extends EntityRecord>(
  kind: EntityKind<R>,
  input: EntityInput & {
    readonly Path?: string | undefined;
    readonly PermissionsBoundary?: string | undefined;
    readonly Tags?: readonly Tag[] | undefined;
  },
  context: OperationContext,
): AuthorizationRequest[] {
  const name = nameIn(kind, input);
  const ofTags = requestTagKeys(input.Tags);
  const request: AuthorizationRequest = {
    action: `iam:Create${kind.title}`,
    resource: globalArnIn(context.scope, "iam", `${kind.word}${input.Path ?? "/"}${name}`),
    resourceText: `${kind.word} ${name}`,
    context: {
      ...ofTags,
      ...(input.PermissionsBoundary === undefined ? {} : { "iam:PermissionsBoundary": input.PermissionsBoundary }),
    },
  };
  if (!input.Tags?.length) return [request];
  // AWS: creating with tags needs the tagging action too, and its denial prints the ARN.
  return [request, { action: `iam:Tag${kind.title}`, resource: request.resource, context: ofTags }];
}

/** Permission to list; AWS prints the ARN of the path that is listed. */
export const listAccess = (action: string, resourceText: string): AuthorizationRequest[] => [
  { action: `iam:${action}`, resource: "*", resourceText },
];

interface Tag {
  readonly Key: string;
  readonly Value: string;
}

/** AWS: tags of users and roles have an older name besides the global one. */
export const entityTagKeys = (tags: readonly Tag[] = []): RequestContext => ({
  ...resourceTagKeys(tags),
  ...resourceTagKeys(tags, "iam:ResourceTag"),
});
