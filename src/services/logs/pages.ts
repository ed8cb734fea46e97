/** `nextToken` of the describe operations: the name after which the next page begins. Those of events are places (events.ts). */
import type { AwsError } from "../../core/errors.ts";
import { textsOfToken } from "../page-token.ts";
import { invalidParameter } from "./errors.ts";

export const invalidNextToken = (): AwsError => invalidParameter("The specified nextToken is invalid.");

/** Throws AWS's error for a text that no describe operation gave out. */
export function nameInToken(token: string): string {
  const [name] = textsOfToken(token, 1) ?? [];
  if (name === undefined) throw invalidNextToken();
  return name;
}
