/**
 * What the build of this buildspec needs its service role to be allowed: what CodeBuild itself calls for the plan, and
 * what the commands clearly call. Each with the place in the buildspec it comes from.
 */
import { type PlanProject, planBuild, type RequiredPermission, requiredPermissions } from "../../build/plan/index.ts";
import type { AwsScope } from "../../core/arn.ts";
import type { Span } from "../../core/diagnostics.ts";
import { parseEcrImage } from "../../core/ecr-host.ts";
import type { Knowledge, KnownKey } from "../knowledge/knowledge.ts";
import type { CheckContext } from "../rule.ts";
import { awsCalls, usesOtherCredentials } from "./aws-calls.ts";

/** Stands for a part of an ARN that is not known here: a letter sequence that no ARN has. */
const OPEN = "*";

export interface RoleNeed extends RequiredPermission {
  /** False when the resource holds `*` or `?` for what is not known before the run. */
  readonly isExact: boolean;
  /** CodeBuild itself asks, or a command does. */
  readonly by: "codebuild" | "command";
  /** What happens without it. */
  readonly effect: "fails" | "degrades";
  readonly span?: Span;
}

/** The account and region of the build; unknown parts are `*`. */
export const scopeOf = ({ scope }: Knowledge): AwsScope => ({
  partition: scope?.partition ?? "aws",
  region: scope?.region ?? OPEN,
  accountId: scope?.accountId ?? OPEN,
});

const cache = new WeakMap<CheckContext, readonly RoleNeed[]>();

/** All of them; the same list for the same context. */
export function roleNeeds(context: CheckContext): readonly RoleNeed[] {
  const known = cache.get(context);
  if (known) return known;
  const needs = [...ofCodeBuild(context), ...callsOfCommands(context)];
  const seen = new Set<string>();
  const unique = needs.filter(({ action, resource }) => {
    const key = `${action.toLowerCase()} ${resource}`;
    return !seen.has(key) && seen.add(key);
  });
  cache.set(context, unique);
  return unique;
}

function ofCodeBuild(context: CheckContext): RoleNeed[] {
  const { buildspec, project, strict, known } = context;
  const name = project.name ?? OPEN;
  const planned: PlanProject = {
    name,
    environment: {
      type: project.type ?? "LINUX_CONTAINER",
      image: project.image ?? "",
      computeType: project.computeType ?? "BUILD_GENERAL1_SMALL",
      environmentVariables: (project.environmentVariables ?? []).map((one) => ({ ...one, value: one.value ?? "$?" })),
    },
  };
  const { plan } = planBuild({ buildspec, project: planned, strict });
  const scope = scopeOf(known);
  const settings = { ...project.roleSettings, ...customerKeys(known, scope) };
  const permissions = [...requiredPermissions(plan, scope, name, settings), ...ofEnvironment(context, scope)];
  const isOther = usesOtherCredentials(context.shell);
  return permissions.flatMap((permission) => {
    const resource = exactResource(permission, known);
    const span = spanOfLine(context, permission.why);
    const isCommand = permission.action.startsWith("ecr:") && permission.why !== IMAGE;
    if (isCommand && isOther) return [];
    const by = isCommand ? ("command" as const) : ("codebuild" as const);
    return {
      ...permission,
      resource,
      isExact: isExact(resource) || resource === "*",
      by,
      effect: effectOf(permission, by),
      ...(span && { span }),
    };
  });
}

const IMAGE = "the image of the build";

/** What PROVISIONING calls: the image, its registry's password, the network interface. */
function ofEnvironment({ project }: CheckContext, scope: AwsScope): RequiredPermission[] {
  const { image = "", imagePullCredentialsType, registryCredential, vpcConfig } = project;
  const needs: RequiredPermission[] = [];
  const ecr = parseEcrImage(image);
  if (ecr && imagePullCredentialsType === "SERVICE_ROLE") {
    const resource = `arn:${scope.partition}:ecr:${ecr.region}:${ecr.accountId}:repository/${ecr.repository}`;
    needs.push({ action: "ecr:GetAuthorizationToken", resource: "*", why: IMAGE });
    for (const action of ["BatchCheckLayerAvailability", "GetDownloadUrlForLayer", "BatchGetImage"]) {
      needs.push({ action: `ecr:${action}`, resource, why: IMAGE });
    }
  }
  const credential = registryCredential?.credential;
  if (credential && !image.startsWith("aws/codebuild/") && !ecr) {
    const resource = credential.startsWith("arn:")
      ? credential
      : `arn:${scope.partition}:secretsmanager:${scope.region}:${scope.accountId}:secret:${credential}-??????`;
    needs.push({ action: "secretsmanager:GetSecretValue", resource, why: "the registry's password" });
  }
  if (vpcConfig?.vpcId) {
    for (const action of VPC_ACTIONS) needs.push({ action: `ec2:${action}`, resource: "*", why: "the VPC" });
  }
  return needs;
}

/** https://docs.aws.amazon.com/codebuild/latest/userguide/auth-and-access-control-iam-identity-based-access-control.html#customer-managed-policies-example-create-vpc-network-interface */
const VPC_ACTIONS = [
  ...["CreateNetworkInterface", "DescribeDhcpOptions", "DescribeNetworkInterfaces", "DeleteNetworkInterface"],
  ...["DescribeSubnets", "DescribeSecurityGroups", "DescribeVpcs"],
];

