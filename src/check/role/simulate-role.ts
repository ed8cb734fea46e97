/**
 * Each permission that the build needs, put to the policy engine with the role's policies and the condition keys that the
 * build's calls have. What is not known before the run (a name made of variables) counts as allowed as soon as one
 * statement may allow it: a role is never accused on a guess.
 */

import type {
  Decision,
  NamedPolicy,
  RequestContext,
  ResourcePolicy,
  StatementTrace,
} from "../../authorize/decision.ts";
import { listOfStrings, statementsOf } from "../../authorize/document-lists.ts";
import { contextKeysUsed, evaluate, nearestMisses, principalContext } from "../../authorize/index.ts";
import { parseArn } from "../../core/arn.ts";
import type { AssumedRolePrincipal } from "../../core/aws.ts";
import type { KnownRole } from "../knowledge/knowledge.ts";
import type { CheckContext } from "../rule.ts";
import { arnsOverlap } from "./glob-overlap.ts";
import { findKey, type RoleNeed, roleNeeds, scopeOf } from "./role-needs.ts";

export interface RoleDenial {
  readonly need: RoleNeed;
  readonly decision: Decision;
  /** How the role misses it, so that each denial is one rule's. */
  readonly kind: "missing" | "wrong-action" | "resource-mismatch" | "console-prefix" | "kms" | "denied";
  /** What is wrong with the statement that came nearest. */
  readonly advice?: string;
  readonly nearest?: StatementTrace;
  /** It hangs on a condition key whose value only a real call has. */
  readonly isUncertain: boolean;
}

const cache = new WeakMap<CheckContext, readonly RoleDenial[]>();

/** What the service role lacks; empty when no role is known. */
export function roleDenials(context: CheckContext): readonly RoleDenial[] {
  const known = cache.get(context);
  if (known) return known;
  const { role } = context.known;
  const denials = role ? roleNeeds(context).flatMap((need) => denialOf(context, role, need) ?? []) : [];
  cache.set(context, denials);
  return denials;
}

const SAMPLE_BUILD = "11111111-2222-4333-8444-555555555555";

/** A session of the role as a build has it. */
function sessionOf(context: CheckContext, role: KnownRole): AssumedRolePrincipal {
  const scope = scopeOf(context.known);
  const accountId = parseArn(role.arn ?? "")?.accountId ?? (scope.accountId === "*" ? "000000000000" : scope.accountId);
  const project = context.project.name ?? "project";
  const region = scope.region === "*" ? "us-east-1" : scope.region;
  const at = `arn:${scope.partition}:codebuild:${region}:${accountId}`;
  return {
    type: "AssumedRole",
    arn: `arn:${scope.partition}:sts::${accountId}:assumed-role/${role.name}/AWSCodeBuild-${SAMPLE_BUILD}`,
    accountId,
    userId: `AROAEXAMPLEEXAMPLE000:AWSCodeBuild-${SAMPLE_BUILD}`,
    roleArn: role.arn ?? `arn:${scope.partition}:iam::${accountId}:role/${role.name}`,
    roleName: role.name,
    sessionName: `AWSCodeBuild-${SAMPLE_BUILD}`,
    sessionPolicies: [],
    sessionTags: {},
    serviceKeys:
      context.project.name === undefined
        ? {}
        : {
            "codebuild:projectArn": `${at}:project/${project}`,
            "codebuild:buildArn": `${at}:build/${project}:${SAMPLE_BUILD}`,
          },
    tokenIssuedAtMs: 0,
  };
}

function denialOf(context: CheckContext, role: KnownRole, need: RoleNeed): RoleDenial | undefined {
  const decision = decide(context, role, need);
  if (decision.effect === "allowed") return undefined;
  const policies = [...role.policies, ...(role.boundary ? [role.boundary] : [])];
  if (decision.effect === "explicitDeny") {
    const deny = decision.decidedBy[0];
    const isUncertain = !need.isExact || hangsOnUnknownKey(policies, deny, contextOf(context, role, need));
    return { need, decision, kind: "denied", isUncertain, ...(deny && { nearest: deny }) };
  }
  if (!need.isExact && mayBeAllowed(role, need)) return undefined;
  const misses = nearestMisses(decision, decision.explain());
  const conditional = misses.find(({ trace }) => trace.failed === "Condition")?.trace;
  const isUncertain =
    conditional !== undefined && hangsOnUnknownKey(policies, conditional, contextOf(context, role, need));
  if (need.action.startsWith("kms:")) return { need, decision, kind: "kms", isUncertain, ...first(misses) };
  if (need.action === "ssm:GetParameters" && hasConsolePrefix(role)) {
    return { need, decision, kind: "console-prefix", isUncertain, ...first(misses) };
  }
  const advised = misses.find(({ advice }) => advice !== undefined);
  const kind =
    advised?.trace.failed === "Action"
      ? "wrong-action"
      : advised?.trace.failed === "Resource"
        ? "resource-mismatch"
        : "missing";
  return { need, decision, kind, isUncertain, ...first(advised ? [advised] : misses) };
}

/** The statement of the role that the console makes: parameters below `/CodeBuild/`, and no others. */
const hasConsolePrefix = ({ policies }: KnownRole): boolean =>
  policies.some(({ document }) =>
    statementsOf(document).some(
      (statement) =>
        statement["Effect"] === "Allow" &&
        allowsAction(statement, "ssm:GetParameters") &&
        listOfStrings(statement["Resource"]).some((resource) => /:parameter\/CodeBuild\/\*$/.test(resource)),
    ),
  );

