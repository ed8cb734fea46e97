/** What CreateRepository and a creation template say about a repository, checked and in the form it is kept in. */
import type { EcrSettings, TagMutability } from "../../../registry/index.ts";
import { encryptionNotOffered } from "../errors.ts";
import type { ImageTagMutabilityExclusionFilter, Tag } from "../shapes.gen.ts";
import { exclusionFilters } from "./tag-mutability.ts";
import { mergedTags } from "./tags.ts";

export interface GivenSettings {
  readonly imageTagMutability?: TagMutability | undefined;
  readonly imageTagMutabilityExclusionFilters?: readonly ImageTagMutabilityExclusionFilter[] | undefined;
  readonly encryptionConfiguration?: { readonly encryptionType: "AES256" | "KMS" | "KMS_DSSE" } | undefined;
  readonly tags?: readonly Tag[] | undefined;
}

/** Throws the refusal of what is not offered. */
export function settingsOf(given: GivenSettings): EcrSettings {
  const tagMutability = given.imageTagMutability ?? "MUTABLE";
  const encryptionType = given.encryptionConfiguration?.encryptionType ?? "AES256";
  if (encryptionType !== "AES256") throw encryptionNotOffered(encryptionType);
  return {
    tagMutability,
    exclusionFilters: exclusionFilters(tagMutability, given.imageTagMutabilityExclusionFilters),
    scanOnPush: false,
    encryption: { type: "AES256" },
    tags: mergedTags({}, given.tags ?? []),
  };
}
