/**
 * Condition keys of tags, which every service has in the same form: those of a request and those of a resource.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_iam-tags.html
 */
import type { RequestContext } from "../authorize/decision.ts";

/** A tag as most services' shapes have it; a member that is left out is an empty text. */
interface Tag {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
}

/** `aws:TagKeys` and `aws:RequestTag/<key>` of the tags in a request; none where it has no tags. */
export function requestTagKeys(tags: readonly Tag[] = []): RequestContext {
  if (tags.length === 0) return {};
  const values = tags.map(({ Key = "", Value = "" }) => [`aws:RequestTag/${Key}`, Value] as const);
  return { ...Object.fromEntries(values), "aws:TagKeys": tags.map(({ Key = "" }) => Key) };
}

/** `aws:ResourceTag/<key>` of the tags that a resource has, or the same under a service's own name of the key. */
export const resourceTagKeys = (tags: readonly Tag[] = [], name = "aws:ResourceTag"): RequestContext =>
  Object.fromEntries(tags.map(({ Key = "", Value = "" }) => [`${name}/${Key}`, Value]));
