/**
 * The rules for tags of buckets and objects, and their condition keys.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
 */
import type { RequestContext } from "../../authorize/decision.ts";
import { invalidTag, tooManyTags } from "./errors.ts";
import type { Tag } from "./shapes.gen.ts";

const MAX_TAGS = { Object: 10, Bucket: 50 } as const;
const MAX_KEY = 128;
const MAX_VALUE = 256;
const CHARACTERS = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** Tags by key, or AWS's error for the first rule they break. */
export function requireTags(tags: readonly Tag[], what: keyof typeof MAX_TAGS): Record<string, string> {
  if (tags.length > MAX_TAGS[what]) throw tooManyTags(what, MAX_TAGS[what]);
  const byKey: Record<string, string> = {};
  for (const { Key, Value } of tags) {
    if (Object.hasOwn(byKey, Key)) throw invalidTag("Cannot provide multiple Tags with the same key", Key);
    if (Key.toLowerCase().startsWith("aws:")) throw invalidTag("System tags cannot be added/updated by requester", Key);
    if (Key === "" || Key.length > MAX_KEY || !CHARACTERS.test(Key)) {
      throw invalidTag("The TagKey you have provided is invalid", Key);
    }
    if (Value.length > MAX_VALUE || !CHARACTERS.test(Value)) {
      throw invalidTag("The TagValue you have provided is invalid", Key);
    }
    Object.defineProperty(byKey, Key, { value: Value, enumerable: true, configurable: true, writable: true });
  }
  return byKey;
}

export const tagList = (tags: Readonly<Record<string, string>> | undefined): Tag[] =>
  Object.entries(tags ?? {}).map(([Key, Value]) => ({ Key, Value }));

/** `s3:RequestObjectTag/<key>` and `s3:RequestObjectTagKeys`. */
export function requestTagKeys(tags: Readonly<Record<string, string>> | undefined): RequestContext {
  if (tags === undefined) return {};
  const keys: Record<string, string | readonly string[]> = { "s3:RequestObjectTagKeys": Object.keys(tags) };
  for (const [key, value] of Object.entries(tags)) keys[`s3:RequestObjectTag/${key}`] = value;
  return keys;
}
