/**
 * The root elements of S3's answers. The model names only those that are a member of their own; the others are what the
 * API reference shows as Response Syntax, e.g. https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 */
import type { Member } from "../../services/index.ts";

const ROOTS: Readonly<Record<string, string>> = {
  ListBuckets: "ListAllMyBucketsResult",
  ListObjects: "ListBucketResult",
  ListObjectsV2: "ListBucketResult",
  ListObjectVersions: "ListVersionsResult",
  ListParts: "ListPartsResult",
  ListMultipartUploads: "ListMultipartUploadsResult",
  CreateMultipartUpload: "InitiateMultipartUploadResult",
  CompleteMultipartUpload: "CompleteMultipartUploadResult",
  DeleteObjects: "DeleteResult",
  GetBucketAcl: "AccessControlPolicy",
  GetBucketTagging: "Tagging",
  GetObjectTagging: "Tagging",
  GetBucketVersioning: "VersioningConfiguration",
  GetObjectAttributes: "GetObjectAttributesResponse",
};

export interface Root {
  readonly name: string;
  /** The root has the only member's value instead of the member. */
  readonly isUnwrapped: boolean;
}

export function rootOf(operation: string, payload: Member | undefined): Root {
  if (operation === "GetBucketLocation") return { name: "LocationConstraint", isUnwrapped: true };
  return { name: payload?.wireName ?? ROOTS[operation] ?? `${operation}Result`, isUnwrapped: false };
}
