/** Digests: `sha256:<64 hex>` and `sha512:<128 hex>`, the two algorithms the distribution specification registers. */
import { createHash } from "node:crypto";
import type { DigestAlgorithm } from "../store/store.ts";

export const isDigest = (text: string): boolean => /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/.test(text);

/** A reference with a colon is meant as a digest; tags cannot have one. */
export const looksLikeDigest = (reference: string): boolean => reference.includes(":");

export const isTag = (text: string): boolean => /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/.test(text);

export const digestOf = (content: Uint8Array, algorithm: DigestAlgorithm = "sha256"): string =>
  `${algorithm}:${createHash(algorithm).update(content).digest("hex")}`;

export const algorithmOf = (digest: string): DigestAlgorithm => (digest.startsWith("sha512:") ? "sha512" : "sha256");

/** True when `content` hashes to `digest`. */
export const matchesDigest = (content: Uint8Array, digest: string): boolean =>
  digestOf(content, algorithmOf(digest)) === digest;
