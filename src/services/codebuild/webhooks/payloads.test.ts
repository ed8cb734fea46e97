import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deliveryOf, isSignedWith, parseBody, readPayload, signatureOf } from "./read-delivery.ts";
import type { Payload, Provider, WebhookEvent } from "./webhook-event.ts";

const read = (provider: Provider, eventType: string, body: unknown): Payload =>
  readPayload({ provider, eventType }, body);

/** The one event of a payload. */
function eventIn(payload: Payload): WebhookEvent | undefined {
  return payload.kind === "events" && payload.events.length === 1 ? payload.events[0] : undefined;
}

const SHA = "a".repeat(40);
const ZEROS = "0".repeat(40);

describe("GitHub's payloads", () => {
  const repository = { name: "r", clone_url: "https://github.com/o/r.git", owner: { login: "o" } };
  const sender = { id: 42 };

  it("of a push name the changed files of all commits and the head commit's message", () => {
    const payload = read("github", "push", {
      ref: "refs/heads/main",
      before: "b",
      after: SHA,
      head_commit: { id: SHA, message: "second" },
      commits: [
        { id: "1", message: "first", added: ["a"], modified: ["b"], removed: [] },
        { id: SHA, message: "second", added: [], modified: ["b"], removed: ["c"] },
      ],
      repository,
      sender,
    });
    expect(eventIn(payload)).toEqual({
      name: "PUSH",
      provider: "github",
      actorAccountId: "42",
      headRef: "refs/heads/main",
      filePaths: ["a", "b", "c"],
      commitMessage: "second",
      repositoryName: "r",
      organizationName: "o",
      cloneUrl: "https://github.com/o/r.git",
      headCommit: SHA,
      previousCommit: "b",
    });
  });

  it("of a deleted branch start nothing", () => {
    const payload = read("github", "push", { ref: "refs/heads/x", after: ZEROS, deleted: true });
    expect(payload).toEqual({ kind: "nothing", why: "`refs/heads/x` was deleted" });
  });

  it.each([
    ["opened", false, "PULL_REQUEST_CREATED"],
    ["reopened", false, "PULL_REQUEST_REOPENED"],
    ["synchronize", false, "PULL_REQUEST_UPDATED"],
    ["closed", true, "PULL_REQUEST_MERGED"],
    ["closed", false, "PULL_REQUEST_CLOSED"],
  ])("of a pull request that was %s (merged: %s) are %s", (action, merged, name) => {
    const payload = read("github", "pull_request", {
      action,
      number: 7,
      pull_request: {
        merged,
        merge_commit_sha: "m",
        head: { ref: "topic", sha: SHA, repo: { full_name: "fork/r" } },
        base: { ref: "main", repo: { full_name: "o/r" } },
      },
      repository,
      sender,
    });
    expect(eventIn(payload)).toMatchObject({
      name,
      headRef: "refs/heads/topic",
      baseRef: "refs/heads/main",
      pullRequest: "7",
      isFork: true,
      headCommit: SHA,
    });
    expect(eventIn(payload)?.filePaths).toBeUndefined();
    expect(eventIn(payload)?.mergeCommit).toBe(merged ? "m" : undefined);
  });

  it("of a pull request made here say what GitHub would be asked for", () => {
    const payload = read("github", "pull_request", {
      action: "opened",
      number: 1,
      pull_request: {},
      kiln: { changed_files: ["a", 1], head_commit_message: "m" },
    });
    expect(eventIn(payload)).toMatchObject({ filePaths: ["a"], commitMessage: "m" });
  });

  it.each([
    ["released", "RELEASED"],
    ["prereleased", "PRERELEASED"],
  ])("of a release that was %s", (action, name) => {
    const payload = read("github", "release", { action, release: { tag_name: "v1", name: "One" } });
    expect(eventIn(payload)).toMatchObject({ name, tagName: "v1", releaseName: "One", headRef: "refs/tags/v1" });
  });

  it.each([
    ["pull_request", { action: "labeled" }, "CodeBuild has no event for the action `labeled`"],
    ["pull_request", { action: "constructor" }, "CodeBuild has no event for the action `constructor`"],
    ["star", {}, "CodeBuild has no event for `star`"],
    [
      "issue_comment",
      {},
      "approval by a comment needs the commenter's role, for which the provider would have to be asked",
    ],
  ])("%s %j start nothing", (type, body, why) => {
    expect(read("github", type, body)).toEqual({ kind: "nothing", why });
  });
});

