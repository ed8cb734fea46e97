/** Records about the state itself, and which of them a reset leaves alone. */

export const STATE_COLLECTION = "kiln/state";
/** Of STATE_COLLECTION: the generation of files (state-files.ts) that belongs to the records. */
export const GENERATION_KEY = ["generation"];
export const CHECK_COLLECTION = "kiln/master-key-check";
/** Belong to the folder or to this machine, not to what a client sees: neither forgotten nor brought back. */
export const KEPT_COLLECTIONS: readonly string[] = [STATE_COLLECTION, CHECK_COLLECTION, "images.map"];
