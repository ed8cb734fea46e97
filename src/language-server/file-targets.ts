/**
 * The files of the source that a buildspec names, with where it does: buildspecs of a batch, files in commands, Dockerfiles,
 * artifacts, reports. For links and "go to definition"; what is not there is not a target.
 */
import { posix } from "node:path";
import type { Located } from "../build/buildspec/index.ts";
import { directoryOf, dockerBuild, pathUsesOf, type ShellCommand, sourceRootsOf } from "../check/index.ts";
import type { Span } from "../core/diagnostics.ts";
import type { Analysis } from "./buildspecs.ts";

export interface FileTarget {
  /** Where the buildspec names it. */
  readonly span: Span;
  /** Relative to the source's root. */
  readonly path: string;
}

export function fileTargets(analysis: Analysis): FileTarget[] {
  const { buildspec } = analysis.context;
  const { batch, artifacts, reports } = buildspec;
  const tasks = [...(batch?.list ?? []), ...(batch?.graph ?? [])].flatMap(({ buildspec: named }) => named ?? []);
  const dimension = (batch?.matrix?.dimensions ?? [])
    .filter(({ of }) => of === "buildspec")
    .flatMap(({ values }) => values);
  const outputs = [
    ...[artifacts, ...(artifacts?.secondary ?? []).map((one) => one.artifacts)].map((one) => ({
      files: one?.files ?? [],
      base: one?.baseDirectory?.value,
    })),
    ...reports.map(({ files, baseDirectory }) => ({ files, base: baseDirectory?.value })),
  ];
  const found = [
    ...[...tasks, ...dimension].flatMap((named) => target(analysis, named, named.value)),
    ...analysis.context.shell.commands.flatMap((command) => inCommand(analysis, command)),
    ...outputs.flatMap(({ files, base }) =>
      files.flatMap((file) => target(analysis, file, base === undefined ? file.value : posix.join(base, file.value))),
    ),
  ];
  return found.filter(({ span, path }, index) => {
    const same = (other: FileTarget) => other.path === path && other.span.startOffset === span.startOffset;
    return found.findIndex(same) === index;
  });
}

function inCommand(analysis: Analysis, command: ShellCommand): FileTarget[] {
  const uses = pathUsesOf(command).flatMap(({ word, path }) => fromDirectory(analysis, command, word.span, path));
  const build = dockerBuild(command);
  if (!build?.context || build.file) return uses;
  // Without -f it is the Dockerfile in the context.
  const { word, path } = build.context;
  return [...fromDirectory(analysis, command, word.span, posix.join(path, "Dockerfile")), ...uses];
}

function fromDirectory(analysis: Analysis, command: ShellCommand, span: Span | undefined, path: string): FileTarget[] {
  const resolved = span?.file === analysis.file ? directoryOf(command.directory, path) : undefined;
  return span && resolved !== undefined ? target(analysis, { value: path, span }, resolved) : [];
}

/** As CodeBuild looks, from the source's root; a sample may have its root in its own folder. */
function target({ workspace, file }: Analysis, { span }: Located<string>, path: string): FileTarget[] {
  if (/[$*?\n]/.test(path) || path.startsWith("/")) return [];
  const clean = posix.normalize(path);
  for (const root of sourceRootsOf(file)) {
    const full = posix.join(root, clean);
    if (!full.startsWith("..") && workspace.exists(full) === "file") return [{ span, path: full }];
  }
  return [];
}
