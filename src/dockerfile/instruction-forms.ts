/**
 * What each Dockerfile instruction looks like: its flags, how many arguments it takes, which may be JSON or have heredocs.
 * Pure. Texts are BuildKit's; those that its line parser finds are `isUnreadable`.
 * Source: https://docs.docker.com/reference/dockerfile/
 */

import { ownValue } from "../core/own-value.ts";
import { didYouMean, parseGoDuration } from "./go-text.ts";
import {
  DockerfileError,
  type EscapeChar,
  type Flag,
  type Instruction,
  type Keyword,
  type Lines,
  parseError,
} from "./instruction.ts";
import { parseMount } from "./run-mounts.ts";
import { splitWords } from "./words.ts";

export const WITH_HEREDOC: ReadonlySet<Keyword> = new Set(["ADD", "COPY", "RUN"]);
export const WITH_JSON: ReadonlySet<Keyword> = new Set([
  ...(["ADD", "CMD", "COPY", "ENTRYPOINT", "RUN", "SHELL", "VOLUME"] as const),
]);

type FlagKind = "text" | "list" | "switch";

const FLAGS: Readonly<Partial<Record<Keyword, Readonly<Record<string, FlagKind>>>>> = {
  ADD: {
    ...{ chown: "text", chmod: "text", link: "switch", "keep-git-dir": "switch", checksum: "text" },
    ...{ exclude: "list", unpack: "switch" },
  },
  COPY: { chown: "text", from: "text", chmod: "text", link: "switch", parents: "switch", exclude: "list" },
  FROM: { platform: "text" },
  HEALTHCHECK: {
    ...{ interval: "text", timeout: "text", "start-period": "text", "start-interval": "text", retries: "text" },
  },
  RUN: { mount: "list", network: "text", security: "text", device: "list" },
};

/** Flags by the instruction's own table; throws for unknown, doubled and empty ones. */
export function readFlags(keyword: Keyword, words: readonly string[], at: Lines): Flag[] {
  const known = ownValue(FLAGS, keyword) ?? {};
  const flags: Flag[] = [];
  for (const word of words) {
    const equals = word.indexOf("=");
    const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
    const value = equals < 0 ? undefined : word.slice(equals + 1);
    const kind = ownValue(known, name);
    if (!kind) throw parseError(at, `unknown flag: --${name}${didYouMean(name, Object.keys(known), true)}`);
    if (kind !== "list" && flags.some((flag) => flag.name === name))
      throw parseError(at, `duplicate flag specified: --${name}`);
    if (kind === "switch") {
      const isOn = value === undefined ? "true" : value.toLowerCase();
      if (isOn === "") throw parseError(at, `missing a value on flag: --${name}`);
      if (isOn !== "true" && isOn !== "false")
        throw parseError(at, `expecting boolean value for flag --${name}, not: ${value}`);
      flags.push({ name, value: isOn });
    } else {
      if (value === undefined) throw parseError(at, `missing a value on flag: --${name}`);
      flags.push({ name, value });
    }
  }
  return flags;
}

/** The strings of a JSON array, `mixed` for an array of other things, undefined for what is no array. */
export function jsonForm(text: string): string[] | "mixed" | undefined {
  if (!text.startsWith("[")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (!Array.isArray(value)) return undefined;
    return value.every((item) => typeof item === "string") ? value : "mixed";
  } catch {
    return undefined;
  }
}

/** Throws what docker says of an instruction before any stage is built. */
export function checkForm(instruction: Instruction, escapeChar: EscapeChar): void {
  const { keyword, text, json } = instruction;
  const fail = (message: string): never => {
    throw parseError(instruction, message);
  };
  const atLeastOne = (): void => {
    if (text === "") fail(`${keyword} requires at least one argument`);
  };
  switch (keyword) {
    case "ADD":
    case "COPY":
      checkSources(instruction, escapeChar);
      return;
    case "ENV":
    case "LABEL":
      atLeastOne();
      checkPairs(instruction, escapeChar);
      return;
    case "ARG":
      atLeastOne();
      if (splitWords(text, escapeChar).some((word) => word.startsWith("="))) fail("ARG names can not be blank");
      return;
    case "FROM":
      if (text === "") fail("FROM requires either one or three arguments");
      return;
    case "EXPOSE":
      atLeastOne();
      return;
    case "VOLUME":
      atLeastOne();
      if ((json ?? [text]).some((folder) => folder.trim() === "") || json?.length === 0)
        fail(
          json?.length === 0 ? "VOLUME requires at least one argument" : "VOLUME specified can not be an empty string",
        );
      return;
    case "MAINTAINER":
    case "STOPSIGNAL":
    case "USER":
    case "WORKDIR":
      if (text === "") fail(`${keyword} requires exactly one argument`);
      return;
    case "SHELL":
      atLeastOne();
      if (json?.length === 0) fail("SHELL requires at least one argument");
      if (!json) fail(`SHELL requires the arguments to be in JSON form`);
      return;
    case "ONBUILD":
      atLeastOne();
      checkTrigger(instruction);
      return;
    case "HEALTHCHECK":
      atLeastOne();
      checkHealth(instruction);
      return;
    case "RUN":
      checkRunFlags(instruction);
      return;
    default:
      return;
  }
}

