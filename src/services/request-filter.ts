/**
 * Which records of the request log somebody asks for: `kiln requests`, `kiln explain` and `kiln policy` all ask with one
 * of these filters. Pure. Everything it knows about a call is in its record (authorize/decision.ts).
 */
import type { DecisionRecord } from "../authorize/decision.ts";
import { callerOf, outcomeOf, type RequestOutcome } from "../authorize/decision-record.ts";
import { compilePattern } from "../authorize/wildcard.ts";

/** Every field that is given must hold. Texts with `*` or `?` are patterns, others must be contained or equal as said. */
export interface DecisionFilter {
  readonly requestId?: string;
  /** Name of a role session; a build's is `AWSCodeBuild-<uuid>`. */
  readonly sessionName?: string;
  /** First moment that counts. */
  readonly sinceMs?: number;
  /** First moment that counts no more. */
  readonly untilMs?: number;
  /** `ssm` */
  readonly service?: string;
  /** `GetParameter`, in any case. */
  readonly operation?: string;
  /** An action that was asked for, in any case: `ssm:GetParameter`, `ssm:*`, or a part of one. */
  readonly action?: string;
  /** A resource that was asked for: part of its ARN, or a pattern for all of it. */
  readonly resource?: string;
  /** The caller's ARN, or a part of it. */
  readonly principal?: string;
  /** Name or ARN of the role whose session called. */
  readonly role?: string;
  /** Name or ARN of the user that called; also the name of a federated user. */
  readonly user?: string;
  readonly outcome?: RequestOutcome;
  /** At most so many, the newest. */
  readonly limit?: number;
}

/** A filter as a test of one record; `limit` is left to who asks. */
export function recordMatcher(filter: DecisionFilter): (record: DecisionRecord) => boolean {
  const { requestId, sinceMs, untilMs, outcome } = filter;
  const tests: ((record: DecisionRecord) => boolean)[] = [];
  if (requestId !== undefined) tests.push((record) => record.requestId === requestId);
  if (sinceMs !== undefined) tests.push((record) => record.atMs >= sinceMs);
  if (untilMs !== undefined) tests.push((record) => record.atMs < untilMs);
  if (outcome !== undefined) tests.push((record) => outcomeOf(record) === outcome);
  const add = (wanted: string | undefined, test: (record: DecisionRecord, wanted: string) => boolean): void => {
    if (wanted !== undefined) tests.push((record) => test(record, wanted));
  };
  add(filter.sessionName, (record, wanted) => callerOf(record.principalArn).session === wanted);
  add(filter.service?.toLowerCase(), (record, wanted) => record.service === wanted);
  add(filter.operation?.toLowerCase(), (record, wanted) => record.operation.toLowerCase() === wanted);
  add(filter.role && lastPart(filter.role), (record, wanted) => callerOf(record.principalArn).role === wanted);
  add(filter.user && lastPart(filter.user), (record, wanted) => callerOf(record.principalArn).user === wanted);
  if (filter.principal !== undefined) {
    const holds = textTest(filter.principal);
    tests.push((record) => holds(record.principalArn));
  }
  if (filter.action !== undefined) {
    const holds = textTest(filter.action.toLowerCase());
    tests.push((record) => record.decisions.some(({ action }) => holds(action.toLowerCase())));
  }
  if (filter.resource !== undefined) {
    const holds = textTest(filter.resource);
    tests.push((record) => record.decisions.some(({ resource }) => holds(resource)));
  }
  return (record) => tests.every((test) => test(record));
}

const lastPart = (nameOrArn: string): string => nameOrArn.slice(nameOrArn.lastIndexOf("/") + 1);

/** A pattern for the whole text when it has wildcards, else a part of the text. */
function textTest(wanted: string): (text: string) => boolean {
  if (!/[*?]/.test(wanted)) return (text) => text.includes(wanted);
  const pattern = compilePattern(wanted, { wildcards: true, variables: false });
  return (text) => pattern.matches(text, () => undefined);
}
