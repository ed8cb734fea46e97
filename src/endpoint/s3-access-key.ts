/** The access key of an S3 request, with S3's errors for one that is not good. */
import type { AccessKey, Identity } from "../identity/index.ts";
import { expiredToken, invalidAccessKeyId, invalidToken } from "./s3-errors.ts";

/** The key, when it exists and is switched on. */
export function requireKey(identity: Pick<Identity, "findAccessKey">, accessKeyId: string): AccessKey {
  const accessKey = identity.findAccessKey(accessKeyId);
  if (accessKey?.status !== "Active") throw invalidAccessKeyId(accessKeyId);
  return accessKey;
}

/** A temporary key is only good with its token, and only while it lasts. */
export function requireSession(key: AccessKey, accessKeyId: string, token: string | undefined, nowMs: number): void {
  // AWS: a temporary key without its token is no key at all.
  if (key.sessionToken !== undefined && token === undefined) throw invalidAccessKeyId(accessKeyId);
  if (key.sessionToken !== token) throw invalidToken(token ?? "");
  if (key.expiresAtMs !== undefined && key.expiresAtMs <= nowMs) throw expiredToken(token ?? "");
}
