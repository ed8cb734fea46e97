/**
 * Reads the decision tables of src/authorize/cases and asks the engine: a case's shorthands become an EvaluationInput.
 * Format: the README.md beside the tables.
 */
import { readdirSync, readFileSync } from "node:fs";
import {
  type Decision,
  type EvaluationInput,
  evaluate,
  type NamedPolicy,
  type RequestContext,
} from "../../src/authorize/index.ts";
import type { PolicyDocument, Principal } from "../../src/core/aws.ts";

type Statements = readonly object[];

/** What a case says about a decision; what it leaves out is not looked at. */
export interface Expectation {
  readonly effect: string;
  readonly policyType?: string;
  readonly message?: string;
  /** The end of AWS's sentence; `""` when it ends with the resource. */
  readonly reason?: string;
  readonly failed?: string;
  readonly detail?: string;
  readonly isCrossAccount?: boolean;
  readonly byType?: Readonly<Record<string, string>>;
  /** Sids of the statements that decided, or their indexes. */
  readonly decidedBy?: readonly (string | number)[];
}

/** One row of a table, with what its group gives. */
export interface Case {
  readonly name: string;
  readonly source: string;
  readonly principal?: keyof typeof principals;
  readonly action?: string;
  readonly resource?: string;
  readonly resourceText?: string;
  readonly owner?: string;
  readonly context?: RequestContext;
  readonly version?: string | null;
  readonly identity?: Statements;
  readonly statement?: object;
  readonly condition?: object;
  readonly managed?: readonly string[];
  readonly boundary?: Statements;
  readonly session?: Statements;
  readonly sessions?: readonly Statements[];
  readonly organization?: readonly (readonly Statements[])[];
  readonly resourcePolicy?: {
    readonly statements: Statements;
    readonly accountId?: string;
    readonly mandatory?: boolean;
  };
  /** Grants of the resource, each a list of statements. */
  readonly grants?: readonly Statements[];
  readonly names?: unknown;
  readonly policyArns?: Readonly<Record<"identity" | "boundary" | "session" | "scp", string>>;
  readonly namePolicyInDenial?: boolean;
  readonly expect?: string | Expectation;
  readonly holds?: boolean;
  readonly detail?: string;
}

type CaseOfGroup = Omit<Case, "source"> & Partial<Pick<Case, "source">>;

interface Table {
  readonly file: string;
  readonly cases: readonly Case[];
}

const folder = new URL("../../src/authorize/cases/", import.meta.url);
const readJson = (url: URL): unknown => JSON.parse(readFileSync(url, "utf8"));

/** All tables; `given` of a group is part of each of its cases, its `source` the source of those without their own. */
export function tables(): Table[] {
  const files = readdirSync(folder).filter((file) => file.endsWith(".json"));
  return files.sort().map((file) => {
    const { groups } = readJson(new URL(file, folder)) as {
      groups: readonly { source: string; given?: Partial<Case>; cases: readonly CaseOfGroup[] }[];
    };
    const cases = groups.flatMap(({ source, given, cases }) => cases.map((test) => ({ source, ...given, ...test })));
    return { file: file.replace(".json", ""), cases };
  });
}

const SOURCE = /^(https:\/\/\S+|recorded answer: .+)$/;

export const casesWithoutSource = (all: readonly Table[]): string[] =>
  all.flatMap(({ file, cases }) =>
    cases.filter((test) => !SOURCE.test(test.source)).map((test) => `${file}: ${test.name}`),
  );

export function duplicateNames(all: readonly Table[]): string[] {
  const names = all.flatMap(({ cases }) => cases.map((test) => test.name));
  return names.filter((name, i) => names.indexOf(name) !== i);
}

/** The caller's account; resources of another one belong to 444455556666. */
const accountId = "111122223333";
const user = {
  type: "User",
  arn: `arn:aws:iam::${accountId}:user/team/ann`,
  accountId,
  userId: "AIDAEXAMPLEANN",
  userName: "ann",
} as const;
const root = { type: "Root", arn: `arn:aws:iam::${accountId}:root`, accountId, userId: accountId } as const;
const federated = {
  type: "FederatedUser",
  arn: `arn:aws:sts::${accountId}:federated-user/guest`,
  accountId,
  userId: `${accountId}:guest`,
  name: "guest",
  issuer: user,
  sessionPolicies: [],
  sessionTags: {},
  tokenIssuedAtMs: 0,
} as const;

