/** Public face of images/: names, the registry client, base images, the image map, the wheelhouse. */
export { type BaseImage, type BaseImageKind, type MakeBaseImageOptions, makeBaseImage } from "./base-image.ts";
export type { Image } from "./image.ts";
export { type ImageMapping, listMappedImages, mapImage, unmapImage } from "./image-map.ts";
export { type ImportedImage, importImage, loadIntoRegistry } from "./import-image.ts";
export { LayerStore } from "./layer-store.ts";
export { type PythonToolchain, type UnpackPythonOptions, unpackPython } from "./python-toolchain.ts";
export { type ImageReference, InvalidReference, parseReference } from "./reference.ts";
export type { RegistryClientOptions, RegistryCredentials } from "./registry-client.ts";
export { readTar, TAR_END, tarHeader, tarPadding } from "./tar.ts";
export { makeWheelhouse, type Wheelhouse } from "./wheelhouse.ts";
