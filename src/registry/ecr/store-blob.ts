/** Puts bytes that did not come as an upload over HTTP into a repository: blob first, then its link, each durable. */
import type { Ids } from "../../core/ids.ts";
import type { BlobUpload, Store } from "../../store/store.ts";
import { algorithmOf } from "../digest.ts";
import type { Images } from "../images.ts";
import type { RepositoryAddress } from "../repository-address.ts";

export async function storeBlob(
  { store, ids, images }: { readonly store: Store; readonly ids: Ids; readonly images: Images },
  address: RepositoryAddress,
  digest: string,
  bytes: AsyncIterable<Uint8Array>,
): Promise<void> {
  const upload = await store.blobs.upload(ids.uuid(), algorithmOf(digest));
  try {
    await upload.append(bytes);
    await linkUpload(images, address, upload, digest);
  } finally {
    await upload.cancel().catch(() => undefined);
  }
}

/** Makes an upload the repository's blob; the upload itself stays until it is cancelled. Rejects with `DigestMismatch`. */
export async function linkUpload(
  images: Images,
  address: RepositoryAddress,
  upload: BlobUpload,
  digest: string,
): Promise<void> {
  const { size } = upload;
  await upload.publish(digest);
  await images.linkBlob(address, digest, size);
}
