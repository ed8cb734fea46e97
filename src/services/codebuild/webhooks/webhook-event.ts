/**
 * One event of a repository, the same for every provider: what filters look at, and what a build of it needs.
 * Made by the readers of payloads (read-github.ts, read-gitlab.ts, read-bitbucket.ts), looked at by evaluate-filters.ts.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/webhooks.html
 */

export type WebhookEventName =
  | "PUSH"
  | "PULL_REQUEST_CREATED"
  | "PULL_REQUEST_UPDATED"
  | "PULL_REQUEST_REOPENED"
  | "PULL_REQUEST_MERGED"
  | "PULL_REQUEST_CLOSED"
  | "RELEASED"
  | "PRERELEASED"
  | "WORKFLOW_JOB_QUEUED";

/** Git hosts by the form of their payloads; GitHub Enterprise sends GitHub's, a self-managed GitLab GitLab's. */
export type Provider = "github" | "gitlab" | "bitbucket";

export interface WebhookEvent {
  readonly name: WebhookEventName;
  readonly provider: Provider;
  /** Id of the account at the provider, as text. */
  readonly actorAccountId?: string | undefined;
  /** `refs/heads/…` or `refs/tags/…` */
  readonly headRef?: string | undefined;
  /** Pull requests only: `refs/heads/…`. */
  readonly baseRef?: string | undefined;
  /** Absent where the payload does not tell: CodeBuild asks the provider then. */
  readonly filePaths?: readonly string[] | undefined;
  readonly commitMessage?: string | undefined;
  readonly tagName?: string | undefined;
  readonly releaseName?: string | undefined;
  readonly repositoryName?: string | undefined;
  readonly organizationName?: string | undefined;
  readonly workflowName?: string | undefined;
  /** HTTPS clone URL. */
  readonly cloneUrl?: string | undefined;
  /** Pull requests: the head is in another repository than the base. */
  readonly isFork?: boolean | undefined;
  readonly headCommit?: string | undefined;
  readonly previousCommit?: string | undefined;
  readonly mergeCommit?: string | undefined;
  readonly pullRequest?: string | undefined;
}

export const isPullRequest = ({ name }: WebhookEvent): boolean => name.startsWith("PULL_REQUEST_");

/** What a delivery holds: events to decide on, or why there are none. */
export type Payload =
  | { readonly kind: "events"; readonly events: readonly WebhookEvent[] }
  | { readonly kind: "ping" }
  | { readonly kind: "nothing"; readonly why: string };

/** `pr/<n>`, `branch/<b>` or `tag/<t>`: CODEBUILD_WEBHOOK_TRIGGER. */
export function triggerOf(event: WebhookEvent): string {
  if (event.pullRequest !== undefined) return `pr/${event.pullRequest}`;
  const ref = event.headRef ?? "";
  return ref.startsWith("refs/tags/")
    ? `tag/${ref.slice("refs/tags/".length)}`
    : `branch/${ref.replace(/^refs\/heads\//, "")}`;
}

/**
 * What the build checks out. AWS: `pr/<n>` for GitHub; Bitbucket and GitLab have no such form, so it is the commit there.
 * A repository on this machine (`file:///…`) has no `pr/<n>` either.
 */
export function sourceVersionOf(event: WebhookEvent, sourceLocation: string | undefined): string | undefined {
  if (event.pullRequest !== undefined && event.provider === "github" && !sourceLocation?.startsWith("file:")) {
    return `pr/${event.pullRequest}`;
  }
  return event.headCommit ?? event.tagName ?? event.headRef?.replace(/^refs\/(?:heads|tags)\//, "");
}

/** The CODEBUILD_WEBHOOK_… variables of a build that the event starts. */
export function variablesOf(event: WebhookEvent): Record<string, string> {
  const all: Record<string, string | undefined> = {
    CODEBUILD_WEBHOOK_ACTOR_ACCOUNT_ID: event.actorAccountId,
    CODEBUILD_WEBHOOK_BASE_REF: event.baseRef,
    CODEBUILD_WEBHOOK_EVENT: event.name,
    CODEBUILD_WEBHOOK_HEAD_REF: event.headRef,
    CODEBUILD_WEBHOOK_MERGE_COMMIT: event.mergeCommit,
    CODEBUILD_WEBHOOK_PREV_COMMIT: event.previousCommit,
    CODEBUILD_WEBHOOK_TRIGGER: triggerOf(event),
  };
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
