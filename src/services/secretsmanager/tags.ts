/** TagResource and UntagResource. Tags are read with DescribeSecret and ListSecrets. */
import { operation } from "../service.ts";
import { requestTagKeys } from "../tag-keys.ts";
import { invalidParameter, markedForDeletion, reference, systemTag } from "./errors.ts";
import { changeSecret, lookupErrors, requireLiveSecret } from "./find-secret.ts";
import { secretAccess } from "./secret-access.ts";
import type { Tag, TagResourceRequest, UntagResourceRequest } from "./shapes.gen.ts";

const MAX_TAGS = 50;
const errors = [...lookupErrors, markedForDeletion];

export const tagResource = operation<TagResourceRequest, object>({
  name: "TagResource",
  support: "supported",
  source: reference("TagResource"),
  authorize: (input, context) => [
    secretAccess(context, "secretsmanager:TagResource", input.SecretId, requestTagKeys(input.Tags)),
  ],
  errors: [...errors, invalidParameter, systemTag],
  async run(input, context) {
    requireValidTags(input.Tags);
    await changeSecret(context, requireLiveSecret(context, input.SecretId), (record) => ({
      ...record,
      tags: tagsWith(record.tags ?? {}, input.Tags),
      lastChangedMs: context.clock.nowMs(),
    }));
    return {};
  },
});

export const untagResource = operation<UntagResourceRequest, object>({
  name: "UntagResource",
  support: "supported",
  source: reference("UntagResource"),
  authorize: (input, context) => [
    secretAccess(context, "secretsmanager:UntagResource", input.SecretId, { "aws:TagKeys": input.TagKeys }),
  ],
  errors: [...errors, systemTag],
  async run(input, context) {
    requireOwnTags(input.TagKeys);
    await changeSecret(context, requireLiveSecret(context, input.SecretId), (record) => ({
      ...record,
      ...(record.tags && {
        tags: Object.fromEntries(Object.entries(record.tags).filter(([key]) => !input.TagKeys.includes(key))),
      }),
      lastChangedMs: context.clock.nowMs(),
    }));
    return {};
  },
});

/** Throws for keys that cannot be. */
export function requireValidTags(added: readonly Tag[] = []): void {
  if (added.some(({ Key }) => Key === undefined)) throw invalidParameter("You must provide a key for each tag.");
  requireOwnTags(added.map(({ Key = "" }) => Key));
}

function requireOwnTags(keys: readonly string[]): void {
  const reserved = keys.find((key) => /^aws:/i.test(key));
  if (reserved !== undefined) throw systemTag(reserved);
}

/** `existing` with `added`, which are valid, on top, or an InvalidParameterException for too many. */
export function tagsWith(existing: Readonly<Record<string, string>>, added: readonly Tag[]): Record<string, string> {
  const tags = { ...existing, ...Object.fromEntries(added.map(({ Key = "", Value = "" }) => [Key, Value])) };
  if (Object.keys(tags).length > MAX_TAGS) throw invalidParameter("You can't attach more than 50 tags to a secret.");
  return tags;
}

/** `Tags` of an answer; AWS: absent until the first tag, an empty list after the last. */
export const tagsAnswer = (tags: Readonly<Record<string, string>> | undefined): { readonly Tags?: Tag[] } =>
  tags === undefined ? {} : { Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) };
