/** Opaque tokens of the describe operations: the name after which the next page begins. */
import { invalidParameter } from "./errors.ts";

export const encodePageToken = (text: string): string => Buffer.from(text, "utf8").toString("base64url");

/** Throws AWS's error for a text that no describe operation gave out. */
export function decodePageToken(token: string): string {
  const text = Buffer.from(token, "base64url").toString("utf8");
  if (text === "" || encodePageToken(text) !== token) throw invalidParameter("The specified nextToken is invalid.");
  return text;
}
