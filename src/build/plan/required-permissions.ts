/**
 * What the build's service role must be allowed to do for a plan to succeed: logs, parameters, secrets, ECR pushes,
 * reports; in s3-permissions.ts sources, artifacts, cache and logs in buckets, in project-permissions.ts what else the
 * project asks for.
 * Sources: https://docs.aws.amazon.com/codebuild/latest/userguide/setting-up-service-role.html (what CodeBuild calls),
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html (docker push).
 * Gaps: what commands themselves call (`aws s3 cp`, SDKs) is not known before a run; `kiln policy BUILD-ID` knows it.
 * Which key a parameter or secret uses is not in the plan: `kms:Decrypt` is here when the settings name the keys.
 */
import { type AwsScope, arnIn, parseArn } from "../../core/arn.ts";
import type { BuildPlan, PlannedVariable } from "./build-plan.ts";
import { expandPlaintext } from "./expand-plaintext.ts";
import { parseOnFailure } from "./on-failure.ts";
import { autoRetryPermissions, gitPermissions, logPermissions, type RoleSettings } from "./project-permissions.ts";
import { s3Permissions } from "./s3-permissions.ts";

export interface RequiredPermission {
  readonly action: string;
  /** ARN or ARN pattern; `*` for actions without a resource type. */
  readonly resource: string;
  /** One line: what needs it. */
  readonly why: string;
  /** For KMS: the service the key is used through, e.g. `s3.us-east-1.amazonaws.com`. */
  readonly viaService?: string;
  /** For KMS: condition keys that say what the key is used on. */
  readonly purpose?: Readonly<Record<string, string>>;
}

/** `settings` are the project's; without them the build touches no bucket and logs to the project's own group. */
export function requiredPermissions(
  plan: BuildPlan,
  scope: AwsScope,
  projectName: string,
  settings: RoleSettings = {},
): RequiredPermission[] {
  const all = [
    ...logPermissions(scope, projectName, settings),
    ...variablePermissions(plan, scope, settings),
    ...ecrPermissions(plan, scope),
    ...reportPermissions(plan, scope, projectName),
    ...retryPermissions(plan, scope, projectName),
    ...autoRetryPermissions(scope, projectName, settings),
    ...gitPermissions(scope, settings),
    ...s3Permissions(plan, scope, projectName, settings),
  ];
  const identity = ({ action, resource, purpose }: RequiredPermission) =>
    [action, resource, ...Object.values(purpose ?? {})].join("\u0000");
  const seen = new Map(all.map((permission) => [identity(permission), permission]));
  return [...seen.values()];
}

/** AWS: a build that `on-failure: RETRY` starts again is RetryBuild, called with the service role. */
function retryPermissions(plan: BuildPlan, scope: AwsScope, projectName: string): RequiredPermission[] {
  const retrying = plan.phases.find(({ onFailure }) => {
    const parsed = onFailure === undefined ? undefined : parseOnFailure(onFailure);
    return parsed?.ok && parsed.value.action === "RETRY" && parsed.value.maximum > 0;
  });
  if (!retrying) return [];
  const resource = arnIn(scope, "codebuild", `project/${projectName}`);
  return [
    { action: "codebuild:RetryBuild", resource, why: `\`on-failure: ${retrying.onFailure}\` of ${retrying.name}` },
  ];
}

function variablePermissions(plan: BuildPlan, scope: AwsScope, settings: RoleSettings): RequiredPermission[] {
  const plaintext = plaintextOf(plan);
  return [...plan.variables, ...plan.phaseVariables].flatMap((variable) => {
    const why = `\`${variable.name}\`${place(variable)}`;
    if (variable.type === "PARAMETER_STORE") {
      const resource = parameterArn(expandPlaintext(variable.value, plaintext, "*"), scope);
      const key = settings.parameterKeys?.get(resource);
      return [
        { action: "ssm:GetParameters", resource, why },
        ...decryption(key, "ssm", "PARAMETER_ARN", resource, `the key of ${why}`),
      ];
    }
    if (variable.type === "SECRETS_MANAGER") {
      const resource = secretArn(expandPlaintext(variable.value, plaintext, "*"), scope);
      const key = settings.secretKeys?.get(resource);
      return [
        { action: "secretsmanager:GetSecretValue", resource, why },
        ...decryption(key, "secretsmanager", "SecretARN", resource, `the key of ${why}`),
      ];
    }
    return [];
  });
}

/** Decryption with a customer managed key, tied to the service and to the one value. Nothing without a key. */
function decryption(
  key: string | undefined,
  service: "ssm" | "secretsmanager",
  contextKey: "PARAMETER_ARN" | "SecretARN",
  resource: string,
  why: string,
): RequiredPermission[] {
  if (key === undefined) return [];
  const viaService = `${service}.${parseArn(key)?.region ?? ""}.amazonaws.com`;
  const purpose = { [`kms:EncryptionContext:${contextKey}`]: resource };
  return [{ action: "kms:Decrypt", resource: key, why, viaService, purpose }];
}

const place = (variable: PlannedVariable): string =>
  variable.line !== undefined
    ? ` (line ${variable.line})`
    : ` (${variable.source === "project" ? "project" : "StartBuild"})`;

/** `name`, `/path/name`, `name:version`, `name:label` or an ARN → the ARN that CodeBuild's GetParameters is decided on. */
function parameterArn(reference: string, scope: AwsScope): string {
  if (reference.startsWith("arn:")) return reference.split(":").slice(0, 6).join(":");
  const name = reference.split(":")[0] ?? reference;
  // AWS: a leading slash does not double: `/CodeBuild/x` is `…:parameter/CodeBuild/x`.
  return arnIn(scope, "ssm", `parameter/${name.replace(/^\//, "")}`);
}

