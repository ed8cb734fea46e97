/** What of two images differs, one line each. */
import type { ComparableImage } from "./saved-image.ts";

/** `theirs` is the engine's, `ours` the embedded builder's. */
export function imageDifferences(theirs: ComparableImage, ours: ComparableImage): string[] {
  return [
    ...configDifferences(theirs.config, ours.config),
    ...historyDifferences(theirs.history, ours.history),
    ...layerDifferences(theirs, ours),
    ...fileDifferences("", theirs.files, ours.files),
  ];
}

function configDifferences(
  theirs: Readonly<Record<string, unknown>>,
  ours: Readonly<Record<string, unknown>>,
): string[] {
  const keys = new Set([...Object.keys(theirs), ...Object.keys(ours)]);
  return [...keys].sort().flatMap((key) => {
    const [a, b] = [JSON.stringify(theirs[key]), JSON.stringify(ours[key])];
    return a === b ? [] : [`config.${key}: docker ${a ?? "absent"}, kiln ${b ?? "absent"}`];
  });
}

function historyDifferences(theirs: readonly string[], ours: readonly string[]): string[] {
  const length = Math.max(theirs.length, ours.length);
  return Array.from({ length }, (_, index) => index).flatMap((index) => {
    const [a, b] = [theirs[index], ours[index]];
    return a === b ? [] : [`history[${index}]: docker ${JSON.stringify(a)}, kiln ${JSON.stringify(b)}`];
  });
}

/**
 * Layer by layer. Folders that a layer only passes through are not compared: whether they are in it depends on the
 * engine's storage driver. What they look like in the end is compared with the other files.
 */
function layerDifferences(theirs: ComparableImage, ours: ComparableImage): string[] {
  if (theirs.layers.length !== ours.layers.length)
    return [`layers: docker ${theirs.layers.length}, kiln ${ours.layers.length}`];
  const noFolders = (layer: ReadonlyMap<string, string>): Map<string, string> =>
    new Map([...layer].filter(([, line]) => !line.startsWith("dir ")));
  return theirs.layers.flatMap((layer, index) =>
    fileDifferences(`layer ${index} `, noFolders(layer), noFolders(ours.layers[index] ?? new Map())),
  );
}

function fileDifferences(
  label: string,
  theirs: ReadonlyMap<string, string>,
  ours: ReadonlyMap<string, string>,
): string[] {
  const paths = [...new Set([...theirs.keys(), ...ours.keys()])].sort();
  return paths.flatMap((path) => {
    const [a, b] = [theirs.get(path), ours.get(path)];
    return a === b ? [] : [`${label}${path}: docker ${a ?? "absent"}, kiln ${b ?? "absent"}`];
  });
}
