/** Public face of leak-guard: what it is, README.md; the search, find-leaks.ts. */
export type { DockerfileText } from "./dockerfile-lines.ts";
export { type FoundLeaks, findLeaks } from "./find-leaks.ts";
export { SecretLedger } from "./secret-ledger.ts";
