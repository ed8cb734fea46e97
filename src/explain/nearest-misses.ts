/** The statements that came nearest to a denied request (authorize/nearest-misses.ts), in words. */
import type { DecisionRecord, StatementTrace } from "../authorize/decision.ts";
import { nearestMisses } from "../authorize/nearest-misses.ts";

/** A statement that nearly allowed a request. */
export interface Miss {
  /** ``statement `Read` of inline policy p of role R`` */
  readonly statement: string;
  /** Why it does not match, with the pattern and the value. */
  readonly detail: string;
  /** What is probably wrong with it, when it is a mistake that people make. */
  readonly hint?: string;
}

/** Nearest first; none when no policy has anything like it. */
export const missesOf = (decision: DecisionRecord["decisions"][number]): Miss[] =>
  nearestMisses(decision, decision.trace).map(({ trace, advice }) => ({
    statement: statementName(trace),
    detail: trace.detail ?? "",
    ...(advice === undefined ? {} : { hint: advice }),
  }));

/** ``statement `Read` of inline policy p of role R`` */
export const statementName = (trace: StatementTrace): string =>
  `${trace.sid ? `statement \`${trace.sid}\`` : `statement ${trace.index + 1}`} of ${trace.policyName}`;
