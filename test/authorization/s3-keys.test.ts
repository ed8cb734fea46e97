import { describe, expect, it } from "vitest";
import { kms } from "../../src/services/kms/index.ts";
import { s3 } from "../../src/services/s3/index.ts";
import { describeConditionKeys, type KeyedCall } from "./describe-condition-keys.ts";
import { codeOf, openStage } from "./stage.ts";

const body = new TextEncoder().encode("text");
const KEY = "11111111-1111-4111-8111-111111111111";
const object = { Bucket: "docs", Key: "a/b.txt" };
const tagged = { Bucket: "docs", Key: "tagged" };
const keys = (values: Readonly<Record<string, string>>): KeyedCall["keys"] =>
  Object.entries(values).map(([name, value]) => [
    name.startsWith("aws:") ? name : `s3:${name}`,
    value,
    value === "true" ? "false" : value === "false" ? "true" : "another",
  ]);
/** What every request has: one from inside counts as a signed one over TLS. */
const COMMON = {
  ...{ "aws:ResourceAccount": "{account}", ResourceAccount: "{account}", "BucketTag/team": "blue" },
  ...{ authType: "REST-HEADER", signatureversion: "AWS4-HMAC-SHA256", "x-amz-content-sha256": "UNSIGNED-PAYLOAD" },
  TlsVersion: "1.3",
};
const GRANTS = { GrantFullControl: 'id="f"', GrantRead: 'id="r"', GrantReadACP: 'id="p"', GrantWriteACP: 'id="w"' };
const GRANT_KEYS = {
  "x-amz-grant-full-control": 'id="f"',
  "x-amz-grant-read": 'id="r"',
  "x-amz-grant-read-acp": 'id="p"',
  "x-amz-grant-write-acp": 'id="w"',
};
const TAG_KEYS = { "RequestObjectTag/env": "dev", RequestObjectTagKeys: "env" };
const ENCRYPTION_KEYS = {
  "x-amz-server-side-encryption": "aws:kms",
  "x-amz-server-side-encryption-aws-kms-key-id": `arn:aws:kms:us-east-1:{account}:key/${KEY}`,
};
const encryption = { ServerSideEncryption: "aws:kms", SSEKMSKeyId: KEY };

