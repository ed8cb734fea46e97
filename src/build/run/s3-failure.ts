/**
 * An S3 error as CodeBuild's agent prints it: `AccessDenied: …\n\tstatus code: 403, request id: …, host id: …`.
 * Source: published build logs and phase contexts (the form of the AWS SDK for Go, version 1).
 */
import { createHash } from "node:crypto";
import { AwsError } from "../../core/errors.ts";

export function s3FailureText(error: unknown): string {
  if (!(error instanceof AwsError)) return error instanceof Error ? error.message : String(error);
  const { extra, requestId = "" } = error;
  const hostId = typeof extra["HostId"] === "string" ? extra["HostId"] : hostIdOf(requestId);
  const ids = `request id: ${requestId}, host id: ${hostId}`;
  return `${error.code}: ${error.message}\n\tstatus code: ${error.status}, ${ids}`;
}

/** S3's second id of a request, 64 characters that mean nothing to its callers; a call in this process has none yet. */
const hostIdOf = (requestId: string): string => createHash("sha384").update(requestId).digest("base64");

/** Codes of S3 for a bucket that lies in another region than the caller's. */
const OTHER_REGION = new Set([
  "PermanentRedirect",
  "TemporaryRedirect",
  "AuthorizationHeaderMalformed",
  "IllegalLocationConstraintException",
  "301",
]);

export const isOtherRegion = (error: unknown): boolean => error instanceof AwsError && OTHER_REGION.has(error.code);

/** No object under that key; S3 says so only to callers that may list the bucket. */
export const isNoSuchKey = (error: unknown): boolean =>
  error instanceof AwsError && (error.code === "NoSuchKey" || error.code === "NotFound");