function checkSources(instruction: Instruction, escapeChar: EscapeChar): void {
  const { keyword, text, json } = instruction;
  const words = json ?? splitWords(text, escapeChar);
  if (words.length < 2)
    throw parseError(
      instruction,
      `${keyword} requires at least two arguments, but only one was provided. Destination could not be determined`,
    );
  if (/^<<-?["']?[A-Za-z_]/.test(words.at(-1) ?? ""))
    throw parseError(instruction, `${keyword} cannot accept a heredoc as a destination`);
}

function checkPairs(instruction: Instruction, escapeChar: EscapeChar): void {
  const { keyword, text } = instruction;
  const [first = "", ...others] = splitWords(text, escapeChar);
  if (!first.includes("=")) {
    if (!/\s/.test(text)) throw new DockerfileError(`${keyword} must have two arguments`, instruction, true);
    return;
  }
  const wrong = others.find((word) => !word.includes("="));
  if (wrong !== undefined)
    throw new DockerfileError(
      `Syntax error - can't find = in ${JSON.stringify(wrong)}. Must be of the form: name=value`,
      instruction,
      true,
    );
  if ([first, ...others].some((word) => word.startsWith("=")))
    throw parseError(instruction, `${keyword} names can not be blank`);
}

function checkTrigger(instruction: Instruction): void {
  const trigger = (/^\S+/.exec(instruction.text)?.[0] ?? "").toUpperCase();
  if (trigger === "ONBUILD") throw parseError(instruction, "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (trigger === "FROM" || trigger === "MAINTAINER")
    throw parseError(instruction, `${trigger} isn't allowed as an ONBUILD trigger`);
}

const MINIMUM_INTERVAL_NS = 1e6;

function checkHealth(instruction: Instruction): void {
  const { text, flags } = instruction;
  const [kind = ""] = text.split(/\s+/);
  const command = text.slice(kind.length).trim();
  if (kind.toUpperCase() === "NONE") {
    if (command !== "") throw parseError(instruction, "HEALTHCHECK NONE takes no arguments");
    return;
  }
  if (kind.toUpperCase() !== "CMD")
    throw parseError(instruction, `Unknown type ${JSON.stringify(kind.toUpperCase())} in HEALTHCHECK (try CMD)`);
  if (command === "") throw parseError(instruction, "Missing command after HEALTHCHECK CMD");
  for (const { name, value } of flags) {
    if (name === "retries") {
      if (!/^[+-]?\d+$/.test(value))
        throw parseError(instruction, `strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
      if (Number(value) < 0) throw parseError(instruction, `--retries cannot be negative (${Number(value)})`);
      continue;
    }
    if (value === "") continue;
    const duration = parseGoDuration(value);
    if (duration === undefined) throw parseError(instruction, `time: invalid duration ${JSON.stringify(value)}`);
    if (duration !== 0 && duration < MINIMUM_INTERVAL_NS)
      throw parseError(instruction, `Interval "${name}" cannot be less than 1ms`);
  }
}

function checkRunFlags(instruction: Instruction): void {
  for (const { name, value } of instruction.flags) {
    // Values with variables are read when they are known.
    if (name === "mount" && !value.includes("$")) parseMount(value, instruction);
    if (name === "network" && !["default", "none", "host"].includes(value))
      throw parseError(
        instruction,
        `unsupported network mode ${JSON.stringify(value)}${didYouMean(value, ["default", "none", "host"], true)}`,
      );
    if (name === "security" && value !== "sandbox")
      throw new DockerfileError(`kiln's embedded builder does not do RUN --security=${value}`, instruction);
    if (name === "device") throw new DockerfileError("kiln's embedded builder does not do RUN --device", instruction);
  }
}
