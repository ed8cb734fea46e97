/**
 * Conditional requests: If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since on reads and copies, and the two
 * forms that writes take.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html, RFC 9110 section 13
 */
import { wholeSecond } from "../../core/clock.ts";
import { noSuchKey, notModified, preconditionFailed, unsupportedCondition } from "./errors.ts";
import type { ObjectVersion, VersionRecord } from "./records.ts";

export const readConditionErrors = [notModified, preconditionFailed];
export const writeConditionErrors = [noSuchKey, preconditionFailed, unsupportedCondition];

export interface ReadConditions {
  readonly IfMatch?: string | undefined;
  readonly IfNoneMatch?: string | undefined;
  readonly IfModifiedSince?: number | undefined;
  readonly IfUnmodifiedSince?: number | undefined;
}

/** A read goes on, or ends with 304 or 412. */
export function requireReadConditions(object: ObjectVersion, conditions: ReadConditions): void {
  const broken = brokenCondition(object, conditions);
  if (broken === undefined) return;
  if (broken === "If-None-Match" || broken === "If-Modified-Since") {
    throw notModified(object.etag, new Date(object.lastModifiedMs).toUTCString());
  }
  throw preconditionFailed(broken);
}

/** A copy goes on or ends with 412; the names are those of its headers. */
export function requireCopyConditions(source: ObjectVersion, conditions: ReadConditions): void {
  const broken = brokenCondition(source, conditions);
  if (broken !== undefined) throw preconditionFailed(`x-amz-copy-source-${broken}`);
}

/** Name of the header whose condition does not hold. */
function brokenCondition(object: ObjectVersion, conditions: ReadConditions): string | undefined {
  const { IfMatch, IfNoneMatch, IfModifiedSince, IfUnmodifiedSince } = conditions;
  const modifiedMs = wholeSecond(object.lastModifiedMs);
  // AWS: a matching ETag makes the date of the same kind not count.
  if (IfMatch !== undefined) {
    if (!matches(IfMatch, object.etag)) return "If-Match";
  } else if (IfUnmodifiedSince !== undefined && modifiedMs > IfUnmodifiedSince) return "If-Unmodified-Since";
  if (IfNoneMatch !== undefined) {
    if (matches(IfNoneMatch, object.etag)) return "If-None-Match";
  } else if (IfModifiedSince !== undefined && modifiedMs <= IfModifiedSince) return "If-Modified-Since";
  return undefined;
}

/** `*` or a list of ETags, with or without quotes. */
const matches = (header: string, etag: string): boolean =>
  header.split(",").some((one) => {
    const text = one.trim().replace(/^W\//, "");
    return text === "*" || unquoted(text) === unquoted(etag);
  });

export const unquoted = (etag: string): string => etag.replace(/^"(.*)"$/, "$1");

/** A write goes on only over the version the caller expects. Asked before the body is read and again when it is stored. */
export function requireWriteConditions(
  key: string,
  current: VersionRecord | undefined,
  { IfMatch, IfNoneMatch }: Pick<ReadConditions, "IfMatch" | "IfNoneMatch">,
): void {
  const object = current?.kind === "object" ? current : undefined;
  if (IfNoneMatch !== undefined) {
    if (IfNoneMatch !== "*") {
      throw unsupportedCondition(
        "If-None-Match",
        "We don't accept the provided value of If-None-Match header for this API",
      );
    }
    if (object) throw preconditionFailed("If-None-Match");
  }
  if (IfMatch === undefined) return;
  if (!object) throw noSuchKey(key);
  if (!matches(IfMatch, object.etag)) throw preconditionFailed("If-Match");
}
