/** What policy documents may write as one thing or as a list of them. */
import type { PolicyDocument } from "../core/aws.ts";

/** The statements of a document; what is no object is left out. */
export const statementsOf = (document: PolicyDocument): Record<string, unknown>[] =>
  [document["Statement"] ?? []]
    .flat()
    .filter((one): one is Record<string, unknown> => typeof one === "object" && one !== null);

/** A string or an array of strings as an array; anything else is left out. */
export function listOfStrings(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
