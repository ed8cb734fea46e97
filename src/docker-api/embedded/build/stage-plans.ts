/**
 * The stages of a BuildKit build as plans: base, config, history and the steps that make layers, each with its number. A
 * stage is planned when something needs it; all of them before the first step runs.
 */

import { type Dockerfile, parseInstruction } from "../../../dockerfile/dockerfile.ts";
import { goQuoted } from "../../../dockerfile/go-text.ts";
import { DockerfileError, type Instruction } from "../../../dockerfile/instruction.ts";
import { parseMount } from "../../../dockerfile/run-mounts.ts";
import { type Image, imageOf, scratchConfig } from "../../../images/image.ts";
import type { LayerRecord } from "../../../images/layer-store.ts";
import type { BuildStyle } from "./build-request.ts";
import { convert, isStep } from "./convert.ts";
import { asBuildError, type Script } from "./failure.ts";
import { type BuildSources, fullName, type Source } from "./sources.ts";
import { type BuildScope, type DraftEntry, openStage, type StageState, type Step } from "./stage-state.ts";
import { type NeededStage, stageBefore } from "./stages.ts";
import { stepName } from "./vertexes.ts";

/** Where files of `--from` come from; asked for when a step needs them. */
export type Origin =
  | { readonly kind: "stage"; readonly index: number }
  | { readonly kind: "image"; readonly name: string }
  | { readonly kind: "other"; load(): Promise<Source> };

export interface PlannedStep {
  readonly step: Step;
  readonly name: string;
  readonly instruction: Instruction;
  readonly entry: MutableEntry;
  readonly origins: ReadonlyMap<string, Origin>;
}

export type MutableEntry = { -readonly [K in keyof DraftEntry]: DraftEntry[K] };

export interface StagePlan {
  readonly index: number;
  /** `--no-cache-filter` names it so. */
  readonly name: string | undefined;
  readonly base: { readonly kind: "stage"; readonly index: number } | { readonly kind: "image"; readonly image: Image };
  /** `[build 1/3] FROM …`, where there is an image to start from. */
  readonly fromName: string | undefined;
  readonly platform: Image["config"];
  readonly state: StageState;
  readonly entries: readonly MutableEntry[];
  readonly steps: readonly PlannedStep[];
}

/** The same always, or no step on `scratch` would be found in the cache. */
const SCRATCH_CREATED = "0001-01-01T00:00:00Z";

export const scratchImage = (style: BuildStyle): Image =>
  imageOf({ ...scratchConfig(SCRATCH_CREATED), config: style === "buildkit" ? { WorkingDir: "/" } : {} }, []);

export class StagePlans {
  readonly #scope: BuildScope;
  readonly #dockerfile: Dockerfile;
  readonly #all: readonly NeededStage[];
  readonly #sources: BuildSources;
  readonly #script: Script;
  readonly #plans = new Map<number, Promise<StagePlan>>();
  /** What COPY, ADD and mounts take from the context; undefined is all of it. */
  contextPaths: Set<string> | undefined = new Set();

  constructor(deps: {
    readonly scope: BuildScope;
    readonly dockerfile: Dockerfile;
    readonly all: readonly NeededStage[];
    readonly sources: BuildSources;
    readonly script: Script;
  }) {
    this.#scope = deps.scope;
    this.#dockerfile = deps.dockerfile;
    this.#all = deps.all;
    this.#sources = deps.sources;
    this.#script = deps.script;
  }

  plan(index: number): Promise<StagePlan> {
    const going = this.#plans.get(index) ?? this.#plan(index);
    this.#plans.set(index, going);
    return going;
  }

