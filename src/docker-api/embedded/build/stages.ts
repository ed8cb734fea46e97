/**
 * Which stages of a Dockerfile a build needs, and which images from elsewhere those are made of. Pure.
 * The embedded builder walks the stages; the engine proxy asks for the names, so that the engine has the images.
 */

import type { Dockerfile, Stage } from "../../../dockerfile/dockerfile.ts";
import { didYouMean } from "../../../dockerfile/go-text.ts";
import { DockerfileError } from "../../../dockerfile/instruction.ts";
import { expandWord } from "../../../dockerfile/words.ts";
import type { BuildStyle } from "./build-request.ts";
import { platformArgs, readGlobalArgs } from "./variables.ts";

export interface NeededStage {
  readonly stage: Stage;
  readonly index: number;
  /** What FROM names, variables expanded: an image or a stage before this one. */
  readonly base: string;
}

/** The stages that a build goes through, in file order: what the target is made of, or with `all` each one up to it. */
export function neededStages(
  dockerfile: Dockerfile,
  target: string,
  args: Readonly<Record<string, string>>,
  style: BuildStyle = "buildkit",
): NeededStage[] {
  const all = allStages(dockerfile, args, style);
  const goal = target === "" ? all.length - 1 : targetIndex(all, target, style);
  // AWS: the classic builder builds every stage up to the target, needed or not.
  if (style === "classic") return all.slice(0, goal + 1);
  const needed = new Set<number>();
  const visit = (index: number | undefined): void => {
    const entry = index === undefined ? undefined : all[index];
    if (!entry || needed.has(entry.index)) return;
    needed.add(entry.index);
    visit(stageBefore(all, entry.base, entry.index));
    for (const source of copySources(entry.stage)) visit(stageBefore(all, source, entry.index));
  };
  visit(goal);
  return all.filter(({ index }) => needed.has(index));
}

function targetIndex(all: readonly NeededStage[], target: string, style: BuildStyle): number {
  const index = stageIndex(all, target, all.length);
  const isNumber = /^\d+$/.test(target);
  if (index >= 0 && index < all.length && !isNumber) return index;
  if (style === "classic") throw new DockerfileError(`failed to reach build target ${target} in Dockerfile`);
  const names = all.map(({ stage, index: at }) => stage.name ?? `stage-${at}`);
  throw new DockerfileError(`target stage "${target}" could not be found${didYouMean(target, names, true)}`);
}

/** Undefined when it is none of the stages before. */
export function stageBefore(all: readonly NeededStage[], name: string, before: number): number | undefined {
  const index = stageIndex(all, name, before);
  return index < 0 || index >= before ? undefined : index;
}

/**
 * Names of images that a build asks for: FROM and `--from`, without stages and `scratch`. With every stage up to the
 * target, as the classic builder builds them. A name that needs a value nobody gave is left out.
 */
export function baseImageNames(
  dockerfile: Dockerfile,
  target: string,
  buildArgs: Readonly<Record<string, string>>,
): string[] {
  const given = { ...platformArgs(), ...buildArgs };
  const args = { ...platformArgs(), ...readGlobalArgs(dockerfile, given) };
  const all = dockerfile.stages.map((stage, index) => ({ stage, index, base: baseOf(stage, dockerfile, args) }));
  const goal = target === "" ? -1 : stageIndex(all, target, all.length);
  const names = new Set<string>();
  for (const { stage, index, base } of goal < 0 ? all : all.slice(0, goal + 1)) {
    for (const name of [base, ...copySources(stage)]) {
      const isStage = stageIndex(all, name, index) >= 0;
      if (name !== "" && name !== "scratch" && !isStage && !name.includes("$")) names.add(name);
    }
  }
  return [...names];
}

/** The classic builder says that a base is blank when it gets there: it is blank in what this gives, then. */
export function allStages(
  dockerfile: Dockerfile,
  args: Readonly<Record<string, string>>,
  style: BuildStyle,
): NeededStage[] {
  return dockerfile.stages.map((stage, index) => {
    const base = baseOf(stage, dockerfile, args);
    if (base === "" && style === "buildkit") throw blankBase(stage);
    return { stage, index, base };
  });
}

export const blankBase = ({ from }: Stage): DockerfileError =>
  new DockerfileError(`base name (${from.text.split(/\s+/)[0]}) should not be blank`, from);

const baseOf = (stage: Stage, dockerfile: Dockerfile, args: Readonly<Record<string, string>>): string =>
  expandWord(stage.from.text.split(/\s+/)[0] ?? "", (name) => args[name], dockerfile.escape);

/** By name or number; -1 when it is none of the stages before `before`. */
function stageIndex(all: readonly NeededStage[], name: string, before: number): number {
  const byName = all.findLastIndex(({ stage, index }) => index < before && stage.name === name.toLowerCase());
  return byName >= 0 || !/^\d+$/.test(name) ? byName : Number(name);
}

export const copySources = (stage: Stage): string[] =>
  stage.instructions.flatMap((instruction) =>
    instruction.flags.flatMap(({ name, value }) =>
      name === "from" ? [value] : name === "mount" ? mountSources(value) : [],
    ),
  );

const mountSources = (value: string): string[] =>
  value.split(",").flatMap((part) => (part.startsWith("from=") ? [part.slice("from=".length)] : []));
