/**
 * A build as docker's classic builder does it (DOCKER_BUILDKIT=0): instruction after instruction, an image after each, every
 * stage up to the target. Prints nothing itself: see classic-progress.ts.
 */

import { type Dockerfile, parseInstruction } from "../../../dockerfile/dockerfile.ts";
import type { Instruction } from "../../../dockerfile/instruction.ts";
import type { Image } from "../../../images/image.ts";
import { BuildError, type BuildRequest, shortId } from "./build-request.ts";
import { convert } from "./convert.ts";
import { asBuildError, type Script } from "./failure.ts";
import { finishImage } from "./finish-image.ts";
import { withLayer } from "./layer-depth.ts";
import type { BuildSources, Source } from "./sources.ts";
import { scratchImage } from "./stage-plans.ts";
import { type BuildScope, type DraftEntry, openStage, type StageState, shellOf } from "./stage-state.ts";
import { blankBase, type NeededStage, stageBefore } from "./stages.ts";
import type { StepRunner } from "./step-runner.ts";
import type { RunningVertex, Vertexes } from "./vertexes.ts";

export interface ClassicBuild {
  readonly request: BuildRequest;
  readonly scope: BuildScope;
  readonly dockerfile: Dockerfile;
  readonly script: Script;
  readonly sources: BuildSources;
  readonly runner: StepRunner;
  readonly vertexes: Vertexes;
}

export async function solveClassic(build: ClassicBuild, stages: readonly NeededStage[]): Promise<Image> {
  const { request, dockerfile, vertexes } = build;
  const labels = Object.entries(request.labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) =>
      parseInstruction(`LABEL ${JSON.stringify(name)}=${JSON.stringify(value).replaceAll("$", "\\$")}`, "\\"),
    );
  const extra = dockerfile.globalArgs.length + labels.length;
  const total = stages.reduce((count, { stage }) => count + 1 + stage.instructions.length, extra);
  const counter = { at: 0, total };
  for (const arg of dockerfile.globalArgs) await announce(build, counter, arg.original, async () => undefined);
  const built: Image[] = [];
  for (const { stage, index, base } of stages) {
    const start = await announce(build, counter, stage.from.original, async (vertex) => {
      try {
        if (base === "") throw blankBase(stage);
        const image = await baseImage(build, stages, built, index, base);
        vertex.end = { isCached: false, imageId: base === "scratch" ? "" : shortId(image.id) };
        return image;
      } catch (error) {
        throw asBuildError(error, build.script, stage.from);
      }
    });
    const triggers = (start.config.config.OnBuild ?? []).map((text) =>
      parseInstruction(text, dockerfile.escape, stage.from),
    );
    if (triggers.length > 0)
      vertexes.remark(`# Executing ${triggers.length} build trigger${triggers.length > 1 ? "s" : ""}\n`);
    const at: StageAt = {
      state: openStage(build.scope, start),
      image: start,
      drafts: start.config.history.map((entry) => ({ ...entry })),
      name: stage.name,
      built,
      stages,
      index,
    };
    for (const trigger of triggers)
      await vertexes.run(trigger.original, (vertex) => applyOne(build, at, trigger, vertex));
    const own = index === stages.length - 1 ? [...stage.instructions, ...labels] : stage.instructions;
    for (const instruction of own) {
      const shown = labels.includes(instruction) ? instruction.original.replaceAll('"', "") : originalOf(instruction);
      await announce(build, counter, shown, (vertex) => applyOne(build, at, instruction, vertex));
    }
    built[index] = at.image;
  }
  const last = built.at(-1);
  if (!last) throw new BuildError("no build stage in current context");
  return last;
}

interface StageAt {
  readonly state: StageState;
  image: Image;
  drafts: readonly DraftEntry[];
  readonly name: string | undefined;
  readonly built: readonly Image[];
  readonly stages: readonly NeededStage[];
  readonly index: number;
}

