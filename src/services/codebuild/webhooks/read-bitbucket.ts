/**
 * Bitbucket's payloads, named by `X-Event-Key`. One push may carry several refs: each is an event.
 * Sources: https://docs.aws.amazon.com/codebuild/latest/userguide/bitbucket-webhook.html,
 * https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/.
 * Gap: no payload lists files, and a pull request's has no commit message; CodeBuild asks Bitbucket for them.
 */
import { branchRef, list, member, text } from "./payload-fields.ts";
import type { Payload, WebhookEvent, WebhookEventName } from "./webhook-event.ts";

const PULL_REQUEST_EVENTS: Readonly<Record<string, WebhookEventName>> = {
  "pullrequest:created": "PULL_REQUEST_CREATED",
  "pullrequest:updated": "PULL_REQUEST_UPDATED",
  "pullrequest:fulfilled": "PULL_REQUEST_MERGED",
  "pullrequest:rejected": "PULL_REQUEST_CLOSED",
};

const nothing = (why: string): Payload => ({ kind: "nothing", why });

export function readBitbucket(eventType: string, body: unknown): Payload {
  if (eventType === "diagnostics:ping") return { kind: "ping" };
  if (eventType === "repo:push") return readPush(body);
  const name = Object.hasOwn(PULL_REQUEST_EVENTS, eventType) ? PULL_REQUEST_EVENTS[eventType] : undefined;
  return name ? readPullRequest(name, body) : nothing(`CodeBuild has no event for \`${eventType}\``);
}

const common = (name: WebhookEventName, body: unknown) =>
  ({
    name,
    provider: "bitbucket",
    actorAccountId: text(body, "actor", "account_id"),
    repositoryName: text(body, "repository", "name"),
    organizationName: text(body, "repository", "workspace", "slug"),
    cloneUrl: cloneUrlOf(text(body, "repository", "links", "html", "href")),
  }) as const satisfies WebhookEvent;

const cloneUrlOf = (page: string | undefined): string | undefined => (page === undefined ? undefined : `${page}.git`);

function readPush(body: unknown): Payload {
  const events = list(body, "push", "changes").flatMap((change): WebhookEvent[] => {
    const name = text(change, "new", "name");
    if (name === undefined) return []; // deleted
    return [
      {
        ...common("PUSH", body),
        headRef: text(change, "new", "type") === "tag" ? `refs/tags/${name}` : `refs/heads/${name}`,
        commitMessage: text(change, "new", "target", "message"),
        headCommit: text(change, "new", "target", "hash"),
        previousCommit: text(change, "old", "target", "hash"),
      },
    ];
  });
  return events.length > 0 ? { kind: "events", events } : nothing("the push made no new branch, tag or commit");
}

function readPullRequest(name: WebhookEventName, body: unknown): Payload {
  const request = member(body, "pullrequest");
  const number = text(request, "id");
  if (number === undefined || !/^\d{1,12}$/.test(number)) return nothing("the pull request has no number");
  const event: WebhookEvent = {
    ...common(name, body),
    headRef: branchRef(text(request, "source", "branch", "name")),
    baseRef: branchRef(text(request, "destination", "branch", "name")),
    isFork:
      text(request, "source", "repository", "full_name") !== text(request, "destination", "repository", "full_name"),
    headCommit: text(request, "source", "commit", "hash"),
    mergeCommit: text(request, "merge_commit", "hash"),
    pullRequest: number,
  };
  return { kind: "events", events: [event] };
}
