/**
 * Where a build's files come from: the Dockerfile, the context, contexts with a name, images. Each is loaded once, when it
 * is first needed, as a step that clients see (`[internal] load …`).
 */
import { readFile } from "node:fs/promises";
import { type IgnoreRules, ignoreLines, ignoreRules } from "../../../dockerfile/ignore-file.ts";
import type { Image } from "../../../images/image.ts";
import type { LayerRecord } from "../../../images/layer-store.ts";
import { findFile, LayeredRoot } from "../../../images/layered-root.ts";
import {
  familiarReference,
  formatReference,
  InvalidReference,
  parseReference,
  withDefaultTag,
} from "../../../images/reference.ts";
import { BuildError, type BuildRequest, type NamedContext, type SourceFolder } from "./build-request.ts";
import type { Vertexes } from "./vertexes.ts";

export type Source =
  | { readonly kind: "layers"; readonly layers: readonly LayerRecord[]; readonly root: LayeredRoot }
  | { readonly kind: "folder"; readonly dir: string; readonly root: LayeredRoot; readonly ignore: IgnoreRules };

const MAX_DOCKERFILE_BYTES = 16 * 1024 * 1024;

export class BuildSources {
  readonly #request: BuildRequest;
  readonly #vertexes: Vertexes;
  readonly #images = new Map<string, Promise<Image>>();
  readonly #folders = new Map<string, Promise<Source>>();
  #ignore: Promise<readonly string[]> | undefined;
  /** What the steps take from the context; undefined is everything. */
  contextPaths: readonly string[] | undefined;

  constructor(request: BuildRequest, vertexes: Vertexes) {
    this.#request = request;
    this.#vertexes = vertexes;
  }

