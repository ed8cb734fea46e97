/**
 * Which statements came nearest to allowing a denied request, for people. Works on traces alone, so also on decisions
 * that were recorded earlier.
 * Order: a resource or an action that is wrong in a way that can be named, then conditions and principals (all else
 * matched), then resources, then other actions of the same service; the likest first.
 */
import type { Decision, StatementTrace } from "./decision.ts";
import { actionAdvice, resourceAdvice } from "./near-miss-advice.ts";

export interface NearMiss {
  readonly trace: StatementTrace;
  /** One sentence that names the mistake, where it is one that people make. */
  readonly advice?: string;
}

/** The types of policy whose Allow would have changed the decision: all of them when the decision does not say. */
const HELPFUL: Readonly<Partial<Record<Decision["policyType"], readonly string[]>>> = {
  identity: ["identity", "resource", "trust"],
  resource: ["resource"],
  trust: ["trust"],
  boundary: ["boundary"],
  session: ["session"],
  scp: ["scp"],
};

const MAX_MISSES = 3;

/**
 * The statements that came nearest, nearest first; none when nothing of the service is allowed at all. `traces` are what
 * `Decision.explain()` gives, or a record's `trace`.
 */
export function nearestMisses(
  denied: Pick<Decision, "action" | "resource" | "policyType">,
  traces: readonly StatementTrace[],
  limit = MAX_MISSES,
): NearMiss[] {
  const helpful = HELPFUL[denied.policyType];
  return traces
    .filter((trace) => !trace.matched && trace.effect === "Allow" && (helpful?.includes(trace.policyType) ?? true))
    .flatMap((trace) => rankedMiss(trace, denied) ?? [])
    .sort((a, b) => a.rank - b.rank || b.likeness - a.likeness)
    .slice(0, limit)
    .map(({ trace, advice }) => ({ trace, ...(advice === undefined ? {} : { advice }) }));
}

interface RankedMiss {
  readonly trace: StatementTrace;
  readonly advice: string | undefined;
  readonly rank: number;
  readonly likeness: number;
}

function rankedMiss(trace: StatementTrace, denied: Pick<Decision, "action" | "resource">): RankedMiss | undefined {
  const { expected = [] } = trace;
  if (trace.failed === "Condition" || trace.failed === "Principal") {
    return { trace, advice: undefined, rank: 2, likeness: trace.failed === "Condition" ? 1 : 0 };
  }
  const isAction = trace.failed === "Action";
  const value = isAction ? denied.action : denied.resource;
  if (isAction && !isOfService(expected, denied.action)) return undefined;
  const advice = firstOf(expected, (pattern) =>
    isAction ? actionAdvice(pattern, value) : resourceAdvice({ pattern, value, action: denied.action }),
  );
  const likeness = Math.max(0, ...expected.map((pattern) => commonStart(pattern, value)));
  return { trace, advice, rank: (isAction ? 1 : 0) + (advice === undefined ? 3 : 0), likeness };
}

/** Also true when the trace does not tell its patterns. */
function isOfService(patterns: readonly string[], action: string): boolean {
  const [service = "", name] = action.toLowerCase().split(":");
  return (
    patterns.length === 0 ||
    patterns.some((pattern) => {
      const [other, otherName] = pattern.toLowerCase().split(":");
      return other === service || otherName === name;
    })
  );
}

function firstOf(patterns: readonly string[], adviceOn: (pattern: string) => string | undefined): string | undefined {
  for (const pattern of patterns) {
    const advice = adviceOn(pattern);
    if (advice !== undefined) return advice;
  }
  return undefined;
}

function commonStart(a: string, b: string): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
}
