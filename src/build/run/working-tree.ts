/**
 * A folder of this machine as a build's source: what CodeBuild would get once the work is committed, i.e. tracked files
 * as they are now and untracked ones that git does not ignore; or, with a source version, that revision.
 * Git sources get a `.git` (history shared with the user's repository, which is only read); S3 and pipeline sources do
 * not. Nothing in the user's folder is changed.
 */
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { err, ok, type Result } from "../../core/result.ts";
import { asPath, copyPaths, listTree, type TreePath } from "./copy-tree.ts";
import type { PhaseContext } from "./events.ts";
import { git } from "./git.ts";
import { isGitSource, type TakenSource } from "./taken-source.ts";

const OWN_FOLDERS: ReadonlySet<string> = new Set([".kiln"]);

export interface WorkingTreeInput {
  readonly folder: string;
  readonly sourceType: string;
  readonly sourceVersion: string | undefined;
  readonly srcDir: string;
  readonly signal: AbortSignal;
}

export async function takeWorkingTree(input: WorkingTreeInput): Promise<Result<TakenSource, PhaseContext>> {
  const { folder, srcDir, signal } = input;
  const repository = await findRepository(folder, signal);
  if (input.sourceVersion !== undefined && input.sourceVersion !== "") {
    if (!repository) return err(referenceNotFound(input.sourceVersion));
    return takeRevision(input, repository, input.sourceVersion);
  }
  await mkdir(srcDir, { recursive: true });
  const listed = repository ? await gitFiles(folder, signal) : await listTree(folder, OWN_FOLDERS);
  const copied = await copyPaths(folder, srcDir, listed.paths, signal);
  const withHistory = repository?.head !== undefined && repository.prefix === "" && isGitSource(input.sourceType);
  if (withHistory && repository) await shareHistory(repository, srcDir, signal);
  const files = `${copied.count} file${copied.count === 1 ? "" : "s"}`;
  const warnings = [
    ...leftOut("not readable for this user", [...listed.unreadable, ...copied.unreadable]),
    ...leftOut("a socket, pipe or device", copied.special),
  ];
  return ok({
    ...(repository?.head === undefined ? {} : { resolvedVersion: repository.head }),
    notice: repository
      ? `source: ${files} of ${folder} as they are now (tracked ones, and untracked ones that git does not ignore)${withHistory ? "" : ", without .git"}`
      : `source: all ${files} of ${folder} (it is not a git work tree)`,
    ...(warnings.length === 0 ? {} : { warnings }),
  });
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

async function findRepository(folder: string, signal: AbortSignal): Promise<Repository | undefined> {
  const answer = await git(
    folder,
    ["rev-parse", "--git-common-dir", "--show-prefix", "--verify", "-q", "HEAD"],
    signal,
  );
  if (answer.ok) {
    const [gitDir = "", prefix = "", head = ""] = answer.text.split("\n");
    return { gitDir: gitDir.startsWith("/") ? gitDir : join(folder, gitDir), prefix, head };
  }
  const unborn = await git(folder, ["rev-parse", "--git-common-dir", "--show-prefix"], signal);
  if (!unborn.ok) return undefined;
  const [gitDir = "", prefix = ""] = unborn.text.split("\n");
  return { gitDir: gitDir.startsWith("/") ? gitDir : join(folder, gitDir), prefix, head: undefined };
}

async function gitFiles(
  folder: string,
  signal: AbortSignal,
): Promise<{ readonly paths: readonly TreePath[]; readonly unreadable: readonly string[] }> {
  const [own, submodules] = await Promise.all([
    git(folder, ["ls-files", "-z", "-co", "--exclude-standard"], signal),
    git(folder, ["ls-files", "-z", "-c", "--recurse-submodules"], signal),
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

/** A `.git` at HEAD whose objects are the user's repository's, and whose index matches HEAD. */
async function shareHistory(repository: Repository, srcDir: string, signal: AbortSignal): Promise<void> {
  const gitDir = join(srcDir, ".git");
  const [refs, origin] = await Promise.all([
    git(
      repository.gitDir,
      ["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags", "refs/remotes/origin"],
      signal,
    ),
    git(repository.gitDir, ["config", "--get", "remote.origin.url"], signal),
    git(srcDir, ["init", "-q"], signal),
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
  await git(srcDir, ["reset", "-q"], signal);
  if (url !== undefined) await git(srcDir, ["remote", "add", "origin", url], signal);
}

const withoutCredentials = (url: string): string => url.replace(/^(\w+:\/\/)[^/@]*@/, "$1");

async function takeRevision(
  input: WorkingTreeInput,
  repository: Repository,
  version: string,
): Promise<Result<TakenSource, PhaseContext>> {
  const { folder, srcDir, signal } = input;
  const commit = await git(folder, ["rev-parse", "--verify", "-q", "--end-of-options", `${version}^{commit}`], signal);
  if (!commit.ok) return err(referenceNotFound(version));
  const sha = commit.text.trim();
  const whole = repository.prefix === "" ? srcDir : `${srcDir}.whole`;
  await mkdir(whole, { recursive: true });
  await shareHistory({ ...repository, head: sha }, whole, signal);
  const checkedOut = await git(whole, ["checkout", "-q", "-f", "--detach", sha], signal);
  if (!checkedOut.ok) return err({ statusCode: "CLIENT_ERROR", message: `Git checkout failed: ${checkedOut.message}` });
  if (whole !== srcDir) {
    await rename(join(whole, repository.prefix), srcDir).catch(() => mkdir(srcDir, { recursive: true }));
    await rm(whole, { recursive: true, force: true });
  } else if (!isGitSource(input.sourceType)) {
    await rm(join(srcDir, ".git"), { recursive: true, force: true });
  }
  return ok({ resolvedVersion: sha, notice: `source: ${folder} at ${version} (${sha.slice(0, 12)})` });
}

const referenceNotFound = (version: string): PhaseContext => ({
  statusCode: "CLIENT_ERROR",
  message: `reference not found for primary source and source version ${version}`,
});
