/**
 * DOWNLOAD_SOURCE, first half: the primary source into `CODEBUILD_SRC_DIR`.
 * Sources: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectSource.html; error texts from published logs.
 * Gaps: S3 and CODEPIPELINE sources that are not a folder of this machine, secondary sources, source credentials.
 */
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { err, ok, type Result } from "../../core/result.ts";
import type { BuildSource } from "./build-request.ts";
import type { PhaseContext } from "./events.ts";
import { git } from "./git.ts";
import { isGitSource, type TakenSource } from "./taken-source.ts";
import { takeWorkingTree } from "./working-tree.ts";

/** `CODEBUILD_SRC_DIR` below the build's folder; for clone URLs with host and path, as on AWS. */
export function sourceFolder(workDir: string, digits: string, source: BuildSource): string {
  const base = `${workDir}/codebuild/output/src${digits}/src`;
  const url = isGitSource(source.type)
    ? /^https?:\/\/(?:[^/@]*@)?([^/]+)\/(.+?)(?:\.git)?\/?$/.exec(source.location ?? "")
    : null;
  return url && !(url[2] ?? "").split("/").includes("..") ? `${base}/${url[1]}/${url[2]}` : base;
}

export async function takeSource(
  source: BuildSource,
  sourceVersion: string | undefined,
  srcDir: string,
  signal: AbortSignal,
): Promise<Result<TakenSource, PhaseContext>> {
  await mkdir(dirname(srcDir), { recursive: true, mode: 0o700 });
  if (source.type === "NO_SOURCE") {
    await mkdir(srcDir, { recursive: true });
    return ok({});
  }
  const location = source.location ?? "";
  if (location.startsWith("file://")) {
    const folder = fileURLToPath(location);
    const found = await stat(folder).catch(() => undefined);
    if (!found?.isDirectory()) return err(notFound("repository", sourceVersion));
    return takeWorkingTree({ folder, sourceType: source.type, sourceVersion, srcDir, signal });
  }
  if (isGitSource(source.type)) return clone(source, location, sourceVersion, srcDir, signal);
  return err({
    statusCode: "CLIENT_ERROR",
    message: `Kiln does not download sources of type ${source.type} yet; use a folder of this machine (\`file:///…\`) as the source's location`,
  });
}

async function clone(
  source: BuildSource,
  url: string,
  version: string | undefined,
  srcDir: string,
  signal: AbortSignal,
): Promise<Result<TakenSource, PhaseContext>> {
  const depth = source.gitCloneDepth ?? 0;
  // AWS: 0, absent or more than 25 means the full history; a version that is no branch or tag needs it, too.
  const shallow = depth > 0 && depth <= 25 && (version ?? "") === "" ? ["--depth", String(depth)] : [];
  const cloned = await git(dirname(srcDir), ["clone", "-q", ...shallow, "--", url, srcDir], signal);
  if (!cloned.ok) return err(cloneFailure(cloned.message, url, version));
  if (version !== undefined && version !== "") {
    const wanted = await checkout(srcDir, version, signal);
    if (!wanted) return err(notFound("reference", version));
  }
  const head = await git(srcDir, ["rev-parse", "HEAD"], signal);
  return ok(head.ok ? { resolvedVersion: head.text.trim(), notice: `source: ${url} cloned` } : {});
}

/** Commit, branch, tag, `refs/…`, `pr/<n>`, `refs/heads/x^{<sha>}`. */
async function checkout(srcDir: string, version: string, signal: AbortSignal): Promise<boolean> {
  const pinned = /^(.+)\^\{([0-9a-f]{40})\}$/.exec(version);
  const pull = /^pr\/(\d+)$/.exec(version);
  const reference = pull ? `refs/pull/${pull[1]}/head` : (pinned?.[1] ?? version);
  const candidates = [pinned?.[2] ?? "", `origin/${version}`, version].filter((name) => name !== "");
  if (reference.startsWith("refs/")) {
    const fetched = await git(srcDir, ["fetch", "-q", "origin", reference], signal);
    if (!fetched.ok) return false;
    candidates.splice(pinned ? 1 : 0, 0, "FETCH_HEAD");
  }
  for (const candidate of candidates) {
    const commit = await git(
      srcDir,
      ["rev-parse", "--verify", "-q", "--end-of-options", `${candidate}^{commit}`],
      signal,
    );
    if (commit.ok) return (await git(srcDir, ["checkout", "-q", "--detach", commit.text.trim()], signal)).ok;
  }
  return false;
}

function cloneFailure(message: string, url: string, version: string | undefined): PhaseContext {
  if (/could not read Username|Authentication failed|terminal prompts disabled/i.test(message)) {
    return {
      statusCode: "CLIENT_ERROR",
      message: `authentication required for primary source and source version ${version ?? ""}`,
    };
  }
  if (/not found|does not exist|does not appear to be a git repository/i.test(message))
    return notFound("repository", version);
  const last = message.split("\n").findLast((line) => line !== "") ?? message;
  const reason = last.replace(/^fatal: /, "").replace(/^unable to access/, "Unable to access");
  return { statusCode: "CLIENT_ERROR", message: `Git clone failed: ${reason || `cannot clone '${url}'`}` };
}

const notFound = (what: "repository" | "reference", version: string | undefined): PhaseContext => ({
  statusCode: "CLIENT_ERROR",
  message: `${what} not found for primary source and source version ${version ?? ""}`,
});
