/** How many layers an image may have. */
import type { LayerRecord } from "../../../images/layer-store.ts";
import { BuildError } from "./build-request.ts";

/** Docker's engine registers no layer above so many; its overlay driver mounts 128. */
const MAX_LAYERS = 125;

/** Layers with one more on top. Throws docker's text when there are too many. */
export function withLayer(layers: readonly LayerRecord[], layer: LayerRecord): readonly LayerRecord[] {
  if (layers.length >= MAX_LAYERS) throw new BuildError("max depth exceeded");
  return [...layers, layer];
}
