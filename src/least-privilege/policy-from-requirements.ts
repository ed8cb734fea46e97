/**
 * Actions on resources → one policy document: merged by service, sorted for stable diffs, one Sid per purpose.
 * ARNs stay exact, except log streams (`log-group:NAME:*`: a stream is made for each build) and secrets (`NAME-??????`:
 * the six characters change when a secret is made again).
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege; limits:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html (managed 6,144, inline 10,240 characters);
 * what SSM and Secrets Manager tell KMS: https://docs.aws.amazon.com/systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html,
 * https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
 */
import type { RequestContext } from "../authorize/decision.ts";
import type { AwsScope } from "../core/arn.ts";
import type { PolicyDocument } from "../core/aws.ts";

export interface Requirement {
  /** `service:Action` */
  readonly action: string;
  /** ARN, ARN pattern, or `*` for actions without a resource type. */
  readonly resource: string;
  /** For KMS: the service the key is used through, e.g. `ssm.us-east-1.amazonaws.com`. */
  readonly viaService?: string;
  /** For KMS: what the key is used on, e.g. `kms:EncryptionContext:PARAMETER_ARN`. */
  readonly purpose?: RequestContext;
  /** One line: what needs it. */
  readonly why?: string;
}

export type PolicyCondition = Readonly<
  Partial<Record<"StringEquals" | "StringLike", Readonly<Record<string, string | readonly string[]>>>>
>;

export interface PolicyStatement {
  readonly Sid: string;
  readonly Effect: "Allow";
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: PolicyCondition;
}

export type LeastPrivilegePolicy = PolicyDocument & {
  readonly Version: "2012-10-17";
  readonly Statement: readonly PolicyStatement[];
};

/** A policy, and beside it why each statement is there. */
export interface ExplainedPolicy {
  readonly document: LeastPrivilegePolicy;
  /** By index of the statement; empty where nobody said. */
  readonly reasons: readonly (readonly string[])[];
}

/** Characters that an inline policy of a role, and a managed one, may have; white space does not count. */
const MAX_INLINE_CHARACTERS = 10_240;
const MAX_MANAGED_CHARACTERS = 6_144;

/** The document that allows exactly these. No requirement gives a document without statements. */
export const policyFromRequirements = (requirements: readonly Requirement[]): LeastPrivilegePolicy =>
  explainedPolicy(requirements).document;

/** {@link policyFromRequirements} with the reasons of the requirements. */
export function explainedPolicy(requirements: readonly Requirement[]): ExplainedPolicy {
  const groups = new Map<string, Group>();
  for (const { actions, viaService, resource, purpose, reasons } of byResource(requirements)) {
    const service = serviceOf([...actions][0] ?? "");
    // The three log actions act on the group and on its streams alike; AWS's own role policies write one statement.
    const key =
      service === "logs" && resource !== "*"
        ? `logs ${logGroup(resource)}`
        : [service, resource === "*" ? "*" : "", viaService ?? "", textOf(purpose), [...actions].sort().join()].join(
            " ",
          );
    const group = groups.get(key) ?? {
      actions: new Set(),
      resources: new Set(),
      viaService,
      purpose,
      reasons: new Set(),
    };
    for (const action of actions) group.actions.add(action);
    for (const reason of reasons) group.reasons.add(reason);
    group.resources.add(resource);
    groups.set(key, group);
  }
  const sorted = [...groups.values()].map((group) => ({
    ...group,
    actions: [...group.actions].sort(),
    resources: [...group.resources].sort(),
  }));
  sorted.sort((a, b) => compare(a.actions.join(), b.actions.join()) || compare(a.resources.join(), b.resources.join()));
  const used = new Map<string, number>();
  return {
    document: {
      Version: "2012-10-17",
      Statement: sorted.map(({ actions, resources, viaService, purpose }) => ({
        Sid: unique(sidOf(actions, resources), used),
        Effect: "Allow" as const,
        Action: one(actions),
        Resource: one(resources),
        ...conditionOf(viaService, purpose),
      })),
    },
    reasons: sorted.map(({ reasons }) => [...reasons]),
  };
}

/** The policy as a role can have it: one inline policy or, when that would be too long, several managed ones. */
export function attachable(policy: ExplainedPolicy): {
  readonly isInline: boolean;
  readonly parts: readonly ExplainedPolicy[];
} {
  const isInline = JSON.stringify(policy.document).length <= MAX_INLINE_CHARACTERS;
  return { isInline, parts: isInline ? [policy] : splitPolicy(policy, MAX_MANAGED_CHARACTERS) };
}

/** What a template of a policy has to be told. */
export interface TemplateNames {
  /** Account and region that the template leaves open. */
  readonly scope: AwsScope;
  readonly roleName: string;
  /** Of the inline policy, and the stem of managed ones. */
  readonly policyName: string;
}

/** The same statements over as many documents as `maxCharacters` needs (IAM does not count white space). */
export function splitPolicy(policy: ExplainedPolicy, maxCharacters: number): ExplainedPolicy[] {
  const parts: { statements: PolicyStatement[]; reasons: (readonly string[])[] }[] = [{ statements: [], reasons: [] }];
  const size = (list: readonly PolicyStatement[]) => JSON.stringify({ Version: "2012-10-17", Statement: list }).length;
  for (const [index, statement] of policy.document.Statement.entries()) {
    const last = parts.at(-1);
    const isFull =
      last !== undefined && last.statements.length > 0 && size([...last.statements, statement]) > maxCharacters;
    const part = last === undefined || isFull ? { statements: [], reasons: [] } : last;
    if (part !== last) parts.push(part);
    part.statements.push(statement);
    part.reasons.push(policy.reasons[index] ?? []);
  }
  return parts.map(({ statements, reasons }) => ({
    document: { Version: "2012-10-17", Statement: statements },
    reasons,
  }));
}

