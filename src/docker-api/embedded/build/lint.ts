/**
 * BuildKit's build checks of a Dockerfile, in the order in which BuildKit finds them: `lintDockerfile` of what is written,
 * `lintStage` of a stage with what its base brings. Pure; builder.ts tells what they give.
 * Source: https://docs.docker.com/reference/build-checks/ . Gaps: comments as descriptions (`InvalidDefinitionDescription`),
 * COPY of ignored files, both experimental on AWS's engine; the platform of a base image.
 */

import type { Dockerfile } from "../../../dockerfile/dockerfile.ts";
import { didYouMean } from "../../../dockerfile/go-text.ts";
import type { Instruction, Keyword, Lines } from "../../../dockerfile/instruction.ts";
import { ExpansionError, expandWord, type Lookup, splitWords } from "../../../dockerfile/words.ts";
import { InvalidReference, parseReference } from "../../../images/reference.ts";
import { type LintWarning, lintWarning } from "./lint-rules.ts";
import { declarations, platformArgs, readGlobalArgs } from "./variables.ts";

const commandOf = ({ original }: Instruction): string => /^\S+/.exec(original)?.[0] ?? "";

/** Checks of the text alone. */
export function lintDockerfile(dockerfile: Dockerfile, text: string): LintWarning[] {
  const instructions = dockerfile.stages.flatMap((stage) => [stage.from, ...stage.instructions]);
  return [
    ...emptyContinuations([...dockerfile.globalArgs, ...instructions], text, dockerfile.escape),
    ...instructions.flatMap((instruction) => lintForm(instruction, dockerfile.escape)),
    ...lintStageNames(dockerfile),
    ...lintCasing(instructions),
    ...lintBases(dockerfile),
  ];
}

function emptyContinuations(instructions: readonly Instruction[], text: string, escapeChar: string): LintWarning[] {
  const lines = text.replace(/\n$/, "").split(/\r?\n/);
  const continued = escapeChar === "\\" ? /\\[ \t]*$/ : /`[ \t]*$/;
  return instructions.flatMap(({ line }) => {
    let hasEmpty = false;
    let at = line - 1;
    for (let isContinued = true; isContinued && at < lines.length; at++) {
      const current = lines[at] ?? "";
      if (at >= line && /^\s*#/.test(current)) continue;
      if (at >= line && current.trim() === "") hasEmpty = true;
      else isContinued = continued.test(current);
    }
    return hasEmpty ? [lintWarning("NoEmptyContinuation", "Empty continuation line", { line: at, endLine: at })] : [];
  });
}

/** What BuildKit says while it reads instructions. */
function lintForm(instruction: Instruction, escapeChar: string): LintWarning[] {
  const { keyword, text } = instruction;
  const command = commandOf(instruction);
  if (keyword === "FROM") {
    const [, as = "", name = ""] = text.split(/\s+/);
    const isMatch =
      as === "" ||
      (command === command.toLowerCase()
        ? as === as.toLowerCase()
        : command !== command.toUpperCase() || as === as.toUpperCase());
    return [
      ...(name === name.toLowerCase()
        ? []
        : [lintWarning("StageNameCasing", `Stage name '${name}' should be lowercase`, instruction)]),
      ...(isMatch
        ? []
        : [lintWarning("FromAsCasing", `'${as}' and '${command}' keywords' casing do not match`, instruction)]),
    ];
  }
  if (keyword === "MAINTAINER")
    return [
      lintWarning("MaintainerDeprecated", "Maintainer instruction is deprecated in favor of using label", instruction),
    ];
  const isLegacy = (keyword === "ENV" || keyword === "LABEL") && !splitWords(text, escapeChar)[0]?.includes("=");
  const format = `"${keyword} key=value" should be used instead of legacy "${keyword} key value" format`;
  return isLegacy ? [lintWarning("LegacyKeyValueFormat", format, instruction)] : [];
}

