/** Public face of the store: open it once in app.ts, pass the port (`store.ts`) around. */
export { openStore, type StoreOptions } from "./open-store.ts";
export {
  type BlobStore,
  type BlobUpload,
  type Collection,
  DigestMismatch,
  type Entry,
  type Key,
  type Store,
} from "./store.ts";
