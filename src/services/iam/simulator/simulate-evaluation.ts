/**
 * One simulated call: the engine that decides real calls (authorize/), asked about an action and a resource that are only
 * named. Part of simulate.ts.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_testing-policies.html
 */
import {
  type Decision,
  type Effect,
  evaluate,
  type NamedPolicy,
  type PolicyType,
  type RequestContext,
} from "../../../authorize/index.ts";
import { isAccountId, parseArn } from "../../../core/arn.ts";
import type { PolicyDocument } from "../../../core/aws.ts";
import { findAction } from "../../action-table.ts";
import type { SimulatedPolicy } from "./simulate-input.ts";
import { nobody, type SimulatedCaller } from "./simulate-subject.ts";

/** What a simulation is asked with. */
export interface Simulation {
  readonly caller: SimulatedCaller;
  readonly identity: readonly SimulatedPolicy[];
  readonly boundary: SimulatedPolicy | undefined;
  readonly resourcePolicy: SimulatedPolicy | undefined;
  /** Service control policies by level. */
  readonly organization: readonly (readonly PolicyDocument[])[] | undefined;
  /** From the context entries. */
  readonly context: RequestContext;
  /** Account of the resources whose ARN names none. */
  readonly owner: string | undefined;
}

/** What one simulated call comes to. */
export interface Outcome {
  readonly resource: string;
  readonly effect: Effect;
  readonly isCrossAccount: boolean;
  /** What each type of policy that takes part says by itself. */
  readonly verdicts: ReadonlyMap<PolicyType, Effect>;
  /** The statements that decided, by policy; those of service control policies are left out. */
  readonly matched: readonly { readonly policy: SimulatedPolicy; readonly index: number }[];
}

/** In the order in which AWS lists the statements that decided. */
const LISTED: readonly PolicyType[] = ["resource", "trust", "identity", "boundary"];

/** Decides calls of one simulation. */
export function simulatorOf(simulation: Simulation): (action: string, resource: string) => Outcome {
  const { caller, identity, boundary, resourcePolicy, organization } = simulation;
  // invariant: policies go by their position, because the ids of an answer may repeat.
  const all = [...identity, ...(boundary ? [boundary] : []), ...(resourcePolicy ? [resourcePolicy] : [])];
  const byName = new Map(all.map((policy, i) => [String(i), policy]));
  const named = all.map(({ document }, i): NamedPolicy => ({ name: String(i), document }));
  const namedBoundary = boundary && named[identity.length];
  const policies = {
    identity: named.slice(0, identity.length),
    ...(namedBoundary && { boundary: namedBoundary }),
    ...(organization && {
      organization: organization.map((level) => level.map((document): NamedPolicy => ({ name: "scp", document }))),
    }),
  };
  return (action, resource) => {
    const account = accountIn(resource) ?? simulation.owner ?? caller.principal.accountId;
    const decision = evaluate({
      // Nobody named: a caller of the resource's own account.
      principal: caller.entity ? caller.principal : nobody(account),
      policies,
      context: caller.context,
      request: {
        action,
        resource,
        context: simulation.context,
        resourceAccountId: account,
        ...(resourcePolicy && {
          resourcePolicy: {
            name: String(all.length - 1),
            document: resourcePolicy.document,
            accountId: account,
            mandatory: isMandatory(action),
          },
        }),
      },
    });
    return {
      resource,
      effect: decision.effect,
      isCrossAccount: decision.isCrossAccount,
      verdicts: new Map(decision.byType().map(({ policyType, effect }) => [policyType, effect])),
      matched: matchedStatements(decision, byName),
    };
  };
}

function accountIn(resource: string): string | undefined {
  const accountId = parseArn(resource)?.accountId;
  return accountId !== undefined && isAccountId(accountId) ? accountId : undefined;
}

/** Key policies and trust policies: without their consent nothing else counts. Not for actions on no key, or no role. */
function isMandatory(action: string): boolean {
  const [service] = action.toLowerCase().split(":", 1);
  if (service !== "kms" && service !== "sts") return false;
  return findAction(action)?.resources.length !== 0;
}

/** On an explicit deny the denying statements only, on an implicit deny none. */
function matchedStatements(decision: Decision, byName: ReadonlyMap<string, SimulatedPolicy>): Outcome["matched"] {
  if (decision.effect === "implicitDeny") return [];
  const effect = decision.effect === "allowed" ? "Allow" : "Deny";
  const traces = decision.explain().filter((trace) => trace.matched && trace.effect === effect);
  return LISTED.flatMap((type) => {
    // AWS: a boundary's Allow decides nothing by itself; its Deny does, and is listed.
    if (type === "boundary" && effect === "Allow") return [];
    return traces.flatMap(({ policyType, policyName, index }) => {
      const policy = policyType === type ? byName.get(policyName) : undefined;
      return policy ? [{ policy, index }] : [];
    });
  });
}
