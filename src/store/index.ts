/** Public face of the store: open it once in app.ts, pass the port (`store.ts`) around. */
export { openStore, type StoreOptions } from "./open-store.ts";
export type { BlobStore, BlobUpload, Collection, Entry, Key, Store } from "./store.ts";
