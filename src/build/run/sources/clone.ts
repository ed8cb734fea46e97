/**
 * A repository of a git server (or of this machine) as a build's source: history as asked for, a detached HEAD, remote
 * branches under `origin/`, submodules when configured. Sources:
 * https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectSource.html (gitCloneDepth, gitSubmodulesConfig,
 * insecureSsl), https://docs.aws.amazon.com/codebuild/latest/userguide/sample-source-version.html
 */
import { mkdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { AwsError } from "../../../core/errors.ts";
import { debug } from "../../../core/log.ts";
import { err, ok, type Result } from "../../../core/result.ts";
import type { PhaseContext } from "../events.ts";
import { credentialsOf } from "./find-credentials.ts";
import type { Git, GitOutcome } from "./git.ts";
import { type GitUrl, parseGitUrl } from "./git-url.ts";
import { lfsWarning } from "./lfs-pointers.ts";
import { isFullCommit, isShortCommit, parseRevision, type Revision } from "./revision.ts";
import { authorizationFailed, clientError, gitFailure, noGit, referenceNotFound } from "./source-failures.ts";
import { boundMirrors, dropMirror, shareObjects, updateMirror } from "./source-mirror.ts";
import { fetchSubmodules } from "./submodules.ts";
import type { SourceTools, TakenSource, WantedSource } from "./taken-source.ts";
import { withTlsReason } from "./tls-problem.ts";

const MAX_SHALLOW_DEPTH = 25;
const ALL_BRANCHES = "+refs/heads/*:refs/remotes/origin/*";

export async function cloneSource(
  wanted: WantedSource,
  tools: SourceTools,
): Promise<Result<TakenSource, PhaseContext>> {
  const { source, version, srcDir } = wanted;
  const parsed = parseGitUrl(source.location ?? "");
  if (!parsed.ok) return err(clientError(`Git clone failed: ${parsed.error}`));
  const revision = version === "HEAD" ? parseRevision(undefined, "") : parseRevision(version, source.type);
  if (!revision) return err(referenceNotFound(wanted));
  if (!(await mayPull(parsed.value, tools))) return err(authorizationFailed(wanted));
  if (await isGitMissing(tools)) return err(noGit(wanted));
  const allowed = await credentialsOf(wanted, parsed.value, tools);
  if (!allowed.ok) return allowed;
  const config = [...allowed.value, ...(source.insecureSsl === true ? ["http.sslVerify=false"] : [])];
  const remote: Remote = { git: tools.git, url: parsed.value, from: parsed.value.url, config, srcDir };

  const depth = depthOf(source.gitCloneDepth);
  const mirror = await mirrorFor(remote, revision, tools);
  let fetched = mirror === undefined ? undefined : await fromMirror(remote, mirror, revision, depth, tools);
  if (fetched === undefined) {
    await startRepository(remote, tools);
    fetched = await fetchRevision(remote, revision, depth);
    // What the server has and the copy has not: the copy is damaged.
    if (mirror !== undefined && "commit" in fetched) await dropMirror(mirror);
  }
  if ("absent" in fetched) return err(referenceNotFound(wanted));
  if ("failure" in fetched) return err(await failed(fetched.failure, parsed.value.url, wanted, tools));

  const checkedOut = await tools.git(srcDir, ["checkout", "-q", "-f", "--detach", fetched.commit], { config });
  if (!checkedOut.ok) return err(clientError(`Git checkout failed: ${checkedOut.message}`));
  if (source.gitSubmodulesConfig?.fetchSubmodules === true) {
    const failure = await fetchSubmodules(tools.git, srcDir, { config, isLocal: parsed.value.protocol === "file" });
    if (failure !== undefined) return err(await failed(failure, parsed.value.url, wanted, tools));
  }
  const warning = await lfsWarning(tools.git, srcDir);
  return ok({
    resolvedVersion: fetched.commit,
    notice: `source: ${parsed.value.url} cloned at ${fetched.commit.slice(0, 12)}${mirror === undefined ? "" : " from the source cache"}`,
    ...(parsed.value.url === source.location ? {} : { repoUrl: parsed.value.url }),
    ...(warning === undefined ? {} : { warnings: [warning] }),
  });
}

async function isGitMissing({ git, scratchDir }: SourceTools): Promise<boolean> {
  const answer = await git(scratchDir, ["--version"]);
  return !answer.ok && answer.missing;
}

const failed = async (said: string, url: string, wanted: WantedSource, tools: SourceTools): Promise<PhaseContext> =>
  gitFailure(await withTlsReason(said, url, tools.caBundle), url, wanted);

/** AWS: a repository of CodeCommit is pulled as the service role. */
async function mayPull({ url }: GitUrl, { authorizeAsRole, scope }: SourceTools): Promise<boolean> {
  const codeCommit =
    /^https:\/\/git-codecommit(?:-fips)?\.([\w-]+)\.amazonaws\.com(?:\.cn)?\/v1\/repos\/([\w.-]+)\/?$/.exec(url);
  if (!codeCommit || !authorizeAsRole) return true;
  const [, region = "", name = ""] = codeCommit;
  try {
    await authorizeAsRole(
      [
        {
          action: "codecommit:GitPull",
          resource: `arn:${scope.partition}:codecommit:${region}:${scope.accountId}:${name}`,
        },
      ],
      { service: "codebuild", operation: "StartBuild" },
    );
    return true;
  } catch (error) {
    if (error instanceof AwsError) return false;
    throw error;
  }
}

interface Remote {
  readonly git: Git;
  readonly url: GitUrl;
  /** Where objects come from: the URL, or its copy on this machine. */
  readonly from: string;
  readonly config: readonly string[];
  readonly srcDir: string;
}

/** The commit; what git said; or that there is no such branch, tag or commit. */
type Fetched = { readonly commit: string } | { readonly failure: string } | { readonly absent: true };

/** AWS: 0, absent and more than 25 mean the whole history. */
const depthOf = (depth = 0): number => (depth > 0 && depth <= MAX_SHALLOW_DEPTH ? depth : 0);

/** Undefined: no source cache, or it is of no use now. */
async function mirrorFor(remote: Remote, revision: Revision, tools: SourceTools): Promise<string | undefined> {
  if (tools.mirrorDir === undefined || remote.url.protocol === "file") return undefined;
  return updateMirror({
    git: tools.git,
    folder: tools.mirrorDir,
    url: remote.url.url,
    config: remote.config,
    revision,
  });
}

/** Takes the revision from the copy; undefined, and nothing left behind, where that cannot be. */
async function fromMirror(
  remote: Remote,
  mirror: string,
  revision: Revision,
  depth: number,
  tools: SourceTools,
): Promise<Fetched | undefined> {
  const gitDir = await startRepository(remote, tools);
  if (depth === 0) await shareObjects(mirror, gitDir).catch((error: unknown) => debug("run", () => String(error)));
  const fetched = await fetchRevision({ ...remote, from: mirror, config: [] }, revision, depth);
  await boundMirrors(mirror, tools.clock);
  if ("commit" in fetched) return fetched;
  await rm(remote.srcDir, { recursive: true, force: true });
  await rm(gitDir, { recursive: true, force: true });
  return undefined;
}

/** Resolves with the folder of the repository. */
async function startRepository({ git, srcDir, url }: Remote, tools: SourceTools): Promise<string> {
  await mkdir(srcDir, { recursive: true, mode: 0o700 });
  let gitDir = join(srcDir, ".git");
  if (tools.mirrorDir !== undefined) {
    // AWS: with the source cache `.git` is a file that leads to the repository.
    gitDir = join(tools.scratchDir, `${basename(srcDir)}-${tools.credentials.nextNumber()}.git`);
    await must(git(srcDir, ["init", "-q", `--separate-git-dir=${gitDir}`]));
  } else {
    await must(git(srcDir, ["init", "-q"]));
  }
  await must(git(srcDir, ["remote", "add", "origin", url.url]));
  return gitDir;
}

async function must(outcome: Promise<GitOutcome>): Promise<void> {
  const done = await outcome;
  if (!done.ok) throw new Error(done.message);
}

async function fetchRevision(remote: Remote, revision: Revision, depth: number): Promise<Fetched> {
  if (depth > 0) {
    const shallow = await fetchShallow(remote, revision, depth);
    if (shallow !== undefined) return shallow;
  }
  switch (revision.kind) {
    case "default":
      return fetched(remote, ["--tags"], ["HEAD", ALL_BRANCHES], "FETCH_HEAD");
    case "reference":
      return fetchFirst(revision.names, (name) =>
        fetched(
          remote,
          ["--tags"],
          [ALL_BRANCHES, ...(name.startsWith("refs/heads/") ? [] : [keep(name)])],
          kept(name),
        ),
      );
    case "pinned": {
      // AWS: only this reference is downloaded.
      const through = await fetched(remote, ["--no-tags"], [keep(revision.name)], revision.commit);
      return "absent" in through ? fetchCommit(remote, revision.commit, 0) : through;
    }
    case "name": {
      const failure = await fetch(remote, ["--tags"], [ALL_BRANCHES]);
      if (failure !== undefined) return { failure };
      const commit = await resolveName(remote, revision.name);
      if (commit !== undefined) return { commit };
      return isFullCommit(revision.name) ? fetchCommit(remote, revision.name, 0) : { absent: true };
    }
  }
}

/** Only what is needed for one commit; undefined where that takes the history (a short commit id, say). */
async function fetchShallow(remote: Remote, revision: Revision, depth: number): Promise<Fetched | undefined> {
  const options = ["--no-tags", `--depth=${depth}`];
  switch (revision.kind) {
    case "default": {
      const listed = await list(remote, ["--symref"], ["HEAD"]);
      if (typeof listed === "string") return { failure: listed };
      const branch = listed.find(({ value }) => value.startsWith("ref: refs/heads/"))?.value.slice("ref: ".length);
      if (branch === undefined) return fetched(remote, options, ["HEAD"], "FETCH_HEAD");
      return fetched(remote, options, [keep(branch)], kept(branch));
    }
    case "reference":
      return fetchFirst(revision.names, (name) => fetched(remote, options, [keep(name)], kept(name)));
    case "pinned": {
      const commit = await fetchCommit(remote, revision.commit, depth);
      return "commit" in commit ? commit : undefined;
    }
    case "name": {
      const wanted = [`refs/heads/${revision.name}`, `refs/tags/${revision.name}`];
      const listed = await list(remote, [], wanted);
      if (typeof listed === "string") return { failure: listed };
      const found = wanted.find((name) => listed.some((item) => item.name === name));
      if (found !== undefined) return fetched(remote, options, [keep(found)], kept(found));
      if (!isFullCommit(revision.name)) return undefined;
      const commit = await fetchCommit(remote, revision.name, depth);
      return "commit" in commit ? commit : undefined;
    }
  }
}

async function fetchFirst(names: readonly string[], attempt: (name: string) => Promise<Fetched>): Promise<Fetched> {
  let last: Fetched = { absent: true };
  for (const name of names) {
    last = await attempt(name);
    if ("commit" in last || ("failure" in last && !isAbsentReference(last.failure))) return last;
  }
  return "failure" in last && isAbsentReference(last.failure) ? { absent: true } : last;
}

const isAbsentReference = (message: string): boolean => /couldn't find remote ref/i.test(message);

/** Servers may refuse to give a commit that no reference names. */
async function fetchCommit(remote: Remote, commit: string, depth: number): Promise<Fetched> {
  const failure = await fetch(remote, ["--no-tags", ...(depth > 0 ? [`--depth=${depth}`] : [])], [commit]);
  return failure === undefined ? resolved(remote, commit) : { absent: true };
}

async function fetched(
  remote: Remote,
  options: readonly string[],
  refspecs: readonly string[],
  name: string,
): Promise<Fetched> {
  const failure = await fetch(remote, options, refspecs);
  return failure === undefined ? resolved(remote, name) : { failure };
}

async function fetch(
  { git, srcDir, from, config }: Remote,
  options: readonly string[],
  refspecs: readonly string[],
): Promise<string | undefined> {
  const done = await git(srcDir, ["fetch", "-q", "--no-recurse-submodules", ...options, "--", from, ...refspecs], {
    config,
  });
  return done.ok ? undefined : done.message;
}

async function list(
  { git, srcDir, from, config }: Remote,
  options: readonly string[],
  names: readonly string[],
): Promise<string | { readonly value: string; readonly name: string }[]> {
  const done = await git(srcDir, ["ls-remote", "-q", ...options, "--", from, ...names], { config });
  if (!done.ok) return done.message;
  return done.text.split("\n").flatMap((line) => {
    const [value, name] = line.split("\t");
    return value !== undefined && name !== undefined ? [{ value, name }] : [];
  });
}

async function resolveName(remote: Remote, name: string): Promise<string | undefined> {
  for (const candidate of [
    `refs/remotes/origin/${name}`,
    `refs/tags/${name}`,
    ...(isShortCommit(name) ? [name] : []),
  ]) {
    const found = await resolved(remote, candidate);
    if ("commit" in found) return found.commit;
  }
  return undefined;
}

async function resolved({ git, srcDir }: Remote, name: string): Promise<Fetched> {
  const found = await git(srcDir, ["rev-parse", "--verify", "-q", "--end-of-options", `${name}^{commit}`]);
  return found.ok ? { commit: found.text.trim() } : { absent: true };
}

/** Where a fetched reference is kept, as a clone keeps it. */
const kept = (name: string): string =>
  name.startsWith("refs/tags/") ? name : `refs/remotes/origin/${name.replace(/^refs\/(?:heads\/)?/, "")}`;
const keep = (name: string): string => `+${name}:${kept(name)}`;
