/**
 * A folder of this machine as a build's source: what CodeBuild would get once the work is committed, i.e. tracked files
 * as they are now and untracked ones that git does not ignore; or, with a source version, that revision.
 * Git sources get a `.git` (history shared with the user's repository, which is only read); S3 and pipeline sources do
 * not. Nothing in the user's folder is changed.
 */
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { err, ok, type Result } from "../../../core/result.ts";
import { asPath, copyPaths, listTree, type TreePath } from "../copy-tree.ts";
import type { PhaseContext } from "../events.ts";
import type { Git } from "./git.ts";
import { asCloneUrl, withoutCredentials } from "./git-url.ts";
import { parseRevision } from "./revision.ts";
import { clientError, gitFailure, noGit, referenceNotFound } from "./source-failures.ts";
import { fetchSubmodules } from "./submodules.ts";
import { isGitSource, type SourceTools, type TakenSource, type WantedSource } from "./taken-source.ts";

const OWN_FOLDERS: ReadonlySet<string> = new Set([".kiln"]);

export async function takeWorkingTree(
  wanted: WantedSource,
  folder: string,
  tools: SourceTools,
): Promise<Result<TakenSource, PhaseContext>> {
  const { srcDir, source, version } = wanted;
  const { git, signal } = tools;
  const found = await findRepository(git, folder);
  if (found === "no git" && version !== undefined) return err(noGit(wanted));
  const repository = found === "no git" ? undefined : found;
  if (version !== undefined) {
    if (!repository) return err(referenceNotFound(wanted));
    return takeRevision(wanted, folder, repository, version, tools);
  }
  await mkdir(srcDir, { recursive: true });
  const listed = repository ? await gitFiles(git, folder) : await listTree(folder, OWN_FOLDERS);
  const copied = await copyPaths(folder, srcDir, listed.paths, signal);
  const isWhole = repository?.head !== undefined && repository.prefix === "" && isGitSource(source.type);
  const history = isWhole && repository ? await shareHistory(git, repository, srcDir) : {};
  const files = `${copied.count} file${copied.count === 1 ? "" : "s"}`;
  const warnings = [
    ...leftOut("not readable for this user", [...listed.unreadable, ...copied.unreadable]),
    ...leftOut("a socket, pipe or device", copied.special),
  ];
  return ok({
    ...(repository?.head === undefined ? {} : { resolvedVersion: repository.head }),
    ...history,
    notice: repository
      ? `source: ${files} of ${folder} as they are now (tracked ones, and untracked ones that git does not ignore)${isWhole ? "" : ", without .git"}`
      : `source: all ${files} of ${folder} (${found === "no git" ? "there is no `git` on PATH, so also what it ignores" : "it is not a git work tree"})`,
    ...(warnings.length === 0 ? {} : { warnings }),
  });
}

/** A repository without files: it is cloned. */
export async function isBareRepository(git: Git, folder: string): Promise<boolean> {
  const answer = await git(folder, ["rev-parse", "--is-bare-repository"]);
  return answer.ok && answer.text.trim() === "true";
}

const SHOWN_PATHS = 5;

/** One warning that names what is not in the source, and why. Line ends in names are shown, not printed. */
function leftOut(why: string, paths: readonly string[]): string[] {
  if (paths.length === 0) return [];
  const shown = paths.slice(0, SHOWN_PATHS).map((path) => `\`${path.replaceAll("\n", "\\n")}\``);
  const more = paths.length > SHOWN_PATHS ? ` and ${paths.length - SHOWN_PATHS} more` : "";
  return [`not in the build's source (${why}): ${shown.join(", ")}${more}`];
}

interface Repository {
  readonly gitDir: string;
  /** Path of the folder inside the work tree, "" at its top, else ending in a slash. */
  readonly prefix: string;
  /** Commit of HEAD; undefined before the first commit. */
  readonly head: string | undefined;
}

async function findRepository(git: Git, folder: string): Promise<Repository | "no git" | undefined> {
  const answer = await git(folder, ["rev-parse", "--git-common-dir", "--show-prefix", "--verify", "-q", "HEAD"]);
  if (answer.ok) {
    const [gitDir = "", prefix = "", head = ""] = answer.text.split("\n");
    return { gitDir: gitDir.startsWith("/") ? gitDir : join(folder, gitDir), prefix, head };
  }
  if (answer.missing) return "no git";
  const unborn = await git(folder, ["rev-parse", "--git-common-dir", "--show-prefix"]);
  if (!unborn.ok) return undefined;
  const [gitDir = "", prefix = ""] = unborn.text.split("\n");
  return { gitDir: gitDir.startsWith("/") ? gitDir : join(folder, gitDir), prefix, head: undefined };
}

