/**
 * Every path a command needs, looked up in the source: is it there, may a command have made it, does CodeBuild get it?
 * What the rules paths-*, dockerfile-* and files-* speak from. Looked up once a check.
 */
import { posix } from "node:path";
import { globMatcher } from "../../dockerfile/index.ts";
import { type PathUse, pathUsesOf } from "../commands/path-uses.ts";
import type { CheckContext } from "../rule.ts";
import type { ShellCommand } from "../shell/shell-model.ts";
import { foldersOf } from "./nearest-path.ts";
import { directoryOf, sourceRootsOf } from "./source-paths.ts";

/**
 * `missing`: not in the source, and nothing before can have made it. `doubtful`: not in the source, and only a command
 * whose doings are not seen can have made it. `unknown`: nothing can be said.
 */
export type PathState =
  | "there"
  | "missing"
  | "doubtful"
  | "ignored"
  | "untracked"
  | "submodule"
  | "outside"
  | "unknown";

export interface PathLookup {
  readonly command: ShellCommand;
  readonly use: PathUse;
  /** Relative to the source's root; undefined when outside or not known. */
  readonly path: string | undefined;
  readonly state: PathState;
  /** Where it is in the workspace, when it is. */
  readonly found: string | undefined;
}

/** Is there more than the buildspec? One that was handed over alone says nothing about its source. */
export const isSourceKnown = ({ workspace, file }: CheckContext): boolean =>
  workspace.files().some((path) => path !== file && path !== ".gitignore");

const lookups = new WeakMap<CheckContext, readonly PathLookup[]>();

/** Of commands that run in any case; the others may look first whether the path is there. */
export function pathLookupsOf(context: CheckContext): readonly PathLookup[] {
  let known = lookups.get(context);
  if (!known) {
    known = !isSourceKnown(context)
      ? []
      : context.shell.commands
          .filter(({ isGuarded }) => !isGuarded)
          .flatMap((command) => pathUsesOf(command).map((use) => lookUp(context, command, use)));
    lookups.set(context, known);
  }
  return known;
}

function lookUp(context: CheckContext, command: ShellCommand, use: PathUse): PathLookup {
  const path = directoryOf(command.directory, use.path);
  const base = { command, use, path, found: undefined };
  if (path === undefined) return { ...base, state: isOutside(command.directory, use.path) ? "outside" : "unknown" };
  if (isMadeBefore(command, path)) return { ...base, state: "unknown" };
  const { state, found } = stateOf(context, command, path, use);
  return { ...base, state, found };
}

/** A path of the source's own, as CodeBuild has it: for files that commands imply without naming them. */
export function stateOf(
  context: CheckContext,
  command: ShellCommand,
  path: string,
  use: Pick<PathUse, "kind" | "suffixes" | "isGlob">,
): { readonly state: PathState; readonly found: string | undefined } {
  const { workspace } = context;
  // git's own folder is there wherever git was.
  if (/^\.git(\/|$)/.test(path)) return { state: "unknown", found: undefined };
  if (use.isGlob) {
    const matches = matchesOf(context, path);
    const [first] = matches;
    if (first !== undefined) return { state: "there", found: first };
    return { state: command.followsUnknown ? "unknown" : "missing", found: undefined };
  }
  const found = findPath(context, path, use);
  if (found !== undefined) {
    if (workspace.isIgnored(found)) return { state: command.followsUnknown ? "unknown" : "ignored", found };
    return { state: workspace.isTracked(found) === false && found !== "" ? "untracked" : "there", found };
  }
  const candidates = sourceRootsOf(context.file).map((root) => posix.join(root, path));
  if (candidates.some((at) => submoduleOf(context, at) !== undefined)) return { state: "submodule", found: undefined };
  // A link out of the source may lead somewhere on CodeBuild's machine.
  if (candidates.some((at) => workspace.linkTarget(at) !== undefined)) return { state: "unknown", found: undefined };
  if (isBelowAnotherFolder(context, path)) return { state: "unknown", found: undefined };
  return { state: command.followsUnknown ? "doubtful" : "missing", found: undefined };
}

/**
 * The buildspec does not stand at the root, and the path is right below some folder: what CodeBuild gets may be that
 * folder, or another input of the pipeline. A bare name says too little for that.
 */
const isBelowAnotherFolder = ({ file, workspace }: CheckContext, path: string): boolean =>
  sourceRootsOf(file).length > 1 &&
  path.includes("/") &&
  workspace.files().some((one) => one.endsWith(`/${path}`) || one.includes(`/${path}/`));

/** The path in the workspace, under one of the places that may be the source's root. */
export function findPath(
  context: CheckContext,
  path: string,
  { kind, suffixes = [] }: Pick<PathUse, "kind" | "suffixes">,
): string | undefined {
  const { workspace } = context;
  for (const root of sourceRootsOf(context.file)) {
    for (const suffix of ["", ...suffixes]) {
      const at = posix.join(root, `${path}${suffix}`).replace(/^\.$/, "");
      const is = at === "" ? "directory" : workspace.exists(at);
      if (is !== undefined && (kind === "any" || is === kind)) return at;
    }
  }
  return undefined;
}

/** Files and folders of the workspace that a pattern of the shell matches. */
export function matchesOf(context: CheckContext, pattern: string): readonly string[] {
  const all = [...context.workspace.files(), ...foldersOf(context.workspace)];
  return sourceRootsOf(context.file).flatMap((root) => {
    // `**` is no more than `*` in a shell without globstar.
    const matches = globMatcher(posix.join(root, pattern).replace(/\*{2,}/g, "*"));
    return all.filter(matches);
  });
}

/** The submodule that holds the path. */
export const submoduleOf = ({ workspace }: CheckContext, path: string): string | undefined =>
  workspace.submodules().find((module) => path === module || path.startsWith(`${module}/`));

/** A command whose doings are seen makes the path, or something in it or above it. */
export const isMadeBefore = (command: ShellCommand, path: string): boolean => command.isMade(path);

/** `../x` from a known folder, out of the source. `..` alone is there: it holds the source. */
function isOutside(directory: string | undefined, path: string): boolean {
  if (directory === undefined || path.startsWith("/") || path.startsWith("~")) return false;
  const clean = posix.normalize(posix.join(directory, path)).replace(/\/$/, "");
  return clean.startsWith("../") && !/^(\.\.\/)*\.\.$/.test(clean);
}
