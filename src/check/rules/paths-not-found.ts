/**
 * Paths in commands and `artifacts.base-directory` that are not in the source, when nothing before them can have made
 * them. Silent when the directory, the path or what ran before is not known for certain.
 */
import { posix } from "node:path";
import type { Fix } from "../../core/diagnostics.ts";
import { nearestPath, type PathGuess } from "../nearest-path.ts";
import { type PathUse, pathUsesOf } from "../path-uses.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";
import type { ShellCommand } from "../shell-model.ts";
import { directoryOf, sourceRootsOf } from "../source-paths.ts";

export const pathsNotFound: Rule = {
  id: "paths/not-found",
  severity: "error",
  title: "a path that the source does not hold",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.phases",
  *run(context) {
    if (context.workspace.files().length === 0) return;
    for (const command of context.shell.commands) {
      if (command.isGuarded) continue;
      for (const use of pathUsesOf(command)) {
        const finding = findingFor(context, command, use);
        if (finding) yield finding;
      }
    }
    const base = baseDirectory(context);
    if (base) yield base;
  },
};

function findingFor(context: CheckContext, command: ShellCommand, use: PathUse): Finding | undefined {
  const path = directoryOf(command.directory, use.path);
  if (path === undefined || isElsewhere(context, path) || command.mayExist(path)) return undefined;
  const missing = whatIsMissing(context, path, use);
  if (missing === undefined || command.mayExist(missing)) return undefined;
  const isIgnored = context.workspace.isIgnored(missing);
  const kind = missing === path && use.kind === "directory" ? "directory" : "file";
  const guess = missing === path ? nearestPath(context.workspace, path, kind) : undefined;
  const span = use.word.span ?? command.span;
  const here = command.directory === "" ? "the source's root" : `\`${command.directory}\``;
  const severity = severityOf(context, command, use, missing);
  const base = { severity, span } as const;
  // Where the source's root is a guess, an edit would be one too.
  const fixTo = (to: PathGuess | undefined) =>
    severity === "error" || command.isStatusIgnored ? fixWith(context, command, use, to) : {};
  if (missing !== path) {
    const holder = nearestHolder(context, use.mustHold ?? "Dockerfile");
    const other = holder === undefined ? "" : `; there is one in \`${holder === "" ? "." : holder}\``;
    return {
      ...base,
      message: `\`${use.path}\` has no \`${use.mustHold}\`, which \`${use.user}\` reads${other}`,
      why: `the command runs in ${here} and fails there`,
      ...fixTo(holder === undefined ? undefined : { path: holder, isUnique: true }),
    };
  }
  const noun = kind === "directory" ? "folder" : "file";
  if (isIgnored) {
    return {
      ...base,
      message: `${noun} \`${use.path}\` is ignored by git, so CodeBuild does not get it`,
      why: `\`${use.user}\` needs it in ${here}`,
    };
  }
  return {
    ...base,
    message: `${noun} \`${use.path}\` does not exist${guess ? `; the nearest is \`${guess.path}\`` : ""}`,
    why: command.isStatusIgnored
      ? `\`${use.user}\` runs in ${here} and fails; the script goes on without it`
      : `\`${use.user}\` runs in ${here} and fails, and with it ${command.phase.toUpperCase()}`,
    ...fixTo(guess),
  };
}

/** The path that is not there: the path itself, or the file it must hold; undefined when all is well. */
function whatIsMissing(context: CheckContext, path: string, use: PathUse): string | undefined {
  const { workspace } = context;
  const isThere = (candidate: string) => {
    const kind = workspace.exists(candidate);
    if (kind === undefined || workspace.isIgnored(candidate)) return false;
    return use.kind === "any" || kind === use.kind;
  };
  const roots = sourceRootsOf(context.file);
  const found = roots.filter((root) => isThere(posix.join(root, path)) || (path === "" && root === ""));
  if (found.length === 0) return path;
  if (use.mustHold === undefined) return undefined;
  const hold = use.mustHold;
  const holds = found.some((root) => workspace.exists(posix.join(root, path, hold)) === "file");
  return holds ? undefined : posix.join(path, hold);
}

const submodules = new WeakMap<CheckContext, readonly string[]>();

