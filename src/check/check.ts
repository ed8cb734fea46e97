/** Every rule over one buildspec and the files around it: the checker as a library has it. The work is in run-rules.ts. */
import type { Diagnostic } from "../core/diagnostics.ts";
import { rules } from "./rules/index.ts";
import { type CheckInput, type CheckResult, runRules } from "./run-rules.ts";

/** All findings that no comment suppresses, in the order of `sortDiagnostics`. */
export const check = (input: CheckInput): Diagnostic[] => [...checkBuildspec(input).diagnostics];

/** Like {@link check}, with what comments suppress. */
export const checkBuildspec = (input: CheckInput): CheckResult => runRules(rules, input);
