/**
 * Actions on resources → one policy document: merged by service, sorted for stable diffs, one Sid per purpose.
 * ARNs stay exact, except log streams (`log-group:NAME:*`: a stream is made for each build) and secrets (`NAME-??????`:
 * the six characters change when a secret is made again).
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege; limits:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html (managed 6,144, inline 10,240 characters).
 */
import type { PolicyDocument } from "../core/aws.ts";

export interface Requirement {
  /** `service:Action` */
  readonly action: string;
  /** ARN, ARN pattern, or `*` for actions without a resource type. */
  readonly resource: string;
  /** For KMS: the service the key is used through, e.g. `ssm.us-east-1.amazonaws.com`. */
  readonly viaService?: string;
}

export interface PolicyStatement {
  readonly Sid: string;
  readonly Effect: "Allow";
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: { readonly StringEquals: { readonly "kms:ViaService": string } };
}

export type LeastPrivilegePolicy = PolicyDocument & {
  readonly Version: "2012-10-17";
  readonly Statement: readonly PolicyStatement[];
};

/** The document that allows exactly these. No requirement gives a document without statements. */
export function policyFromRequirements(requirements: readonly Requirement[]): LeastPrivilegePolicy {
  const groups = new Map<string, { actions: Set<string>; resources: Set<string>; viaService: string | undefined }>();
  for (const [key, { actions, viaService, resource }] of byResource(requirements)) {
    const service = serviceOf(key);
    // The three log actions act on the group and on its streams alike; AWS's own role policies write one statement.
    const purpose =
      service === "logs" && resource !== "*"
        ? `logs ${logGroup(resource)}`
        : [service, resource === "*" ? "*" : "", viaService ?? "", [...actions].sort().join()].join(" ");
    const group = groups.get(purpose) ?? { actions: new Set(), resources: new Set(), viaService };
    for (const action of actions) group.actions.add(action);
    group.resources.add(resource);
    groups.set(purpose, group);
  }
  const statements = [...groups.values()].map((group) => ({
    actions: [...group.actions].sort(),
    resources: [...group.resources].sort(),
    viaService: group.viaService,
  }));
  statements.sort(
    (a, b) => compare(a.actions.join(), b.actions.join()) || compare(a.resources.join(), b.resources.join()),
  );
  const used = new Map<string, number>();
  return {
    Version: "2012-10-17",
    Statement: statements.map(({ actions, resources, viaService }) => ({
      Sid: unique(sidOf(actions, resources), used),
      Effect: "Allow" as const,
      Action: one(actions),
      Resource: one(resources),
      ...(viaService !== undefined && { Condition: { StringEquals: { "kms:ViaService": viaService } } }),
    })),
  };
}

/** The same statements over as many documents as `maxCharacters` needs (IAM does not count white space). */
export function splitPolicy(policy: LeastPrivilegePolicy, maxCharacters: number): LeastPrivilegePolicy[] {
  const documents: LeastPrivilegePolicy[] = [];
  let statements: PolicyStatement[] = [];
  const size = (list: readonly PolicyStatement[]) => JSON.stringify({ Version: "2012-10-17", Statement: list }).length;
  for (const statement of policy.Statement) {
    if (statements.length > 0 && size([...statements, statement]) > maxCharacters) {
      documents.push({ Version: "2012-10-17", Statement: statements });
      statements = [];
    }
    statements.push(statement);
  }
  return [...documents, { Version: "2012-10-17", Statement: statements }];
}

function byResource(requirements: readonly Requirement[]) {
  const entries = new Map<string, { actions: Set<string>; resource: string; viaService: string | undefined }>();
  for (const { action, resource: exact, viaService } of requirements) {
    const resource = generalised(exact);
    const key = `${serviceOf(action)}:${viaService ?? ""}:${resource}`;
    const entry = entries.get(key) ?? { actions: new Set<string>(), resource, viaService };
    entry.actions.add(action);
    entries.set(key, entry);
  }
  return entries;
}

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
