/**
 * Where a source would be cloned from on AWS: the location of a git source, or, for a folder of this machine, the `origin`
 * of the repository in it. Decides the folder a build finds its source in, `…/src/github.com/<owner>/<repo>`.
 */
import type { BuildSource } from "../build-request.ts";
import type { Git } from "./git.ts";
import { parseGitUrl } from "./git-url.ts";
import { localFolder } from "./local-folder.ts";
import { isGitSource } from "./taken-source.ts";

/** Servers that CodeBuild clones from without a setting of its own. */
const PUBLIC_HOST =
  /^(?:github\.com|gitlab\.com|bitbucket\.org|git-codecommit(?:-fips)?\.[\w-]+\.amazonaws\.com(?:\.cn)?)$/;
/** Sources that may be on any server. */
const OWN_SERVERS: ReadonlySet<string> = new Set(["GITHUB_ENTERPRISE", "GITLAB_SELF_MANAGED"]);

/** The source as a project on AWS would name it, as far as that is known. */
export async function asOnAws<S extends Pick<BuildSource, "type" | "location">>(source: S, git: Git): Promise<S> {
  if (!isGitSource(source.type)) return source;
  const folder = localFolder(source.location);
  if (folder === undefined) return source;
  const origin = await git(folder, ["config", "--get", "remote.origin.url"]);
  const url = origin.ok ? origin.text.trim() : "";
  return isCodeBuilds(url, source.type) ? { ...source, location: url } : source;
}

function isCodeBuilds(url: string, type: string): boolean {
  const parsed = parseGitUrl(url);
  if (!parsed.ok || (parsed.value.protocol !== "https" && parsed.value.protocol !== "ssh")) return false;
  const host = parsed.value.folder?.split("/")[0] ?? "";
  return OWN_SERVERS.has(type) || PUBLIC_HOST.test(host);
}
