/** Names of images inside one build: as on CodeBuild, where each build starts with an empty engine. */

import type { Image } from "../../images/image.ts";
import {
  familiarName,
  type ImageReference,
  InvalidReference,
  parseReference,
  withDefaultTag,
} from "../../images/reference.ts";

export interface NamedImage {
  readonly image: Image;
  /** `python:3.11-slim`, as people write them. */
  readonly tags: readonly string[];
  /** `host/name@sha256:…` of pushes and pulls. */
  readonly digests: readonly string[];
}

export class ImageNames {
  readonly #images = new Map<string, Image>();
  /** `host/repository:tag` → id */
  readonly #tags = new Map<string, { reference: ImageReference; id: string }>();
  readonly #digests = new Map<string, { reference: ImageReference; id: string }>();

  add(image: Image): void {
    this.#images.set(image.id, image);
  }

  tag(reference: ImageReference, image: Image): void {
    this.add(image);
    const tagged = withDefaultTag({ ...reference, digest: undefined });
    this.#tags.set(keyOf(tagged), { reference: tagged, id: image.id });
  }

  addDigest(reference: ImageReference, digest: string, image: Image): void {
    this.add(image);
    const named = { ...reference, tag: undefined, digest };
    this.#digests.set(keyOf(named), { reference: named, id: image.id });
  }

  /** By reference, id or beginning of an id. */
  find(name: string): Image | undefined {
    const bare = name.replace(/^sha256:/, "");
    const byName = this.#named(name);
    if (byName) return byName;
    if (!/^[a-f0-9]{4,64}$/.test(bare)) return undefined;
    const matches = [...this.#images.values()].filter((image) => image.id.slice("sha256:".length).startsWith(bare));
    return matches.length === 1 ? matches[0] : undefined;
  }

  list(): NamedImage[] {
    const entries = [...this.#images.values()].map((image) => this.describe(image));
    return entries.filter((entry) => entry.tags.length + entry.digests.length > 0);
  }

  describe(image: Image): NamedImage {
    const of = (map: ReadonlyMap<string, { reference: ImageReference; id: string }>): ImageReference[] =>
      [...map.values()].filter((entry) => entry.id === image.id).map((entry) => entry.reference);
    return {
      image,
      tags: of(this.#tags).map((reference) => `${familiarName(reference)}:${reference.tag}`),
      digests: of(this.#digests).map((reference) => `${familiarName(reference)}@${reference.digest}`),
    };
  }

  /** Tags of one repository with their images. */
  tagsOf(reference: ImageReference): { reference: ImageReference; image: Image }[] {
    return [...this.#tags.values()].flatMap((entry) => {
      const image = this.#images.get(entry.id);
      const isSame = entry.reference.host === reference.host && entry.reference.repository === reference.repository;
      return image && isSame ? [{ reference: entry.reference, image }] : [];
    });
  }

  /** Removes a name, or the image with all its names when given by id. Returns docker's list of what went. */
  remove(name: string): { Untagged?: string; Deleted?: string }[] | undefined {
    const image = this.find(name);
    if (!image) return undefined;
    const described = this.describe(image);
    let reference: ImageReference | undefined;
    try {
      reference = withDefaultTag(parseReference(name));
    } catch (error) {
      if (!(error instanceof InvalidReference)) throw error;
    }
    const isByName = reference !== undefined && this.#tags.has(keyOf(reference));
    const gone: { Untagged?: string; Deleted?: string }[] = [];
    for (const [key, entry] of this.#tags) {
      if (entry.id !== image.id || (isByName && reference && key !== keyOf(reference))) continue;
      this.#tags.delete(key);
      gone.push({ Untagged: `${familiarName(entry.reference)}:${entry.reference.tag}` });
    }
    if (isByName && described.tags.length > 1) return gone;
    for (const [key, entry] of this.#digests) if (entry.id === image.id) this.#digests.delete(key);
    this.#images.delete(image.id);
    gone.push({ Deleted: image.id });
    return gone;
  }

  #named(name: string): Image | undefined {
    try {
      const reference = withDefaultTag(parseReference(name));
      const byDigest =
        reference.digest === undefined ? undefined : this.#digests.get(keyOf({ ...reference, tag: undefined }));
      const entry = reference.digest === undefined ? this.#tags.get(keyOf(reference)) : byDigest;
      return entry && this.#images.get(entry.id);
    } catch {
      return undefined;
    }
  }
}

const keyOf = (reference: ImageReference): string =>
  `${reference.host}/${reference.repository}${reference.digest === undefined ? `:${reference.tag}` : `@${reference.digest}`}`;
