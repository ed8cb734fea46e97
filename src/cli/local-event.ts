/**
 * A webhook's payload as the provider would send it for the state of a git repository on this machine: a push of HEAD,
 * or a pull request from HEAD's branch. For `kiln webhook trigger`; filters can be tried without a provider.
 * What a payload does not hold and CodeBuild asks the provider for (files and message of a pull request) is in `kiln`.
 */
import { createGit } from "../build/run/sources/git.ts";
import { KilnError, usageError } from "../core/errors.ts";
import { requireGit } from "./require-git.ts";

const NO_COMMIT = "0".repeat(40);

export interface LocalEventOptions {
  readonly dir: string;
  /** CodeBuild's source type: says whose payload it is. */
  readonly sourceType: string;
  /** CodeBuild's name, e.g. `PUSH`, `PULL_REQUEST_CREATED`. */
  readonly event: string;
  /** Pull requests: the branch to merge into. */
  readonly base: string;
  /** Push and release of a tag instead of a branch. */
  readonly tag?: string | undefined;
  readonly actor: string;
  readonly pullRequest: number;
  readonly isFork: boolean;
}

export interface LocalEvent {
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** What is known of the repository. */
interface RepositoryFacts {
  readonly commit: string;
  readonly parent: string | undefined;
  readonly branch: string;
  readonly message: string;
  readonly files: { readonly added: string[]; readonly modified: string[]; readonly removed: string[] };
  readonly owner: string;
  readonly name: string;
  readonly cloneUrl: string;
}

/** Reads the repository and makes the payload. Throws `KILN_E_NO_REPOSITORY`, `KILN_E_USAGE`. */
export async function makeLocalEvent(options: LocalEventOptions): Promise<LocalEvent> {
  const facts = await readRepository(options);
  if (options.sourceType.startsWith("GITLAB")) return gitlabEvent(options, facts);
  return options.sourceType === "BITBUCKET" ? bitbucketEvent(options, facts) : githubEvent(options, facts);
}

const isPullRequest = (event: string): boolean => event.startsWith("PULL_REQUEST_");

async function readRepository({ dir, event, base, tag }: LocalEventOptions): Promise<RepositoryFacts> {
  const run = createGit({ signal: new AbortController().signal });
  const git = async (...args: string[]): Promise<string | undefined> => {
    const outcome = await run(dir, args);
    return outcome.ok ? outcome.text : undefined;
  };
  const line = async (...args: string[]): Promise<string | undefined> => (await git(...args))?.trim() || undefined;
  requireGit(process.env["PATH"], "an event is made from the repository here");
  const commit = await line("rev-parse", "--verify", `${tag ?? "HEAD"}^{commit}`);
  if (commit === undefined) {
    throw new KilnError({
      code: "KILN_E_NO_REPOSITORY",
      message:
        tag === undefined ? `\`${dir}\` has no commit in a git repository` : `there is no tag \`${tag}\` in \`${dir}\``,
      fix: ["name the repository with --dir, or send a payload of your own: kiln webhook test PROJECT --event FILE"],
      exitCode: 2,
    });
  }
  const parent = await line("rev-parse", "--verify", "--quiet", `${commit}^`);
  const from = isPullRequest(event) ? ((await line("merge-base", base, commit)) ?? parent) : parent;
  const range = from === undefined ? ["--root", commit] : [from, commit];
  const changes = (await git("diff-tree", "-r", "-z", "--no-commit-id", "--name-status", ...range)) ?? "";
  const remote = (await line("remote", "get-url", "origin")) ?? "";
  const [owner = "local", name = "repository"] = /[/:]([^/:]+)\/([^/]+?)(?:\.git)?$/.exec(remote)?.slice(1) ?? [
    "local",
    dir.split("/").at(-1) || "repository",
  ];
  return {
    commit,
    parent,
    branch: (await line("symbolic-ref", "--short", "--quiet", "HEAD")) ?? "main",
    message: ((await git("log", "-1", "--no-show-signature", "--format=%B", commit)) ?? "").trimEnd(),
    files: filesIn(changes),
    owner,
    name,
    cloneUrl: remote.startsWith("https://") ? remote : `https://example.invalid/${owner}/${name}.git`,
  };
}

/** `A\0path\0M\0path\0…` */
function filesIn(changes: string): RepositoryFacts["files"] {
  const files = { added: [] as string[], modified: [] as string[], removed: [] as string[] };
  const words = changes.split("\0");
  for (let at = 0; at + 1 < words.length; at += 2) {
    const list = words[at] === "A" ? files.added : words[at] === "D" ? files.removed : files.modified;
    list.push(words[at + 1] ?? "");
  }
  return files;
}

const refOf = ({ tag }: LocalEventOptions, { branch }: RepositoryFacts): string =>
  tag === undefined ? `refs/heads/${branch}` : `refs/tags/${tag}`;

/** What CodeBuild would ask the provider for. */
const asked = ({ files, message }: RepositoryFacts) => ({
  kiln: {
    changed_files: [...files.added, ...files.modified, ...files.removed],
    head_commit_message: message,
  },
});

function unknownEvent(event: string, sourceType: string, known: readonly string[]): KilnError {
  return usageError(`\`${event}\` is not an event that can be made for a source of type ${sourceType}`, [
    `take one of ${known.join(", ")}`,
  ]);
}

function githubEvent(options: LocalEventOptions, facts: RepositoryFacts): LocalEvent {
  const { event, base, tag, actor, pullRequest, isFork, sourceType } = options;
  const { commit, parent, branch, message, files, owner, name, cloneUrl } = facts;
  const repository = { name, full_name: `${owner}/${name}`, clone_url: cloneUrl, owner: { login: owner } };
  const common = { repository, sender: { id: Number(actor) || actor, login: "local" } };
  const headers = (type: string) => ({ "x-github-event": type, "user-agent": "GitHub-Hookshot/kiln" });
  if (event === "PUSH") {
    const head = { id: commit, message, ...files };
    return {
      headers: headers("push"),
      payload: {
        ref: refOf(options, facts),
        before: parent ?? NO_COMMIT,
        after: commit,
        deleted: false,
        head_commit: head,
        commits: [head],
        ...common,
      },
    };
  }
  if (event === "RELEASED" || event === "PRERELEASED") {
    const tagName = tag ?? `v${commit.slice(0, 7)}`;
    const release = { tag_name: tagName, name: tagName, target_commitish: branch };
    return { headers: headers("release"), payload: { action: event.toLowerCase(), release, ...common } };
  }
  const actions: Readonly<Record<string, string>> = {
    PULL_REQUEST_CREATED: "opened",
    PULL_REQUEST_UPDATED: "synchronize",
    PULL_REQUEST_REOPENED: "reopened",
    PULL_REQUEST_MERGED: "closed",
    PULL_REQUEST_CLOSED: "closed",
  };
  const action = actions[event];
  if (action === undefined) {
    throw unknownEvent(event, sourceType, ["PUSH", ...Object.keys(actions), "RELEASED", "PRERELEASED"]);
  }
  const merged = event === "PULL_REQUEST_MERGED";
  return {
    headers: headers("pull_request"),
    payload: {
      action,
      number: pullRequest,
      pull_request: {
        number: pullRequest,
        merged,
        ...(merged ? { merge_commit_sha: commit } : {}),
        head: { ref: branch, sha: commit, repo: { full_name: isFork ? `fork/${name}` : `${owner}/${name}` } },
        base: { ref: base, repo: { full_name: `${owner}/${name}` } },
      },
      ...common,
      ...asked(facts),
    },
  };
}

function gitlabEvent(options: LocalEventOptions, facts: RepositoryFacts): LocalEvent {
  const { event, base, tag, actor, pullRequest, isFork, sourceType } = options;
  const { commit, parent, branch, message, files, owner, name, cloneUrl } = facts;
  const project = { name, path_with_namespace: `${owner}/${name}`, git_http_url: cloneUrl };
  const headers = (type: string) => ({ "x-gitlab-event": type, "user-agent": "GitLab/kiln" });
  if (event === "PUSH") {
    return {
      headers: headers(tag === undefined ? "Push Hook" : "Tag Push Hook"),
      payload: {
        object_kind: tag === undefined ? "push" : "tag_push",
        ref: refOf(options, facts),
        before: parent ?? NO_COMMIT,
        after: commit,
        checkout_sha: commit,
        user_id: Number(actor) || actor,
        project,
        commits: [{ id: commit, message, ...files }],
      },
    };
  }
  const actions: Readonly<Record<string, string>> = {
    PULL_REQUEST_CREATED: "open",
    PULL_REQUEST_UPDATED: "update",
    PULL_REQUEST_REOPENED: "reopen",
    PULL_REQUEST_MERGED: "merge",
    PULL_REQUEST_CLOSED: "close",
  };
  const user = { id: Number(actor) || actor };
  if (event === "RELEASED") {
    const tagName = tag ?? `v${commit.slice(0, 7)}`;
    const payload = { action: "create", tag: tagName, name: tagName, commit: { id: commit, message }, project, user };
    return { headers: headers("Release Hook"), payload };
  }
  const action = actions[event];
  if (action === undefined) throw unknownEvent(event, sourceType, ["PUSH", ...Object.keys(actions), "RELEASED"]);
  return {
    headers: headers("Merge Request Hook"),
    payload: {
      object_kind: "merge_request",
      user,
      project,
      object_attributes: {
        iid: pullRequest,
        action,
        source_branch: branch,
        target_branch: base,
        source_project_id: isFork ? 2 : 1,
        target_project_id: 1,
        last_commit: { id: commit, message },
        ...(event === "PULL_REQUEST_MERGED" ? { merge_commit_sha: commit } : {}),
      },
      ...asked(facts),
    },
  };
}

function bitbucketEvent(options: LocalEventOptions, facts: RepositoryFacts): LocalEvent {
  const { event, base, tag, actor, pullRequest, isFork, sourceType } = options;
  const { commit, parent, branch, message, owner, name, cloneUrl } = facts;
  const repository = {
    name,
    full_name: `${owner}/${name}`,
    workspace: { slug: owner },
    links: { html: { href: cloneUrl.replace(/\.git$/, "") } },
  };
  const common = { actor: { account_id: actor }, repository };
  const headers = (type: string) => ({ "x-event-key": type, "user-agent": "Bitbucket-Webhooks/2.0" });
  if (event === "PUSH") {
    const made = { type: tag === undefined ? "branch" : "tag", name: tag ?? branch, target: { hash: commit, message } };
    const old = parent === undefined ? null : { name: branch, target: { hash: parent } };
    const payload = { push: { changes: [{ new: made, old }] }, ...common, ...asked(facts) };
    return { headers: headers("repo:push"), payload };
  }
  const keys: Readonly<Record<string, string>> = {
    PULL_REQUEST_CREATED: "pullrequest:created",
    PULL_REQUEST_UPDATED: "pullrequest:updated",
    PULL_REQUEST_MERGED: "pullrequest:fulfilled",
    PULL_REQUEST_CLOSED: "pullrequest:rejected",
  };
  const key = keys[event];
  if (key === undefined) throw unknownEvent(event, sourceType, ["PUSH", ...Object.keys(keys)]);
  return {
    headers: headers(key),
    payload: {
      pullrequest: {
        id: pullRequest,
        source: {
          branch: { name: branch },
          commit: { hash: commit },
          repository: { full_name: isFork ? `fork/${name}` : repository.full_name },
        },
        destination: { branch: { name: base }, repository: { full_name: repository.full_name } },
        ...(event === "PULL_REQUEST_MERGED" ? { merge_commit: { hash: commit } } : {}),
      },
      ...common,
      ...asked(facts),
    },
  };
}