export const principals = {
  root,
  user,
  role: {
    type: "AssumedRole",
    arn: `arn:aws:sts::${accountId}:assumed-role/Builder/session-1`,
    accountId,
    userId: "AROAEXAMPLEBUILDER:session-1",
    roleArn: `arn:aws:iam::${accountId}:role/build/Builder`,
    roleName: "Builder",
    sessionName: "session-1",
    sessionPolicies: [],
    sessionTags: {},
    tokenIssuedAtMs: 0,
  },
  federated,
  federatedByRoot: { ...federated, issuer: root },
  service: {
    type: "AWSService",
    serviceName: "codebuild.amazonaws.com",
    arn: "codebuild.amazonaws.com",
    accountId,
    userId: "codebuild.amazonaws.com",
    sourceArn: `arn:aws:codebuild:us-east-1:${accountId}:project/p`,
  },
} as const satisfies Record<string, Principal>;

let managedTable: readonly { name: string; arn: string; document: PolicyDocument }[] | undefined;

function managedPolicy(name: string): NamedPolicy {
  managedTable ??= (
    readJson(new URL("../../../data/managed-policies.json", folder)) as { policies: NonNullable<typeof managedTable> }
  ).policies;
  const policy = managedTable.find((one) => one.name === name);
  if (!policy) throw new Error(`no managed policy ${name}`);
  return policy;
}

/** The engine's decision of a case. */
export const decide = (test: Case): Decision => evaluate(inputOf(test));

/** What a case asks. */
export function inputOf(test: Case): EvaluationInput {
  const document = (Statement: Statements = []): PolicyDocument =>
    test.version === null ? { Statement } : { Version: test.version ?? "2012-10-17", Statement };
  const policy = (
    kind: "identity" | "boundary" | "session" | "scp",
    statements: Statements | undefined,
  ): NamedPolicy => {
    const arn = test.policyArns?.[kind];
    return { name: kind, document: document(statements), ...(arn === undefined ? {} : { arn }) };
  };
  const identity = [policy("identity", test.identity), ...(test.managed ?? []).map(managedPolicy)];
  const statement = test.statement ?? (test.condition && { Condition: test.condition });
  if (statement) {
    const given = "NotAction" in statement ? {} : { Action: "*" };
    const everything = "NotResource" in statement ? given : { ...given, Resource: "*" };
    identity.push(policy("identity", [{ Effect: "Allow", ...everything, ...statement }]));
  }
  // AWS: a session of GetFederationToken without a policy may do nothing by itself.
  const isFederated = test.principal?.startsWith("federated");
  const sessions = test.sessions ?? (test.session ? [test.session] : isFederated ? [] : undefined);
  const names = "names" in test ? [{ Effect: "Allow", Principal: test.names, Action: "*", Resource: "*" }] : undefined;
  const resourcePolicy = test.resourcePolicy ?? (names && { statements: names });
  return {
    principal: principals[test.principal ?? "role"],
    policies: {
      identity,
      ...(test.boundary && { boundary: policy("boundary", test.boundary) }),
      ...(sessions && { session: sessions.map((statements) => policy("session", statements)) }),
      ...(test.organization && {
        organization: test.organization.map((level) => level.map((statements) => policy("scp", statements))),
      }),
    },
    request: {
      action: test.action ?? "s3:GetObject",
      resource: test.resource ?? "arn:aws:s3:::b/k",
      ...(test.resourceText !== undefined && { resourceText: test.resourceText }),
      ...(test.owner !== undefined && { resourceAccountId: test.owner }),
      ...(test.grants && {
        grants: test.grants.map((statements, i) => ({ name: `grant ${i + 1}`, document: document(statements) })),
      }),
      ...(resourcePolicy && {
        resourcePolicy: {
          name: "resource policy",
          document: document(resourcePolicy.statements),
          accountId: resourcePolicy.accountId ?? test.owner ?? accountId,
          mandatory: resourcePolicy.mandatory ?? false,
        },
      }),
    },
    context: test.context ?? {},
    ...(test.namePolicyInDenial !== undefined && { namePolicyInDenial: test.namePolicyInDenial }),
  };
}

/** `holds` and a bare effect are short for an expectation. */
export function expectationOf(test: Case): Expectation {
  if (typeof test.expect === "string") return { effect: test.expect };
  if (test.expect) return test.expect;
  if (test.holds === undefined) throw new Error(`${test.name}: a case says what it expects: holds or expect`);
  const effect = test.holds ? "allowed" : "implicitDeny";
  return test.detail === undefined ? { effect } : { effect, detail: test.detail };
}