/** `<secret-id>[:<json-key>[:<stage>[:<version>]]]` → ARN pattern with the six random characters left open. */
function secretArn(reference: string, scope: AwsScope): string {
  const arn = parseArn(reference);
  if (arn?.service === "secretsmanager") {
    const [kind = "secret", id = ""] = arn.resource.split(":");
    return arnIn({ ...arn }, "secretsmanager", `${kind}:${id}`);
  }
  return arnIn(scope, "secretsmanager", `secret:${reference.split(":")[0] ?? reference}-??????`);
}

const pushActions = [
  "ecr:BatchCheckLayerAvailability",
  "ecr:InitiateLayerUpload",
  "ecr:UploadLayerPart",
  "ecr:CompleteLayerUpload",
  "ecr:PutImage",
];
const pullActions = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
const ecrHost = /([0-9]{12}|\*)\.dkr\.ecr\.([a-z0-9-]+|\*)\.amazonaws\.com(?:\.cn)?(?:\/([A-Za-z0-9._/*-]+))?/g;

/** ECR: the token, and for each repository named in the commands the push (and pull) actions. */
function ecrPermissions(plan: BuildPlan, scope: AwsScope): RequiredPermission[] {
  const commands = plan.phases.flatMap((phase) => [...phase.commands, ...phase.finally]);
  const values = new Map([...plaintextOf(plan), ["AWS_REGION", scope.region], ["AWS_DEFAULT_REGION", scope.region]]);
  for (const { text } of commands) assignments(text, values);
  const expanded = commands.map((command) => ({ ...command, text: expandPlaintext(command.text, values, "*") }));
  // The text as written: `$(aws ecr get-login …)` is gone from the expanded one.
  const logsIn = commands.find(({ text }) =>
    /\baws\b.*\becr\s+get-(login-password|login|authorization-token)\b/.test(text),
  );
  const permissions: RequiredPermission[] = [];
  const because = (line: number, what: string) => `${what} (line ${line})`;
  if (logsIn) {
    permissions.push({
      action: "ecr:GetAuthorizationToken",
      resource: "*",
      why: because(logsIn.line, "the login to ECR"),
    });
  }
  const pushes = expanded.some(({ text }) => /\bdocker\b.*\bpush\b/.test(text));
  const repositories = new Map<string, number>();
  for (const { text, line } of expanded) {
    for (const [, account = "*", region = "*", path] of text.matchAll(ecrHost)) {
      if (path === undefined) continue;
      const resource = arnIn(
        {
          partition: scope.partition,
          region: region === "*" ? scope.region : region,
          accountId: account === "*" ? scope.accountId : account,
        },
        "ecr",
        `repository/${path.replace(/[./-]+$/, "")}`,
      );
      if (!repositories.has(resource)) repositories.set(resource, line);
    }
  }
  // The image's name is put together from variables nobody knows before the run: any repository of this account.
  if (pushes && logsIn && repositories.size === 0) {
    repositories.set(arnIn(scope, "ecr", "repository/*"), logsIn.line);
  }
  for (const [resource, line] of repositories) {
    for (const action of pushes
      ? [...pushActions, ...pullActions]
      : ["ecr:BatchCheckLayerAvailability", ...pullActions]) {
      permissions.push({
        action,
        resource,
        why: because(line, pushes ? "docker push to ECR" : "docker pull from ECR"),
      });
    }
  }
  return permissions;
}

const COVERAGE_FORMATS = /^(CLOVERXML|COBERTURAXML|JACOCOXML|SIMPLECOV)$/;

/**
 * What makes the reports of the buildspec (https://docs.aws.amazon.com/codebuild/latest/userguide/test-permissions.html).
 * A group given by its ARN exists already. Auto-discovered reports are not planned.
 */
function reportPermissions(plan: BuildPlan, scope: AwsScope, projectName: string): RequiredPermission[] {
  const plaintext = plaintextOf(plan);
  return plan.reports.flatMap(({ group, fileFormat, line }) => {
    const name = expandPlaintext(group, plaintext, "*");
    const isArn = name.startsWith("arn:");
    const resource = isArn ? name : arnIn(scope, "codebuild", `report-group/${projectName}-${name}`);
    return [
      // A group given by its ARN is there; those of a fan-out's builds beside it are made.
      ...(isArn && !/BuildFanoutShard\d+$/.test(name) ? [] : ["CreateReportGroup"]),
      "CreateReport",
      COVERAGE_FORMATS.test(fileFormat) ? "BatchPutCodeCoverages" : "BatchPutTestCases",
      "UpdateReport",
    ].map((action) => ({ action: `codebuild:${action}`, resource, why: `the report \`${group}\` (line ${line})` }));
  });
}

const plaintextOf = (plan: BuildPlan): Map<string, string> =>
  new Map(plan.variables.filter(({ type }) => type === "PLAINTEXT").map(({ name, value }) => [name, value]));

/** `NAME=value` and `export NAME=value` commands, so that `$REPOSITORY_URI` is known further down. */
function assignments(text: string, values: Map<string, string>): void {
  for (const [, name = "", value = ""] of text.matchAll(
    /(?:^|[;&\n]|\bexport\s)\s*([A-Za-z_][A-Za-z0-9_]*)=("[^"]*"|'[^']*'|[^\s;&|]*)/g,
  )) {
    values.set(name, expandPlaintext(value.replace(/^["']|["']$/g, ""), values, "*"));
  }
}