interface Group {
  readonly actions: Set<string>;
  readonly resources: Set<string>;
  readonly viaService: string | undefined;
  readonly purpose: ReadonlyMap<string, ReadonlySet<string>>;
  readonly reasons: Set<string>;
}

interface Entry {
  readonly actions: Set<string>;
  readonly resource: string;
  readonly viaService: string | undefined;
  /** Values by condition key. */
  readonly purpose: Map<string, Set<string>>;
  readonly reasons: Set<string>;
}

function byResource(requirements: readonly Requirement[]): Iterable<Entry> {
  const entries = new Map<string, Entry>();
  for (const { action, resource: exact, viaService, purpose = {}, why } of requirements) {
    const resource = generalised(exact);
    // A key that is also used without a purpose is not to be tied to one.
    const key = [serviceOf(action), viaService ?? "", resource, ...Object.keys(purpose).sort()].join(" ");
    const entry = entries.get(key) ?? {
      actions: new Set<string>(),
      resource,
      viaService,
      purpose: new Map<string, Set<string>>(),
      reasons: new Set<string>(),
    };
    entry.actions.add(action);
    if (why !== undefined) entry.reasons.add(why);
    for (const [name, value] of Object.entries(purpose)) {
      const values = entry.purpose.get(name) ?? new Set();
      for (const each of [value].flat()) values.add(generalised(each));
      entry.purpose.set(name, values);
    }
    entries.set(key, entry);
  }
  return entries.values();
}

function conditionOf(
  viaService: string | undefined,
  purpose: ReadonlyMap<string, ReadonlySet<string>>,
): { Condition?: PolicyCondition } {
  const equals: Record<string, string | readonly string[]> = {};
  const like: Record<string, string | readonly string[]> = {};
  if (viaService !== undefined) equals["kms:ViaService"] = viaService;
  for (const [key, values] of purpose) {
    const sorted = [...values].sort();
    (sorted.some((value) => /[*?]/.test(value)) ? like : equals)[key] = one(sorted);
  }
  const condition = {
    ...(Object.keys(equals).length > 0 && { StringEquals: equals }),
    ...(Object.keys(like).length > 0 && { StringLike: like }),
  };
  return Object.keys(condition).length > 0 ? { Condition: condition } : {};
}

const textOf = (purpose: ReadonlyMap<string, ReadonlySet<string>>): string =>
  [...purpose].map(([key, values]) => `${key}=${[...values].sort().join()}`).join(" ");

function generalised(resource: string): string {
  const stream = /^(arn:[^:]+:logs:[^:]*:[^:]*:log-group:[^:]+):log-stream:/.exec(resource)?.[1];
  if (stream !== undefined) return `${stream}:*`;
  return resource.replace(/^(arn:[^:]+:secretsmanager:[^:]*:[^:]*:secret:.+)-[A-Za-z0-9]{6}$/, "$1-??????");
}

const serviceOf = (action: string): string => action.split(":")[0] ?? action;
const logGroup = (resource: string): string => resource.replace(/:\*$/, "");
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const one = (values: readonly string[]): string | readonly string[] =>
  values.length === 1 && values[0] !== undefined ? values[0] : values;

/** Names of purposes, by the first action that fits. */
const sids: readonly (readonly [RegExp, string])[] = [
  [/^logs:/, "WriteLogs"],
  [/^ssm:GetParameter/, "ReadParameters"],
  [/^secretsmanager:GetSecretValue$/, "ReadSecrets"],
  [/^kms:/, "UseKeys"],
  [/^ecr:GetAuthorizationToken$/, "LogInToEcr"],
  [/^ecr:PutImage$/, "PushImages"],
  [/^ecr:BatchGetImage$/, "PullImages"],
  [/^codebuild:StartBuild$/, "RunBatches"],
  [/^codebuild:RetryBuild$/, "RetryBuilds"],
  [/^codebuild:(CreateReport|UpdateReport|BatchPut)/, "MakeReports"],
  [/^codecommit:GitPull$/, "PullSource"],
  [/^codeconnections:/, "UseConnection"],
  [/^s3:PutBucketAcl$/, "GiveToBucketOwner"],
  [/^s3:Put/, "WriteObjects"],
  [/^s3:Get/, "ReadObjects"],
  [/^s3:ListBucket$/, "ListBuckets"],
];

function sidOf(actions: readonly string[], resources: readonly string[]): string {
  for (const [pattern, sid] of sids) if (actions.some((action) => pattern.test(action))) return sid;
  const service = serviceOf(actions[0] ?? "").replace(/[^A-Za-z0-9]/g, "");
  return `${service.charAt(0).toUpperCase()}${service.slice(1)}${resources[0] === "*" ? "Account" : "Resources"}`;
}

function unique(sid: string, used: Map<string, number>): string {
  const count = (used.get(sid) ?? 0) + 1;
  used.set(sid, count);
  return count === 1 ? sid : `${sid}${count}`;
}