  /** The Dockerfile's text; `onRead` gets it while the step that reads it goes on. */
  async definition(onRead?: (text: string, digest: string) => void): Promise<string> {
    const { dockerfile, style } = this.#request;
    return this.#vertexes.run(`[internal] load build definition from ${baseName(dockerfile.name)}`, async (vertex) => {
      const paths = [dockerfile.name, `${dockerfile.name}.dockerignore`];
      await dockerfile.fetch?.({ paths, excludes: [] }, vertex.status);
      const file = await findFile(rootOf(dockerfile.dir), dockerfile.name);
      if (!file)
        throw new BuildError(
          style === "classic"
            ? `Cannot locate specified Dockerfile: ${dockerfile.name}`
            : `failed to read dockerfile: open ${dockerfile.name}: no such file or directory`,
        );
      if (file.stats.size > MAX_DOCKERFILE_BYTES)
        throw new BuildError(`the Dockerfile is larger than ${MAX_DOCKERFILE_BYTES} bytes`);
      const text = await readFile(file.hostPath, "utf8");
      if (!dockerfile.fetch) this.#transferred(vertex.status, "transferring dockerfile:", Buffer.byteLength(text));
      onRead?.(text, vertex.digest);
      return text;
    });
  }

  #transferred(
    status: (status: { id: string; currentBytes: number; totalBytes: number; isDone: boolean }) => void,
    id: string,
    bytes: number,
  ): void {
    status({ id, currentBytes: bytes, totalBytes: 0, isDone: true });
  }

  /** Lines of the Dockerfile's own ignore file, else of the context's. */
  ignoreLines(): Promise<readonly string[]> {
    this.#ignore ??= this.#vertexes.run("[internal] load .dockerignore", async (vertex) => {
      const { context, dockerfile, style } = this.#request;
      const own = style === "buildkit" && (await findFile(rootOf(dockerfile.dir), `${dockerfile.name}.dockerignore`));
      if (own) return ignoreLines(await readFile(own.hostPath, "utf8"));
      await context.fetch?.({ paths: [".dockerignore"], excludes: [] }, vertex.status);
      const file = await findFile(rootOf(context.dir), ".dockerignore");
      const text = file ? await readFile(file.hostPath, "utf8") : "";
      if (!context.fetch)
        this.#transferred(vertex.status, "transferring context:", Math.max(2, Buffer.byteLength(text)));
      return ignoreLines(text);
    });
    return this.#ignore;
  }

  /** The build context. */
  context(): Promise<Source> {
    const { context, dockerfile, style } = this.#request;
    // The classic builder's client leaves out what is ignored; the builder itself, what always comes along.
    const of = (lines: readonly string[]): IgnoreRules =>
      style === "classic" ? onlyOf(ignoreRules(lines), [dockerfile.name, ".dockerignore"]) : ignoreRules(lines);
    return this.#folder("", "[internal] load build context", context, this.contextPaths, () => this.ignoreLines(), of);
  }

  /** What `--build-context` gives for a name, however it is written. */
  named(name: string): NamedContext | undefined {
    const { namedContexts } = this.#request;
    const spellings = [name, name.toLowerCase()];
    try {
      const reference = withDefaultTag(parseReference(name));
      const familiar = familiarReference(reference);
      spellings.push(familiar, familiar.replace(/:latest$/, ""), formatReference(reference));
    } catch (error) {
      if (!(error instanceof InvalidReference)) throw error;
    }
    const key = spellings.find((spelling) => Object.hasOwn(namedContexts, spelling));
    return key === undefined ? undefined : namedContexts[key];
  }

  namedFolder(name: string, folder: SourceFolder): Promise<Source> {
    const ignoreOf = (): Promise<readonly string[]> =>
      this.#vertexes.run(`[context ${name}] load .dockerignore`, async (vertex) => {
        await folder.fetch?.({ paths: [".dockerignore"], excludes: [] }, vertex.status);
        const file = await findFile(rootOf(folder.dir), ".dockerignore");
        return file ? ignoreLines(await readFile(file.hostPath, "utf8")) : [];
      });
    return this.#folder(`/${name}`, `[context ${name}] load from client`, folder, undefined, ignoreOf);
  }

  #folder(
    key: string,
    title: string,
    folder: SourceFolder,
    paths: readonly string[] | undefined,
    ignoreOf: () => Promise<readonly string[]>,
    rulesOf: (lines: readonly string[]) => IgnoreRules = ignoreRules,
  ): Promise<Source> {
    const load = async (): Promise<Source> => {
      const lines = await ignoreOf();
      return this.#vertexes.run(title, async (vertex) => {
        await folder.fetch?.({ paths, excludes: lines }, vertex.status);
        return { kind: "folder", dir: folder.dir, root: rootOf(folder.dir), ignore: rulesOf(lines) };
      });
    };
    const going = this.#folders.get(key) ?? load();
    this.#folders.set(key, going);
    return going;
  }

  /** An image of FROM or `--from`. */
  image(name: string): Promise<Image> {
    const named = this.named(name);
    const reference = named?.kind === "image" ? named.reference : name;
    const going = this.#images.get(reference) ?? this.#loadImage(reference);
    this.#images.set(reference, going);
    return going;
  }

  async #loadImage(reference: string): Promise<Image> {
    const shown = fullName(reference);
    return this.#vertexes.run(`[internal] load metadata for ${shown}`, () => this.#request.resolveImage(reference));
  }
}

/** Rules about some paths only. */
const onlyOf = (rules: IgnoreRules, paths: readonly string[]): IgnoreRules => ({
  ...rules,
  isIgnored: (path) => paths.includes(path) && rules.isIgnored(path),
});

/** `docker.io/library/python:3.11`; a name that is none stays as it is. */
export function fullName(name: string): string {
  try {
    return formatReference(withDefaultTag(parseReference(name)));
  } catch (error) {
    if (error instanceof InvalidReference) return name;
    throw error;
  }
}

const rootOf = (dir: string): LayeredRoot => new LayeredRoot([{ dir, whiteouts: new Set(), opaque: new Set() }]);

const baseName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
