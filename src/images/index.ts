/** Public face of images/: names, the registry client, base images, the image map, the wheelhouse. */
export { type BaseImage, type BaseImageKind, type MakeBaseImageOptions, makeBaseImage } from "./base-image.ts";
export type { Image } from "./image.ts";
export { findMappedImage, type ImageMapping, listMappedImages, mapImage, unmapImage } from "./image-map.ts";
export { type ImportedImage, importImage, loadIntoRegistry } from "./import-image.ts";
export { LayerStore } from "./layer-store.ts";
export {
  familiarName,
  familiarReference,
  formatReference,
  type ImageReference,
  InvalidReference,
  parseReference,
  standInRepository,
  withDefaultTag,
} from "./reference.ts";
export {
  MANIFEST_TYPES,
  RegistryClient,
  type RegistryClientOptions,
  type RegistryCredentials,
  RegistryRequestError,
} from "./registry-client.ts";
export { makeWheelhouse, type Wheelhouse } from "./wheelhouse.ts";
