/** RUN: one command in a namespace on top of the stage's layers; what it wrote becomes a layer. */
import { chmod, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { StringDecoder } from "node:string_decoder";
import { goQuoted } from "../../../dockerfile/go-text.ts";
import type { ImageUser } from "../../../images/image.ts";
import type { LayerRecord } from "../../../images/layer-store.ts";
import { LayerWriter } from "../../../images/layer-writer.ts";
import { type LayeredRoot, TooManyLinks } from "../../../images/layered-root.ts";
import { removeTree } from "../../../images/remove-tree.ts";
import { requireCommand } from "../containers/find-command.ts";
import { imageUser } from "../image-user.ts";
import type { MountPoint } from "../mount-table.ts";
import { type Started, startInNamespace } from "../namespace.ts";
import { BuildError } from "./build-request.ts";
import { bindMounts, type ResolvedMount } from "./run-binds.ts";
import type { RunOrder } from "./run-instruction.ts";
import type { BuildScope, StepRun } from "./stage-state.ts";
import { startProblem } from "./start-problem.ts";

/** Where the script of a RUN heredoc with `#!` is shown: on /dev, which is no part of the layer. */
export const scriptPath = (name: string): string => `/dev/pipes/${name}`;

/** Of /dev/shm, docker's. */
const DEFAULT_SHM_BYTES = 64 * 1024 * 1024;

/** What docker's runtime ends with when the program cannot be started. */
const NOT_STARTED = 255;

/** What an ordinary user without a range of ids may have met. */
const ONE_ID_HINT =
  "kiln: as an ordinary user without newuidmap, RUN has no user but root (chown and apt fail): install newuidmap (Debian: apt-get install uidmap) or run kiln as root";

export async function runStep(
  scope: BuildScope,
  order: RunOrder,
  mounts: readonly ResolvedMount[],
  run: StepRun,
): Promise<LayerRecord | undefined> {
  const { request } = scope;
  const { store, isolation, style } = request;
  if (isolation.kind === "none") {
    throw new BuildError(
      `RUN needs Linux namespaces, which this machine does not give (${isolation.reason}): start Docker or Podman, or run kiln as root or where user namespaces are allowed`,
    );
  }
  const below = run.below.length > 0 ? run.below : [await emptyLayer(scope)];
  const root = store.root(below);
  const user = await userOf(root, order, style);
  await requireProgram(root, order, run, style);
  const upper = await store.newFolder();
  await makeVolumes(new LayerWriter(upper, store.rootLayers(below), run.nowSeconds), order.volumes);
  const binds = await bindMounts(request, mounts);
  const holder = await store.temporary();
  let isCommitting = false;
  try {
    const points: MountPoint[] = [...binds.points];
    if (order.script) {
      await chmod(holder, 0o755);
      const path = join(holder, "script");
      await writeFile(path, order.script.text, { mode: 0o755 });
      await chmod(path, 0o755);
      points.push({ kind: "file", source: path, target: order.script.path, isReadOnly: true });
    }
    const { outputs, ended } = await startInNamespace(store, isolation, {
      lowerDirs: store.rootLayers(below).map((layer) => layer.dir),
      upperDir: upper,
      argv: order.argv,
      environment: { HOME: user.home, ...order.environment, ...binds.environment },
      workingDirectory: order.workingDirectory,
      ...{ uid: user.uid, gid: user.gid, groups: groupsOf(user, order, style) },
      network: order.network,
      ...{ root, points, secrets: binds.secrets },
      extraHosts: request.extraHosts,
      shmSizeBytes: request.shmSizeBytes ?? DEFAULT_SHM_BYTES,
      ulimits: request.ulimits,
      mayMakeDevices: true,
      signal: request.signal,
    });
    const flush = forwardOutput(outputs, run.vertex.output);
    const exitCode = await ended;
    flush();
    request.signal.throwIfAborted();
    if (exitCode !== 0) {
      if (isolation.kind === "user" && !isolation.hasRange) run.vertex.output(2, `${ONE_ID_HINT}\n`);
      throw failure(order.argv, exitCode, style);
    }
    await emptyVolumes(root, upper, order.volumes);
    await makeVolumes(new LayerWriter(upper, store.rootLayers(below), run.nowSeconds), order.volumes);
    if (style === "classic" && (await readdir(upper)).length === 0) return undefined;
    isCommitting = true;
    return await store.commitUpper(run.below.at(-1), upper, scope.epochSeconds);
  } finally {
    await removeTree(holder);
    await binds.release();
    if (!isCommitting) await removeTree(join(upper, ".."));
  }
}

/** BuildKit gives groups to a user that is named; the classic builder always, its own group first. */
function groupsOf(user: ImageUser, order: RunOrder, style: "buildkit" | "classic"): readonly number[] {
  if (style === "classic") return [user.gid, ...user.groups];
  return order.user === "" ? [] : user.groups;
}

function failure(argv: readonly string[], exitCode: number, style: "buildkit" | "classic"): BuildError {
  const command = argv.join(" ");
  return style === "classic"
    ? new BuildError(`The command '${command}' returned a non-zero code: ${exitCode}`, exitCode)
    : new BuildError(`process ${goQuoted(command)} did not complete successfully: exit code: ${exitCode}`);
}

async function userOf(root: LayeredRoot, order: RunOrder, style: "buildkit" | "classic"): ReturnType<typeof imageUser> {
  try {
    return await imageUser(root, order.user);
  } catch (error) {
    const text = (error as Error).message;
    throw new BuildError(
      style === "classic" ? text : `process ${goQuoted(order.argv.join(" "))} did not complete successfully: ${text}`,
    );
  }
}

/** What docker's runtime says before anything runs. */
async function requireProgram(
  root: LayeredRoot,
  order: RunOrder,
  run: StepRun,
  style: "buildkit" | "classic",
): Promise<void> {
  const [program = ""] = order.argv;
  if (program === order.script?.path) return;
  const place = { path: order.environment["PATH"] ?? "", workingDirectory: order.workingDirectory };
  try {
    await requireCommand(root, program, place, (reason) => reason);
    const problem = await startProblem(root, program, place);
    if (problem === undefined) return;
    run.vertex.output(2, `exec ${program}: ${problem}\n`);
    throw failure(order.argv, NOT_STARTED, style);
  } catch (error) {
    if (error instanceof BuildError) throw error;
    if (error instanceof TooManyLinks) throw error;
    const reason = (error as Error).message;
    const start = "unable to start container process: ";
    if (style === "classic")
      throw new BuildError(
        `failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: ${start}error during container init: ${reason}: unknown`,
      );
    run.vertex.output(2, `runc run failed: ${start}error during container init: ${reason}\n`);
    throw failure(order.argv, 1, style);
  }
}

/** A command on nothing: its stage has no layer yet, and an overlay needs one. */
async function emptyLayer(scope: BuildScope): Promise<LayerRecord> {
  return scope.request.store.newLayer([], async (writer) => {
    await writer.finish();
    return scope.request.store.commit(undefined, writer);
  });
}

/**
 * A folder named by VOLUME is a volume of its own while a command of the classic builder runs: it is made where it is
 * missing, and what the command writes there is lost.
 */
async function makeVolumes(writer: LayerWriter, volumes: readonly string[]): Promise<void> {
  for (const volume of volumes) {
    const { path, found } = await writer.root.resolve(volume);
    if (!found) await writer.folder(path);
  }
  await writer.finish();
}

async function emptyVolumes(root: LayeredRoot, upper: string, volumes: readonly string[]): Promise<void> {
  for (const volume of volumes) {
    const { path } = await root.resolve(volume);
    if (path !== "") await removeTree(join(upper, path));
  }
}

/** Whole characters only: a chunk may end inside one. The function returned gives out what is left. */
function forwardOutput(outputs: Started["outputs"], output: (stream: 1 | 2, text: string) => void): () => void {
  const rests = ([1, 2] as const).map((stream) => {
    const decoder = new StringDecoder("utf8");
    outputs[stream - 1]?.on("data", (chunk: Buffer) => {
      const text = decoder.write(chunk);
      if (text !== "") output(stream, text);
    });
    return () => {
      const rest = decoder.end();
      if (rest !== "") output(stream, rest);
    };
  });
  return () => {
    for (const rest of rests) rest();
  };
}
