/**
 * A role's policies against the least that is needed: what is missing, what is granted and not needed. The policy engine
 * decides both, so wildcards, denies and conditions count as they do on AWS.
 */

import type { NamedPolicy, RequestContext } from "../authorize/decision.ts";
import { listOfStrings, statementsOf } from "../authorize/document-lists.ts";
import { evaluate } from "../authorize/index.ts";
import { parseArn } from "../core/arn.ts";
import type { AssumedRolePrincipal, PolicyDocument } from "../core/aws.ts";

export interface UnusedGrant {
  readonly policyName: string;
  /** 0-based index of the statement in its document. */
  readonly index: number;
  readonly sid?: string;
  readonly action: string;
  readonly resource: string;
}

export interface PolicyDifference {
  readonly usedButNotGranted: readonly {
    readonly action: string;
    readonly resource: string;
    readonly message: string;
  }[];
  readonly grantedButUnused: readonly UnusedGrant[];
  /** Grants that cover a need and more than it: `ssm:*` where `ssm:GetParameters` would do. */
  readonly grantedTooWidely: readonly WideGrant[];
}

export interface WideGrant extends UnusedGrant {
  readonly needs: readonly { readonly action: string; readonly resource: string }[];
}

interface Need {
  readonly action: string;
  readonly resource: string;
  readonly context: RequestContext;
}

/** `needed` is a document of policyFromPlan or policyFromDecisions; `granted` are all policies of the role. */
export function diffPolicy(needed: PolicyDocument, granted: readonly NamedPolicy[]): PolicyDifference {
  const needs = needsOf(needed);
  const grants = granted.flatMap((policy) => grantsOf(policy, needs));
  return {
    usedButNotGranted: needs.flatMap(({ action, resource, context }) => {
      const decision = decide({ action, resource, context }, granted);
      return decision.effect === "allowed" ? [] : [{ action, resource, message: decision.message }];
    }),
    grantedButUnused: grants.filter((grant) => grant.needs.length === 0).map(({ needs: _, ...unused }) => unused),
    grantedTooWidely: grants.filter(
      (grant) => grant.needs.length > 0 && grant.needs.every((need) => !isExact(grant, need)),
    ),
  };
}

function needsOf(document: PolicyDocument): Need[] {
  return statementsOf(document).flatMap((statement) => {
    const condition = (statement["Condition"] ?? {}) as Record<string, RequestContext>;
    const contexts = conlistOfStrings({ ...condition["StringEquals"], ...condition["StringLike"] });
    return listOfStrings(statement["Action"]).flatMap((action) =>
      listOfStrings(statement["Resource"]).flatMap((resource) =>
        contexts.map((context) => ({ action, resource, context })),
      ),
    );
  });
}

/** One for each value of the key that has several: a call is about one parameter, whatever a statement lists. */
function conlistOfStrings(values: RequestContext): RequestContext[] {
  return Object.entries(values).reduce<RequestContext[]>(
    (contexts, [key, value]) =>
      contexts.flatMap((context) => [value].flat().map((one) => ({ ...context, [key]: exampleOf(one) }))),
    [{}],
  );
}

/** Any one text that a pattern stands for. */
const exampleOf = (pattern: string): string => pattern.replace(/\*/g, "x").replace(/\?/g, "A");

const isExact = (grant: UnusedGrant, need: { action: string; resource: string }): boolean =>
  grant.action.toLowerCase() === need.action.toLowerCase() && grant.resource === need.resource;

/** Each action and resource of an Allow statement, with the needs that it covers alone. */
function grantsOf(policy: NamedPolicy, needs: readonly Need[]): WideGrant[] {
  return statementsOf(policy.document).flatMap((statement, index) => {
    if (statement["Effect"] !== "Allow") return [];
    // NotAction and NotResource grant by exception: they are used as soon as any need falls under them.
    const actions = "Action" in statement ? listOfStrings(statement["Action"]) : [undefined];
    const resources = "Resource" in statement ? listOfStrings(statement["Resource"]) : [undefined];
    return actions.flatMap((action) =>
      resources.flatMap((resource) => {
        const alone: NamedPolicy = {
          name: policy.name,
          document: {
            Version: "2012-10-17",
            Statement: [
              {
                ...statement,
                ...(action !== undefined && { Action: action }),
                ...(resource !== undefined && { Resource: resource }),
              },
            ],
          },
        };
        const covered = needs.filter((need) => decide(need, [alone]).effect === "allowed");
        const sid = statement["Sid"];
        return [
          {
            policyName: policy.name,
            index,
            ...(typeof sid === "string" && { sid }),
            action: action ?? `everything but ${listOfStrings(statement["NotAction"]).join(", ")}`,
            resource: resource ?? `everything but ${listOfStrings(statement["NotResource"]).join(", ")}`,
            needs: covered.map((need) => ({ action: need.action, resource: need.resource })),
          },
        ];
      }),
    );
  });
}

function decide({ action, resource, context }: Need, policies: readonly NamedPolicy[]) {
  const accountId = parseArn(resource)?.accountId || "000000000000";
  const principal: AssumedRolePrincipal = {
    type: "AssumedRole",
    arn: `arn:aws:sts::${accountId}:assumed-role/role/build`,
    accountId,
    userId: "AROAEXAMPLEEXAMPLE000:build",
    roleArn: `arn:aws:iam::${accountId}:role/role`,
    roleName: "role",
    sessionName: "build",
    sessionPolicies: [],
    sessionTags: {},
    tokenIssuedAtMs: 0,
  };
  // A need may be a pattern; any one resource it stands for decides.
  return evaluate({
    principal,
    policies: { identity: policies },
    request: { action, resource: resource === "*" ? "*" : exampleOf(resource) },
    context,
  });
}