function lintStageNames({ stages }: Dockerfile): LintWarning[] {
  const seen = new Set<string>();
  return stages.flatMap(({ name, from }) => {
    if (name === undefined) return [];
    const found: LintWarning[] = [];
    if (name === "context" || name === "scratch")
      found.push(
        lintWarning("ReservedStageName", `Stage name should not use the same name as reserved stage "${name}"`, from),
      );
    if (seen.has(name))
      found.push(
        lintWarning("DuplicateStageName", `Duplicate stage name "${name}", stage names should be unique`, from),
      );
    seen.add(name);
    return found;
  });
}

function lintCasing(instructions: readonly Instruction[]): LintWarning[] {
  const commands = instructions.map(commandOf);
  const lower = commands.filter((command) => command === command.toLowerCase()).length;
  const isLower = lower > commands.filter((command) => command === command.toUpperCase()).length;
  return instructions.flatMap((instruction) => {
    const command = commandOf(instruction);
    if (command === (isLower ? command.toLowerCase() : command.toUpperCase())) return [];
    const wanted = isLower ? "lowercase" : "uppercase";
    return [
      lintWarning(
        "ConsistentInstructionCasing",
        `Command '${command}' should match the case of the command majority (${wanted})`,
        instruction,
      ),
    ];
  });
}

function lintBases(dockerfile: Dockerfile): LintWarning[] {
  const { escape: escapeChar, globalArgs, stages } = dockerfile;
  const names = globalArgs.flatMap(({ text }) => declarations(text, escapeChar).map(({ name }) => name));
  const platform = platformArgs();
  const defaults = { ...platform, ...readGlobalArgs(dockerfile, platform) };
  const invalid = stages.flatMap(({ from }) => {
    const [written = ""] = from.text.split(/\s+/);
    const base = expandedOr(written, (name) => defaults[name], escapeChar);
    return base === undefined || isReference(base)
      ? []
      : [
          lintWarning(
            "InvalidDefaultArgInFrom",
            `Default value for ARG ${written} results in empty or invalid base image name`,
            from,
          ),
        ];
  });
  const undeclared = stages.flatMap(({ from, name: stageName = "" }) => {
    const [written = ""] = from.text.split(/\s+/);
    const given = from.flags.find(({ name }) => name === "platform")?.value;
    const found = [written, ...(given === undefined ? [] : [given])].flatMap((word) =>
      usedVariables(word, escapeChar)
        .filter((name) => !names.includes(name) && !Object.hasOwn(platform, name))
        .map((name) =>
          lintWarning(
            "UndefinedArgInFrom",
            `FROM argument '${name}' is not declared${didYouMean(name, [...names, ...Object.keys(platform)], true)}`,
            from,
          ),
        ),
    );
    return [...found, ...(given === undefined ? [] : lintPlatform(given, stageName, from, escapeChar))];
  });
  return [...invalid, ...undeclared];
}

function lintPlatform(given: string, stageName: string, from: Instruction, escapeChar: string): LintWarning[] {
  if (/^\$(?:TARGETPLATFORM|\{TARGETPLATFORM\})$/.test(given))
    return [
      lintWarning(
        "RedundantTargetPlatform",
        `Setting platform to predefined ${given} in FROM is redundant as this is the default behavior`,
        from,
      ),
    ];
  const [os = "", arch = ""] = given.split("/");
  const isNamed = stageName.includes(os) || (arch !== "" && stageName.includes(arch));
  if (usedVariables(given, escapeChar).length > 0 || isNamed) return [];
  return [
    lintWarning(
      "FromPlatformFlagConstDisallowed",
      `FROM --platform flag should not use constant value ${JSON.stringify(given)}`,
      from,
    ),
  ];
}

function isReference(text: string): boolean {
  try {
    parseReference(text);
    return true;
  } catch (error) {
    if (error instanceof InvalidReference) return false;
    throw error;
  }
}

/** What a stage has from its base before its first instruction. */
export interface StageStart {
  readonly variables: Iterable<string>;
  readonly hasShell: boolean;
  readonly hasWorkdir: boolean;
}

