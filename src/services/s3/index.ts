/**
 * Amazon S3, the part that builds and their people need: buckets with policies, versioning and encryption, objects in
 * one piece and in parts, listings, tags. Bytes are encrypted at rest, under KMS where asked.
 *
 * Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/, error documents and answers recorded on AWS by third
 * parties, collected in November 2026.
 * Gaps: anonymous access, ACLs in decisions, public access block, lifecycle, replication, notifications, object lock,
 * SSE-C, access points, directory buckets, website hosting; each is refused by name.
 * Differences: docs/differences.md#s3.
 * Clients: the AWS CLI v1 presigns with Signature Version 2 in us-east-1; SDKs address buckets by host name unless the
 * endpoint is an IP address.
 */
import type { ServiceDefinition } from "../service.ts";
import { getBucketAcl, putBucketAcl } from "./bucket-acl.ts";
import { deleteBucketPolicy, getBucketPolicy, putBucketPolicy } from "./bucket-policy.ts";
import {
  deleteBucketEncryption,
  deleteBucketTagging,
  getBucketEncryption,
  getBucketTagging,
  getBucketVersioning,
  putBucketEncryption,
  putBucketTagging,
  putBucketVersioning,
} from "./bucket-settings.ts";
import { createBucket, deleteBucket, getBucketLocation, headBucket, listBuckets } from "./buckets.ts";
import { completeMultipartUpload } from "./complete-multipart-upload.ts";
import { copyObject } from "./copy-object.ts";
import { deleteObject, deleteObjects } from "./delete-object.ts";
import { getObject, headObject } from "./get-object.ts";
import { listObjects, listObjectsV2, listObjectVersions } from "./list-objects.ts";
import {
  abortMultipartUpload,
  createMultipartUpload,
  listMultipartUploads,
  listParts,
  uploadPart,
} from "./multipart.ts";
import { getObjectAttributes } from "./object-attributes.ts";
import { deleteObjectTagging, getObjectTagging, putObjectTagging } from "./object-tagging.ts";
import { putObject } from "./put-object.ts";

export const s3: ServiceDefinition = {
  name: "s3",
  title: "Simple Storage Service",
  protocol: "restXml",
  operations: [
    createBucket,
    deleteBucket,
    headBucket,
    listBuckets,
    getBucketLocation,
    getBucketAcl,
    putBucketAcl,
    putBucketPolicy,
    getBucketPolicy,
    deleteBucketPolicy,
    putBucketVersioning,
    getBucketVersioning,
    putBucketEncryption,
    getBucketEncryption,
    deleteBucketEncryption,
    putBucketTagging,
    getBucketTagging,
    deleteBucketTagging,
    putObject,
    getObject,
    headObject,
    deleteObject,
    deleteObjects,
    copyObject,
    getObjectAttributes,
    putObjectTagging,
    getObjectTagging,
    deleteObjectTagging,
    listObjectsV2,
    listObjects,
    listObjectVersions,
    createMultipartUpload,
    uploadPart,
    completeMultipartUpload,
    abortMultipartUpload,
    listParts,
    listMultipartUploads,
  ],
};