describeConditionKeys({
  service: "s3",
  services: () => [s3, kms],
  preparations: [
    {
      service: "s3",
      operation: "CreateBucket",
      input: { Bucket: "docs", CreateBucketConfiguration: { Tags: [{ Key: "team", Value: "blue" }] } },
    },
    { service: "s3", operation: "PutObject", input: { ...tagged, Body: body, Tagging: "class=open" } },
  ],
  calls: [
    {
      action: "s3:CreateBucket",
      operation: "CreateBucket",
      input: {
        ...{
          Bucket: "new-one",
          ACL: "public-read",
          ObjectOwnership: "ObjectWriter",
          BucketNamespace: "account-regional",
        },
        ...{ ...GRANTS, GrantWrite: 'id="x"' },
        CreateBucketConfiguration: { LocationConstraint: "eu-west-1", Tags: [{ Key: "env", Value: "dev" }] },
      },
      keys: keys({
        ...{ "x-amz-acl": "public-read", "x-amz-object-ownership": "ObjectWriter", locationconstraint: "eu-west-1" },
        ...{ "x-amz-bucket-namespace": "account-regional", ...GRANT_KEYS, "x-amz-grant-write": 'id="x"' },
        ...{ "aws:RequestTag/env": "dev", "aws:TagKeys": "env" },
      }),
    },
    {
      action: "s3:PutBucketAcl",
      operation: "PutBucketAcl",
      input: { Bucket: "docs", ...GRANTS, GrantWrite: 'id="x"' },
      keys: keys({ ...GRANT_KEYS, "x-amz-grant-write": 'id="x"' }),
    },
    {
      action: "s3:PutObject",
      operation: "PutObject",
      input: {
        ...{ ...object, Body: body, ACL: "private", Tagging: "env=dev", StorageClass: "ONEZONE_IA", ...encryption },
        ...{
          ...GRANTS,
          WebsiteRedirectLocation: "/x",
          IfMatch: '"e"',
          IfNoneMatch: "*",
          SSECustomerAlgorithm: "AES256",
        },
        ...{ ObjectLockMode: "GOVERNANCE", ObjectLockLegalHoldStatus: "ON", ObjectLockRetainUntilDate: 0 },
      },
      keys: keys({
        ...{ ...COMMON, ...GRANT_KEYS, ...TAG_KEYS, ...ENCRYPTION_KEYS, ObjectCreationOperation: "true" },
        ...{ "x-amz-acl": "private", "x-amz-storage-class": "ONEZONE_IA", "x-amz-website-redirect-location": "/x" },
        ...{ "if-match": '"e"', "if-none-match": "*", "x-amz-server-side-encryption-customer-algorithm": "AES256" },
        ...{ "object-lock-mode": "GOVERNANCE", "object-lock-legal-hold": "ON" },
        "object-lock-retain-until-date": "1970-01-01T00:00:00Z",
      }),
    },
    {
      action: "s3:PutObjectTagging",
      operation: "PutObject",
      input: { ...object, Body: body, Tagging: "env=dev" },
      keys: keys(TAG_KEYS),
    },
    {
      action: "s3:PutObjectAcl",
      operation: "PutObject",
      input: { ...object, Body: body, ACL: "bucket-owner-full-control" },
      keys: keys({ "x-amz-acl": "bucket-owner-full-control" }),
    },
    {
      action: "s3:PutObject",
      operation: "CopyObject",
      input: { Bucket: "docs", Key: "copy", CopySource: "docs/tagged", MetadataDirective: "REPLACE", ...encryption },
      keys: keys({
        ...{ ...ENCRYPTION_KEYS, "x-amz-copy-source": "docs/tagged", "x-amz-metadata-directive": "REPLACE" },
        ObjectCreationOperation: "true",
      }),
    },
    {
      action: "s3:PutObject",
      operation: "CreateMultipartUpload",
      input: { ...object, ...encryption, Tagging: "env=dev" },
      keys: keys({ ...ENCRYPTION_KEYS, ...TAG_KEYS, ObjectCreationOperation: "false" }),
    },
    {
      action: "s3:PutObject",
      operation: "UploadPart",
      input: { ...object, UploadId: "x", PartNumber: 1, Body: body },
      keys: keys({ ObjectCreationOperation: "false" }),
    },
    {
      action: "s3:PutObject",
      operation: "CompleteMultipartUpload",
      input: { ...object, UploadId: "x", IfNoneMatch: "*" },
      keys: keys({ ObjectCreationOperation: "true", "if-none-match": "*" }),
    },
    ...(["ListObjectsV2", "ListObjects", "ListObjectVersions"] as const).map((operation) => ({
      action: operation === "ListObjectVersions" ? "s3:ListBucketVersions" : "s3:ListBucket",
      operation,
      input: { Bucket: "docs", Prefix: "a/", Delimiter: "/", MaxKeys: 7 },
      keys: keys({ ...COMMON, prefix: "a/", delimiter: "/", "max-keys": "7" }),
    })),
    {
      action: "s3:GetObject",
      operation: "GetObject",
      input: tagged,
      keys: keys({ ...COMMON, "ExistingObjectTag/class": "open" }),
    },
    {
      action: "s3:GetObject",
      operation: "CopyObject",
      input: { Bucket: "docs", Key: "copy", CopySource: "docs/tagged" },
      keys: keys({ "ExistingObjectTag/class": "open" }),
    },
    {
      action: "s3:GetObjectVersion",
      operation: "HeadObject",
      input: { ...tagged, VersionId: "null" },
      keys: keys({ versionid: "null", "ExistingObjectTag/class": "open" }),
    },
    {
      action: "s3:DeleteObjectVersionTagging",
      operation: "DeleteObjectTagging",
      input: { ...object, VersionId: "null" },
      keys: keys({ versionid: "null" }),
    },
    {
      action: "s3:DeleteObject",
      operation: "DeleteObject",
      input: { ...object, IfMatch: '"e"' },
      keys: keys({ "if-match": '"e"' }),
    },
    {
      action: "s3:DeleteObjectVersion",
      operation: "DeleteObject",
      input: { ...object, VersionId: "null" },
      keys: keys({ versionid: "null" }),
    },
  ],
});

describe("a key that a request does not carry", () => {
  it("is absent, so that a policy can ask for it", async () => {
    const stage = await openStage({ services: () => [s3] });
    try {
      await stage.call("root", [], "s3", "CreateBucket", { Bucket: "docs" });
      for (const key of ["s3:x-amz-storage-class", "s3:x-amz-server-side-encryption", "s3:x-amz-acl", "s3:if-match"]) {
        const statements = [
          { Effect: "Allow", Action: "s3:*", Resource: "*", Condition: { Null: { [key]: "false" } } },
        ];
        const call = stage.call("role", statements, "s3", "PutObject", { ...object, Body: body });
        expect([key, await codeOf(call)]).toEqual([key, "AccessDenied"]);
      }
    } finally {
      await stage.close();
    }
  });
});
