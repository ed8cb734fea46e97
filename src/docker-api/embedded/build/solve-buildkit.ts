/**
 * A build as BuildKit does it: only the stages that the target is made of, independent ones at the same time, a step when
 * all it needs is there. When one fails the others are stopped.
 */
import type { Image } from "../../../images/image.ts";
import type { LayerRecord } from "../../../images/layer-store.ts";
import type { BuildRequest } from "./build-request.ts";
import { asBuildError, type Script } from "./failure.ts";
import { finishImage } from "./finish-image.ts";
import { withLayer } from "./layer-depth.ts";
import type { BuildSources, Source } from "./sources.ts";
import type { PlannedStep, StagePlan, StagePlans } from "./stage-plans.ts";
import type { StepRunner } from "./step-runner.ts";
import type { Vertexes } from "./vertexes.ts";

export interface BuildKitBuild {
  readonly request: BuildRequest;
  readonly script: Script;
  readonly sources: BuildSources;
  readonly plans: StagePlans;
  readonly runner: StepRunner;
  readonly vertexes: Vertexes;
  /** Stops everything else of the build. */
  stop(): void;
}

export async function solveBuildKit(build: BuildKitBuild, target: StagePlan): Promise<Image> {
  const { plans, request } = build;
  const solved = new Map<number, Promise<readonly LayerRecord[]>>();
  const solve = (index: number): Promise<readonly LayerRecord[]> => {
    const going = solved.get(index) ?? solveStage(index);
    solved.set(index, going);
    return going;
  };
  const solveStage = async (index: number): Promise<readonly LayerRecord[]> => {
    const plan = await plans.plan(index);
    let layers = plan.base.kind === "stage" ? await solve(plan.base.index) : plan.base.image.layers;
    if (plan.fromName !== undefined) await build.vertexes.note(plan.fromName);
    let previous: string | undefined;
    for (const step of plan.steps) {
      const result = await runPlanned(build, plan, step, { layers, previous, solve });
      layers = result.layers;
      previous = result.digest;
    }
    return layers;
  };
  const all = await plans.all();
  try {
    // The first to fail is the one to tell of: the rest ends because of it.
    await Promise.all(all.map(({ index }) => solve(index)));
  } catch (error) {
    build.stop();
    await Promise.allSettled(solved.values());
    throw error;
  }
  const state = { ...target.state, config: withLabels(target, request.labels) };
  return finishImage(state, target.platform, target.entries, await solve(target.index));
}

const withLabels = (target: StagePlan, labels: Readonly<Record<string, string>>): StagePlan["state"]["config"] => {
  const { config } = target.state;
  return Object.keys(labels).length === 0 ? config : { ...config, Labels: { ...config.Labels, ...labels } };
};

async function runPlanned(
  build: BuildKitBuild,
  plan: StagePlan,
  planned: PlannedStep,
  place: {
    readonly layers: readonly LayerRecord[];
    readonly previous: string | undefined;
    solve(index: number): Promise<readonly LayerRecord[]>;
  },
): Promise<{ layers: readonly LayerRecord[]; digest: string }> {
  const { request, sources, runner, vertexes } = build;
  const { step, name, instruction, entry, origins } = planned;
  const { layers } = place;
  const layersOf = (own: readonly LayerRecord[]): Source => ({
    kind: "layers",
    layers: own,
    root: request.store.root(own),
  });
  // What it takes from elsewhere comes first: it is a step of its own, and this one starts when it is there.
  const ready = new Map<string, Source>();
  for (const [from, origin] of origins) {
    if (origin.kind === "stage") ready.set(from, layersOf(await place.solve(origin.index)));
    else if (origin.kind === "image") ready.set(from, layersOf((await sources.image(origin.name)).layers));
    else ready.set(from, await origin.load());
  }
  if (origins.size === 0 && takesContext(planned)) await sources.context();
  const { noCache } = request;
  const ignoresCache = noCache === true || (noCache !== false && noCache.includes(plan.name ?? ""));
  try {
    return await vertexes.run(
      name,
      async (vertex) => {
        const result = await runner.run({
          ...{ step, below: layers, vertex, ignoresCache, createdBy: entry.created_by, parent: "" },
          source: async (from) => (from === undefined ? await sources.context() : (ready.get(from) ?? unknown(from))),
        });
        entry.createdMs = result.createdMs;
        return { layers: result.layer ? withLayer(layers, result.layer) : layers, digest: vertex.digest };
      },
      { inputs: place.previous === undefined ? [] : [place.previous] },
    );
  } catch (error) {
    throw asBuildError(error, build.script, instruction);
  }
}

const takesContext = ({ instruction: { keyword, flags } }: PlannedStep): boolean =>
  keyword === "COPY" ||
  keyword === "ADD" ||
  flags.some(({ name, value }) => name === "mount" && /^(?!.*type=(?!bind))/.test(value));

function unknown(from: string): never {
  throw new Error(`there is no ${from} to take files from`);
}
