/** The canonical user id of an account: 64 hex digits, the same for the same account on every machine. */
import { createHash } from "node:crypto";

export const canonicalId = (accountId: string): string =>
  createHash("sha256").update(`account ${accountId}`).digest("hex");

export const ownerOf = (accountId: string) => ({ ID: canonicalId(accountId) });
