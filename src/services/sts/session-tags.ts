/**
 * Session tags: those of the request and those that pass on through a chain of roles.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
 */
import type { Principal } from "../../core/aws.ts";
import { duplicateTagKeys, transitiveKeyConflict, transitiveKeyNotRequested } from "./errors.ts";
import type { AssumeRoleRequest } from "./shapes.gen.ts";

export interface SessionTags {
  readonly tags: Readonly<Record<string, string>>;
  readonly transitiveKeys: readonly string[];
}

/** Checks the request's tags and adds the transitive ones of the calling session. */
export function sessionTagsOf(input: AssumeRoleRequest, principal: Principal): SessionTags {
  const requested = input.Tags ?? [];
  const transitive = input.TransitiveTagKeys ?? [];
  const keys = new Set(requested.map((tag) => tag.Key.toLowerCase()));
  if (keys.size < requested.length) throw duplicateTagKeys();
  if (transitive.some((key) => !keys.has(key.toLowerCase()))) throw transitiveKeyNotRequested();
  const inherited = principal.type === "AssumedRole" ? (principal.transitiveTagKeys ?? []) : [];
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
