/**
 * Why each statement did or did not match: the first of Action, Resource, Principal, Condition that failed, with the
 * pattern and the value. Built on demand, from the same matchers that decided. What is printed of a document is cut, so
 * that an explanation stays readable and small whatever the document holds.
 */
import type { ConditionTest } from "./conditions/condition.ts";
import type { ContextValue, StatementTrace } from "./decision.ts";
import type { PolicyInPlay } from "./evaluate.ts";
import { type EvaluatedRequest, matchesResource } from "./request.ts";
import { type CompiledStatement, matchesAction } from "./statement.ts";
import { splitVariables, valueOfVariable } from "./variables.ts";

type Failure = Pick<StatementTrace, "failed" | "detail" | "expected">;

/** The trace of every statement, policy by policy. */
export function explainStatements(policies: readonly PolicyInPlay[], request: EvaluatedRequest): StatementTrace[] {
  return policies.flatMap((inPlay) =>
    inPlay.compiled.statements.map((statement) => traceOf(inPlay, statement, firstFailure(statement, request, inPlay))),
  );
}

/** The trace of a statement that matched, or of one that failed so. */
export function traceOf(inPlay: PolicyInPlay, statement: CompiledStatement, failure?: Failure): StatementTrace {
  return {
    policyName: inPlay.policy.name,
    policyType: inPlay.type,
    ...(inPlay.level === undefined ? {} : { level: inPlay.level }),
    index: statement.index,
    ...(statement.sid === undefined ? {} : { sid: statement.sid }),
    effect: statement.effect,
    matched: failure === undefined,
    ...failure,
  };
}

function firstFailure(
  statement: CompiledStatement,
  request: EvaluatedRequest,
  { type, policy }: PolicyInPlay,
): Failure | undefined {
  if (statement.defect) return statement.defect;
  if (!matchesAction(statement, request.action)) {
    const patterns = statement.actions.map((action) => action.source);
    return mismatch("Action", patterns, request.actionText, statement.isNotAction);
  }
  const hasPrincipal = type === "resource" || type === "trust";
  if (!hasPrincipal && !statement.resources) return { failed: "Resource", detail: "the statement has no Resource" };
  if (!matchesResource(statement, request)) {
    const patterns = (statement.resources ?? []).map((resource) => resource.source);
    const failure = mismatch("Resource", patterns, request.resource, statement.isNotResource);
    // AWS: only the last part of an ARN takes variables.
    const shown = nearestFirst(patterns, request.resource).map((pattern) => pattern.split(":").slice(5).join(":"));
    return { ...failure, detail: `${failure.detail}${variableNote(shown, policy, request)}` };
  }
  if (hasPrincipal && !statement.principal?.grant(request)) {
    return { failed: "Principal", detail: principalMismatch(statement, request) };
  }
  const condition = statement.conditions.find((test) => !test.holds(request.lookup));
  if (!condition) return undefined;
  const value = request.lookup(condition.key);
  if (value !== undefined && isSecretKey(condition.key, request)) {
    return { failed: "Condition", detail: secretMismatch(condition, value) };
  }
  const detail = conditionMismatch(condition, value);
  const note = WITHOUT_VARIABLES.test(condition.operator) ? "" : variableNote(condition.values, policy, request);
  return { failed: "Condition", detail: `${detail}${note}` };
}

/** Operators that take their values as they stand. */
const WITHOUT_VARIABLES = /^(?:For\w+:)?(?:Numeric|Date|Binary|Null|(?:Not)?IpAddress)/;

/** What the variables of the printed texts stand for, in brackets: the text alone does not say. */
function variableNote(
  texts: readonly string[],
  { document }: PolicyInPlay["policy"],
  request: EvaluatedRequest,
): string {
  const pieces = texts.slice(0, MAX_PATTERNS).flatMap((text) => splitVariables(cut(text)));
  const notes = new Set<string>();
  for (const piece of pieces) {
    if (typeof piece === "string" || piece.literal !== undefined || isSecretKey(piece.key, request)) continue;
    // AWS: variables came with the version of 2012.
    if (document["Version"] !== "2012-10-17") return " (plain text: variables need Version 2012-10-17)";
    const value = valueOfVariable(piece, request.lookup);
    notes.add(`${quoted(piece.source)} ${value === undefined ? "has no value here" : `is ${quoted(value)}`}`);
  }
  return notes.size === 0 ? "" : ` (${[...notes].join(", ")})`;
}

