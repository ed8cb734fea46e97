/** TagResource, UntagResource, ListResourceTags, and the rules for tags that CreateKey shares. */
import { operation } from "../../service.ts";
import { changeKey } from "../change-key.ts";
import { invalidMarker, invalidState, lookupErrors, tagFailure } from "../errors.ts";
import { requireKeyNotAlias, soughtKeyNotAlias } from "../find-key.ts";
import { keyAccess, requestTagConditions } from "../key-access.ts";
import { pageOf } from "../pages.ts";
import type {
  ListResourceTagsRequest,
  ListResourceTagsResponse,
  Tag,
  TagResourceRequest,
  UntagResourceRequest,
} from "../shapes.gen.ts";
import { requireNotPendingDeletion } from "../usable-key.ts";

const MAX_TAGS = 50;
/** Source: https://docs.aws.amazon.com/kms/latest/developerguide/tagging-keys.html */
const TAG_TEXT = /^[\p{L}\p{Z}\p{N}_.:/=+@-]*$/u;

export const tagResource = operation<TagResourceRequest, object>({
  name: "TagResource",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_TagResource.html",
  authorize: async (input, context) => [
    keyAccess(
      context,
      "kms:TagResource",
      await soughtKeyNotAlias(context, input.KeyId),
      requestTagConditions(input.Tags),
    ),
  ],
  errors: [...lookupErrors, invalidState, tagFailure],
  async run(input, context) {
    const { key } = await requireKeyNotAlias(context, input.KeyId);
    await changeKey(context, key, (current) => {
      requireNotPendingDeletion(current);
      return { ...current, tags: tagsWith(current.tags, input.Tags) };
    });
    return {};
  },
});

export const untagResource = operation<UntagResourceRequest, object>({
  name: "UntagResource",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_UntagResource.html",
  authorize: async (input, context) => [
    keyAccess(context, "kms:UntagResource", await soughtKeyNotAlias(context, input.KeyId), {
      "aws:TagKeys": input.TagKeys,
    }),
  ],
  errors: [...lookupErrors, invalidState, tagFailure],
  async run(input, context) {
    const { key } = await requireKeyNotAlias(context, input.KeyId);
    await changeKey(context, key, (current) => {
      requireNotPendingDeletion(current);
      requireOwnTags(input.TagKeys);
      const tags = Object.entries(current.tags).filter(([name]) => !input.TagKeys.includes(name));
      return { ...current, tags: Object.fromEntries(tags) };
    });
    return {};
  },
});

export const listResourceTags = operation<ListResourceTagsRequest, ListResourceTagsResponse>({
  name: "ListResourceTags",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_ListResourceTags.html",
  authorize: async (input, context) => [
    keyAccess(context, "kms:ListResourceTags", await soughtKeyNotAlias(context, input.KeyId)),
  ],
  errors: [...lookupErrors, invalidMarker],
  async run(input, context) {
    const { key } = await requireKeyNotAlias(context, input.KeyId);
    const tags = Object.entries(key.tags)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([TagKey, TagValue]) => ({ TagKey, TagValue }));
    const page = pageOf(tags, (tag) => tag.TagKey, input, { usual: 50, most: 50 });
    return { ...page.tokens, Tags: page.items };
  },
});

/** `existing` with `added` on top, or a TagException. */
export function tagsWith(existing: Readonly<Record<string, string>>, added: readonly Tag[]): Record<string, string> {
  const names = added.map((tag) => tag.TagKey);
  if (new Set(names).size < names.length) throw tagFailure("Duplicate tag keys");
  requireOwnTags(names);
  // AWS: seen in https://github.com/crossplane-contrib/provider-upjet-aws/issues/922
  if (!added.every(({ TagKey, TagValue }) => TAG_TEXT.test(TagKey) && TAG_TEXT.test(TagValue))) {
    throw tagFailure("Invalid tag");
  }
  const tags = { ...existing, ...Object.fromEntries(added.map((tag) => [tag.TagKey, tag.TagValue])) };
  if (Object.keys(tags).length > MAX_TAGS) throw tagFailure("Too many tags");
  return tags;
}

function requireOwnTags(names: readonly string[]): void {
  if (names.some((name) => /^aws:/i.test(name))) throw tagFailure("Tags beginning with aws: are reserved");
}
