/** GetObjectAttributes: facts of an object and of its parts without its bytes. */
import { operation } from "../service.ts";
import { checksumAnswer, checksumMember } from "./checksums.ts";
import { unquoted } from "./conditions.ts";
import { invalidArgument, notOfferedHere, reference } from "./errors.ts";
import { bucketErrors, requireBucket } from "./find-bucket.ts";
import { readAccess } from "./get-object.ts";
import type { ObjectVersion } from "./records.ts";
import type { GetObjectAttributesOutput, GetObjectAttributesParts, GetObjectAttributesRequest } from "./shapes.gen.ts";
import { requireObject, shownVersionId, versionErrors } from "./versions.ts";

const MAX_PARTS = 1000;

export const getObjectAttributes = operation<GetObjectAttributesRequest, GetObjectAttributesOutput>({
  name: "GetObjectAttributes",
  support: "partial",
  gaps: ["SSE-C is refused"],
  source: reference("GetObjectAttributes"),
  authorize: (input, context) => [
    ...readAccess(context, input, "Object"),
    ...readAccess(context, input, "ObjectAttributes"),
  ],
  errors: [...bucketErrors, ...versionErrors, invalidArgument, notOfferedHere],
  run(input, context) {
    if (input.SSECustomerAlgorithm !== undefined) throw notOfferedHere("encryption with keys of the customer (SSE-C)");
    const bucket = requireBucket(context, input);
    const object = requireObject(context, bucket.name, input, "GET");
    const wanted = new Set<string>(input.ObjectAttributes);
    return {
      LastModified: object.lastModifiedMs,
      ...shownVersionId(bucket, object.versionId),
      ...(wanted.has("ETag") && { ETag: unquoted(object.etag) }),
      ...(wanted.has("Checksum") && object.checksum && { Checksum: checksumAnswer(object.checksum) }),
      ...(wanted.has("ObjectParts") && partsAnswer(object, input)),
      ...(wanted.has("StorageClass") && {
        StorageClass: object.storageClass as NonNullable<GetObjectAttributesOutput["StorageClass"]>,
      }),
      ...(wanted.has("ObjectSize") && { ObjectSize: object.size }),
    };
  },
});

function partsAnswer(
  { parts, checksum }: ObjectVersion,
  { PartNumberMarker = 0, MaxParts = MAX_PARTS }: GetObjectAttributesRequest,
): { readonly ObjectParts?: GetObjectAttributesParts } {
  if (parts[0]?.partNumber === undefined) return {};
  const rest = parts.filter(({ partNumber = 0 }) => partNumber > PartNumberMarker);
  const page = rest.slice(0, Math.min(MaxParts, MAX_PARTS));
  return {
    ObjectParts: {
      TotalPartsCount: parts.length,
      PartNumberMarker,
      NextPartNumberMarker: page.at(-1)?.partNumber ?? 0,
      MaxParts,
      IsTruncated: rest.length > page.length,
      // AWS: parts are listed only where they have checksums of their own.
      ...(checksum?.type === "COMPOSITE" && {
        Parts: page.map((part) => ({
          PartNumber: part.partNumber,
          Size: part.size,
          ...(part.checksum !== undefined && checksumMember(checksum.algorithm, part.checksum)),
        })),
      }),
    },
  };
}
