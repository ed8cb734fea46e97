/**
 * Builds an image from a Dockerfile and a context: reads it, plans or walks its stages, exports the result. Tells what it
 * does as BuildKit's steps; the classic style shares everything but the order (solve-classic.ts, solve-buildkit.ts).
 * Source of texts and order: https://github.com/moby/buildkit (frontend/dockerfile), `docker build` of both builders.
 */

import { type Dockerfile, parseDockerfile } from "../../../dockerfile/dockerfile.ts";
import { DockerfileError, type Instruction } from "../../../dockerfile/instruction.ts";
import { expandWord } from "../../../dockerfile/words.ts";
import { type Image, imageArchitecture, saveImage } from "../../../images/image.ts";
import { BuildError, type BuildRequest, PREDEFINED, shortId } from "./build-request.ts";
import { asBuildError, type Script } from "./failure.ts";
import { Linter } from "./linter.ts";
import { solveBuildKit } from "./solve-buildkit.ts";
import { solveClassic } from "./solve-classic.ts";
import { BuildSources } from "./sources.ts";
import { StagePlans } from "./stage-plans.ts";
import type { BuildScope } from "./stage-state.ts";
import { allStages, type NeededStage, neededStages } from "./stages.ts";
import { StepRunner } from "./step-runner.ts";
import { platformArgs, readGlobalArgs } from "./variables.ts";
import { Vertexes } from "./vertexes.ts";

/** The image built, kept in the store but not yet named. Throws {@link BuildError}. */
export async function buildImage(given: BuildRequest): Promise<Image> {
  const stopping = new AbortController();
  const request = { ...given, signal: AbortSignal.any([given.signal, stopping.signal]) };
  try {
    return await build(request, () => stopping.abort());
  } catch (error) {
    given.signal.throwIfAborted();
    throw error;
  }
}

async function build(request: BuildRequest, stop: () => void): Promise<Image> {
  const { style, target, buildArgs } = request;
  const vertexes = new Vertexes(request.reporter);
  const sources = new BuildSources(request, vertexes);
  const linter = new Linter(baseName(request.dockerfile.name), (digest, warning) => vertexes.warning(digest, warning));
  const text = await sources.definition((read, digest) => {
    if (style === "buildkit") linter.read(read, digest);
  });
  const script: Script = { style, file: baseName(request.dockerfile.name), text };
  let dockerfile: Dockerfile;
  let scope: BuildScope;
  let all: readonly NeededStage[];
  let needed: readonly NeededStage[];
  try {
    dockerfile = parseDockerfile(text);
    checkPlatform(request.platform, undefined);
    const platform = platformArgs();
    const globalArgs = { ...platform, ...readGlobalArgs(dockerfile, { ...platform, ...buildArgs }) };
    const epochSeconds = readEpoch(buildArgs["SOURCE_DATE_EPOCH"] ?? globalArgs["SOURCE_DATE_EPOCH"]);
    scope = { request, escape: dockerfile.escape, globalArgs, consumed: new Set(), epochSeconds };
    all = allStages(dockerfile, globalArgs, style);
    needed = neededStages(dockerfile, target, globalArgs, style);
    for (const { stage } of needed) checkStagePlatform(scope, stage.from);
  } catch (error) {
    throw asBuildError(error, script, undefined);
  }
  const runner = new StepRunner(scope, cacheImages(request, vertexes));
  const common = { request, scope, dockerfile, script, sources, runner, vertexes };
  let image: Image;
  if (style === "classic") {
    image = await solveClassic(common, needed);
  } else {
    const plans = new StagePlans({ ...common, all });
    const goal = needed.at(-1);
    if (!goal) throw new BuildError("dockerfile contains no stages to build");
    // Bases of all stages are looked up at the same time; what fails is told by the stage that wants it.
    for (const stage of needed) void plans.plan(stage.index).catch(() => undefined);
    const plan = await plans.plan(goal.index);
    try {
      linter.stages(dockerfile, await plans.all());
    } catch (error) {
      throw asBuildError(error, script, undefined);
    }
    await sources.ignoreLines();
    sources.contextPaths = plans.contextPaths && [...plans.contextPaths].sort();
    image = await solveBuildKit({ ...common, plans, stop }, plan);
  }
  remarkUnused(scope, vertexes);
  await exportImage(request, image, vertexes);
  return image;
}

async function exportImage(request: BuildRequest, image: Image, vertexes: Vertexes): Promise<void> {
  if (request.style === "classic") {
    await saveImage(request.store, image);
    vertexes.remark(`Successfully built ${shortId(image.id)}\n`);
    return;
  }
  const names = request.exportNames;
  if (names === undefined) return saveImage(request.store, image);
  await vertexes.run("exporting to image", async ({ status }) => {
    const tell = (id: string): void => status({ id, currentBytes: 0, totalBytes: 0, isDone: true });
    status({ id: "exporting layers", currentBytes: 0, totalBytes: 0, isDone: false });
    await saveImage(request.store, image);
    tell("exporting layers");
    tell(`writing image ${image.id}`);
    for (const name of names) tell(`naming to ${name}`);
  });
}

function remarkUnused({ request, consumed, globalArgs }: BuildScope, vertexes: Vertexes): void {
  const given = Object.keys(request.buildArgs);
  const builtIn = (name: string): boolean => PREDEFINED.has(name) || /^(BUILDKIT_|SOURCE_DATE_EPOCH$)/.test(name);
  const unused = given.filter((name) => !consumed.has(name) && !(name in globalArgs) && !builtIn(name));
  if (unused.length > 0)
    vertexes.remark(`[Warning] One or more build-args [${unused.sort().join(" ")}] were not consumed\n`);
}

/** Images of `--cache-from`, looked up when the first step is not in the cache. */
function cacheImages(request: BuildRequest, vertexes: Vertexes): () => Promise<readonly Image[]> {
  let found: Promise<readonly Image[]> | undefined;
  const load = async (): Promise<readonly Image[]> => {
    const images: Image[] = [];
    for (const name of request.cacheFrom) {
      await vertexes.note(`importing cache manifest from ${name}`);
      const image = await request.resolveImage(name).catch(() => undefined);
      if (image) images.push(image);
    }
    return images;
  };
  return () => {
    found ??= load();
    return found;
  };
}

function readEpoch(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (!/^\d+$/.test(text)) throw new DockerfileError(`invalid SOURCE_DATE_EPOCH: ${text}`);
  return Number(text);
}

function checkStagePlatform(scope: BuildScope, from: Instruction): void {
  const given = from.flags.find(({ name }) => name === "platform")?.value;
  if (given === undefined) return;
  const platform = expandWord(given, (name) => scope.globalArgs[name], scope.escape);
  if (platform === "") throw new DockerfileError(`empty platform value from expression ${given}`, from);
  checkPlatform(platform, from);
}

function checkPlatform(platform: string | undefined, at: Instruction | undefined): void {
  if (platform === undefined || platform === "") return;
  const [os = "", arch] = platform.toLowerCase().split("/");
  const aliases: Readonly<Record<string, string>> = { x86_64: "amd64", "x86-64": "amd64", aarch64: "arm64" };
  const wanted = arch ?? os;
  const isOurs = (aliases[wanted] ?? wanted) === imageArchitecture() || (wanted === "linux" && arch === undefined);
  if (isOurs && (arch === undefined || os === "linux")) return;
  throw new DockerfileError(
    `kiln's embedded builder builds for linux/${imageArchitecture()} only, not for ${platform}`,
    at,
  );
}

const baseName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