const first = ([miss]: ReturnType<typeof nearestMisses>): Pick<RoleDenial, "advice" | "nearest"> => ({
  ...(miss && { nearest: miss.trace }),
  ...(miss?.advice !== undefined && { advice: miss.advice }),
});

/** One resource that the need may stand for. */
const exampleOf = (resource: string): string =>
  resource === "*"
    ? "*"
    : resource
        .replace(/-\?{6}$/, "-AbCdEf")
        .replace(/\*/g, "x")
        .replace(/\?/g, "A");

function decide(context: CheckContext, role: KnownRole, need: RoleNeed): Decision {
  const resource = need.isExact ? need.resource : exampleOf(need.resource);
  const policy = resourcePolicyOf(context, resource);
  return evaluate({
    principal: sessionOf(context, role),
    policies: { identity: role.policies, ...(role.boundary && { boundary: role.boundary }) },
    request: { action: need.action, resource, ...(policy && { resourcePolicy: policy }) },
    context: contextOf(context, role, need),
  });
}

function resourcePolicyOf({ known }: CheckContext, resource: string): ResourcePolicy | undefined {
  const arn = parseArn(resource);
  const key = arn?.service === "kms" ? findKey(known.keys, resource) : undefined;
  if (key?.policy) {
    const accountId = arn?.accountId ?? "";
    return { name: `key policy of ${key.keyId}`, document: key.policy, accountId, mandatory: true };
  }
  return known.resourcePolicies?.get(resource);
}

/** The condition keys of a build's call; what is not here has a value that only a real call knows. */
function contextOf(
  context: CheckContext,
  role: KnownRole,
  { resource, viaService, purpose }: RoleNeed,
): RequestContext {
  const principal = sessionOf(context, role);
  const { region } = scopeOf(context.known);
  return {
    ...principalContext(principal),
    "aws:SecureTransport": "true",
    "aws:ViaAWSService": viaService === undefined ? "false" : "true",
    ...(region !== "*" && { "aws:RequestedRegion": region }),
    ...(parseArn(resource)?.accountId && { "aws:ResourceAccount": parseArn(resource)?.accountId ?? "" }),
    ...(viaService !== undefined && {
      "kms:ViaService": viaService,
      "kms:CallerAccount": principal.accountId,
      "aws:CalledVia": [viaService.replace(/^([a-z0-9]+)\..*$/, "$1.amazonaws.com")],
    }),
    ...(purpose && {
      ...purpose,
      "kms:EncryptionContextKeys": Object.keys(purpose).map((key) => key.split(":")[2] ?? ""),
    }),
    ...(resource.includes(":secret:") && { "secretsmanager:SecretId": resource }),
  };
}

/** Does the statement of the trace test a key that `context` has no value for? */
function hangsOnUnknownKey(
  policies: readonly NamedPolicy[],
  trace: StatementTrace | undefined,
  context: RequestContext,
): boolean {
  const statement = trace && statementOf(policies, trace);
  if (!statement) return false;
  const known = new Set(Object.keys(context).map((key) => key.toLowerCase()));
  // Of a build's session these are certain to be absent.
  for (const absent of ["aws:username", "aws:sourceidentity", "aws:multifactorauthage"]) known.add(absent);
  return contextKeysUsed({ Version: "2012-10-17", Statement: [statement] }).some(
    (key) => !known.has(key.toLowerCase()),
  );
}

function statementOf(policies: readonly NamedPolicy[], trace: StatementTrace): Record<string, unknown> | undefined {
  const policy = policies.find(({ name }) => name === trace.policyName);
  return policy && ([policy.document["Statement"] ?? []].flat()[trace.index] as Record<string, unknown> | undefined);
}

/** A statement allows the action on some resource that the need may turn out to be. */
function mayBeAllowed({ policies, boundary }: KnownRole, need: RoleNeed): boolean {
  const isIn = ({ document }: NamedPolicy) =>
    statementsOf(document).some(
      (statement) =>
        statement["Effect"] === "Allow" &&
        allowsAction(statement, need.action) &&
        (!("Resource" in statement) ||
          listOfStrings(statement["Resource"]).some((pattern) =>
            arnsOverlap(withoutVariables(pattern), need.resource),
          )),
    );
  return policies.some(isIn) && (!boundary || isIn(boundary));
}

const withoutVariables = (pattern: string): string => pattern.replace(/\$\{[^}]*\}/g, "*");

const ANYBODY: AssumedRolePrincipal = {
  type: "AssumedRole",
  arn: "arn:aws:sts::000000000000:assumed-role/r/s",
  accountId: "000000000000",
  userId: "AROAEXAMPLEEXAMPLE000:s",
  roleArn: "arn:aws:iam::000000000000:role/r",
  roleName: "r",
  sessionName: "s",
  sessionPolicies: [],
  sessionTags: {},
  tokenIssuedAtMs: 0,
};

/** Does the Action or NotAction of the statement take in this action? The engine says. */
export function allowsAction(statement: Record<string, unknown>, action: string): boolean {
  const { Action, NotAction } = statement;
  const alone = { Effect: "Allow", ...(NotAction === undefined ? { Action } : { NotAction }), Resource: "*" };
  return (
    evaluate({
      principal: ANYBODY,
      policies: { identity: [{ name: "one", document: { Version: "2012-10-17", Statement: [alone] } }] },
      request: { action, resource: "*" },
      context: {},
    }).effect === "allowed"
  );
}
