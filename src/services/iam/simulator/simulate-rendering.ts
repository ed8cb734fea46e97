/**
 * Outcomes of simulated calls as IAM answers them. Part of simulate.ts.
 * AWS: since 2026 there is one result an action, the sum of what it comes to on each resource, which stands in
 * ResourceSpecificResults; before, there was one result for each action and resource. The whole choice is in
 * {@link resultOf}.
 * Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html; names of policy types as in answers
 * of AWS quoted in public. The keys of EvalDecisionDetails are not published: these are the same names.
 */
import type { Effect, PolicyType } from "../../../authorize/index.ts";
import { findAction, isOfResourceType, type ResourceTypeInfo } from "../../action-table.ts";
import type * as Shapes from "../shapes.gen.ts";
import type { Outcome } from "./simulate-evaluation.ts";
import type { SimulatedPolicy } from "./simulate-input.ts";
import { type StatementPosition, statementPositions } from "./statement-positions.ts";

/** What results need besides the outcomes. */
interface RenderingFacts {
  /** False when the request names no resources: then there are no results by resource. */
  readonly hasNamedResources: boolean;
  /** Condition keys that the policies read and nobody gave. */
  readonly missingKeys: readonly string[];
}

type Renderer = (action: string, outcomes: readonly Outcome[]) => Shapes.EvaluationResult;

/** Makes the result of each action; where statements stand in their texts is looked up once a text. */
export function rendererOf(facts: RenderingFacts): Renderer {
  const positions = new Map<string, readonly StatementPosition[]>();
  const shapeOf = ({ policy, index }: Outcome["matched"][number]): Shapes.Statement => {
    const found = positions.get(policy.text) ?? statementPositions(policy.text);
    positions.set(policy.text, found);
    return {
      SourcePolicyId: policy.id,
      // AWS: the values that it gives are in none of the enumerations of its model.
      SourcePolicyType: policy.type as never,
      StartPosition: found[index]?.start,
      EndPosition: found[index]?.end,
    };
  };
  return (action, outcomes) => resultOf(action, outcomes, facts, shapeOf);
}

function resultOf(
  action: string,
  outcomes: readonly Outcome[],
  { hasNamedResources, missingKeys }: RenderingFacts,
  shapeOf: (matched: Outcome["matched"][number]) => Shapes.Statement,
): Shapes.EvaluationResult {
  const effect = strictest(outcomes.map((outcome) => outcome.effect));
  const deciding = outcomes.filter((outcome) => outcome.effect === effect);
  const scp = verdictOf("scp", outcomes);
  const isEnded = scp !== undefined && scp !== "allowed";
  // AWS: in one account an empty map when there is an ARN, and nothing when there is none.
  const hasArn = outcomes.some(({ resource }) => resource !== "*");
  const details = detailsOf(outcomes) ?? (hasArn ? { EvalDecisionDetails: {} } : undefined);
  return {
    EvalActionName: action,
    EvalResourceName: resourceNameOf(action, outcomes),
    EvalDecision: effect,
    MatchedStatements: withoutRepeats(deciding.flatMap(({ matched }) => matched)).map(shapeOf),
    MissingContextValues: missingKeys,
    ...(scp && { OrganizationsDecisionDetail: { AllowedByOrganizations: scp === "allowed" } }),
    ...boundaryDetail(outcomes),
    // AWS: a simulation ends where the organisation denies.
    ...(isEnded ? undefined : details),
    ...(hasNamedResources && {
      ResourceSpecificResults: outcomes.map((outcome) => ({
        EvalResourceName: outcome.resource,
        EvalResourceDecision: outcome.effect,
        MatchedStatements: outcome.matched.map(shapeOf),
        MissingContextValues: missingKeys,
        ...boundaryDetail([outcome]),
        ...detailsOf([outcome]),
      })),
    }),
  };
}

const SEVERITY: readonly Effect[] = ["explicitDeny", "implicitDeny", "allowed"];

/** AWS: the most restrictive one speaks for all resources. */
const strictest = (effects: readonly Effect[]): Effect =>
  SEVERITY.find((effect) => effects.includes(effect)) ?? "implicitDeny";

/** What one type of policy says over all outcomes; undefined when it takes no part. */
function verdictOf(type: PolicyType, outcomes: readonly Outcome[]): Effect | undefined {
  const effects = outcomes.flatMap(({ verdicts }) => verdicts.get(type) ?? []);
  return effects.length === 0 ? undefined : strictest(effects);
}

function boundaryDetail(
  outcomes: readonly Outcome[],
): Pick<Shapes.EvaluationResult, "PermissionsBoundaryDecisionDetail"> {
  const verdict = verdictOf("boundary", outcomes);
  if (!verdict) return {};
  return { PermissionsBoundaryDecisionDetail: { AllowedByPermissionsBoundary: verdict === "allowed" } };
}

/** What each type of policy says, of calls across accounts only; nothing of calls that the organisation ends. */
function detailsOf(outcomes: readonly Outcome[]): Pick<Shapes.EvaluationResult, "EvalDecisionDetails"> | undefined {
  const across = outcomes.filter(
    ({ isCrossAccount, verdicts }) => isCrossAccount && (verdicts.get("scp") ?? "allowed") === "allowed",
  );
  if (across.length === 0) return undefined;
  const boundary = verdictOf("boundary", across);
  const details: Partial<Record<SimulatedPolicy["type"], Effect>> = {
    "IAM Policy": verdictOf("identity", across) ?? "implicitDeny",
    ...(boundary && { "Permissions Boundary Policy": boundary }),
    // The other account's consent is always asked for: without a policy it is not given.
    "Resource Policy": verdictOf("resource", across) ?? verdictOf("trust", across) ?? "implicitDeny",
  };
  return { EvalDecisionDetails: details };
}

function withoutRepeats(matched: Outcome["matched"]): Outcome["matched"] {
  const seen = new Map<SimulatedPolicy, Set<number>>();
  return matched.filter(({ policy, index }) => {
    const indexes = seen.get(policy) ?? new Set();
    seen.set(policy, indexes);
    return !indexes.has(index) && indexes.add(index);
  });
}

/**
 * AWS: the template of the resource type's ARN, never a resource of the request; `*` for actions without one. Kiln knows
 * the templates of the services it has, and says `*` for all others. Where several types fit, the plainest one.
 */
function resourceNameOf(action: string, outcomes: readonly Outcome[]): string {
  const types = findAction(action)?.resources ?? [];
  const isNamed = (type: ResourceTypeInfo) =>
    outcomes.some(({ resource }) => resource !== "*" && isOfResourceType(resource, type));
  for (const candidates of [types.filter(isNamed), types.filter((type) => type.isRequired), types]) {
    const [plainest] = candidates.map(({ arn }) => arn).sort((a, b) => a.length - b.length);
    if (plainest !== undefined) return plainest;
  }
  return "*";
}