const originalOf = ({ original, heredocs }: Instruction): string =>
  original + heredocs.map(({ name, content }) => `\n${content}${name}`).join("");

function announce<T>(
  build: ClassicBuild,
  counter: { at: number; readonly total: number },
  text: string,
  work: (vertex: RunningVertex) => Promise<T>,
): Promise<T> {
  const announcement = `Step ${++counter.at}/${counter.total} : ${text}`;
  return build.vertexes.run(text, work, { classic: { announcement } });
}

async function baseImage(
  { sources }: ClassicBuild,
  stages: readonly NeededStage[],
  built: readonly Image[],
  index: number,
  base: string,
): Promise<Image> {
  const earlier = stageBefore(stages, base, index);
  if (earlier !== undefined && !/^\d+$/.test(base)) return built[earlier] ?? scratchImage("classic");
  return base === "scratch" ? scratchImage("classic") : sources.image(base);
}

async function applyOne(
  build: ClassicBuild,
  at: StageAt,
  instruction: Instruction,
  vertex: RunningVertex,
): Promise<void> {
  const { request, runner, vertexes } = build;
  const { noCache } = request;
  request.signal.throwIfAborted();
  const ignoresCache = noCache === true || (noCache !== false && noCache.includes(at.name ?? ""));
  const runs = instruction.keyword !== "COPY" && instruction.keyword !== "ADD";
  const container = shortId(`${at.image.id.slice("sha256:".length + 12)}${instruction.line}`.padStart(12, "0"));
  let works = false;
  const onWork = (): void => {
    works = true;
    if (runs) vertexes.remark(` ---> Running in ${container}\n`);
  };
  try {
    const { createdBy, step } = convert(at.state, instruction);
    const nop = `${shellOf(at.state.config).join(" ")} #(nop) ${instruction.keyword === "WORKDIR" || !runs ? "" : " "}`;
    const isCommand = instruction.keyword === "RUN";
    const parent = at.image.id;
    let { layers } = at.image;
    let entry: DraftEntry;
    if (step) {
      const result = await runner.run({
        ...{ step, below: layers, vertex, ignoresCache, onWork, parent },
        createdBy: isCommand ? createdBy : `${nop}${createdBy}`,
        source: (from) => sourceOf(build, at, from),
      });
      const shown = isCommand || result.createdBy?.startsWith(nop) ? result.createdBy : `${nop}${result.createdBy}`;
      entry = { created_by: shown ?? "", createdMs: result.createdMs, ...(!result.layer && { empty_layer: true }) };
      if (result.layer) layers = withLayer(layers, result.layer);
    } else {
      const text = `${nop}${createdBy ?? ""}`;
      const result = await runner.note([parent, text, at.state.config, at.state.author], ignoresCache, onWork);
      vertex.end.isCached = result.isCached;
      entry = { created_by: text, createdMs: result.createdMs, empty_layer: true };
    }
    if (works && runs) vertexes.remark(` ---> Removed intermediate container ${container}\n`);
    const { author } = at.state;
    at.drafts = [...at.drafts, { ...entry, ...(author !== undefined && author !== "" && { author }) }];
    at.image = finishImage(at.state, at.image.config, at.drafts, layers);
    vertex.end.imageId = shortId(at.image.id);
  } catch (error) {
    throw asBuildError(error, build.script, instruction);
  }
}

async function sourceOf({ request, sources }: ClassicBuild, at: StageAt, from: string | undefined): Promise<Source> {
  if (from === undefined) return sources.context();
  const { store } = request;
  const layersOf = ({ layers }: Image): Source => ({ kind: "layers", layers, root: store.root(layers) });
  const earlier = stageBefore(at.stages, from, at.index);
  if (earlier === undefined && /^\d+$/.test(from))
    throw new BuildError(`invalid from flag value ${from}: index out of bounds`);
  const image = earlier === undefined ? undefined : at.built[earlier];
  return layersOf(image ?? (await sources.image(from)));
}