describe("GitLab's payloads", () => {
  const project = { name: "R", path_with_namespace: "group/r", git_http_url: "https://gitlab.com/group/r.git" };

  it.each(["Push Hook", "Tag Push Hook"])("of a %s", (type) => {
    const ref = type === "Push Hook" ? "refs/heads/main" : "refs/tags/v1";
    const payload = read("gitlab", type, {
      ref,
      before: "b",
      after: "tag object",
      checkout_sha: SHA,
      user_id: 4,
      project,
      commits: [
        { id: "1", message: "first", added: ["a"] },
        { id: SHA, message: "second", modified: ["b"] },
      ],
    });
    expect(eventIn(payload)).toMatchObject({
      name: "PUSH",
      actorAccountId: "4",
      headRef: ref,
      filePaths: ["a", "b"],
      commitMessage: "second",
      repositoryName: "r",
      organizationName: "group",
      headCommit: SHA,
    });
  });

  it.each([
    ["open", "PULL_REQUEST_CREATED"],
    ["update", "PULL_REQUEST_UPDATED"],
    ["merge", "PULL_REQUEST_MERGED"],
    ["reopen", "PULL_REQUEST_REOPENED"],
    ["close", "PULL_REQUEST_CLOSED"],
  ])("of a merge request's %s are %s", (action, name) => {
    const payload = read("gitlab", "Merge Request Hook", {
      user: { id: 5 },
      project,
      object_attributes: {
        iid: 3,
        action,
        source_branch: "topic",
        target_branch: "main",
        source_project_id: 1,
        target_project_id: 1,
        last_commit: { id: SHA, message: "m" },
      },
    });
    expect(eventIn(payload)).toMatchObject({
      name,
      actorAccountId: "5",
      headRef: "refs/heads/topic",
      baseRef: "refs/heads/main",
      commitMessage: "m",
      isFork: false,
      pullRequest: "3",
    });
  });

  it("of a release", () => {
    const payload = read("gitlab", "Release Hook", { action: "create", tag: "v1", name: "One", commit: { id: SHA } });
    expect(eventIn(payload)).toMatchObject({ name: "RELEASED", tagName: "v1", releaseName: "One", headCommit: SHA });
  });

  it("of a deleted branch start nothing", () => {
    expect(read("gitlab", "Push Hook", { ref: "refs/heads/x", after: ZEROS }).kind).toBe("nothing");
  });
});

describe("Bitbucket's payloads", () => {
  it("of a push are an event for each ref", () => {
    const payload = read("bitbucket", "repo:push", {
      actor: { account_id: "557058:x" },
      push: {
        changes: [
          {
            new: { type: "branch", name: "main", target: { hash: SHA, message: "m" } },
            old: { target: { hash: "b" } },
          },
          { new: null, old: { type: "branch", name: "gone" } },
          { new: { type: "tag", name: "v1", target: { hash: SHA } } },
        ],
      },
    });
    expect(payload).toMatchObject({
      kind: "events",
      events: [
        { headRef: "refs/heads/main", commitMessage: "m", previousCommit: "b", actorAccountId: "557058:x" },
        { headRef: "refs/tags/v1" },
      ],
    });
  });

  it.each([
    ["pullrequest:created", "PULL_REQUEST_CREATED"],
    ["pullrequest:updated", "PULL_REQUEST_UPDATED"],
    ["pullrequest:fulfilled", "PULL_REQUEST_MERGED"],
    ["pullrequest:rejected", "PULL_REQUEST_CLOSED"],
  ])("of %s are %s", (type, name) => {
    const payload = read("bitbucket", type, {
      pullrequest: {
        id: 9,
        source: { branch: { name: "topic" }, commit: { hash: "abc" }, repository: { full_name: "o/r" } },
        destination: { branch: { name: "main" }, repository: { full_name: "o/r" } },
      },
    });
    expect(eventIn(payload)).toMatchObject({ name, pullRequest: "9", headCommit: "abc", isFork: false });
  });

  it("may ask whether somebody is here", () => {
    expect(read("bitbucket", "diagnostics:ping", {})).toEqual({ kind: "ping" });
  });
});

describe("any payload", () => {
  it("is read without an error", () => {
    const types = fc.constantFrom<[Provider, string]>(
      ["github", "push"],
      ["github", "pull_request"],
      ["github", "release"],
      ["gitlab", "Push Hook"],
      ["gitlab", "Merge Request Hook"],
      ["bitbucket", "repo:push"],
      ["bitbucket", "pullrequest:created"],
    );
    fc.assert(
      fc.property(types, fc.jsonValue(), ([provider, type], body) => {
        expect(["events", "ping", "nothing"]).toContain(read(provider, type, body).kind);
      }),
    );
  });

  it("is trusted only with the right secret over exactly these bytes", () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ minLength: 1 }), fc.uint8Array(), (secret, other, body) => {
        const signed = { "x-hub-signature-256": signatureOf(secret, body) };
        expect(isSignedWith(secret, "github", signed, body)).toBe(true);
        expect(isSignedWith(`${secret}${other}`, "github", signed, body)).toBe(false);
        expect(isSignedWith(secret, "github", signed, Buffer.concat([body, Buffer.from(other)]))).toBe(false);
        expect(isSignedWith(secret, "github", {}, body)).toBe(false);
        expect(isSignedWith(secret, "bitbucket", signed, body)).toBe(false);
      }),
    );
  });

  it("may come as GitHub's form field", () => {
    const headers = { "content-type": "application/x-www-form-urlencoded", "x-github-event": "push" };
    expect(parseBody(headers, Buffer.from("payload=%7B%22a%22%3A1%7D"))).toEqual({ a: 1 });
    expect(deliveryOf(headers)).toEqual({ provider: "github", eventType: "push" });
  });
});