/** More patterns than this are counted, not printed. */
const MAX_PATTERNS = 4;
const MAX_TEXT = 300;

function mismatch(element: "Action" | "Resource", all: readonly string[], value: string, isNot: boolean): Failure {
  const patterns = nearestFirst(all, value);
  const expected = patterns.slice(0, MAX_PATTERNS).map(cut);
  return { failed: element, detail: mismatchDetail(element, patterns, value, isNot), ...(isNot ? {} : { expected }) };
}

function mismatchDetail(element: string, patterns: readonly string[], value: string, isNot: boolean): string {
  if (isNot) return `${quoted(value)} is excluded by Not${element} ${listed(patterns)}`;
  const [first] = patterns;
  if (first === undefined) return `no pattern to match ${quoted(value)}`;
  if (patterns.length > 1) return `none of ${listed(patterns)} matches ${quoted(value)}`;
  return /[*?]|\$\{/.test(first)
    ? `${quoted(first)} does not match ${quoted(value)}`
    : `${quoted(first)} is not ${quoted(value)}`;
}

/** Of more patterns than are printed, those first that share the longest beginning with the value. */
function nearestFirst(patterns: readonly string[], value: string): readonly string[] {
  if (patterns.length <= MAX_PATTERNS) return patterns;
  const wanted = value.toLowerCase();
  const shared = (pattern: string): number => {
    let length = 0;
    while (length < wanted.length && pattern.charAt(length).toLowerCase() === wanted.charAt(length)) length++;
    return length;
  };
  const ranked = patterns.map((pattern) => ({ pattern, length: shared(pattern) }));
  return ranked.sort((a, b) => b.length - a.length).map(({ pattern }) => pattern);
}

function listed(texts: readonly string[]): string {
  const shown = texts.slice(0, MAX_PATTERNS).map(quoted);
  const more = texts.length - shown.length;
  return more > 0 ? `${shown.join(", ")} and ${more} more` : shown.join(", ");
}

const cut = (text: string): string => (text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text);
const quoted = (text: string): string => `\`${cut(text)}\``;

function principalMismatch({ principal }: CompiledStatement, request: EvaluatedRequest): string {
  if (!principal) return "the statement names no principal";
  const caller = quoted(request.principal.arn);
  return principal.element === "NotPrincipal"
    ? `${caller} is excluded by NotPrincipal ${quoted(principal.source)}`
    : `${quoted(principal.source)} does not name ${caller}`;
}

/** A record of a decision never holds what the request says is a secret. */
function isSecretKey(key: string, { secretKeys }: EvaluatedRequest): boolean {
  const wanted = key.toLowerCase();
  return secretKeys.some((secret) => secret.toLowerCase() === wanted);
}

function conditionMismatch(test: ConditionTest, value: ContextValue | undefined): string {
  const wanted = wantedBy(test);
  if (value === undefined) return `${wanted}: the request has no ${quoted(test.key)}`;
  return `${wanted}: the request has ${listed(valuesOf(value))}`;
}

/** The policy's own values are shown where they are not the secret too: a negated operator fails because they are. */
function secretMismatch(test: ConditionTest, value: ContextValue): string {
  const secrets = valuesOf(value).map((one) => one.toLowerCase());
  const isTold = /not/i.test(test.operator) || test.values.some((one) => secrets.includes(one.toLowerCase()));
  if (isTold) return `${cut(test.operator)} ${cut(test.key)} does not hold for the request's value, which is not shown`;
  return `${wantedBy(test)}: the request has another value, which is not shown`;
}

const wantedBy = (test: ConditionTest): string => `${cut(test.operator)} ${cut(test.key)} ${listed(test.values)}`;
const valuesOf = (value: ContextValue): readonly string[] => (typeof value === "string" ? [value] : value);
