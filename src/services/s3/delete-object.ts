/** DeleteObject and DeleteObjects: a delete marker in front, or one version gone for good. */
import type { AuthorizationRequest } from "../../authorize/decision.ts";
import { AwsError } from "../../core/errors.ts";
import { type OperationContext, operation } from "../service.ts";
import { unquoted } from "./conditions.ts";
import { contentsOf } from "./content-store.ts";
import { invalidArgument, malformedXml, noSuchKey, preconditionFailed, reference } from "./errors.ts";
import { bucketErrors, conditionKeys, onObject, requireBucket } from "./find-bucket.ts";
import { type BucketRecord, bucketsIn, type ContentPart, currentIn, recordKey } from "./records.ts";
import type {
  DeletedObject,
  DeleteObjectOutput,
  DeleteObjectRequest,
  DeleteObjectsOutput,
  DeleteObjectsRequest,
  Error as ItemError,
} from "./shapes.gen.ts";
import {
  NULL_VERSION,
  newDeleteMarker,
  newVersionId,
  putVersion,
  removeVersion,
  requireVersionForm,
} from "./versions.ts";

const MAX_KEYS = 1000;

interface OneKey {
  readonly Key: string;
  readonly VersionId?: string | undefined;
  readonly IfMatch?: string | undefined;
}

const access = (bucket: BucketRecord, { Key, VersionId, IfMatch }: OneKey): AuthorizationRequest =>
  onObject(
    bucket,
    Key,
    VersionId === undefined ? "s3:DeleteObject" : "s3:DeleteObjectVersion",
    conditionKeys(VersionId === undefined ? { "s3:if-match": IfMatch } : { "s3:versionid": VersionId }),
  );

export const deleteObject = operation<DeleteObjectRequest, DeleteObjectOutput>({
  name: "DeleteObject",
  support: "supported",
  source: reference("DeleteObject"),
  authorize: (input, context) => [access(requireBucket(context, input), input)],
  errors: [...bucketErrors, invalidArgument, preconditionFailed, noSuchKey],
  async run(input, context) {
    requireBucket(context, input);
    const [done] = await deleteAll(context, input.Bucket, [input]);
    if (done?.error) throw done.error;
    return done?.answer ?? {};
  },
});

export const deleteObjects = operation<DeleteObjectsRequest, DeleteObjectsOutput>({
  name: "DeleteObjects",
  support: "supported",
  source: reference("DeleteObjects"),
  // AWS: each key is decided by itself; a denial is an item of the answer.
  authorize: (input, context) => {
    requireBucket(context, input);
    return [];
  },
  errors: [...bucketErrors, malformedXml, invalidArgument, preconditionFailed, noSuchKey],
  async run(input, context) {
    const bucket = requireBucket(context, input);
    const keys = input.Delete.Objects.map(({ Key, VersionId, ETag }) => ({ Key, VersionId, IfMatch: ETag }));
    if (keys.length === 0 || keys.length > MAX_KEYS) throw malformedXml();
    const refusals = new Map(keys.map((one) => [one, context.refusalOf([access(bucket, one)])]));
    const done = await deleteAll(
      context,
      bucket.name,
      keys.filter((one) => refusals.get(one) === undefined),
    );
    const results = new Map(done.map((result) => [result.key, result]));
    const Deleted: DeletedObject[] = [];
    const Errors: ItemError[] = [];
    for (const one of keys) {
      const result = results.get(one);
      const error = refusals.get(one) ?? result?.error;
      const which = { Key: one.Key, ...(one.VersionId !== undefined && { VersionId: one.VersionId }) };
      if (error) Errors.push({ ...which, Code: error.code, Message: error.message });
      else if (!input.Delete.Quiet) Deleted.push({ ...which, ...itemAnswer(one, result?.answer ?? {}) });
    }
    return { ...(Deleted.length > 0 && { Deleted }), ...(Errors.length > 0 && { Errors }) };
  },
});

/** In a list, the id of a delete marker has a name of its own. */
function itemAnswer({ VersionId }: OneKey, answer: DeleteObjectOutput): Partial<DeletedObject> {
  if (!answer.DeleteMarker) return {};
  return { DeleteMarker: true, DeleteMarkerVersionId: VersionId ?? answer.VersionId };
}

interface Done {
  readonly key: OneKey;
  readonly answer?: DeleteObjectOutput;
  readonly error?: AwsError;
}

/** All in one durable change; a key that cannot be deleted does not hold the others. */
async function deleteAll(
  context: OperationContext,
  bucketName: string,
  keys: readonly OneKey[],
): Promise<readonly Done[]> {
  const { store, ids } = context;
  const contents = contentsOf(store, ids);
  const { done, dropped } = await store.write(() => {
    const bucket = bucketsIn(store).get([bucketName]) ?? requireBucket(context, { Bucket: bucketName });
    const dropped: ContentPart[] = [];
    const done = keys.map((key): Done => {
      try {
        return { key, answer: deleteOne(context, bucket, key, dropped) };
      } catch (error) {
        if (error instanceof AwsError) return { key, error };
        throw error;
      }
    });
    contents.disown(dropped);
    return { done, dropped };
  });
  await contents.remove(dropped);
  return done;
}

function deleteOne(
  context: OperationContext,
  bucket: BucketRecord,
  input: OneKey,
  dropped: ContentPart[],
): DeleteObjectOutput {
  const { store, ids, clock } = context;
  requireVersionForm(input.VersionId);
  requireMatch(context, bucket, input);
  if (input.VersionId !== undefined) {
    const gone = removeVersion(store, bucket.name, input.Key, input.VersionId);
    dropped.push(...(gone?.dropped ?? []));
    if (bucket.versioning === undefined) return {};
    return { VersionId: input.VersionId, ...(gone?.removed.kind === "deleteMarker" && { DeleteMarker: true }) };
  }
  if (bucket.versioning === undefined) {
    dropped.push(...(removeVersion(store, bucket.name, input.Key, NULL_VERSION)?.dropped ?? []));
    return {};
  }
  const marker = newDeleteMarker(input.Key, newVersionId(bucket, ids), clock.nowMs());
  dropped.push(...putVersion(store, bucket, marker));
  return { DeleteMarker: true, VersionId: marker.versionId };
}

function requireMatch({ store }: OperationContext, bucket: BucketRecord, { Key, IfMatch }: OneKey): void {
  if (IfMatch === undefined) return;
  const current = currentIn(store).get(recordKey(bucket.name, Key));
  if (current?.kind !== "object") {
    if (IfMatch === "*") return;
    throw noSuchKey(Key);
  }
  if (IfMatch !== "*" && unquoted(IfMatch) !== unquoted(current.etag)) throw preconditionFailed("If-Match");
}
