/**
 * Layers through ECR's JSON API: an upload takes parts, each where the one before ended, and becomes a layer when its
 * digest fits. The bytes go where those of a docker push go.
 * Sources: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_UploadLayerPart.html,
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html
 */
import type { Clock } from "../../core/clock.ts";
import type { Ids } from "../../core/ids.ts";
import { DigestMismatch, type Store } from "../../store/store.ts";
import { algorithmOf } from "../digest.ts";
import type { Images } from "../images.ts";
import { KeyedQueue } from "../keyed-queue.ts";
import { keyIn, type RegistryRecords } from "../records.ts";
import type { RepositoryAddress } from "../repository-address.ts";
import type { LayerUploadRecord } from "./records.ts";

/** What AWS answers as the size of a part. */
export const LAYER_PART_BYTES = 10 * 1024 * 1024;
/** Every part but the last has at least this many bytes. */
export const MIN_LAYER_PART_BYTES = 5 * 1024 * 1024;
export const MAX_LAYER_PARTS = 4_200;

export type PartOutcome =
  | { readonly kind: "taken"; readonly lastByteReceived: number }
  /** The part does not start where the upload ends; `lastValidByte` is -1 before the first part. */
  | { readonly kind: "outOfOrder"; readonly lastValidByte: number }
  | { readonly kind: "unknownUpload" | "tooManyParts" };

export type CompleteOutcome =
  | "completed"
  | "unknownUpload"
  | "empty"
  | "partTooSmall"
  | "digestMismatch"
  | "alreadyThere";

export interface LayerUploads {
  start(address: RepositoryAddress): Promise<string>;
  append(
    address: RepositoryAddress,
    uploadId: string,
    part: { readonly firstByte: number; readonly bytes: Uint8Array },
  ): Promise<PartOutcome>;
  /** An upload that fails for what its bytes are is kept, as on AWS, until it is a week old. */
  complete(address: RepositoryAddress, uploadId: string, digest: string): Promise<CompleteOutcome>;
}

export function createLayerUploads({
  store,
  records,
  images,
  clock,
  ids,
}: {
  readonly store: Store;
  readonly records: RegistryRecords;
  readonly images: Images;
  readonly clock: Clock;
  readonly ids: Ids;
}): LayerUploads {
  const queue = new KeyedQueue();

  const find = ({ host, name }: RepositoryAddress, uploadId: string): LayerUploadRecord | undefined => {
    const record = records.ecr.layerUploads.get([uploadId]);
    return record?.host === host && record.name === name ? record : undefined;
  };

  return {
    async start({ host, name }) {
      const uploadId = ids.uuid();
      const upload = { host, name, startedAtMs: clock.nowMs() };
      await store.write(() => {
        // As an upload of the registry, too: those are swept when nobody finishes them.
        records.uploads.put([uploadId], upload);
        records.ecr.layerUploads.put([uploadId], { ...upload, parts: 0, hasSmallPart: false });
      });
      return uploadId;
    },

    append: (address, uploadId, { firstByte, bytes }) =>
      queue.run(uploadId, async (): Promise<PartOutcome> => {
        const record = find(address, uploadId);
        if (!record) return { kind: "unknownUpload" };
        if (record.parts >= MAX_LAYER_PARTS) return { kind: "tooManyParts" };
        const upload = await store.blobs.upload(uploadId);
        const before = upload.size;
        if (firstByte !== before) return { kind: "outOfOrder", lastValidByte: before - 1 };
        const isAfterSmall = record.parts > 0 && before < record.parts * MIN_LAYER_PART_BYTES;
        await upload.append(once(bytes));
        await store.write(() => {
          const hasSmallPart = record.hasSmallPart || isAfterSmall;
          records.ecr.layerUploads.put([uploadId], { ...record, parts: record.parts + 1, hasSmallPart });
        });
        return { kind: "taken", lastByteReceived: upload.size - 1 };
      }),

    complete: (address, uploadId, digest) =>
      queue.run(uploadId, async (): Promise<CompleteOutcome> => {
        const record = find(address, uploadId);
        if (!record) return "unknownUpload";
        if (record.parts === 0) return "empty";
        if (record.hasSmallPart) return "partTooSmall";
        const isThere = records.blobLinks.has(keyIn(address, digest));
        const upload = await store.blobs.upload(uploadId, algorithmOf(digest));
        try {
          if (!isThere) await images.linkUpload(address, upload, digest);
        } catch (error) {
          if (error instanceof DigestMismatch) return "digestMismatch";
          throw error;
        }
        await store.write(() => {
          records.uploads.delete([uploadId]);
          records.ecr.layerUploads.delete([uploadId]);
        });
        await upload.cancel();
        return isThere ? "alreadyThere" : "completed";
      }),
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