/** What BuildKit says while it does a stage; `end` is what a stage built upon this one starts with. */
export function lintStage(
  instructions: readonly Instruction[],
  start: StageStart,
  escapeChar: string,
): { readonly warnings: LintWarning[]; readonly end: StageStart } {
  const defined = new Set(start.variables);
  let { hasShell, hasWorkdir } = start;
  const last = new Map<Keyword, Lines>();
  const warnings: LintWarning[] = [];
  for (const instruction of instructions) {
    const { keyword, text, json } = instruction;
    const warn = (rule: Parameters<typeof lintWarning>[0], message: string, at: Lines = instruction): void =>
      void warnings.push(lintWarning(rule, message, at));
    for (const name of new Set(wordsIn(instruction).flatMap((word) => usedVariables(word, escapeChar))))
      if (!defined.has(name))
        warn(
          "UndefinedVar",
          `Usage of undefined variable '$${name}'${didYouMean(name, [...defined], true).replace("mean ", "mean $")}`,
        );
    if (ONCE.has(keyword)) {
      const before = last.get(keyword);
      const command = commandOf(instruction);
      if (before)
        warn(
          "MultipleInstructionsDisallowed",
          `Multiple ${command} instructions should not be used in the same stage because only the last one will be used`,
          before,
        );
      last.set(keyword, instruction);
      if (keyword !== "HEALTHCHECK" && json === undefined && text !== "" && !hasShell)
        warn(
          "JSONArgsRecommended",
          `JSON arguments recommended for ${command} to prevent unintended behavior related to OS signals`,
        );
    }
    if (keyword === "SHELL") hasShell = true;
    if (keyword === "WORKDIR") {
      if (!hasWorkdir && !text.startsWith("/") && !text.startsWith("$"))
        warn(
          "WorkdirRelativePath",
          `Relative workdir ${JSON.stringify(text)} can have unexpected results if the base image changes`,
        );
      hasWorkdir = true;
    }
    if (keyword === "ENV" || keyword === "ARG") {
      for (const name of namesIn(instruction, escapeChar)) {
        defined.add(name);
        if (SECRET.test(name) && !PUBLIC.test(name))
          warn(
            "SecretsUsedInArgOrEnv",
            `Do not use ARG or ENV instructions for sensitive data (${keyword} ${JSON.stringify(name)})`,
          );
      }
    }
  }
  return { warnings, end: { variables: defined, hasShell, hasWorkdir } };
}

const ONCE: ReadonlySet<Keyword> = new Set(["CMD", "ENTRYPOINT", "HEALTHCHECK"]);
const SECRET = /(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)/i;
const PUBLIC = /(?:_|^)public(?:_|$)/i;
const EXPANDED: ReadonlySet<Keyword> = new Set([
  ...(["ADD", "ARG", "COPY", "ENV", "EXPOSE", "LABEL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"] as const),
]);

/** What is expanded of an instruction. */
const wordsIn = ({ keyword, text, json, flags }: Instruction): readonly string[] =>
  EXPANDED.has(keyword)
    ? [
        ...flags.filter(({ name }) => name === "chown" || name === "chmod").map(({ value }) => value),
        ...(json ?? [text]),
      ]
    : [];

function namesIn({ keyword, text }: Instruction, escapeChar: string): string[] {
  const words = splitWords(text, escapeChar);
  if (keyword === "ENV" && !words[0]?.includes("=")) return words.slice(0, 1);
  return declarations(text, escapeChar).map(({ name }) => name);
}

function expandedOr(text: string, lookup: Lookup, escapeChar: string): string | undefined {
  try {
    return expandWord(text, lookup, escapeChar);
  } catch (error) {
    if (error instanceof ExpansionError) return undefined;
    throw error;
  }
}

/** Names that an expansion of the text asks for. What cannot be expanded is said elsewhere. */
function usedVariables(text: string, escapeChar: string): string[] {
  const names = new Set<string>();
  // Empty and not: each takes another one of `${x:-a}` and `${x:+b}`.
  for (const value of ["", "x"]) {
    expandedOr(
      text,
      (name) => {
        names.add(name);
        return value;
      },
      escapeChar,
    );
  }
  return [...names];
}
