/** RUN: one command in a namespace on top of the stage's layers; what it wrote becomes the contents of a layer. */
import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { StringDecoder } from "node:string_decoder";
import { DEFAULT_PATH, type Image } from "../../../images/image.ts";
import type { LayerContents } from "../../../images/layer-store.ts";
import { removeTree } from "../../../images/remove-tree.ts";
import { takeOwnership } from "../../../images/user-namespace.ts";
import { readMarks } from "../../../images/whiteouts.ts";
import { imageUser } from "../image-user.ts";
import { startInNamespace } from "../namespace.ts";
import { BuildError, type BuildRequest } from "./build-request.ts";

/** Where the script of a RUN heredoc with `#!` is shown: on /dev, which is no part of the layer. */
export const SCRIPT_PATH = "/dev/kiln-script";

export interface RunStep {
  readonly request: BuildRequest;
  readonly image: Image;
  readonly argv: readonly string[];
  /** Text of a script shown at `SCRIPT_PATH`. */
  readonly script: string | undefined;
  readonly environment: Readonly<Record<string, string>>;
  readonly network: "host" | "none";
  readonly caches: readonly { readonly id: string; readonly target: string }[];
  onOutput(text: string): void;
}

export async function runStep(step: RunStep): Promise<{ exitCode: number; contents: LayerContents }> {
  const { request, image } = step;
  const { store, isolation } = request;
  if (isolation.kind === "none") {
    throw new BuildError(
      `RUN needs Linux namespaces, which this machine does not give (${isolation.reason}): start Docker or Podman, or run kiln as root or where user namespaces are allowed`,
    );
  }
  if (image.layers.length === 0) throw new BuildError("No image was generated. Is your Dockerfile empty?");
  const root = store.root(image.layers);
  const user = await imageUser(root, image.config.config.User ?? "");
  const holder = await store.temporary();
  const upper = join(holder, "d");
  try {
    await mkdir(upper);
    await chmod(upper, 0o755);
    const binds: { source: string; target: string; isReadOnly: boolean }[] = [];
    for (const cache of step.caches)
      binds.push({ source: await cacheFolder(store.dir, cache.id), target: cache.target, isReadOnly: false });
    let scriptDir: string | undefined;
    if (step.script !== undefined) {
      scriptDir = await store.temporary();
      await chmod(scriptDir, 0o755);
      await writeFile(join(scriptDir, "script"), step.script, { mode: 0o755 });
      binds.push({ source: join(scriptDir, "script"), target: SCRIPT_PATH, isReadOnly: true });
    }
    try {
      const { child, ended } = await startInNamespace(store, isolation, {
        lowerDirs: [...image.layers].reverse().map((layer) => store.layerDir(layer)),
        upperDir: upper,
        argv: step.argv,
        environment: { PATH: DEFAULT_PATH, HOME: user.home, ...step.environment },
        workingDirectory: image.config.config.WorkingDir || "/",
        uid: user.uid,
        gid: user.gid,
        network: step.network,
        binds,
        signal: request.signal,
      });
      forwardOutput(child, step.onOutput);
      const exitCode = await ended;
      request.signal.throwIfAborted();
      if (exitCode !== 0) {
        await removeTree(holder);
        return { exitCode, contents: emptyContents(upper) };
      }
      const owners = await takeOwnership(upper);
      return { exitCode, contents: { dir: upper, owners, ...(await readMarks(upper)) } };
    } finally {
      if (scriptDir !== undefined) await removeTree(scriptDir);
    }
  } catch (error) {
    await removeTree(holder);
    throw error;
  }
}

/** Whole characters only: a chunk may end inside one. */
export function forwardOutput(child: ChildProcess, onOutput: (text: string) => void): void {
  for (const stream of [child.stdout, child.stderr]) {
    const decoder = new StringDecoder("utf8");
    stream?.on("data", (chunk: Buffer) => onOutput(decoder.write(chunk)));
    stream?.on("end", () => {
      const rest = decoder.end();
      if (rest !== "") onOutput(rest);
    });
  }
}

const emptyContents = (dir: string): LayerContents => ({
  dir,
  owners: new Map(),
  whiteouts: new Set(),
  opaque: new Set(),
});

/** Folder on this machine of a RUN cache mount. */
async function cacheFolder(storeDir: string, id: string): Promise<string> {
  const dir = join(storeDir, "caches", createHash("sha256").update(id).digest("hex").slice(0, 16));
  await mkdir(dir, { recursive: true });
  return dir;
}
