/**
 * Which stages of a Dockerfile a build needs, and which images from elsewhere those are made of. Pure.
 * The embedded builder walks the stages; the engine proxy asks for the names, so that the engine has the images.
 */
import { imageArchitecture } from "../../../images/image.ts";
import { BuildError } from "./build-request.ts";
import { type Dockerfile, DockerfileError, type Stage } from "./dockerfile.ts";
import { expandWord } from "./words.ts";

export interface NeededStage {
  readonly stage: Stage;
  readonly index: number;
  /** What FROM names, variables expanded: an image or a stage before this one. */
  readonly base: string;
}

/** ARGs that describe the platform; in scope in FROM without a declaration. */
export function platformArgs(): Record<string, string> {
  const arch = imageArchitecture();
  return {
    ...{ TARGETPLATFORM: `linux/${arch}`, TARGETOS: "linux", TARGETARCH: arch, TARGETVARIANT: "" },
    ...{ BUILDPLATFORM: `linux/${arch}`, BUILDOS: "linux", BUILDARCH: arch, BUILDVARIANT: "" },
  };
}

/** Values of the ARGs before the first FROM: given ones before defaults. */
export function readGlobalArgs(
  dockerfile: Dockerfile,
  given: Readonly<Record<string, string>>,
): Record<string, string> {
  const values: Record<string, string> = {};
  for (const { text } of dockerfile.globalArgs) {
    for (const word of text.split(/\s+/)) {
      const [name = "", ...rest] = word.split("=");
      const fallback =
        rest.length > 0 ? expandWord(rest.join("="), (key) => values[key] ?? given[key], dockerfile.escape) : undefined;
      const value = given[name] ?? fallback;
      if (value !== undefined) values[name] = value;
    }
  }
  return values;
}

/** The stages up to the target that it is made of, in file order. */
export function neededStages(
  dockerfile: Dockerfile,
  target: string,
  args: Readonly<Record<string, string>>,
): NeededStage[] {
  const all = allStages(dockerfile, args);
  const goal = target === "" ? all.length - 1 : stageIndex(all, target, all.length);
  if (goal < 0 || goal >= all.length) throw new BuildError(`failed to reach build target ${target} in Dockerfile`);
  const needed = new Set<number>();
  const visit = (index: number): void => {
    const entry = all[index];
    if (!entry || needed.has(index)) return;
    needed.add(index);
    visit(stageIndex(all, entry.base, index));
    for (const source of copySources(entry.stage)) visit(stageIndex(all, source, index));
  };
  visit(goal);
  return all.filter(({ index }) => needed.has(index));
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

function allStages(dockerfile: Dockerfile, args: Readonly<Record<string, string>>): NeededStage[] {
  return dockerfile.stages.map((stage, index) => {
    const base = baseOf(stage, dockerfile, args);
    if (base === "") throw new DockerfileError(`base name (${stage.from.text.split(/\s+/)[0]}) should not be blank`);
    return { stage, index, base };
  });
}

const baseOf = (stage: Stage, dockerfile: Dockerfile, args: Readonly<Record<string, string>>): string =>
  expandWord(stage.from.text.split(/\s+/)[0] ?? "", (name) => args[name], dockerfile.escape);

/** By name or number; -1 when it is none of the stages before `before`. */
function stageIndex(all: readonly NeededStage[], name: string, before: number): number {
  const byName = all.findLastIndex(({ stage, index }) => index < before && stage.name === name.toLowerCase());
  return byName >= 0 || !/^\d+$/.test(name) ? byName : Number(name);
}

const copySources = (stage: Stage): string[] =>
  stage.instructions.flatMap((instruction) =>
    instruction.flags.flatMap(({ name, value }) =>
      name === "from" ? [value] : name === "mount" ? mountSources(value) : [],
    ),
  );

const mountSources = (value: string): string[] =>
  value.split(",").flatMap((part) => (part.startsWith("from=") ? [part.slice("from=".length)] : []));