  /** The plans made so far, which is all that the target needs once it is planned. */
  all(): Promise<StagePlan[]> {
    return Promise.all(this.#plans.values());
  }

  async #plan(index: number): Promise<StagePlan> {
    const { stage, base } = this.#all[index] ?? fail(index);
    try {
      return await this.#planStage(index, base);
    } catch (error) {
      throw asBuildError(error, this.#script, stage.from);
    }
  }

  async #planStage(index: number, base: string): Promise<StagePlan> {
    const { stage } = this.#all[index] ?? fail(index);
    const start = await this.#startOf(index, base);
    const state = this.#openState(start);
    const entries: MutableEntry[] =
      start.kind === "stage" ? [...start.plan.entries] : start.image.config.history.map((entry) => ({ ...entry }));
    const onBuild = (start.kind === "stage" ? start.plan.state.config : start.image.config.config).OnBuild ?? [];
    const triggers = onBuild.map((text) => parseInstruction(text, this.#dockerfile.escape, stage.from));
    const instructions = [...triggers, ...stage.instructions];
    const hasFrom = start.kind === "image" && start.image.layers.length > 0;
    const total = instructions.filter(isStep).length + (start.kind === "image" && base !== "scratch" ? 1 : 0);
    const shown = this.#all.length === 1 ? "" : (stage.name ?? `stage-${index}`);
    let at = total - instructions.filter(isStep).length;
    const steps: PlannedStep[] = [];
    for (const [i, instruction] of instructions.entries()) {
      try {
        const { createdBy, step } = convert(state, instruction);
        const origins = await this.#origins(index, instruction);
        const entry: MutableEntry = {
          created_by: createdBy ?? "",
          comment: "buildkit.dockerfile.v0",
          ...(!step && { empty_layer: true }),
          ...(!step && this.#scope.epochSeconds !== undefined && { createdMs: this.#scope.epochSeconds * 1000 }),
        };
        if (createdBy !== undefined) entries.push(entry);
        if (isStep(instruction)) at++;
        const title = step && `${i < triggers.length ? "ONBUILD " : ""}${step.title}`;
        if (step && title !== undefined)
          steps.push({ step, name: stepName(shown, at, total, title), instruction, entry, origins });
      } catch (error) {
        throw asBuildError(error, this.#script, instruction);
      }
    }
    return {
      index,
      name: stage.name,
      base: start.kind === "stage" ? { kind: "stage", index: start.plan.index } : start,
      fromName: hasFrom ? stepName(shown, 1, total, `FROM ${fullName(base)}`) : undefined,
      platform: start.kind === "stage" ? start.plan.platform : start.image.config,
      ...{ state, entries, steps },
    };
  }

  async #startOf(
    index: number,
    base: string,
  ): Promise<{ kind: "stage"; plan: StagePlan } | { kind: "image"; image: Image }> {
    const { stage } = this.#all[index] ?? fail(index);
    const named = this.#sources.named(stage.name ?? base) ?? this.#sources.named(base);
    if (named?.kind === "folder")
      throw new DockerfileError(
        `kiln's embedded builder does not build FROM a folder: \`--build-context ${base}\``,
        stage.from,
      );
    const earlier = named ? undefined : stageBefore(this.#all, base, index);
    if (earlier !== undefined) return { kind: "stage", plan: await this.plan(earlier) };
    if (base === "scratch") return { kind: "image", image: scratchImage("buildkit") };
    return { kind: "image", image: await this.#sources.image(named?.reference ?? base) };
  }

  #openState(start: { kind: "stage"; plan: StagePlan } | { kind: "image"; image: Image }): StageState {
    if (start.kind === "image") return openStage(this.#scope, start.image);
    const { config, author, variables, args } = start.plan.state;
    const { OnBuild: _, ...rest } = config;
    const [own, declared] = [new Map(variables), new Map(args)];
    return { scope: this.#scope, config: rest, author, hasOwnCmd: false, variables: own, args: declared };
  }

  /** Where the instruction takes files from; stages it names are planned, images looked up. */
  async #origins(index: number, instruction: Instruction): Promise<Map<string, Origin>> {
    const { keyword, flags, text, json } = instruction;
    const origins = new Map<string, Origin>();
    const add = async (name: string, isMount: boolean): Promise<void> => {
      if (name !== "" && !origins.has(name)) origins.set(name, await this.#origin(index, name, instruction, isMount));
    };
    if (keyword === "COPY" || keyword === "ADD") {
      const from = flags.find(({ name }) => name === "from")?.value;
      if (from !== undefined) await add(from, false);
      else for (const word of (json ?? text.split(/\s+/)).slice(0, -1)) this.#needsContext(word);
    }
    if (keyword === "RUN") {
      for (const { name, value } of flags) {
        if (name !== "mount") continue;
        const mount = parseMount(value, instruction);
        if (mount.from !== undefined) await add(mount.from, true);
        else if (mount.type === "bind") this.#needsContext(mount.source);
      }
    }
    return origins;
  }

  #needsContext(path: string): void {
    const relative = path.replace(/^["']|["']$/g, "").replace(/^(\.?\/)+/, "");
    if (relative === "" || relative === "." || /[$<]|\.\./.test(relative)) this.contextPaths = undefined;
    else this.contextPaths?.add(relative);
  }

  async #origin(index: number, name: string, instruction: Instruction, isMount: boolean): Promise<Origin> {
    const named = this.#sources.named(name);
    if (named?.kind === "folder") return { kind: "other", load: () => this.#sources.namedFolder(name, named.folder) };
    if (named) {
      await this.#sources.image(named.reference);
      return { kind: "image", name: named.reference };
    }
    if (name.toLowerCase() === "scratch") return { kind: "other", load: async () => this.#layers([]) };
    const isNumber = /^\d+$/.test(name);
    const other = isNumber ? Number(name) : this.#all.findLastIndex(({ stage }) => stage.name === name.toLowerCase());
    if (isNumber && other >= this.#all.length) throw new DockerfileError(`invalid stage index ${name}`, instruction);
    if (other < 0) {
      await this.#sources.image(name);
      return { kind: "image", name };
    }
    if (other >= index) {
      const { stage } = this.#all[index] ?? fail(index);
      const here = stage.name ?? `stage-${index}`;
      throw new DockerfileError(
        isMount
          ? `cannot mount from stage ${goQuoted(name)} to "", stage needs to be defined before current command`
          : `cannot copy from stage ${goQuoted(name)}, it needs to be defined before current stage ${goQuoted(here)}`,
        instruction,
      );
    }
    await this.plan(other);
    return { kind: "stage", index: other };
  }

  #layers(layers: readonly LayerRecord[]): Source {
    return { kind: "layers", layers, root: this.#scope.request.store.root(layers) };
  }
}

function fail(index: number): never {
  throw new Error(`there is no stage ${index}`);
}
