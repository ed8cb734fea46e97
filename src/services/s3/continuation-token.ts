/** `ContinuationToken` of the listings: the key or bucket after which the next page begins. */
import { textsOfToken } from "../page-token.ts";
import { invalidArgument } from "./errors.ts";

/** Throws AWS's error for a text that no listing gave out. */
export function nameInToken(token: string): string {
  const [name] = textsOfToken(token, 1) ?? [];
  if (!name) throw invalidArgument("The continuation token provided is incorrect", "continuation-token");
  return name;
}
