/**
 * GitLab's payloads, named by `X-Gitlab-Event`.
 * Sources: https://docs.aws.amazon.com/codebuild/latest/userguide/gitlab-webhook.html,
 * https://docs.gitlab.com/user/project/integrations/webhook_events/.
 * Gap: a merge request's payload lists no files; CodeBuild asks GitLab for them.
 */
import { branchRef, changedPaths, isNoCommit, list, member, text } from "./payload-fields.ts";
import type { Payload, WebhookEvent, WebhookEventName } from "./webhook-event.ts";

const MERGE_REQUEST_ACTIONS: Readonly<Record<string, WebhookEventName>> = {
  open: "PULL_REQUEST_CREATED",
  update: "PULL_REQUEST_UPDATED",
  merge: "PULL_REQUEST_MERGED",
  reopen: "PULL_REQUEST_REOPENED",
  close: "PULL_REQUEST_CLOSED",
};

const nothing = (why: string): Payload => ({ kind: "nothing", why });

export function readGitlab(eventType: string, body: unknown): Payload {
  switch (eventType) {
    case "Push Hook":
    case "Tag Push Hook":
      return readPush(body);
    case "Merge Request Hook":
      return readMergeRequest(body);
    case "Release Hook":
      return readRelease(body);
    case "Job Hook":
      return {
        kind: "events",
        events: [{ ...common("WORKFLOW_JOB_QUEUED", body), workflowName: text(body, "build_name") }],
      };
    default:
      return nothing(`CodeBuild has no event for \`${eventType}\``);
  }
}

function common(name: WebhookEventName, body: unknown) {
  const path = text(body, "project", "path_with_namespace");
  return {
    name,
    provider: "gitlab",
    actorAccountId: text(body, "user_id") ?? text(body, "user", "id"),
    repositoryName: path?.split("/").at(-1) ?? text(body, "project", "name"),
    organizationName: path?.split("/")[0],
    cloneUrl: text(body, "project", "git_http_url"),
  } as const satisfies WebhookEvent;
}

function readPush(body: unknown): Payload {
  const headRef = text(body, "ref");
  const after = text(body, "checkout_sha") ?? text(body, "after");
  if (headRef === undefined || after === undefined) return nothing("the push names no ref or no commit");
  if (isNoCommit(text(body, "after"))) return nothing(`\`${headRef}\` was deleted`);
  const commits = list(body, "commits");
  const head = commits.find((commit) => text(commit, "id") === after) ?? commits.at(-1);
  const event: WebhookEvent = {
    ...common("PUSH", body),
    headRef,
    filePaths: changedPaths(commits),
    commitMessage: text(head, "message"),
    headCommit: after,
    previousCommit: text(body, "before"),
  };
  return { kind: "events", events: [event] };
}

function readMergeRequest(body: unknown): Payload {
  const request = member(body, "object_attributes");
  const action = text(request, "action") ?? "";
  const name = Object.hasOwn(MERGE_REQUEST_ACTIONS, action) ? MERGE_REQUEST_ACTIONS[action] : undefined;
  if (!name) return nothing(`CodeBuild has no event for the merge request action \`${action}\``);
  const number = text(request, "iid");
  if (number === undefined || !/^\d{1,12}$/.test(number)) return nothing("the merge request has no number");
  const event: WebhookEvent = {
    ...common(name, body),
    headRef: branchRef(text(request, "source_branch")),
    baseRef: branchRef(text(request, "target_branch")),
    commitMessage: text(request, "last_commit", "message"),
    isFork: text(request, "source_project_id") !== text(request, "target_project_id"),
    headCommit: text(request, "last_commit", "id"),
    mergeCommit: text(request, "merge_commit_sha") ?? text(request, "squash_commit_sha"),
    pullRequest: number,
  };
  return { kind: "events", events: [event] };
}

function readRelease(body: unknown): Payload {
  const action = text(body, "action") ?? "";
  if (action !== "create" && action !== "update") {
    return nothing(`CodeBuild has no event for the release action \`${action}\``);
  }
  const tagName = text(body, "tag");
  if (tagName === undefined) return nothing("the release has no tag");
  const event: WebhookEvent = {
    ...common("RELEASED", body),
    headRef: `refs/tags/${tagName}`,
    tagName,
    releaseName: text(body, "name"),
    commitMessage: text(body, "commit", "message"),
    headCommit: text(body, "commit", "id"),
  };
  return { kind: "events", events: [event] };
}
