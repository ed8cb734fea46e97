/**
 * `POST /build` before an engine: the context goes through a private file, in which the Dockerfile is looked for, so that
 * the engine has the images of its FROM lines before it starts. What the build leaves (steps, containers of a failed RUN)
 * is noted from its output, because an engine puts the build's label on the finished image only.
 * Contexts that the engine fetches itself (`remote`) and BuildKit's (a session) have no Dockerfile here: for BuildKit the
 * Dockerfiles below the build's folder are read instead, with their ARG defaults.
 */
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { debug } from "../../core/log.ts";
import { parseDockerfile } from "../../dockerfile/dockerfile.ts";
import { decompressed } from "../../images/layer-store.ts";
import { components } from "../../images/layered-root.ts";
import { readTar } from "../../images/tar.ts";
import { baseImageNames } from "../embedded/build/stages.ts";

const MAX_DOCKERFILE_BYTES = 1024 * 1024;
/** Of a folder in which Dockerfiles are looked for. */
const MAX_ENTRIES = 20_000;
const MAX_DEPTH = 8;
const SKIPPED_FOLDERS = new Set(["node_modules", ".git", "site-packages"]);

export interface SpooledContext {
  readonly sizeBytes: number;
  read(): AsyncIterable<Buffer>;
  remove(): Promise<void>;
}

/** Keeps a context in a file of its own below `dir`. */
export async function spoolContext(body: AsyncIterable<Buffer>, dir: string): Promise<SpooledContext> {
  const folder = await mkdtemp(join(dir, "context-"));
  const path = join(folder, "context.tar");
  try {
    await pipeline(body, createWriteStream(path, { mode: 0o600 }));
    const { size } = await stat(path);
    return {
      sizeBytes: size,
      read: () => createReadStream(path, { highWaterMark: 256 * 1024 }),
      remove: () => rm(folder, { recursive: true, force: true }),
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Images that the Dockerfile of a context asks for; none when it cannot be read: the engine's error then says why. */
export async function imagesOfContext(context: SpooledContext, query: URLSearchParams): Promise<string[]> {
  try {
    const text = await dockerfileOf(context, query.get("dockerfile") || "Dockerfile");
    if (text === undefined) return [];
    const given = JSON.parse(query.get("buildargs") || "{}") as Record<string, string | null> | null;
    const buildArgs = Object.fromEntries(
      Object.entries(given ?? {}).flatMap(([name, value]) => (value === null ? [] : [[name, String(value)]])),
    );
    return baseImageNames(parseDockerfile(text), query.get("target") ?? "", buildArgs);
  } catch (error) {
    debug("docker", () => `no FROM names from the context: ${(error as Error).message}`);
    return [];
  }
}

async function dockerfileOf(context: SpooledContext, name: string): Promise<string | undefined> {
  const wanted = components(name).join("/");
  let found: Buffer | undefined;
  for await (const entry of readTar(decompressed(context.read()))) {
    if (entry.type !== "file" || components(entry.name).join("/") !== wanted) continue;
    if (entry.sizeBytes > MAX_DOCKERFILE_BYTES) return undefined;
    const chunks: Buffer[] = [];
    for await (const chunk of entry.body) chunks.push(chunk);
    // The last entry of a name is the one that is unpacked.
    found = Buffer.concat(chunks);
  }
  return found?.toString("utf8");
}

/** Images that the Dockerfiles below a folder ask for, with the defaults of their ARGs. */
export async function imagesBelow(folder: string): Promise<string[]> {
  const names = new Set<string>();
  let left = MAX_ENTRIES;
  const visit = async (dir: string, depth: number): Promise<void> => {
    for (const entry of await readdir(dir, { withFileTypes: true }).catch(() => [])) {
      if (--left < 0) return;
      const path = join(dir, entry.name);
      if (entry.isDirectory()) {
        if (depth < MAX_DEPTH && !SKIPPED_FOLDERS.has(entry.name)) await visit(path, depth + 1);
      } else if (entry.isFile() && /^dockerfile|\.dockerfile$|^containerfile$/i.test(entry.name)) {
        for (const name of await imagesOfFile(path)) names.add(name);
      }
    }
  };
  await visit(folder, 0);
  return [...names];
}

async function imagesOfFile(path: string): Promise<string[]> {
  try {
    const file = await open(path);
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(MAX_DOCKERFILE_BYTES), 0, MAX_DOCKERFILE_BYTES, 0);
      return baseImageNames(parseDockerfile(buffer.toString("utf8", 0, bytesRead)), "", {});
    } finally {
      await file.close();
    }
  } catch (error) {
    debug("docker", () => `no FROM names from ${path}: ${(error as Error).message}`);
    return [];
  }
}

/** Notes what a classic build makes, line by line of its output. */
export class MadeByBuild {
  readonly images = new Set<string>();
  readonly containers = new Set<string>();
  /** The step's image was there before: it comes from the cache, or is the one that FROM names. */
  #wasThere = false;

  /** One JSON line of the engine's answer; the image that it tells of, when the build made it. */
  line(text: string): string | undefined {
    let stream: string | undefined;
    try {
      stream = (JSON.parse(text) as { stream?: string }).stream;
    } catch {
      return undefined;
    }
    if (stream === undefined) return undefined;
    const container = /^ ---> Running in ([0-9a-f]{12,64})/.exec(stream)?.[1];
    if (container !== undefined) this.containers.add(container);
    const image = /^ ---> ([0-9a-f]{12,64})\s*$/.exec(stream)?.[1];
    const isOwn = image !== undefined && !this.#wasThere;
    if (isOwn) this.images.add(image);
    if (/^Step /.test(stream)) this.#wasThere = /^Step \S+ : FROM\b/i.test(stream);
    else if (/^ ---> Using cache/.test(stream)) this.#wasThere = true;
    return isOwn ? image : undefined;
  }
}
