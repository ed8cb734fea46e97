/**
 * Submodules of a checked-out source, level by level. A repository decides what its submodules' URLs are, so they get
 * less trust than the source's own location: no command transports, and folders of this machine only relative to a source
 * that itself is such a folder.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_GitSubmodulesConfig.html
 */
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import type { Git } from "./git.ts";
import { parseGitUrl } from "./git-url.ts";

/** Deeper nesting than this is a loop. */
const MAX_LEVELS = 16;

interface SubmoduleAccess {
  readonly config: readonly string[];
  /** The source is a folder of this machine. */
  readonly isLocal: boolean;
}

/** Resolves with what went wrong. */
export async function fetchSubmodules(
  git: Git,
  top: string,
  access: SubmoduleAccess,
  level = 1,
): Promise<string | undefined> {
  const file = await lstat(join(top, ".gitmodules")).catch(() => undefined);
  if (file === undefined) return undefined;
  if (!file.isFile()) return "fatal: `.gitmodules` is no file";
  if (level > MAX_LEVELS) return `fatal: submodules are nested deeper than ${MAX_LEVELS} levels`;
  const listed = await git(top, ["config", "-z", "-f", ".gitmodules", "--get-regexp", "^submodule\\..*\\.(url|path)$"]);
  // No match is no submodule.
  const settings = (listed.ok ? listed.text : "").split("\0").flatMap((line) => {
    const [name, ...value] = line.split("\n");
    return name === undefined || name === "" ? [] : [{ name, value: value.join("\n") }];
  });
  for (const { name, value } of settings) {
    const refused = name.endsWith(".url") ? refusalOf(value, access) : undefined;
    if (refused !== undefined) return `fatal: ${name.slice("submodule.".length, -".url".length)}: ${refused}`;
  }
  const updated = await git(top, ["submodule", "--quiet", "update", "--init", "--checkout"], {
    config: [...access.config, ...(access.isLocal ? ["protocol.file.allow=always"] : [])],
  });
  if (!updated.ok) return updated.message;
  for (const { name, value: path } of settings) {
    if (!name.endsWith(".path")) continue;
    const isCheckedOut = await lstat(join(top, path, ".git")).catch(() => undefined);
    const failure = isCheckedOut && (await fetchSubmodules(git, join(top, path), access, level + 1));
    if (failure !== undefined) return failure;
  }
  return undefined;
}

function refusalOf(url: string, { isLocal }: SubmoduleAccess): string | undefined {
  // Relative to the source's own location, so of the same transport.
  if (/^\.\.?\//.test(url)) return undefined;
  const parsed = parseGitUrl(url);
  if (!parsed.ok) return `the submodule's URL is not taken: ${parsed.error}`;
  if (parsed.value.protocol !== "file") return undefined;
  return `the submodule's URL is a folder of this machine${isLocal ? "; only a relative one is taken" : ""}`;
}
