/**
 * Builds an image from a Dockerfile and an unpacked context: stages, instructions one after the other, cache.
 * Prints what docker's classic builder prints. Each instruction is in instructions.ts.
 * Differs from BuildKit, which AWS's images use: texts of failures are the classic builder's, and `docker build` ends
 * with the command's own exit code. As with BuildKit, stages that the target does not need are not built.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  findLayers,
  type Image,
  type ImageConfig,
  imageArchitecture,
  imageOf,
  saveImage,
  scratchConfig,
} from "../../../images/image.ts";
import { type LayerStore, writeAtomically } from "../../../images/layer-store.ts";
import { findFile, LayeredRoot } from "../../../images/layered-root.ts";
import { BuildError, type BuildRequest, PREDEFINED, shortId } from "./build-request.ts";
import { CopyError } from "./copy.ts";
import {
  type Dockerfile,
  DockerfileError,
  type Instruction,
  parseDockerfile,
  parseInstruction,
  type Stage,
} from "./dockerfile.ts";
import { type IgnoreRules, parseIgnoreFile } from "./ignore-file.ts";
import { applyInstruction, displayInstruction, type StageState } from "./instructions.ts";
import { neededStages, platformArgs, readGlobalArgs } from "./stages.ts";
import { ExpansionError, expandWord } from "./words.ts";

/** The image built, kept in the store but not yet named. */
export async function buildImage(request: BuildRequest): Promise<Image> {
  try {
    return await build(request);
  } catch (error) {
    const isUsers = error instanceof DockerfileError || error instanceof CopyError || error instanceof ExpansionError;
    if (isUsers) throw new BuildError(error.message);
    const { code, path = "" } = error as NodeJS.ErrnoException;
    const inLayer = /\/layers\/[0-9a-f]+\/d(\/.*)$/.exec(path)?.[1];
    if (code === "EACCES" && inLayer !== undefined)
      throw new BuildError(
        `kiln, run as an ordinary user, cannot read what the image gives to another user: ${inLayer}; run kiln as root`,
      );
    throw error;
  }
}

async function build(request: BuildRequest): Promise<Image> {
  const context = new LayeredRoot([{ dir: request.contextDir, whiteouts: new Set(), opaque: new Set() }]);
  const file = await findFile(context, request.dockerfile);
  if (!file) throw new BuildError(`Cannot locate specified Dockerfile: ${request.dockerfile}`);
  const dockerfile = parseDockerfile(await readFile(file.hostPath, "utf8"));
  const ignore = await readIgnoreRules(context, request.dockerfile);
  const platform = platformArgs();
  const globalArgs = readGlobalArgs(dockerfile, { ...platform, ...request.buildArgs });
  const stages = neededStages(dockerfile, request.target, { ...platform, ...globalArgs });
  const total =
    dockerfile.globalArgs.length + stages.reduce((count, { stage }) => count + 1 + stage.instructions.length, 0);
  let step = 0;
  const announce = (text: string): void => request.onOutput(`Step ${++step}/${total} : ${text}\n`);
  for (const arg of dockerfile.globalArgs) announce(arg.original);
  const built = new Map<string, Image>();
  const consumed = new Set<string>();
  let image: Image | undefined;
  for (const { stage, index, base } of stages) {
    announce(stage.from.original);
    image = await buildStage({
      request,
      dockerfile,
      stage,
      base,
      built,
      context,
      ignore,
      globalArgs,
      consumed,
      announce,
    });
    built.set(String(index), image);
    if (stage.name !== undefined) built.set(stage.name, image);
  }
  if (!image) throw new BuildError("no build stage in current context");
  const labels = Object.entries(request.labels);
  if (labels.length > 0) {
    const { config } = image;
    image = imageOf(
      { ...config, config: { ...config.config, Labels: { ...config.config.Labels, ...request.labels } } },
      image.layers,
    );
  }
  const unused = Object.keys(request.buildArgs).filter(
    (name) => !consumed.has(name) && !(name in globalArgs) && !PREDEFINED.has(name),
  );
  if (unused.length > 0)
    request.onOutput(`[Warning] One or more build-args [${unused.sort().join(" ")}] were not consumed\n`);
  await saveImage(request.store, image);
  request.onOutput(`Successfully built ${shortId(image.id)}\n`);
  return image;
}