/** Submodules are filled by git, not by the repository's own files. */
function isElsewhere(context: CheckContext, path: string): boolean {
  let paths = submodules.get(context);
  if (!paths) {
    const modules = context.workspace.readText(".gitmodules") ?? "";
    paths = [...modules.matchAll(/^\s*path\s*=\s*(.+?)\s*$/gm)].map((match) => match[1] ?? "");
    submodules.set(context, paths);
  }
  return paths.some((module) => path === module || path.startsWith(`${module}/`));
}

/**
 * An error only when the source's root is certain: the buildspec stands at it, or the path is wrong wherever the root
 * is. A file that is only read into the shell, or made executable, often comes with another input of a pipeline.
 */
function severityOf(context: CheckContext, command: ShellCommand, use: PathUse, path: string): "error" | "warning" {
  if (command.isStatusIgnored || use.user === "source" || use.user === "." || use.user === "chmod") return "warning";
  return isRootCertain(context, path) ? "error" : "warning";
}

function isRootCertain(context: CheckContext, path: string): boolean {
  if (sourceRootsOf(context.file).length === 1) return true;
  // Below some folder the path is right: that folder may be the root of what CodeBuild gets.
  if (context.workspace.files().some((file) => `/${file}`.includes(`/${path}`))) return false;
  return (
    nearestPath(context.workspace, path, "file") !== undefined ||
    nearestPath(context.workspace, path, "directory") !== undefined
  );
}

function nearestHolder(context: CheckContext, name: string): string | undefined {
  const holders = context.workspace.files().filter((file) => posix.basename(file) === name);
  const [only] = holders;
  if (holders.length !== 1 || only === undefined) return undefined;
  const folder = posix.dirname(only);
  return folder === "." ? "" : folder;
}

/** Replaces the path's text, when there is one best guess and the text stands in the file as written. */
function fixWith(
  context: CheckContext,
  command: ShellCommand,
  use: PathUse,
  guess: PathGuess | undefined,
): { fix?: Fix } {
  const span = use.word.span;
  if (!guess?.isUnique || !span || use.word.hasExpansion || command.directory === undefined) return {};
  const source = context.text.slice(span.startOffset, span.endOffset);
  const at = source.lastIndexOf(use.path);
  if (at === -1) return {};
  const relative = posix.relative(`/${command.directory}`, `/${guess.path}`) || ".";
  const slash = use.path.endsWith("/") && relative !== "." ? "/" : "";
  const dot = use.path.startsWith("./") && !relative.startsWith(".") ? "./" : "";
  const newText = `${dot}${relative}${slash}`;
  if (!/^[A-Za-z0-9_./@+-]+$/.test(newText)) return {};
  const startOffset = span.startOffset + at;
  return {
    fix: {
      kind: "edit",
      title: `use \`${newText}\``,
      edits: [{ file: context.file, startOffset, endOffset: startOffset + use.path.length, newText }],
    },
  };
}

function baseDirectory(context: CheckContext): Finding | undefined {
  const base = context.buildspec.artifacts?.baseDirectory;
  if (!base || /[$`*?[\]{}]/.test(base.value)) return undefined;
  const path = directoryOf("", base.value);
  const wording = `UPLOAD_ARTIFACTS fails with \`CLIENT_ERROR: no matching base directory path found for ${base.value}\``;
  const guess = nearestPath(context.workspace, base.value, "directory");
  const isCertain = path !== undefined && isRootCertain(context, path);
  if (path === undefined) {
    if (base.value.startsWith("/")) return undefined;
    return {
      message: `artifacts' base-directory \`${base.value}\` lies outside the source${guess ? `; the nearest is \`${guess.path}\`` : ""}`,
      span: base.span,
      why: `it is relative to the source's root, not to the last \`cd\`; ${wording}`,
    };
  }
  const isThere = sourceRootsOf(context.file).some(
    (root) => context.workspace.exists(posix.join(root, path)) === "directory",
  );
  if (isThere || path === "" || context.shell.mayExistAtEnd(path)) return undefined;
  return {
    severity: isCertain ? "error" : "warning",
    message: `artifacts' base-directory \`${base.value}\` does not exist${guess ? `; the nearest is \`${guess.path}\`` : ""}`,
    span: base.span,
    why: `no command makes it; ${wording}`,
  };
}
