/** The `x-amz-copy-source` header: `/bucket/key?versionId=…`, percent-encoded. */
import { invalidArgument } from "./errors.ts";

export interface CopySource {
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string | undefined;
}

const VERSION = "?versionId=";

export function parseCopySource(header: string): CopySource {
  const mark = header.lastIndexOf(VERSION);
  const path = decode(mark < 0 ? header : header.slice(0, mark)).replace(/^\//, "");
  const slash = path.indexOf("/");
  if (slash <= 0 || slash === path.length - 1) {
    throw invalidArgument(
      "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
      "x-amz-copy-source",
      header,
    );
  }
  return {
    bucket: path.slice(0, slash),
    key: path.slice(slash + 1),
    versionId: mark < 0 ? undefined : decode(header.slice(mark + VERSION.length)),
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalidArgument("Copy Source must be URL-encoded", "x-amz-copy-source", text);
  }
}
