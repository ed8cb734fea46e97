/**
 * GitHub's and GitHub Enterprise's payloads, named by `X-GitHub-Event`.
 * Sources: https://docs.aws.amazon.com/codebuild/latest/userguide/github-webhook.html (which event is which, which member
 * a filter looks at), https://docs.github.com/webhooks/webhook-events-and-payloads.
 * Gap: a pull request's payload lists neither files nor the head commit's message; CodeBuild asks GitHub for them.
 */
import { branchRef, changedPaths, isNoCommit, list, member, text } from "./payload-fields.ts";
import type { Payload, WebhookEvent, WebhookEventName } from "./webhook-event.ts";

const PULL_REQUEST_ACTIONS: Readonly<Record<string, WebhookEventName>> = {
  opened: "PULL_REQUEST_CREATED",
  reopened: "PULL_REQUEST_REOPENED",
  synchronize: "PULL_REQUEST_UPDATED",
};
const RELEASE_ACTIONS: Readonly<Record<string, WebhookEventName>> = {
  released: "RELEASED",
  prereleased: "PRERELEASED",
};

const nothing = (why: string): Payload => ({ kind: "nothing", why });

export function readGithub(eventType: string, body: unknown): Payload {
  const action = text(body, "action") ?? "";
  switch (eventType) {
    case "ping":
      return { kind: "ping" };
    case "push":
      return readPush(body);
    case "pull_request": {
      const closed = member(body, "pull_request", "merged") === true ? "PULL_REQUEST_MERGED" : "PULL_REQUEST_CLOSED";
      const name = action === "closed" ? closed : named(PULL_REQUEST_ACTIONS, action);
      return name ? readPullRequest(name, body) : nothing(`CodeBuild has no event for the action \`${action}\``);
    }
    case "release": {
      const name = named(RELEASE_ACTIONS, action);
      return name ? readRelease(name, body) : nothing(`CodeBuild has no event for the release action \`${action}\``);
    }
    case "workflow_job":
      return action === "queued"
        ? {
            kind: "events",
            events: [
              {
                ...common("WORKFLOW_JOB_QUEUED", body),
                headRef: branchRef(text(body, "workflow_job", "head_branch")),
                headCommit: text(body, "workflow_job", "head_sha"),
                workflowName: text(body, "workflow_job", "workflow_name"),
              },
            ],
          }
        : nothing(`CodeBuild has no event for the workflow job action \`${action}\``);
    case "issue_comment":
      return nothing("approval by a comment needs the commenter's role, for which the provider would have to be asked");
    default:
      return nothing(`CodeBuild has no event for \`${eventType}\``);
  }
}

const named = (names: Readonly<Record<string, WebhookEventName>>, action: string): WebhookEventName | undefined =>
  Object.hasOwn(names, action) ? names[action] : undefined;

const common = (name: WebhookEventName, body: unknown) =>
  ({
    name,
    provider: "github",
    actorAccountId: text(body, "sender", "id"),
    repositoryName: text(body, "repository", "name"),
    organizationName: text(body, "organization", "login") ?? text(body, "repository", "owner", "login"),
    cloneUrl: text(body, "repository", "clone_url"),
  }) as const satisfies WebhookEvent;

function readPush(body: unknown): Payload {
  const headRef = text(body, "ref");
  const after = text(body, "after");
  if (headRef === undefined || after === undefined) return nothing("the push names no ref or no commit");
  if (member(body, "deleted") === true || isNoCommit(after)) return nothing(`\`${headRef}\` was deleted`);
  const before = text(body, "before");
  const commits = list(body, "commits");
  return {
    kind: "events",
    events: [
      {
        ...common("PUSH", body),
        headRef,
        // A push without new commits (a new branch or tag) lists none; then the head commit tells.
        filePaths: changedPaths(commits.length > 0 ? commits : [member(body, "head_commit")]),
        commitMessage: text(body, "head_commit", "message"),
        headCommit: after,
        previousCommit: before,
      },
    ],
  };
}

function readPullRequest(name: WebhookEventName, body: unknown): Payload {
  const request = member(body, "pull_request");
  const number = text(body, "number") ?? text(request, "number");
  if (number === undefined || !/^\d{1,12}$/.test(number)) return nothing("the pull request has no number");
  const headRepository = text(request, "head", "repo", "full_name");
  const baseRepository = text(request, "base", "repo", "full_name");
  return {
    kind: "events",
    events: [
      {
        ...common(name, body),
        headRef: branchRef(text(request, "head", "ref")),
        baseRef: branchRef(text(request, "base", "ref")),
        // A deleted fork is null: another repository all the same.
        isFork: headRepository !== baseRepository,
        headCommit: text(request, "head", "sha"),
        mergeCommit: name === "PULL_REQUEST_MERGED" ? text(request, "merge_commit_sha") : undefined,
        pullRequest: number,
      },
    ],
  };
}

function readRelease(name: WebhookEventName, body: unknown): Payload {
  const tagName = text(body, "release", "tag_name");
  if (tagName === undefined) return nothing("the release has no tag");
  const event: WebhookEvent = {
    ...common(name, body),
    headRef: `refs/tags/${tagName}`,
    tagName,
    releaseName: text(body, "release", "name"),
  };
  return { kind: "events", events: [event] };
}
