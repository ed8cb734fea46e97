/** How many tags a log group may have. */
import { tooManyTags } from "./errors.ts";

const MAX_TAGS = 50;

/** Throws AWS's error for more tags than a group may have. */
export function requireTagCount(tags: Readonly<Record<string, string>>): void {
  if (Object.keys(tags).length > MAX_TAGS) throw tooManyTags();
}
