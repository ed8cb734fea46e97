/** PutObjectTagging, GetObjectTagging, DeleteObjectTagging. Tags belong to one version. */
import { type OperationContext, operation } from "../service.ts";
import { invalidTag, reference, tooManyTags } from "./errors.ts";
import { bucketErrors, requireBucket } from "./find-bucket.ts";
import { objectAccess, readAccess } from "./get-object.ts";
import type { ObjectVersion } from "./records.ts";
import type {
  DeleteObjectTaggingOutput,
  DeleteObjectTaggingRequest,
  GetObjectTaggingOutput,
  GetObjectTaggingRequest,
  PutObjectTaggingOutput,
  PutObjectTaggingRequest,
} from "./shapes.gen.ts";
import { requestTagKeys, requireTags, tagList } from "./tags.ts";
import { replaceVersion, requireObject, shownVersionId, versionErrors } from "./versions.ts";

type TaggingInput = Pick<DeleteObjectTaggingRequest, "Bucket" | "Key" | "VersionId" | "ExpectedBucketOwner">;

const errors = [...bucketErrors, ...versionErrors];

export const putObjectTagging = operation<PutObjectTaggingRequest, PutObjectTaggingOutput>({
  name: "PutObjectTagging",
  support: "supported",
  source: reference("PutObjectTagging"),
  authorize(input, context) {
    const tags = Object.fromEntries(input.Tagging.TagSet.map(({ Key, Value }) => [Key, Value]));
    return objectAccess(context, input, "s3:PutObjectTagging", requestTagKeys(tags));
  },
  errors: [...errors, invalidTag, tooManyTags],
  run: (input, context) => change(context, input, "PUT", requireTags(input.Tagging.TagSet, "Object")),
});

export const deleteObjectTagging = operation<DeleteObjectTaggingRequest, DeleteObjectTaggingOutput>({
  name: "DeleteObjectTagging",
  support: "supported",
  source: reference("DeleteObjectTagging"),
  authorize: (input, context) => objectAccess(context, input, "s3:DeleteObjectTagging"),
  errors,
  run: (input, context) => change(context, input, "DELETE", undefined),
});

export const getObjectTagging = operation<GetObjectTaggingRequest, GetObjectTaggingOutput>({
  name: "GetObjectTagging",
  support: "supported",
  source: reference("GetObjectTagging"),
  authorize: (input, context) => readAccess(context, input, "ObjectTagging"),
  errors,
  run(input, context) {
    const bucket = requireBucket(context, input);
    const object = requireObject(context, bucket.name, input, "GET");
    return { ...shownVersionId(bucket, object.versionId), TagSet: tagList(object.tags) };
  },
});

async function change(
  context: OperationContext,
  input: TaggingInput,
  method: string,
  tags: Readonly<Record<string, string>> | undefined,
) {
  const bucket = requireBucket(context, input);
  const object = await context.store.write(() => {
    const { tags: _, ...current } = requireObject(context, bucket.name, input, method);
    const changed: ObjectVersion = { ...current, ...(tags && Object.keys(tags).length > 0 && { tags }) };
    replaceVersion(context.store, bucket.name, changed);
    return changed;
  });
  return shownVersionId(bucket, object.versionId);
}
