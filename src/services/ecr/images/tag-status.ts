/** Filters that several lists of images have. */
import type { ManifestRecord } from "../../../registry/index.ts";

/** By whether an image has tags. */
export const isWanted = (tagStatus: "TAGGED" | "UNTAGGED" | "ANY" | undefined, tags: readonly string[]): boolean =>
  tagStatus === "TAGGED" ? tags.length > 0 : tagStatus === "UNTAGGED" ? tags.length === 0 : true;

export const imageStatusOf = ({ archivedAtMs }: ManifestRecord): "ACTIVE" | "ARCHIVED" =>
  archivedAtMs === undefined ? "ACTIVE" : "ARCHIVED";

/** By whether an image is in the archive. AWS: only active images are listed unless others are asked for. */
export const hasStatus = (
  wanted: "ACTIVE" | "ARCHIVED" | "ACTIVATING" | "ANY" | undefined,
  record: ManifestRecord,
): boolean => wanted === "ANY" || (wanted ?? "ACTIVE") === imageStatusOf(record);