async function gitFiles(
  git: Git,
  folder: string,
): Promise<{ readonly paths: readonly TreePath[]; readonly unreadable: readonly string[] }> {
  const [own, submodules] = await Promise.all([
    git(folder, ["ls-files", "-z", "-co", "--exclude-standard"]),
    git(folder, ["ls-files", "-z", "-c", "--recurse-submodules"]),
  ]);
  if (!own.ok) return listTree(folder, OWN_FOLDERS);
  // Byte for byte as text, so that names which are no UTF-8 stay apart.
  const names = new Set(
    [own, submodules].flatMap((list) => (list.ok ? list.bytes.toString("latin1").split("\0") : [])),
  );
  names.delete("");
  const paths = [...names].filter((name) => !name.startsWith(".kiln/")).sort();
  const unreadable = [...own.warnings.matchAll(/could not open directory '(.*)': Permission denied/g)];
  return {
    paths: paths.map((name) => asPath(Buffer.from(name, "latin1"))),
    unreadable: unreadable.map((match) => match[1] ?? ""),
  };
}

/**
 * A `.git` at HEAD whose objects are the user's repository's, and whose index matches HEAD. Resolves with the clone URL
 * that CodeBuild would know the repository by, where it has one.
 */
async function shareHistory(git: Git, repository: Repository, srcDir: string): Promise<{ readonly repoUrl?: string }> {
  const gitDir = join(srcDir, ".git");
  const [refs, origin] = await Promise.all([
    git(repository.gitDir, [
      "for-each-ref",
      "--format=%(objectname) %(refname)",
      "refs/heads",
      "refs/tags",
      "refs/remotes/origin",
    ]),
    git(repository.gitDir, ["config", "--get", "remote.origin.url"]),
    git(srcDir, ["init", "-q"]),
  ]);
  const url = origin.ok ? withoutCredentials(origin.text.trim()) : undefined;
  const packed = (refs.ok ? refs.text : "")
    .split("\n")
    .filter((line) => line !== "" && !line.endsWith("/HEAD"))
    .map((line) => line.replace(" refs/heads/", " refs/remotes/origin/"));
  await Promise.all([
    mkdir(join(gitDir, "objects", "info"), { recursive: true }).then(() =>
      writeFile(join(gitDir, "objects", "info", "alternates"), `${join(repository.gitDir, "objects")}\n`),
    ),
    writeFile(
      join(gitDir, "packed-refs"),
      [...new Map(packed.map((l) => [l.split(" ")[1], l])).values(), ""].join("\n"),
    ),
    // AWS: a commit is checked out, no branch.
    writeFile(join(gitDir, "HEAD"), `${repository.head}\n`),
  ]);
  await git(srcDir, ["reset", "-q"]);
  if (url === undefined) return {};
  await git(srcDir, ["remote", "add", "origin", url]);
  return { repoUrl: asCloneUrl(url) };
}

async function takeRevision(
  wanted: WantedSource,
  folder: string,
  repository: Repository,
  version: string,
  { git }: SourceTools,
): Promise<Result<TakenSource, PhaseContext>> {
  const { srcDir, source } = wanted;
  const sha = await commitOf(git, folder, version, source.type);
  if (sha === undefined) return err(referenceNotFound(wanted));
  const whole = repository.prefix === "" ? srcDir : `${srcDir}.whole`;
  await mkdir(whole, { recursive: true });
  const history = await shareHistory(git, { ...repository, head: sha }, whole);
  const checkedOut = await git(whole, ["checkout", "-q", "-f", "--detach", sha]);
  if (!checkedOut.ok) return err(clientError(`Git checkout failed: ${checkedOut.message}`));
  if (source.gitSubmodulesConfig?.fetchSubmodules === true) {
    const failure = await fetchSubmodules(git, whole, { config: [], isLocal: true });
    if (failure !== undefined) return err(gitFailure(failure, folder, wanted));
  }
  const keepsHistory = whole === srcDir && isGitSource(source.type);
  if (whole !== srcDir) {
    await rename(join(whole, repository.prefix), srcDir).catch(() => mkdir(srcDir, { recursive: true }));
    await rm(whole, { recursive: true, force: true });
  } else if (!keepsHistory) {
    await rm(join(srcDir, ".git"), { recursive: true, force: true });
  }
  return ok({
    resolvedVersion: sha,
    ...(keepsHistory ? history : {}),
    notice: `source: ${folder} at ${version} (${sha.slice(0, 12)})`,
  });
}

/** The user's own words for a revision (`HEAD~1`) as well as CodeBuild's. */
async function commitOf(git: Git, folder: string, version: string, type: string): Promise<string | undefined> {
  const revision = parseRevision(version, type);
  const names =
    revision?.kind === "pinned"
      ? [revision.commit]
      : revision?.kind === "reference"
        ? revision.names
        : [version, `refs/remotes/origin/${version}`];
  for (const name of names) {
    const commit = await git(folder, ["rev-parse", "--verify", "-q", "--end-of-options", `${name}^{commit}`]);
    if (commit.ok) return commit.text.trim();
  }
  return undefined;
}
