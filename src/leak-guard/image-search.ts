/**
 * Searches an image in a registry: manifest, config (environment, labels, entry point, history) and layers, also what a
 * later layer removes. Of an index, each image it lists. A layer is searched once, however many images have it.
 * Format: https://github.com/opencontainers/image-spec/blob/main/config.md and layer.md (whiteouts).
 */
import { posix } from "node:path";
import type { LeakPlace } from "../build/run/events.ts";
import type { ContentSearch } from "./content-search.ts";
import type { Hit, PatternSet } from "./pattern-search.ts";

type ImagePlace = Extract<LeakPlace, { kind: "image" }>;

export interface ImageSearchInput<T> {
  readonly patterns: PatternSet<T>;
  /** Looked for as whole words, in settings only. */
  readonly words: readonly { readonly text: string; readonly value: T }[];
  /** The bytes of a manifest, config or layer; undefined where it is not here. */
  blob(digest: string): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Makes the search of one layer, with where to tell. */
  content(told: {
    onHit(hit: { readonly path: string; readonly hit: Hit<T> }): void;
    onSkipped(path: string, reason: string): void;
  }): ContentSearch<T>;
  onHit(place: ImagePlace, hit: Pick<Hit<T>, "value" | "isWrapped">): void;
  onSkipped(what: string, reason: string): void;
  readonly signal: AbortSignal;
}

export interface PushedImage {
  readonly reference: string;
  readonly digest: string;
}

/** Manifests and configs are read whole up to this size. */
const MAX_DOCUMENT_BYTES = 8 * 1024 * 1024;
const MAX_MANIFESTS = 256;
const MAX_INSTRUCTION_LENGTH = 120;
/** Of one image's layers: a file can hold a secret a million times. */
const MAX_WAITING = 20_000;

interface Descriptor {
  readonly mediaType?: string;
  readonly digest?: string;
}

interface Manifest {
  readonly manifests?: readonly Descriptor[];
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

interface History {
  readonly created_by?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
}

/** Searches images one after the other; `bytes` of their documents are counted by the caller's content searches only. */
export class ImageSearch<T> {
  readonly #input: ImageSearchInput<T>;
  readonly #seen = new Set<string>();

  constructor(input: ImageSearchInput<T>) {
    this.#input = input;
  }

  async image({ reference, digest }: PushedImage): Promise<void> {
    await this.#manifest(reference, digest, MAX_MANIFESTS);
  }

  async #manifest(reference: string, digest: string, most: number): Promise<void> {
    if (this.#seen.has(digest)) return;
    this.#seen.add(digest);
    const text = await this.#document(digest);
    if (text === undefined) {
      return this.#input.onSkipped(`image ${reference}`, "Kiln's registry does not have it: it was pushed elsewhere");
    }
    const place = { kind: "image", reference, digest, part: "manifest" } as const;
    this.#setting(text, place);
    const manifest = parsed<Manifest>(text);
    for (const { digest: child } of (manifest?.manifests ?? []).slice(0, most)) {
      if (child !== undefined) await this.#manifest(reference, child, 0);
    }
    if (!manifest?.config?.digest) return;
    const config = await this.#config(reference, digest, manifest.config.digest);
    await this.#layers(reference, digest, manifest.layers ?? [], config);
  }

  /** Searches a config, member by member; answers the instruction of each layer. */
  async #config(reference: string, digest: string, configDigest: string): Promise<readonly string[]> {
    const text = await this.#document(configDigest);
    if (text === undefined) return [];
    const place = { kind: "image", reference, digest } as const;
    const config = parsed<{ config?: Readonly<Record<string, unknown>>; history?: readonly History[] }>(text);
    if (!config) {
      this.#setting(text, { ...place, part: "config" });
      return [];
    }
    const history = (Array.isArray(config.history) ? config.history : []) as readonly History[];
    const { history: _, ...rest } = config as Record<string, unknown>;
    const settings = flat(rest);
    for (const { name, text: setting } of settings) {
      const instruction = instructionOf(name, history);
      this.#setting(setting, {
        ...place,
        part: "config",
        member: name,
        ...(instruction === undefined ? {} : { instruction: this.#shown(instruction) }),
      });
    }
    const layers: string[] = [];
    for (const { created_by: made = "", comment = "", empty_layer: isEmpty } of history) {
      const instruction = this.#shown(made);
      this.#setting(`${made}\n${comment}`, { ...place, part: "history", instruction });
      if (isEmpty !== true) layers.push(instruction);
    }
    return layers;
  }

