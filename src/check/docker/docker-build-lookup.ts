/**
 * Every `docker build` of the commands with its Dockerfile read from the source: what the rules dockerfile-* speak from.
 * A Dockerfile that a command may have made, or whose place is not known, is not read.
 */
import { posix } from "node:path";
import {
  type Dockerfile,
  DockerfileError,
  type Instruction,
  parseDockerfile,
  type Stage,
} from "../../dockerfile/index.ts";
import type { CheckContext } from "../rule.ts";
import type { ShellCommand } from "../shell/shell-model.ts";
import { isMadeBefore, isSourceKnown, type PathState, stateOf } from "../tree/path-lookup.ts";
import { directoryOf } from "../tree/source-paths.ts";
import { type DockerBuild, dockerBuild } from "./docker-build.ts";

export interface DockerBuildLookup {
  readonly command: ShellCommand;
  readonly build: DockerBuild;
  /** Folder of the context relative to the source's root; undefined when not known or not a folder of the source. */
  readonly contextPath: string | undefined;
  /** Relative to the source's root. */
  readonly dockerfilePath: string | undefined;
  readonly dockerfileState: PathState;
  /** In the workspace. */
  readonly dockerfile: { readonly file: string; readonly parsed: Dockerfile } | undefined;
  /** Why the Dockerfile cannot be parsed. */
  readonly problem: DockerfileError | undefined;
}

const lookups = new WeakMap<CheckContext, readonly DockerBuildLookup[]>();

export function dockerBuildsOf(context: CheckContext): readonly DockerBuildLookup[] {
  let known = lookups.get(context);
  if (!known) {
    known = !isSourceKnown(context)
      ? []
      : context.shell.commands.flatMap((command) => {
          const build = command.isGuarded ? undefined : dockerBuild(command);
          return build && !build.isUncertain ? lookUp(context, command, build) : [];
        });
    lookups.set(context, known);
  }
  return known;
}

function lookUp(context: CheckContext, command: ShellCommand, build: DockerBuild): DockerBuildLookup {
  const contextPath = build.context && directoryOf(command.directory, build.context.path);
  const dockerfilePath = dockerfilePathOf(command, build, contextPath);
  const base = { command, build, contextPath, dockerfilePath, dockerfile: undefined, problem: undefined };
  if (dockerfilePath === undefined || isMadeBefore(command, dockerfilePath))
    return { ...base, dockerfileState: "unknown" };
  const { state, found } = stateOf(context, command, dockerfilePath, { kind: "file" });
  const text = found === undefined || state === "ignored" ? undefined : context.workspace.readText(found);
  if (found === undefined || text === undefined || text.trim() === "") return { ...base, dockerfileState: state };
  try {
    return { ...base, dockerfileState: state, dockerfile: { file: found, parsed: parseDockerfile(text) } };
  } catch (error) {
    if (!(error instanceof DockerfileError)) throw error;
    return { ...base, dockerfileState: state, problem: error };
  }
}

/** `-f` counts from the directory of the command, the default from the context. */
function dockerfilePathOf(
  command: ShellCommand,
  { file }: DockerBuild,
  contextPath: string | undefined,
): string | undefined {
  if (file) return file.path === undefined ? undefined : directoryOf(command.directory, file.path);
  return contextPath === undefined ? undefined : posix.join(contextPath, "Dockerfile");
}

/** Stages that the target is made of; those of a target that does not exist are none. */
export function neededStages({ stages }: Dockerfile, target: string | undefined): readonly Stage[] {
  const goal = target === undefined ? stages.length - 1 : stageIndex(stages, target, stages.length);
  const needed = new Set<number>();
  const visit = (index: number): void => {
    const stage = stages[index];
    if (!stage || needed.has(index)) return;
    needed.add(index);
    for (const name of [stage.from.text.split(/\s+/)[0] ?? "", ...stage.instructions.flatMap(fromFlags)])
      visit(stageIndex(stages, name, index));
  };
  visit(goal);
  return stages.filter((_, index) => needed.has(index));
}

/** By name or number; -1 when there is no such stage before `before`. */
export function stageIndex(stages: readonly Stage[], name: string, before: number): number {
  const byName = stages.findLastIndex((stage, index) => index < before && stage.name === name.toLowerCase());
  if (byName >= 0 || !/^\d+$/.test(name)) return byName;
  return Number(name) < before ? Number(name) : -1;
}

const fromFlags = (instruction: Instruction): string[] =>
  instruction.flags.flatMap(({ name, value }) => {
    if (name === "from") return [value];
    const from = name === "mount" ? /(?:^|,)from=([^,]+)/.exec(value)?.[1] : undefined;
    return from === undefined ? [] : [from];
  });
