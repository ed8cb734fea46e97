/**
 * `phases.<phase>.on-failure`: ABORT, CONTINUE, RETRY, RETRY-<count>, RETRY-<regex>, RETRY-<count>-<regex>. Pure.
 * After `RETRY-` leading digits, followed by the end or a hyphen, are the count; the rest is the expression.
 * AWS: a retry is a new build, not the phase again. The agent's expressions are RE2; here JavaScript's, with RE2's
 * leading flags (`(?i)`). What CodeBuild answers to another value is not published: it fails as YAML_FILE_ERROR here.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.phases
 */
import { err, ok, type Result } from "../../core/result.ts";

export type OnFailure =
  | { readonly action: "ABORT" }
  | { readonly action: "CONTINUE" }
  | {
      readonly action: "RETRY";
      /** How many builds may follow, 0 to 100. */
      readonly maximum: number;
      /** Matched against the message of the phase's context; absent matches any. */
      readonly pattern?: { readonly source: string; readonly flags: string };
    };

/** AWS: `RETRY` and `RETRY-<regex>` retry up to three times. */
const DEFAULT_RETRIES = 3;
const MAX_RETRIES = 100;

/** The value as data, or one sentence that says what is wrong with it. */
export function parseOnFailure(text: string): Result<OnFailure, string> {
  if (text === "ABORT" || text === "CONTINUE") return ok({ action: text });
  const retry = /^RETRY(?:-([\s\S]*))?$/.exec(text);
  if (!retry) {
    return err(
      `\`on-failure\` is \`${text}\`, expected ABORT, CONTINUE, RETRY, RETRY-<count> or RETRY-<count>-<regex>`,
    );
  }
  const [, rest] = retry;
  if (rest === undefined) return ok({ action: "RETRY", maximum: DEFAULT_RETRIES });
  const counted = /^(\d+)(?:-([\s\S]*))?$/.exec(rest);
  const maximum = counted ? Number(counted[1]) : DEFAULT_RETRIES;
  if (maximum > MAX_RETRIES) {
    return err(`\`on-failure: ${text}\` asks for ${counted?.[1]} retries, expected 0 to ${MAX_RETRIES}`);
  }
  const expression = counted ? counted[2] : rest;
  if (expression === undefined || expression === ".*") return ok({ action: "RETRY", maximum });
  if (expression === "")
    return err(`\`on-failure: ${text}\` ends in a hyphen, expected a count or an expression after it`);
  const pattern = patternOf(expression);
  try {
    new RegExp(pattern.source, pattern.flags);
  } catch (error) {
    return err(`\`on-failure: ${text}\` does not hold a regular expression: ${reasonOf(error)}`);
  }
  return ok({ action: "RETRY", maximum, pattern });
}

/** RE2 writes flags at the beginning of the expression: `(?is)…`. */
function patternOf(expression: string): { source: string; flags: string } {
  const leading = /^\(\?([ims]+)\)/.exec(expression);
  return leading
    ? { source: expression.slice(leading[0].length), flags: [...new Set(leading[1])].join("") }
    : { source: expression, flags: "" };
}

/** `Invalid regular expression: /x(/: Unterminated group` → `unterminated group`. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message.slice(error.message.lastIndexOf(": ") + 2) : String(error);
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}
