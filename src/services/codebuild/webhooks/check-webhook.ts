/**
 * Checks of CreateWebhook and UpdateWebhook. The rules are AWS's, the texts Kiln's own: AWS's were never seen.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CreateWebhook.html
 */
import { patternProblem } from "../../../core/bounded-pattern.ts";
import { invalidInput, notOffered } from "../errors.ts";
import type { Project, PullRequestBuildPolicy, ScopeConfiguration, WebhookFilter } from "../shapes.gen.ts";
import { eventNamesIn } from "./evaluate-filters.ts";
import { providerOf } from "./read-delivery.ts";
import type { WebhookEventName } from "./webhook-event.ts";

/** AWS: `location` of a project whose webhook is an organisation's or global; the payload names the repository. */
export const ANY_REPOSITORY = "CODEBUILD_DEFAULT_WEBHOOK_SOURCE_LOCATION";

const PULL_REQUESTS: readonly WebhookEventName[] = [
  "PULL_REQUEST_CREATED",
  "PULL_REQUEST_UPDATED",
  "PULL_REQUEST_MERGED",
  "PULL_REQUEST_CLOSED",
];
/** Events that a provider has, by source type. */
const EVENTS: Readonly<Record<string, readonly WebhookEventName[]>> = {
  GITHUB: ["PUSH", ...PULL_REQUESTS, "PULL_REQUEST_REOPENED", "RELEASED", "PRERELEASED", "WORKFLOW_JOB_QUEUED"],
  GITHUB_ENTERPRISE: ["PUSH", ...PULL_REQUESTS, "PULL_REQUEST_REOPENED", "WORKFLOW_JOB_QUEUED"],
  BITBUCKET: ["PUSH", ...PULL_REQUESTS],
  GITLAB: ["PUSH", ...PULL_REQUESTS, "PULL_REQUEST_REOPENED", "RELEASED", "WORKFLOW_JOB_QUEUED"],
  GITLAB_SELF_MANAGED: ["PUSH", ...PULL_REQUESTS, "PULL_REQUEST_REOPENED", "RELEASED", "WORKFLOW_JOB_QUEUED"],
};

interface WebhookSettings {
  readonly branchFilter?: string | undefined;
  readonly filterGroups?: readonly (readonly WebhookFilter[])[] | undefined;
  readonly buildType?: string | undefined;
  readonly manualCreation?: boolean | undefined;
  readonly scopeConfiguration?: ScopeConfiguration | undefined;
  readonly pullRequestBuildPolicy?: PullRequestBuildPolicy | undefined;
}

/** Throws InvalidInputException for settings that the project's source cannot have. */
export function checkWebhook(settings: WebhookSettings, project: Project): void {
  const sourceType = project.source?.type ?? "";
  if (providerOf(sourceType) === undefined) {
    throw invalidInput(`Invalid webhook: projects with source type ${sourceType} cannot have a webhook`);
  }
  if (settings.buildType?.startsWith("RUNNER_")) throw notOffered(`webhooks of build type ${settings.buildType}`);
  const groups = settings.filterGroups ?? [];
  if ((settings.branchFilter ?? "") !== "" && groups.length > 0) {
    throw invalidInput("Invalid webhook: branchFilter and filterGroups cannot be used together");
  }
  if (settings.branchFilter) checkPattern("branchFilter", settings.branchFilter);
  for (const group of groups) checkGroup(group, sourceType);
  if (settings.manualCreation === true && !sourceType.startsWith("GITHUB")) {
    throw invalidInput("Invalid webhook: manualCreation is only available for GitHub webhooks");
  }
  checkScope(settings.scopeConfiguration, project);
  checkPolicy(settings.pullRequestBuildPolicy, sourceType);
}

function checkGroup(group: readonly WebhookFilter[], sourceType: string): void {
  if (!group.some(({ type }) => type === "EVENT")) {
    throw invalidInput("Invalid webhook: each filter group must have a filter of type EVENT");
  }
  for (const { type, pattern } of group) {
    if (type === "EVENT") checkEvents(pattern, sourceType);
    else checkPattern(`filter ${type}`, pattern);
  }
}

function checkEvents(pattern: string, sourceType: string): void {
  const known = EVENTS[sourceType] ?? [];
  for (const name of eventNamesIn(pattern)) {
    if (name === "WORKFLOW_JOB_QUEUED" && known.includes(name)) throw notOffered("runners (WORKFLOW_JOB_QUEUED)");
    if (known.some((event) => event === name)) continue;
    throw invalidInput(
      `Invalid webhook: ${name === "" ? "an empty name" : name} is not an event of source type ${sourceType}; the events are ${known.join(", ")}`,
    );
  }
}

function checkPattern(what: string, pattern: string): void {
  if (pattern === "") throw invalidInput(`Invalid webhook: the pattern of ${what} is empty`);
  const problem = patternProblem(pattern);
  if (problem !== undefined) {
    throw invalidInput(`Invalid webhook: the pattern of ${what} is not a regular expression: ${problem}`);
  }
}

function checkScope(scope: ScopeConfiguration | undefined, { source }: Project): void {
  const isAnyRepository = source?.location === ANY_REPOSITORY;
  if (!scope) {
    if (isAnyRepository) throw invalidInput(`Invalid webhook: ${ANY_REPOSITORY} needs a scopeConfiguration`);
    return;
  }
  if (!isAnyRepository) {
    throw invalidInput(`Invalid webhook: scopeConfiguration needs the source location ${ANY_REPOSITORY}`);
  }
  const isGitlab = scope.scope === "GITLAB_GROUP";
  if (isGitlab !== source?.type.startsWith("GITLAB") || source.type === "BITBUCKET") {
    throw invalidInput(`Invalid webhook: scope ${scope.scope} does not fit source type ${source?.type}`);
  }
}

function checkPolicy(policy: PullRequestBuildPolicy | undefined, sourceType: string): void {
  const prefix = sourceType.startsWith("GITHUB") ? "GITHUB_" : sourceType === "BITBUCKET" ? "BITBUCKET_" : "GITLAB_";
  const foreign = policy?.approverRoles?.find((role) => !role.startsWith(prefix));
  if (foreign)
    throw invalidInput(`Invalid webhook: the approver role ${foreign} does not fit source type ${sourceType}`);
  if (policy?.requiresCommentApproval === "DISABLED" && (policy.approverRoles?.length ?? 0) > 0) {
    throw invalidInput("Invalid webhook: approverRoles need requiresCommentApproval");
  }
}