  async #layers(
    reference: string,
    digest: string,
    layers: readonly Descriptor[],
    instructions: readonly string[],
  ): Promise<void> {
    /** Hits of earlier layers wait until it is known what later ones remove. */
    const waiting: { place: ImagePlace; hit: Hit<T> }[] = [];
    for (const [index, { digest: layer = "", mediaType = "" }] of layers.entries()) {
      this.#input.signal.throwIfAborted();
      const instruction = instructions[index];
      const removed = new Set<string>();
      if (!this.#seen.has(layer)) {
        this.#seen.add(layer);
        const bytes = await this.#input.blob(layer);
        const what = `layer ${layer.slice(0, 19)} of ${reference}`;
        if (!bytes) this.#input.onSkipped(what, "Kiln's registry does not have it");
        else {
          const place = { kind: "image", reference, digest, part: "layer", layer } as const;
          const from = waiting.length;
          const search = this.#input.content({
            onHit: ({ path, hit }) => {
              if (waiting.length >= MAX_WAITING) return;
              waiting.push({ place: { ...place, path, ...lineOf(hit), ...(instruction ? { instruction } : {}) }, hit });
            },
            onSkipped: (path, reason) => this.#input.onSkipped(path === what ? what : `${path} in ${what}`, reason),
          });
          const onEntry = ({ name }: { readonly name: string }): void => void noteRemoved(name, removed);
          if (isTar(mediaType)) await search.tar(what, bytes, { onEntry });
          else await search.file(mediaType, bytes);
          markDeleted(waiting, from, removed);
        }
      }
    }
    for (const { place, hit } of waiting) this.#input.onHit(place, hit);
  }

  #setting(text: string, place: ImagePlace): void {
    const { patterns, words, onHit } = this.#input;
    for (const hit of patterns.hitsIn(Buffer.from(text))) onHit(place, hit);
    for (const { text: word, value } of words) {
      if (hasWord(text, word)) onHit(place, { value, isWrapped: false });
    }
  }

  /** An instruction as the Dockerfile has it, without values and not too long. */
  #shown(instruction: string): string {
    const plain = instruction
      .replace(/^\/bin\/sh -c #\(nop\)\s*/, "")
      .replace(/^\/bin\/sh -c /, "RUN ")
      .replace(/\s+# buildkit$/, "")
      .replace(/\s+/g, " ")
      .trim();
    let shown = this.#input.patterns.redact(plain);
    for (const { text } of this.#input.words) shown = shown.replaceAll(text, "***");
    return shown.length > MAX_INSTRUCTION_LENGTH ? `${shown.slice(0, MAX_INSTRUCTION_LENGTH)}…` : shown;
  }

  async #document(digest: string): Promise<string | undefined> {
    const bytes = await this.#input.blob(digest);
    if (!bytes) return undefined;
    const parts: Buffer[] = [];
    let size = 0;
    for await (const chunk of bytes) {
      size += chunk.length;
      if (size > MAX_DOCUMENT_BYTES) return undefined;
      parts.push(Buffer.from(chunk));
    }
    return Buffer.concat(parts).toString("utf8");
  }
}

/** A whole word: neither letter, digit nor underscore beside it. */
export const hasWord = (text: string, word: string): boolean =>
  new RegExp(`(?<![A-Za-z0-9_])${word.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")}(?![A-Za-z0-9_])`).test(text);

const lineOf = ({ line }: { readonly line: number | undefined }): { line?: number } =>
  line === undefined ? {} : { line };

const isTar = (mediaType: string): boolean => mediaType === "" || /tar/.test(mediaType);

function parsed<D>(text: string): D | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as D) : undefined;
  } catch {
    return undefined;
  }
}

/** Every text of a document by its way: `config.Env TOKEN`, `config.Labels build.token`. */
function flat(value: unknown, way: readonly string[] = []): { readonly name: string; readonly text: string }[] {
  if (typeof value === "string") {
    const [last = "", ...before] = [...way].reverse();
    const variable = before[0] === "Env" ? value.split("=", 1)[0] : undefined;
    const names = variable === undefined ? way.filter((part) => !/^\d+$/.test(part)) : [...before.reverse(), variable];
    const name = names.filter((part, index) => index > 0 || part !== "config").join(" ");
    return [{ name: name === "" ? last : name, text: value }];
  }
  if (typeof value !== "object" || value === null || way.length > 32) return [];
  return Object.entries(value).flatMap(([key, member]) => [
    ...(Array.isArray(value) ? [] : flatName(key, way)),
    ...flat(member, [...way, key]),
  ]);
}

/** Keys of labels may be anything, too. */
const flatName = (key: string, way: readonly string[]): { name: string; text: string }[] =>
  key.length < 8 ? [] : [{ name: [...way, "key"].filter((part) => part !== "config").join(" "), text: key }];

/** The instruction that made a setting: the last of the history that names it. */
function instructionOf(name: string, history: readonly History[]): string | undefined {
  const [kind = "", key = ""] = name.split(" ");
  const word = { Env: "ENV", Labels: "LABEL", Cmd: "CMD", Entrypoint: "ENTRYPOINT", Healthcheck: "HEALTHCHECK" }[kind];
  if (word === undefined) return undefined;
  const made = history.filter(({ created_by: text = "" }) => text.includes(`${word} `) && text.includes(key));
  return made.at(-1)?.created_by;
}

const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";

/** Notes what an entry of a layer removes or replaces of the layers below; a folder's whole content with a slash. */
function noteRemoved(name: string, removed: Set<string>): void {
  const path = cleanPath(name);
  const base = posix.basename(path);
  if (base === OPAQUE) removed.add(path.includes("/") ? `${posix.dirname(path)}/` : "/");
  else if (base.startsWith(WHITEOUT)) {
    const gone = posix.join(posix.dirname(path), base.slice(WHITEOUT.length));
    removed.add(gone);
    removed.add(`${gone}/`);
  } else removed.add(path);
}

const cleanPath = (path: string): string => posix.normalize(path).replace(/^\/+|^(\.\/)+/, "");

/** Marks hits of layers before `from` in files that this layer removes. */
function markDeleted(waiting: { place: ImagePlace; hit: unknown }[], from: number, removed: ReadonlySet<string>): void {
  if (removed.size === 0) return;
  for (const found of waiting.slice(0, from)) {
    const file = cleanPath((found.place.path ?? "").split("!/", 1)[0] ?? "");
    const folders = file.split("/").map((_, index, parts) => `${parts.slice(0, index).join("/")}/`);
    if (removed.has(file) || folders.some((folder) => removed.has(folder))) {
      found.place = { ...found.place, isDeletedLater: true };
    }
  }
}
