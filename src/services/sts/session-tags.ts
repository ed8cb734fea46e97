/**
 * Session tags: those of the request and those that pass on through a chain of roles.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
 */
import type { Principal } from "../../core/aws.ts";
import { duplicateTagKeys, reservedTagKey, transitiveKeyConflict, transitiveKeyNotRequested } from "./errors.ts";
import type { AssumeRoleRequest } from "./shapes.gen.ts";

/** What {@link sessionTagsOf} throws. */
export const sessionTagErrors = [duplicateTagKeys, reservedTagKey, transitiveKeyNotRequested, transitiveKeyConflict];

/** The tags of a session that is about to open. */
export interface SessionTags {
  readonly tags: Readonly<Record<string, string>>;
  readonly transitiveKeys: readonly string[];
}

/** Checks the request's tags and adds the transitive ones of the calling session. */
export function sessionTagsOf(
  input: Pick<AssumeRoleRequest, "Tags" | "TransitiveTagKeys">,
  principal: Principal,
): SessionTags {
  const requested = input.Tags ?? [];
  const transitive = input.TransitiveTagKeys ?? [];
  const keys = new Set(requested.map((tag) => tag.Key.toLowerCase()));
  if (keys.size < requested.length) throw duplicateTagKeys();
  if ([...keys].some((key) => key.startsWith("aws:"))) throw reservedTagKey();
  if (transitive.some((key) => !keys.has(key.toLowerCase()))) throw transitiveKeyNotRequested();
  const inherited = inheritedTransitiveKeys(principal);
  if (inherited.some((key) => keys.has(key.toLowerCase()))) throw transitiveKeyConflict();
  const inheritedTags = principal.type === "AssumedRole" ? principal.sessionTags : {};
  return {
    tags: {
      ...Object.fromEntries(inherited.map((key) => [key, inheritedTags[key] ?? ""])),
      ...Object.fromEntries(requested.map((tag) => [tag.Key, tag.Value])),
    },
    transitiveKeys: [...inherited, ...transitive],
  };
}

/** Keys of the tags that the calling session passes on to the next. */
export const inheritedTransitiveKeys = (principal: Principal): readonly string[] =>
  principal.type === "AssumedRole" ? (principal.transitiveTagKeys ?? []) : [];
