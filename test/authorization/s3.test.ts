import { kms } from "../../src/services/kms/index.ts";
import { s3 } from "../../src/services/s3/index.ts";
import { describeAuthorization, type Step } from "./describe-authorization.ts";

const B = "arn:aws:s3:::docs";
const O = "arn:aws:s3:::docs/a/b.txt";
const body = new TextEncoder().encode("text");
const POLICY = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Deny", Principal: "*", Action: "s3:GetObject", Resource: `${B}/never/*` }],
});
const object = { Bucket: "docs", Key: "a/b.txt" };
const TAGS = { TagSet: [{ Key: "team", Value: "blue" }] };

/** Operations of the bucket itself whose action has another name, or the same. */
const onBucket = (operation: string, action: string, more: object = {}, fails?: string): Step => ({
  operation,
  input: { Bucket: "docs", ...more },
  asks: [`s3:${action} ${B}`],
  ...(fails !== undefined && { fails }),
});

describeAuthorization({
  service: "s3",
  services: () => [s3, kms],
  preparations: [
    { service: "kms", operation: "CreateKey", input: {}, keep: { keyId: "KeyMetadata.KeyId" } },
    { service: "s3", operation: "CreateBucket", input: { Bucket: "docs" } },
    { service: "s3", operation: "CreateBucket", input: { Bucket: "grants", ObjectOwnership: "ObjectWriter" } },
    { service: "s3", operation: "CreateBucket", input: { Bucket: "versions" } },
    {
      service: "s3",
      operation: "PutBucketVersioning",
      input: { Bucket: "versions", VersioningConfiguration: { Status: "Enabled" } },
    },
    { service: "s3", operation: "PutObject", input: { ...object, Body: body } },
    {
      service: "s3",
      operation: "PutObject",
      input: { Bucket: "docs", Key: "tagged", Body: body, Tagging: "team=blue" },
    },
    ...[1, 2].map(() => ({
      service: "s3" as const,
      operation: "PutObject",
      input: { Bucket: "versions", Key: "v", Body: body },
      keep: { versionId: "VersionId" },
    })),
    {
      service: "s3",
      operation: "CreateMultipartUpload",
      input: { Bucket: "docs", Key: "parts" },
      keep: { uploadId: "UploadId" },
    },
  ],
  steps: [
    { operation: "CreateBucket", input: { Bucket: "fresh" }, asks: ["s3:CreateBucket arn:aws:s3:::fresh"] },
    {
      operation: "CreateBucket",
      about: "with ACL, ownership and tags",
      input: {
        ...{ Bucket: "fresh-too", ACL: "public-read", ObjectOwnership: "ObjectWriter" },
        CreateBucketConfiguration: { Tags: [{ Key: "team", Value: "blue" }] },
      },
      asks: ["CreateBucket", "PutBucketAcl", "PutBucketOwnershipControls", "TagResource"].map(
        (action) => `s3:${action} arn:aws:s3:::fresh-too`,
      ),
    },
    { operation: "DeleteBucket", input: { Bucket: "fresh" }, asks: ["s3:DeleteBucket arn:aws:s3:::fresh"] },
    { operation: "ListBuckets", asks: ["s3:ListAllMyBuckets *"] },
    onBucket("HeadBucket", "ListBucket"),
    onBucket("GetBucketLocation", "GetBucketLocation"),
    onBucket("GetBucketAcl", "GetBucketAcl"),
    onBucket("PutBucketAcl", "PutBucketAcl", { ACL: "private" }),
    onBucket("PutBucketPolicy", "PutBucketPolicy", { Policy: POLICY }),
    onBucket("GetBucketPolicy", "GetBucketPolicy"),
    onBucket("DeleteBucketPolicy", "DeleteBucketPolicy"),
    { ...onBucket("PutBucketVersioning", "PutBucketVersioning"), ...suspended() },
    onBucket("GetBucketVersioning", "GetBucketVersioning"),
    onBucket("PutBucketEncryption", "PutEncryptionConfiguration", {
      ServerSideEncryptionConfiguration: { Rules: [{ BucketKeyEnabled: true }] },
    }),
    onBucket("GetBucketEncryption", "GetEncryptionConfiguration"),
    onBucket("DeleteBucketEncryption", "PutEncryptionConfiguration"),
    onBucket("PutBucketTagging", "PutBucketTagging", { Tagging: TAGS }),
    onBucket("GetBucketTagging", "GetBucketTagging"),
    onBucket("DeleteBucketTagging", "PutBucketTagging"),
    onBucket("ListObjectsV2", "ListBucket", { Prefix: "a/", Delimiter: "/", MaxKeys: 5 }),
    onBucket("ListObjects", "ListBucket", { Prefix: "a/" }),
    onBucket("ListObjectVersions", "ListBucketVersions", { Prefix: "a/", Delimiter: "/" }),
    onBucket("ListMultipartUploads", "ListBucketMultipartUploads", { Prefix: "p" }),
    { operation: "PutObject", input: { ...object, Body: body }, asks: [`s3:PutObject ${O}`] },
    {
      operation: "PutObject",
      about: "with tags and an ACL",
      input: { ...object, Body: body, Tagging: "team=blue", ACL: "bucket-owner-full-control" },
      asks: [`s3:PutObject ${O}`, `s3:PutObjectTagging ${O}`, `s3:PutObjectAcl ${O}`],
    },
    {
      operation: "PutObject",
      about: "with grants",
      input: { ...object, Bucket: "grants", Body: body, GrantRead: 'id="x"' },
      asks: ["s3:PutObject arn:aws:s3:::grants/a/b.txt", "s3:PutObjectAcl arn:aws:s3:::grants/a/b.txt"],
      fails: "NotImplemented",
    },
    {
      operation: "PutObject",
      about: "under a customer key",
      input: { ...object, Key: "sealed", Body: body, ServerSideEncryption: "aws:kms", SSEKMSKeyId: "{keyId}" },
      asks: [`s3:PutObject ${B}/sealed`],
      also: ["kms:GenerateDataKey"],
    },
    {
      operation: "PutObject",
      about: "with every condition",
      input: { ...object, Body: body, StorageClass: "STANDARD_IA", WebsiteRedirectLocation: "/x", IfMatch: "*" },
      asks: [`s3:PutObject ${O}`],
    },
    { operation: "GetObject", input: object, asks: [`s3:GetObject ${O}`] },
    {
      operation: "GetObject",
      about: "that has tags",
      input: { Bucket: "docs", Key: "tagged" },
      asks: [`s3:GetObject ${B}/tagged`],
    },
    {
      operation: "GetObject",
      about: "under a customer key",
      input: { Bucket: "docs", Key: "sealed" },
      asks: [`s3:GetObject ${B}/sealed`],
      also: ["kms:Decrypt"],
    },
    {
      operation: "GetObject",
      about: "that is missing",
      input: { Bucket: "docs", Key: "missing" },
      asks: [`s3:GetObject ${B}/missing`, `s3:ListBucket ${B}`],
      fails: "NoSuchKey",
    },
    {
      operation: "GetObject",
      about: "in one version",
      input: { Bucket: "versions", Key: "v", VersionId: "{versionId}" },
      asks: ["s3:GetObjectVersion arn:aws:s3:::versions/v"],
    },
    { operation: "HeadObject", input: object, asks: [`s3:GetObject ${O}`] },
    {
      operation: "GetObjectAttributes",
      input: { ...object, ObjectAttributes: ["ETag"] },
      asks: [`s3:GetObject ${O}`, `s3:GetObjectAttributes ${O}`],
    },
    {
      operation: "GetObjectAttributes",
      about: "of one version",
      input: { Bucket: "versions", Key: "v", VersionId: "{versionId}", ObjectAttributes: ["ETag"] },
      asks: ["s3:GetObjectVersion arn:aws:s3:::versions/v", "s3:GetObjectVersionAttributes arn:aws:s3:::versions/v"],
    },
    { operation: "PutObjectTagging", input: { ...object, Tagging: TAGS }, asks: [`s3:PutObjectTagging ${O}`] },
    {
      operation: "PutObjectTagging",
      about: "of one version",
      input: { Bucket: "versions", Key: "v", VersionId: "{versionId}", Tagging: TAGS },
      asks: ["s3:PutObjectVersionTagging arn:aws:s3:::versions/v"],
    },
    { operation: "GetObjectTagging", input: object, asks: [`s3:GetObjectTagging ${O}`] },
    {
      operation: "CopyObject",
      about: "with the tags of its source",
      input: { Bucket: "docs", Key: "copy", CopySource: "docs/tagged" },
      asks: [
        `s3:GetObject ${B}/tagged`,
        `s3:GetObjectTagging ${B}/tagged`,
        `s3:PutObject ${B}/copy`,
        `s3:PutObjectTagging ${B}/copy`,
      ],
    },
    {
      operation: "CopyObject",
      about: "with tags of its own, of a version",
      input: {
        ...{ Bucket: "docs", Key: "copy", CopySource: "versions/v?versionId={versionId}" },
        ...{ TaggingDirective: "REPLACE", Tagging: "team=red", MetadataDirective: "REPLACE" },
      },
      asks: ["s3:GetObjectVersion arn:aws:s3:::versions/v", `s3:PutObject ${B}/copy`, `s3:PutObjectTagging ${B}/copy`],
    },
    { operation: "DeleteObjectTagging", input: object, asks: [`s3:DeleteObjectTagging ${O}`] },
    { operation: "CreateMultipartUpload", input: object, asks: [`s3:PutObject ${O}`], keep: { spare: "UploadId" } },
    {
      operation: "UploadPart",
      input: { Bucket: "docs", Key: "parts", UploadId: "{uploadId}", PartNumber: 1, Body: body },
      asks: [`s3:PutObject ${B}/parts`],
      keep: { etag: "ETag" },
    },
    {
      operation: "ListParts",
      input: { Bucket: "docs", Key: "parts", UploadId: "{uploadId}" },
      asks: [`s3:ListMultipartUploadParts ${B}/parts`],
    },
    {
      operation: "CompleteMultipartUpload",
      input: {
        ...{ Bucket: "docs", Key: "parts", UploadId: "{uploadId}" },
        MultipartUpload: { Parts: [{ PartNumber: 1, ETag: "{etag}" }] },
      },
      asks: [`s3:PutObject ${B}/parts`],
    },
    {
      operation: "AbortMultipartUpload",
      input: { ...object, UploadId: "{spare}" },
      asks: [`s3:AbortMultipartUpload ${O}`],
    },
    {
      operation: "DeleteObjects",
      input: {
        ...{ Bucket: "versions" },
        Delete: { Objects: [{ Key: "v", VersionId: "{versionId}" }, { Key: "w" }] },
      },
      asks: ["s3:DeleteObjectVersion arn:aws:s3:::versions/v", "s3:DeleteObject arn:aws:s3:::versions/w"],
      refusesItems: true,
    },
    { operation: "DeleteObject", input: object, asks: [`s3:DeleteObject ${O}`] },
    {
      operation: "DeleteObject",
      about: "in one version",
      input: { Bucket: "versions", Key: "v", VersionId: "{versionId}" },
      asks: ["s3:DeleteObjectVersion arn:aws:s3:::versions/v"],
    },
  ],
});

/** Another bucket than the others': a version that is asked for stays what it is. */
function suspended(): Pick<Step, "input" | "asks"> {
  return {
    input: { Bucket: "grants", VersioningConfiguration: { Status: "Suspended" } },
    asks: ["s3:PutBucketVersioning arn:aws:s3:::grants"],
  };
}
