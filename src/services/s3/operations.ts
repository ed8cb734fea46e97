/** The operations of S3, imported when the service is first called (index.ts). */
import type { Operations } from "../service.ts";
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

export const operations: Operations = [
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
];
