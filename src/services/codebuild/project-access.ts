/**
 * What must be allowed before a project or build is made: the action on the project, `iam:PassRole` on its role, and the
 * role's trust in CodeBuild. Condition keys: the fields that policies are written about.
 * Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodebuild.html
 */
import type { AuthorizationRequest, RequestContext } from "../../authorize/decision.ts";
import type { AwsScope } from "../../core/arn.ts";
import { AwsError } from "../../core/errors.ts";
import { roleNotAssumable } from "./errors.ts";
import { parseBuildId, projectArn, projectNameOf } from "./records.ts";
import type { RoleSession } from "./role-session.ts";
import type { EnvironmentVariable, Project, ProjectEnvironment, Tag } from "./shapes.gen.ts";

export const CODEBUILD_PRINCIPAL = "codebuild.amazonaws.com";

export const onProject = (
  action: string,
  nameOrArn: string,
  scope: AwsScope,
  context?: RequestContext,
): AuthorizationRequest => ({
  action: `codebuild:${action}`,
  resource: projectArn(scope, projectNameOf(nameOrArn)),
  ...(context ? { context } : {}),
});

/** AWS: actions on builds are decided on the project of the build. */
export const onBuild = (action: string, idOrArn: string, scope: AwsScope, project?: Project): AuthorizationRequest => ({
  action: `codebuild:${action}`,
  resource: projectArn(scope, parseBuildId(idOrArn).projectName),
  context: resourceTags(project),
});

export const onAnything = (action: string): AuthorizationRequest => ({ action: `codebuild:${action}`, resource: "*" });

export const passRole = (roleArn: string): AuthorizationRequest => ({
  action: "iam:PassRole",
  resource: roleArn,
  context: { "iam:PassedToService": CODEBUILD_PRINCIPAL },
});

/** Tags of an existing project, as `aws:ResourceTag/…`. */
export const resourceTags = (project: Project | undefined): RequestContext =>
  Object.fromEntries((project?.tags ?? []).map((tag) => [`aws:ResourceTag/${tag.key}`, tag.value ?? ""]));

export const requestTags = (tags: readonly Tag[] | undefined): RequestContext =>
  tags === undefined || tags.length === 0
    ? {}
    : {
        "aws:TagKeys": tags.map((tag) => tag.key ?? ""),
        ...Object.fromEntries(tags.map((tag) => [`aws:RequestTag/${tag.key}`, tag.value ?? ""])),
      };

/** Keys of the fields of CreateProject, UpdateProject and StartBuild that policies restrict. */
export function fieldKeys(fields: {
  readonly serviceRole?: string | undefined;
  readonly environment?: { readonly [K in keyof ProjectEnvironment]?: ProjectEnvironment[K] | undefined } | undefined;
  readonly environmentVariables?: readonly EnvironmentVariable[] | undefined;
  readonly sourceLocation?: string | undefined;
  readonly buildspec?: string | undefined;
  readonly encryptionKey?: string | undefined;
  readonly artifactsLocation?: string | undefined;
}): RequestContext {
  const { environment, environmentVariables } = fields;
  const keys: Record<string, string | readonly string[] | undefined> = {
    "codebuild:serviceRole": fields.serviceRole,
    "codebuild:encryptionKey": fields.encryptionKey,
    "codebuild:source.location": fields.sourceLocation,
    "codebuild:source.buildspec": fields.buildspec === undefined ? undefined : "true",
    "codebuild:artifacts.location": fields.artifactsLocation,
    "codebuild:environment.type": environment?.type,
    "codebuild:environment.image": environment?.image,
    "codebuild:environment.computeType": environment?.computeType,
    "codebuild:environment.privilegedMode":
      environment?.privilegedMode === undefined ? undefined : String(environment.privilegedMode),
    "codebuild:environment.imagePullCredentialsType": environment?.imagePullCredentialsType,
    "codebuild:environment.environmentVariables.name": environmentVariables?.map((variable) => variable.name),
    "codebuild:environment.environmentVariables.value": environmentVariables?.map((variable) => variable.value),
  };
  const context: Record<string, string | readonly string[]> = {};
  for (const [name, value] of Object.entries(keys)) if (value !== undefined && value.length > 0) context[name] = value;
  for (const variable of environmentVariables ?? []) {
    context[`codebuild:environment.environmentVariables/${variable.name}.value`] = variable.value;
  }
  return context;
}

/** Assumes the role once, as the service; a role that is absent or does not trust CodeBuild is an InvalidInputException. */
export async function requireAssumableRole(session: RoleSession): Promise<void> {
  try {
    await session.credentials();
  } catch (error) {
    if (error instanceof AwsError && error.fault === "client") throw roleNotAssumable();
    throw error;
  }
}
