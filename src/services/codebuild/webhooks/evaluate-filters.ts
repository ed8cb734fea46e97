/**
 * Whether a webhook's filters start a build for an event, with the reason for each filter. Pure.
 * AWS: any group that passes starts a build; a group passes when each of its filters does; `excludeMatchedPattern` turns
 * a filter round. A filter on something that the event does not have does not pass, turned round or not (chosen: AWS
 * documents BASE_REF for pull requests only, and so on, and says no more).
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_WebhookFilter.html
 */
import type { PatternMatcher } from "../../../core/bounded-pattern.ts";
import type { WebhookFilter } from "../shapes.gen.ts";
import type { WebhookEvent } from "./webhook-event.ts";

export type FilterType = WebhookFilter["type"];

export interface FilterResult {
  readonly type: FilterType;
  readonly pattern: string;
  readonly excludeMatchedPattern: boolean;
  readonly passed: boolean;
  /** What was looked at and what came of it, in words. */
  readonly why: string;
}

export interface GroupResult {
  readonly passed: boolean;
  readonly filters: readonly FilterResult[];
}

export interface FilterDecision {
  readonly passed: boolean;
  /** 0-based; the first group that passed. */
  readonly group?: number | undefined;
  readonly groups: readonly GroupResult[];
}

export interface WebhookFilters {
  readonly filterGroups?: readonly (readonly WebhookFilter[])[] | undefined;
  readonly branchFilter?: string | undefined;
}

/** AWS: without filter groups, every push and every pull request that is created or updated starts a build. */
const DEFAULT_EVENTS = "PUSH, PULL_REQUEST_CREATED, PULL_REQUEST_UPDATED";
const SHOWN_VALUE_LENGTH = 120;

export function evaluateFilters(filters: WebhookFilters, event: WebhookEvent, matcher: PatternMatcher): FilterDecision {
  const groups = groupsOf(filters).map((group): GroupResult => {
    const results = group.map((filter) => evaluate(filter, event, matcher));
    return { passed: results.every((result) => result.passed), filters: results };
  });
  const group = groups.findIndex(({ passed }) => passed);
  return { passed: group !== -1, ...(group === -1 ? {} : { group }), groups };
}

/** The event names of an EVENT pattern. */
export const eventNamesIn = (pattern: string): string[] => pattern.split(",").map((name) => name.trim());

/** The groups that decide; the deprecated branch filter is one group on the name of the branch. */
function groupsOf({ filterGroups = [], branchFilter }: WebhookFilters): readonly (readonly Filter[])[] {
  if (filterGroups.length > 0) return filterGroups;
  const events: WebhookFilter = { type: "EVENT", pattern: DEFAULT_EVENTS };
  if (branchFilter === undefined || branchFilter === "") return [[events]];
  return [[events, { type: "HEAD_REF", pattern: branchFilter, isBranchName: true }]];
}

interface Filter extends WebhookFilter {
  /** Match the branch's name, not its whole reference. */
  readonly isBranchName?: boolean;
}

function evaluate(filter: Filter, event: WebhookEvent, matcher: PatternMatcher): FilterResult {
  const { type, pattern, excludeMatchedPattern = false } = filter;
  const result = (passed: boolean, why: string): FilterResult => ({
    type,
    pattern,
    excludeMatchedPattern,
    passed,
    why,
  });
  if (type === "EVENT") {
    const matched = eventNamesIn(pattern).includes(event.name);
    return result(
      matched !== excludeMatchedPattern,
      `the event is ${event.name}, which is ${matched ? "" : "not "}in the list`,
    );
  }
  const values = valuesOf(filter, event);
  if (typeof values === "string") return result(false, values);
  const match = matcher.match(pattern, values);
  if (match.kind === "too-costly") return result(false, "the pattern takes too long on this value, so it was given up");
  const matched = match.kind === "matched";
  const why = matched ? `found in \`${shown(match.value)}\`` : notFoundIn(values);
  return result(matched !== excludeMatchedPattern, excludeMatchedPattern ? `${why}, and turned round` : why);
}

const notFoundIn = (values: readonly string[]): string =>
  values.length === 0
    ? "no file changed"
    : `not found in ${values.length === 1 ? `\`${shown(values[0] ?? "")}\`` : `any of ${values.length} paths`}`;

const shown = (value: string): string =>
  value.length > SHOWN_VALUE_LENGTH ? `${value.slice(0, SHOWN_VALUE_LENGTH)}…` : value;

/** What the filter looks at, or why there is nothing. */
function valuesOf({ type, isBranchName }: Filter, event: WebhookEvent): readonly string[] | string {
  if (type === "FILE_PATH") return event.filePaths ?? `the payload lists no files, and Kiln asks no provider for them`;
  const value = VALUES[type]?.(event);
  if (value !== undefined) return [isBranchName ? value.replace(/^refs\/(?:heads|tags)\//, "") : value];
  if (type === "COMMIT_MESSAGE") return "the payload has no commit message, and Kiln asks no provider for it";
  return `${event.name} has no ${type}`;
}

const VALUES: Readonly<Partial<Record<FilterType, (event: WebhookEvent) => string | undefined>>> = {
  ACTOR_ACCOUNT_ID: (event) => event.actorAccountId,
  HEAD_REF: (event) => event.headRef,
  BASE_REF: (event) => event.baseRef,
  COMMIT_MESSAGE: (event) => event.commitMessage,
  TAG_NAME: (event) => event.tagName,
  RELEASE_NAME: (event) => event.releaseName,
  REPOSITORY_NAME: (event) => event.repositoryName,
  ORGANIZATION_NAME: (event) => event.organizationName,
  WORKFLOW_NAME: (event) => event.workflowName,
};
