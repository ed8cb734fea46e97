/** The image map: which image stands for a name that cannot be had, as the user declared it (`kiln images map A=B`). */
import type { Store } from "../store/store.ts";
import { formatReference, InvalidReference, parseReference, withDefaultTag } from "./reference.ts";

export interface ImageMapping {
  /** Whole names, e.g. `docker.io/library/python:3.11-slim`. */
  readonly from: string;
  readonly to: string;
}

const mappings = (store: Store) => store.collection<ImageMapping>("images.map");

const whole = (name: string): string => formatReference(withDefaultTag(parseReference(name)));

/** Throws `InvalidReference` for what is no image name. */
export async function mapImage(store: Store, from: string, to: string): Promise<ImageMapping> {
  const mapping = { from: whole(from), to: whole(to) };
  await store.write(() => mappings(store).put([mapping.from], mapping));
  return mapping;
}

/** False when there was none. */
export async function unmapImage(store: Store, from: string): Promise<boolean> {
  const key = [whole(from)];
  const isKnown = mappings(store).has(key);
  await store.write(() => mappings(store).delete(key));
  return isKnown;
}

export const listMappedImages = (store: Store): ImageMapping[] =>
  mappings(store)
    .list([])
    .map(({ value }) => value);

/** The name to use instead, or undefined, also for what is no image name; for `DockerSocketRequest.mappedImage`. */
export function findMappedImage(store: Store, name: string): string | undefined {
  try {
    return mappings(store).get([whole(name)])?.to;
  } catch (error) {
    if (error instanceof InvalidReference) return undefined;
    throw error;
  }
}