/** What the aws commands themselves call. */
export function callsOfCommands(context: CheckContext, also?: "guarded"): RoleNeed[] {
  const scope = scopeOf(context.known);
  return awsCalls(context.shell, also).map(({ action, resource, command, title }) => {
    const filled = exactResource(
      {
        action,
        resource: resource
          .replace(/^arn:\*:/, `arn:${scope.partition}:`)
          .replace(":REGION:", `:${scope.region}:`)
          .replace(":ACCOUNT:", `:${scope.accountId}:`),
      },
      context.known,
    );
    return {
      action,
      resource: filled,
      why: `\`${title}\``,
      // An action that has no resource type is asked about `*`; of others `*` means that nobody knows.
      isExact: isExact(filled) || (filled === "*" && ON_NOTHING.has(action)),
      by: "command",
      effect: command.isStatusIgnored ? "degrades" : "fails",
      span: command.span,
    };
  });
}

const ON_NOTHING = new Set([
  ...["ecr:GetAuthorizationToken", "s3:ListAllMyBuckets", "ecs:RegisterTaskDefinition", "sts:GetServiceBearerToken"],
  ...["ecr-public:GetAuthorizationToken", "cloudformation:ValidateTemplate", "ecs:DescribeTaskDefinition"],
]);

const isExact = (resource: string): boolean => !/[*?]/.test(resource);

/** The ARN of a secret whose six characters are known. */
function exactResource(
  { action, resource }: Pick<RequiredPermission, "action" | "resource">,
  known: Knowledge,
): string {
  if (action === "ecr:GetAuthorizationToken" || !action.startsWith("secretsmanager:")) return resource;
  const name = /:secret:([^*?]+)-\?{6}$/.exec(resource)?.[1];
  return known.secrets?.find((secret) => secret.name === name)?.arn ?? resource;
}

/** A missing one of these leaves the build without something, and does not end it. */
const DEGRADING = /^(?:logs:PutLogEvents|logs:CreateLogGroup|s3:ListBucket|s3:PutBucketAcl|codebuild:RetryBuild)$/;

function effectOf({ action, why }: RequiredPermission, by: RoleNeed["by"]): RoleNeed["effect"] {
  // AWS: a cache that cannot be read or written is a warning in the log.
  if (why === "the cache" || by === "command") return "degrades";
  return DEGRADING.test(action) ? "degrades" : "fails";
}

/** Where the plan says `(line N)`: the variable of that line, else the line's first command. */
function spanOfLine({ buildspec, text, spanOf }: CheckContext, why: string): Span | undefined {
  const line = Number(/\(line (\d+)\)$/.exec(why)?.[1] ?? Number.NaN);
  if (Number.isNaN(line)) return undefined;
  const { env, phases } = buildspec;
  const variables = [...env.parameterStore, ...env.secretsManager, ...env.variables];
  const inPhases = phases.flatMap((phase) => phase.environmentVariables);
  const variable = [...variables, ...inPhases].find(({ name }) => name.span.line === line);
  if (variable) return variable.value.span;
  const commands = phases.flatMap((phase) => [...phase.commands, ...phase.finally]);
  const command = commands.find(({ span }) => span.line === line);
  if (command) return command.span;
  const start =
    text
      .split("\n")
      .slice(0, line - 1)
      .join("\n").length + (line > 1 ? 1 : 0);
  const content = /\S.*/.exec(text.slice(start).split("\n", 1)[0] ?? "");
  return content ? spanOf(start + content.index, start + content.index + content[0].length) : undefined;
}

/** Keys that customers manage, by what they encrypt; in the form of RoleSettings. */
function customerKeys({ parameters, secrets, keys }: Knowledge, scope: AwsScope) {
  const at = (service: string) => `arn:${scope.partition}:${service}:${scope.region}:${scope.accountId}`;
  const parameterKeys = new Map<string, string>();
  for (const { name, type, keyId } of parameters?.list() ?? []) {
    const key = type === "SecureString" ? customerKey(keys, keyId) : undefined;
    if (key) parameterKeys.set(`${at("ssm")}:parameter/${name.replace(/^\//, "")}`, key.arn);
  }
  const secretKeys = new Map<string, string>();
  for (const { name, keyId } of secrets ?? []) {
    const key = customerKey(keys, keyId);
    if (key) secretKeys.set(`${at("secretsmanager")}:secret:${name}-??????`, key.arn);
  }
  return { parameterKeys, secretKeys };
}

/** The key that an id, ARN or alias names; undefined for AWS's own and for one that is not known. */
export function customerKey(keys: readonly KnownKey[] | undefined, keyId: string | undefined): KnownKey | undefined {
  const found = findKey(keys, keyId);
  return found?.manager === "AWS" ? undefined : found;
}

/** The same, also of AWS's own keys. */
export function findKey(keys: readonly KnownKey[] | undefined, keyId: string | undefined): KnownKey | undefined {
  if (keyId === undefined) return undefined;
  const alias = /(?:^|:)(alias\/.+)$/.exec(keyId)?.[1];
  return keys?.find((key) =>
    alias === undefined ? key.arn === keyId || key.keyId === keyId : key.aliases.includes(alias),
  );
}
