/**
 * BuildKit's build checks as data: what each says. The engine of CodeBuild's images prints those that a Dockerfile breaks as
 * warnings. Pure. Source: https://docs.docker.com/reference/build-checks/
 */
import { BuildError } from "./build-request.ts";

const RULES = {
  StageNameCasing: "Stage names should be lowercase",
  FromAsCasing: "The 'as' keyword should match the case of the 'from' keyword",
  NoEmptyContinuation: "Empty continuation lines will become errors in a future release",
  ConsistentInstructionCasing: "All commands within the Dockerfile should use the same casing (either upper or lower)",
  DuplicateStageName: "Stage names should be unique",
  ReservedStageName: "Reserved words should not be used as stage names",
  JSONArgsRecommended:
    "JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related to OS signals",
  MaintainerDeprecated: "The MAINTAINER instruction is deprecated, use a label instead to define an image author",
  UndefinedArgInFrom: "FROM command must use declared ARGs",
  WorkdirRelativePath:
    "Relative workdir without an absolute workdir declared within the build can have unexpected results if the base image changes",
  UndefinedVar: "Variables should be defined before their use",
  MultipleInstructionsDisallowed: "Multiple instructions of the same type should not be used in the same stage",
  LegacyKeyValueFormat: "Legacy key/value format with whitespace separator should not be used",
  RedundantTargetPlatform:
    "Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior",
  SecretsUsedInArgOrEnv: "Sensitive data should not be used in the ARG or ENV commands",
  InvalidDefaultArgInFrom: "Default value for global ARG results in an empty or invalid base image name",
  FromPlatformFlagConstDisallowed: "FROM --platform flag should not use a constant value",
} as const;

export type RuleName = keyof typeof RULES;

export interface LintWarning {
  readonly rule: RuleName;
  /** `StageNameCasing: Stage name 'A' should be lowercase (line 1)` */
  readonly short: string;
  readonly detail: string;
  readonly url: string;
  /** From 1. */
  readonly line: number;
  readonly endLine: number;
}

export const lintWarning = (
  rule: RuleName,
  message: string,
  at: { readonly line: number; readonly endLine: number },
): LintWarning => ({
  rule,
  short: `${rule}: ${message} (line ${at.line})`,
  detail: RULES[rule],
  url: `https://docs.docker.com/go/dockerfile/rule/${rule.replace(/^JSON|(?<!^)[A-Z]/g, (found) => (found === "JSON" ? found : `-${found}`)).toLowerCase()}/`,
  line: at.line,
  endLine: at.endLine,
});

/** Of the directive `# check=skip=A,B;error=true`. */
export interface LintOptions {
  readonly skips: (rule: RuleName) => boolean;
  /** A warning fails the build. */
  readonly isError: boolean;
}

/** Throws with BuildKit's text for what is no option. `text` is the directive's value. */
export function lintOptions(text: string): LintOptions {
  let skipped: readonly string[] = [];
  let isError = false;
  for (const part of text.trim() === "" ? [] : text.split(";")) {
    const at = part.indexOf("=");
    const key = part.slice(0, Math.max(at, 0)).trim();
    const value = part.slice(at + 1).trim();
    if (at < 0 || (key !== "skip" && key !== "error"))
      throw new BuildError(
        `failed to parse check options: invalid check option ${JSON.stringify(at < 0 ? part : key)}`,
      );
    if (key === "skip") skipped = value.split(",").map((name) => name.trim());
    else isError = ["1", "t", "true"].includes(value.toLowerCase());
  }
  return { skips: (rule) => skipped.includes("all") || skipped.includes(rule), isError };
}
