/**
 * What the service role needs because of the project's settings, beside S3: its log group, git sources, retries. Pure.
 * Sources: https://docs.aws.amazon.com/codebuild/latest/userguide/setting-up-service-role.html,
 * auto-retry-build.html and asm-create-secret.html of the same guide.
 * Gap: connections do not exist in Kiln; their three actions are AWS's.
 */
import { type AwsScope, arnIn } from "../../core/arn.ts";
import type { RequiredPermission } from "./required-permissions.ts";
import type { S3Settings } from "./s3-permissions.ts";

/** What of a project decides about its service role; the members are CreateProject's, the keys are the stores'. */
export interface RoleSettings extends S3Settings {
  /** By ARN of the parameter: ARN of the customer managed key that encrypts it. */
  readonly parameterKeys?: ReadonlyMap<string, string> | undefined;
  /** By ARN pattern of the secret (`…:secret:NAME-??????`): ARN of the customer managed key that encrypts it. */
  readonly secretKeys?: ReadonlyMap<string, string> | undefined;
  readonly source?: RoleSource | undefined;
  readonly secondarySources?: readonly RoleSource[] | undefined;
  readonly cloudWatchLogs?:
    | { readonly status?: string | undefined; readonly groupName?: string | undefined }
    | undefined;
  readonly autoRetryLimit?: number | undefined;
}

interface RoleSource {
  readonly type: string;
  readonly location?: string | undefined;
  readonly buildspec?: string | undefined;
  readonly auth?: { readonly type: string; readonly resource?: string | undefined } | undefined;
}

/** The log group, unless CloudWatch Logs are off. */
export function logPermissions(
  scope: AwsScope,
  projectName: string,
  { cloudWatchLogs }: RoleSettings,
): RequiredPermission[] {
  if (cloudWatchLogs?.status === "DISABLED") return [];
  const group = arnIn(scope, "logs", `log-group:${cloudWatchLogs?.groupName ?? `/aws/codebuild/${projectName}`}`);
  return [
    ...[group, `${group}:*`].map((resource) => ({
      action: "logs:CreateLogGroup",
      resource,
      why: "the build's log group",
    })),
    { action: "logs:CreateLogStream", resource: `${group}:*`, why: "the build's log stream" },
    { action: "logs:PutLogEvents", resource: `${group}:*`, why: "the build's log lines" },
  ];
}

/** Repositories of CodeCommit, and credentials that a source names itself. */
export function gitPermissions(scope: AwsScope, { source, secondarySources = [] }: RoleSettings): RequiredPermission[] {
  return [...(source ? [source] : []), ...secondarySources].flatMap(({ location = "", auth }) => {
    const codeCommit = CODECOMMIT.exec(location);
    const [, region = "", name = ""] = codeCommit ?? [];
    const secret = auth?.type === "SECRETS_MANAGER" ? auth.resource : undefined;
    const connection = auth?.type === "CODECONNECTIONS" ? auth.resource : undefined;
    return [
      ...(codeCommit
        ? [
            {
              action: "codecommit:GitPull",
              resource: arnIn({ ...scope, region }, "codecommit", name),
              why: "the source in CodeCommit",
            },
          ]
        : []),
      ...(secret
        ? [
            {
              action: "secretsmanager:GetSecretValue",
              resource: secret.startsWith("arn:") ? secret : arnIn(scope, "secretsmanager", `secret:${secret}-??????`),
              why: "the source's credentials",
            },
          ]
        : []),
      ...(connection
        ? ["GetConnection", "GetConnectionToken", "UseConnection"].map((action) => ({
            action: `codeconnections:${action}`,
            resource: connection,
            why: "the source's connection",
          }))
        : []),
    ];
  });
}

const CODECOMMIT = /^https:\/\/git-codecommit(?:-fips)?\.([\w-]+)\.amazonaws\.com(?:\.cn)?\/v1\/repos\/([\w.-]+)\/?$/;

/** AWS: a failed build is started again by RetryBuild, called with the service role; not those of a pipeline. */
export function autoRetryPermissions(
  scope: AwsScope,
  projectName: string,
  { autoRetryLimit = 0, source }: RoleSettings,
): RequiredPermission[] {
  if (autoRetryLimit === 0 || source?.type === "CODEPIPELINE") return [];
  return [
    {
      action: "codebuild:RetryBuild",
      resource: arnIn(scope, "codebuild", `project/${projectName}`),
      why: `the project's autoRetryLimit of ${autoRetryLimit}`,
    },
  ];
}
