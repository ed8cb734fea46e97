/**
 * The rules that can find something, for a command that checks once and ends: loading rules takes as long as running them.
 * A library and the language server take every one (check.ts).
 */
import type { Rule } from "./rule.ts";
import { sourceRules } from "./rules/source-rules.ts";
import type { CheckInput } from "./run-rules.ts";
import { findBuildspec } from "./tree/find-buildspec.ts";

/** What every input has, and the account, which alone says nothing about a buildspec. */
const OF_SOURCE: ReadonlySet<string> = new Set<keyof CheckInput>([
  "workspace",
  "buildspecPath",
  "text",
  "strict",
  "searchAllFiles",
  "scope",
]);

/** A batch has rules of its own, and to understand a suppression takes the ids of all rules. */
const ASKS_FOR_ALL = /batch|kiln-/;

/** With these {@link runRules} finds in each of the inputs what it would find with all. */
export async function neededRules(inputs: readonly CheckInput[]): Promise<readonly Rule[]> {
  const isMoreKnown = inputs.some((input) =>
    Object.entries(input).some(([name, value]) => value !== undefined && !OF_SOURCE.has(name)),
  );
  if (isMoreKnown || inputs.some((input) => ASKS_FOR_ALL.test(findBuildspec(input).text ?? ""))) {
    return (await import("./rules/index.ts")).rules;
  }
  return sourceRules;
}
