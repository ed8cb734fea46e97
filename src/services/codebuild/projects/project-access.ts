/**
 * What must be allowed before a project or build is made: the action on the project, `iam:PassRole` on its role, and the
 * role's trust in CodeBuild. Condition keys: the fields that policies are written about.
 * Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodebuild.html
 */
import type { AuthorizationRequest, RequestContext } from "../../../authorize/decision.ts";
import type { AwsScope } from "../../../core/arn.ts";
import { AwsError } from "../../../core/errors.ts";
import { requestTagKeys, resourceTagKeys } from "../../tag-keys.ts";
import type { RoleSession } from "../builds/role-session.ts";
import { roleNotAssumable } from "../errors.ts";
import { projectArn, projectNameOf } from "../records.ts";
import type { Project, Tag } from "../shapes.gen.ts";
import { withSecretKeys } from "./condition-keys.ts";

export const CODEBUILD_PRINCIPAL = "codebuild.amazonaws.com";

export const onProject = (
  action: string,
  nameOrArn: string,
  scope: AwsScope,
  context?: RequestContext,
): AuthorizationRequest =>
  withSecretKeys({
    action: `codebuild:${action}`,
    resource: projectArn(scope, projectNameOf(nameOrArn)),
    ...(context ? { context } : {}),
  });

export const onAnything = (action: string, context?: RequestContext): AuthorizationRequest =>
  withSecretKeys({ action: `codebuild:${action}`, resource: "*", ...(context ? { context } : {}) });

/** `resourceArn`: what is to use the role. */
export const passRole = (roleArn: string, resourceArn: string): AuthorizationRequest => ({
  action: "iam:PassRole",
  resource: roleArn,
  context: { "iam:PassedToService": CODEBUILD_PRINCIPAL, "iam:AssociatedResourceArn": resourceArn },
});

/** Tags of an existing project, as `aws:ResourceTag/…`. */
export const resourceTags = (project: Project | undefined): RequestContext => tagKeys(project?.tags);

/** Tags of an existing resource, as `aws:ResourceTag/…`. */
export const tagKeys = (tags?: readonly Tag[]): RequestContext => resourceTagKeys(tags?.map(asAwsTag));

/** Tags of a request, as `aws:RequestTag/…` and `aws:TagKeys`. */
export const requestTags = (tags: readonly Tag[] | undefined): RequestContext => requestTagKeys(tags?.map(asAwsTag));

/** CodeBuild's tags have members in lower case. */
const asAwsTag = ({ key, value }: Tag) => ({ Key: key, Value: value });

/** Assumes the role once, as the service; a role that is absent or does not trust CodeBuild is an InvalidInputException. */
export async function requireAssumableRole(session: RoleSession): Promise<void> {
  try {
    await session.credentials();
  } catch (error) {
    if (error instanceof AwsError && error.fault === "client") throw roleNotAssumable();
    throw error;
  }
}
