/**
 * The project an input names, and what must be allowed to act on it: by name in the caller's account, by ARN also in
 * another one, where the project's resource policy must agree. Actions on builds are decided on the project.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/project-sharing.html
 */
import type { AuthorizationRequest, RequestContext } from "../../../authorize/decision.ts";
import type { OperationContext } from "../../service.ts";
import { projectNotFound } from "../errors.ts";
import { parseBuildId, projectArn, projectAt, projectKey, recordsIn, scopeOf } from "../records.ts";
import type { Project } from "../shapes.gen.ts";
import { withResourcePolicy } from "../sharing/resource-policy-of.ts";
import { withSecretKeys } from "./condition-keys.ts";
import { resourceTags } from "./project-access.ts";

/** Where projects are looked for. */
type Whereabouts = Pick<OperationContext, "scope" | "store">;

/** The project, or undefined. */
export function findProject(context: Whereabouts, nameOrArn: string): Project | undefined {
  const { scope, name } = projectAt(nameOrArn, context.scope);
  return recordsIn(context.store).projects.get(projectKey(scope, name));
}

/** The project; throws ResourceNotFoundException. */
export function requireProject(context: Whereabouts, nameOrArn: string): Project {
  const project = findProject(context, nameOrArn);
  if (project) return project;
  const { scope, name } = projectAt(nameOrArn, context.scope);
  throw projectNotFound(projectArn(scope, name));
}

/**
 * The project to be changed, or to start something of: one of the account and region of the call. What is written is
 * kept there, so a project of elsewhere would be decided on in one place and acted on in another.
 */
export function requireOwnProject(context: Whereabouts, nameOrArn: string): Project {
  requireOwnScope(context, nameOrArn, (arn) => projectNotFound(arn));
  return requireProject(context, nameOrArn);
}

/** Throws what `notFound` makes for an ARN that names another account or region than the call's. */
export function requireOwnScope(
  { scope }: Pick<OperationContext, "scope">,
  nameOrArn: string,
  notFound: (arn: string) => Error,
): void {
  const at = scopeOf(nameOrArn, scope);
  if (at.accountId !== scope.accountId || at.region !== scope.region) throw notFound(nameOrArn);
}

/** One action on one project, with its tags and its resource policy. */
export function projectAccess(
  context: Whereabouts,
  action: string,
  nameOrArn: string,
  conditionKeys: RequestContext = {},
): AuthorizationRequest {
  const { scope, name } = projectAt(nameOrArn, context.scope);
  const arn = projectArn(scope, name);
  const request = withSecretKeys({
    action: `codebuild:${action}`,
    resource: arn,
    context: { ...resourceTags(findProject(context, nameOrArn)), ...conditionKeys },
  });
  return withResourcePolicy(recordsIn(context.store), request);
}

/** AWS: actions on builds (and sandboxes by project) are decided on the project of the build. */
export function buildAccess(context: OperationContext, action: string, idOrArn: string): AuthorizationRequest {
  const scope = scopeOf(idOrArn, context.scope);
  return projectAccess(context, action, projectArn(scope, parseBuildId(idOrArn).projectName));
}
