/**
 * Tokens of pages (`NextToken`, `Marker`, `ContinuationToken`): opaque to clients, made in one way for every service from
 * the parts that say where the next page begins. Which parts, and the error for a text that is none, are the service's.
 */

export type TokenPart = string | number;

export const pageToken = (...parts: readonly TokenPart[]): string =>
  Buffer.from(JSON.stringify(parts)).toString("base64url");

/** What {@link pageToken} was given, or undefined for a text that it did not make: cut off, changed or made up. */
export function partsOfToken(token: string): readonly TokenPart[] | undefined {
  const parts = parsed(Buffer.from(token, "base64url").toString());
  const isOne = Array.isArray(parts) && parts.every((part) => typeof part === "string" || typeof part === "number");
  // Other texts decode to the same bytes: only the one that was given out is taken.
  return isOne && pageToken(...parts) === token ? parts : undefined;
}

/** The same for tokens whose parts are all texts; their number is known unless a key of any length is in them. */
export function textsOfToken(token: string, count?: number): readonly string[] | undefined {
  const parts = partsOfToken(token);
  if (parts === undefined || (count !== undefined && parts.length !== count)) return undefined;
  return parts.every((part) => typeof part === "string") ? parts : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