/** The same always, or no step on `scratch` would be found in the cache. */
const SCRATCH_CREATED = "0001-01-01T00:00:00Z";

interface StageRun {
  readonly request: BuildRequest;
  readonly dockerfile: Dockerfile;
  readonly stage: Stage;
  readonly base: string;
  readonly built: ReadonlyMap<string, Image>;
  readonly context: LayeredRoot;
  readonly ignore: IgnoreRules;
  readonly globalArgs: Readonly<Record<string, string>>;
  readonly consumed: Set<string>;
  announce(text: string): void;
}

async function buildStage(run: StageRun): Promise<Image> {
  const { request, stage, base } = run;
  const platform = stage.from.flags.find((flag) => flag.name === "platform")?.value;
  refusePlatform(
    platform === undefined
      ? undefined
      : expandWord(platform, (name) => ({ ...platformArgs(), ...run.globalArgs })[name], "\\"),
  );
  const from =
    base === "scratch"
      ? imageOf(scratchConfig(SCRATCH_CREATED), [])
      : (run.built.get(base.toLowerCase()) ?? (await request.resolveImage(base)));
  if (base !== "scratch") request.onOutput(` ---> ${shortId(from.id)}\n`);
  const state: StageState = {
    image: from,
    args: new Map(),
    hasOwnCmd: false,
    escape: run.dockerfile.escape,
    run: {
      ...run,
      resolveStage: async (name) => run.built.get(name.toLowerCase()) ?? (await request.resolveImage(name)),
    },
  };
  const triggers = from.config.config.OnBuild ?? [];
  if (triggers.length > 0) {
    request.onOutput(`# Executing ${triggers.length} build trigger${triggers.length > 1 ? "s" : ""}\n`);
    const { OnBuild: _, ...config } = from.config.config;
    state.image = imageOf({ ...from.config, config }, from.layers);
    for (const trigger of triggers) await step(state, parseInstruction(trigger, run.dockerfile.escape));
  }
  for (const instruction of stage.instructions) {
    run.announce(displayInstruction(instruction));
    await step(state, instruction);
    request.onOutput(` ---> ${shortId(state.image.id)}\n`);
  }
  return state.image;
}

interface CacheEntry {
  readonly config: ImageConfig;
}

async function step(state: StageState, instruction: Instruction): Promise<void> {
  const { request } = state.run;
  request.signal.throwIfAborted();
  await applyInstruction(state, instruction, {
    async cached(parts, make) {
      const key = createHash("sha256")
        .update(JSON.stringify([state.image.id, ...parts]))
        .digest("hex");
      const path = join(request.store.dir, "cache", `${key}.json`);
      if (!request.noCache) {
        const hit = await readCache(request.store, path);
        if (hit) {
          request.onOutput(" ---> Using cache\n");
          return hit;
        }
      }
      const image = await make();
      await writeAtomically(path, JSON.stringify({ config: image.config } satisfies CacheEntry));
      return image;
    },
  });
}

async function readCache(store: LayerStore, path: string): Promise<Image | undefined> {
  try {
    const { config } = JSON.parse(await readFile(path, "utf8")) as CacheEntry;
    const layers = await findLayers(store, config.rootfs.diff_ids);
    return layers && imageOf(config, layers);
  } catch {
    return undefined;
  }
}

async function readIgnoreRules(context: LayeredRoot, dockerfile: string): Promise<IgnoreRules> {
  const file = (await findFile(context, `${dockerfile}.dockerignore`)) ?? (await findFile(context, ".dockerignore"));
  return parseIgnoreFile(file ? await readFile(file.hostPath, "utf8") : "");
}

function refusePlatform(platform: string | undefined): void {
  if (platform === undefined || platform === "") return;
  const [os, arch] = platform.split("/");
  if (os !== "linux" || (arch !== undefined && arch !== imageArchitecture())) {
    throw new BuildError(`kiln's embedded builder builds for linux/${imageArchitecture()} only, not for ${platform}`);
  }
}
