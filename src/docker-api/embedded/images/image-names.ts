/** Names of images inside one build: as on CodeBuild, where each build starts with an empty engine. */
import type { Image } from "../../../images/image.ts";
import {
  familiarName,
  familiarReference,
  type ImageReference,
  InvalidReference,
  parseReference,
  withDefaultTag,
} from "../../../images/reference.ts";

export interface NamedImage {
  readonly image: Image;
  /** `python:3.11-slim`, as people write them. */
  readonly tags: readonly string[];
  /** `host/name@sha256:…` of pushes and pulls. */
  readonly digests: readonly string[];
}

interface Name {
  readonly reference: ImageReference;
  readonly id: string;
}

/** Docker's answer to a removal. */
export interface RemovedName {
  readonly Untagged?: string;
  readonly Deleted?: string;
}

export class ImageNames {
  readonly #images = new Map<string, Image>();
  /** `host/repository:tag` → id */
  readonly #tags = new Map<string, Name>();
  readonly #digests = new Map<string, Name>();

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
    const byName = this.#named(name);
    if (byName) return byName;
    const bare = name.replace(/^sha256:/, "");
    if (!/^[a-f0-9]{1,64}$/.test(bare)) return undefined;
    const matches = [...this.#images.values()].filter((image) => image.id.slice("sha256:".length).startsWith(bare));
    return matches.length === 1 ? matches[0] : undefined;
  }

  /** Newest first, also those without a name. */
  list(): NamedImage[] {
    const created = ({ image }: NamedImage): number => Date.parse(image.config.created) || 0;
    return [...this.#images.values()]
      .reverse()
      .map((image) => this.describe(image))
      .sort((a, b) => created(b) - created(a));
  }

  describe(image: Image): NamedImage {
    const of = (map: ReadonlyMap<string, Name>): ImageReference[] =>
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

  /** Whether the text names the image, rather than its id. */
  isName(name: string): boolean {
    return this.#named(name) !== undefined;
  }

  /**
   * Takes one name away, with the digests of its repository when no other tag of it is left. Empty when it is no name.
   */
  untag(name: string): RemovedName[] {
    const reference = referenceOf(name);
    if (!reference) return [];
    const isTag = reference.digest === undefined;
    const map = isTag ? this.#tags : this.#digests;
    const key = keyOf(isTag ? reference : { ...reference, tag: undefined });
    const known = map.get(key);
    if (!known) return [];
    map.delete(key);
    const gone: RemovedName[] = [{ Untagged: familiarReference(isTag ? reference : { ...reference, tag: undefined }) }];
    const isOfRepository = (one: Name): boolean =>
      one.id === known.id && one.reference.host === reference.host && one.reference.repository === reference.repository;
    if (!isTag || [...this.#tags.values()].some(isOfRepository)) return gone;
    for (const [other, one] of this.#digests) {
      if (!isOfRepository(one)) continue;
      this.#digests.delete(other);
      gone.push({ Untagged: familiarReference(one.reference) });
    }
    return gone;
  }

  /** Takes the image away with all its names. */
  delete(image: Image): RemovedName[] {
    const { tags, digests } = this.describe(image);
    const gone = [...tags, ...digests].map((name): RemovedName => ({ Untagged: name }));
    for (const map of [this.#tags, this.#digests])
      for (const [key, entry] of map) if (entry.id === image.id) map.delete(key);
    this.#images.delete(image.id);
    return [...gone, { Deleted: image.id }];
  }

  #named(name: string): Image | undefined {
    const reference = referenceOf(name);
    if (!reference) return undefined;
    const entry =
      reference.digest === undefined
        ? this.#tags.get(keyOf(reference))
        : this.#digests.get(keyOf({ ...reference, tag: undefined }));
    return entry && this.#images.get(entry.id);
  }
}

function referenceOf(name: string): ImageReference | undefined {
  try {
    return withDefaultTag(parseReference(name));
  } catch (error) {
    if (error instanceof InvalidReference) return undefined;
    throw error;
  }
}

const keyOf = (reference: ImageReference): string =>
  `${reference.host}/${reference.repository}${reference.digest === undefined ? `:${reference.tag}` : `@${reference.digest}`}`;
