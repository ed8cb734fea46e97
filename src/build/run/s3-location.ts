/**
 * Places in S3 as projects write them (`bucket/prefix`, ARNs) and keys of objects put together.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectArtifacts.html
 */

/** A bucket and what is behind it, from `bucket/prefix` or an ARN of S3; prefix without slashes at its ends. */
export function bucketAndPrefix(location: string): { readonly bucket: string; readonly prefix: string } {
  const path = location.replace(/^arn:[^:]*:s3:::/, "");
  const slash = path.indexOf("/");
  if (slash === -1) return { bucket: path, prefix: "" };
  return { bucket: path.slice(0, slash), prefix: trimSlashes(path.slice(slash + 1)) };
}

const trimSlashes = (text: string): string => text.replace(/^\/+|\/+$/g, "");

/** Parts of an object key, empty ones left out. */
export const keyOfParts = (...parts: readonly (string | undefined)[]): string =>
  parts
    .map((part) => trimSlashes(part ?? ""))
    .filter((part) => part !== "")
    .join("/");
