/** ARG and ENV: scopes, values, and what the platform and `--build-arg` give. */

import type { Dockerfile } from "../../../dockerfile/dockerfile.ts";
import type { Instruction } from "../../../dockerfile/instruction.ts";
import { expandWord, type Lookup, splitWords } from "../../../dockerfile/words.ts";
import { imageArchitecture } from "../../../images/image.ts";
import { type Conversion, lookupIn, type StageState } from "./stage-state.ts";

/** ARGs that describe the platform; in scope in FROM without a declaration, elsewhere with one. */
export function platformArgs(): Record<string, string> {
  const arch = imageArchitecture();
  return {
    ...{ TARGETPLATFORM: `linux/${arch}`, TARGETOS: "linux", TARGETARCH: arch, TARGETVARIANT: "" },
    ...{ BUILDPLATFORM: `linux/${arch}`, BUILDOS: "linux", BUILDARCH: arch, BUILDVARIANT: "" },
  };
}

/** Values of the ARGs before the first FROM: given ones before defaults. */
export function readGlobalArgs(
  dockerfile: Dockerfile,
  given: Readonly<Record<string, string>>,
): Record<string, string> {
  const values: Record<string, string> = {};
  for (const { text } of dockerfile.globalArgs) {
    for (const { name, fallback } of declarations(text, dockerfile.escape)) {
      const lookup: Lookup = (key) => values[key] ?? given[key];
      const own = fallback === undefined ? undefined : expandWord(fallback, lookup, dockerfile.escape);
      const value = given[name] ?? own;
      if (value !== undefined) values[name] = value;
    }
  }
  return values;
}

export function convertArg(state: StageState, { text }: Instruction): Conversion {
  const { scope } = state;
  const { request, globalArgs, consumed } = scope;
  const shown: string[] = [];
  for (const { name, fallback } of declarations(text, scope.escape)) {
    const inherited = fallback === undefined ? globalArgs[name] : undefined;
    const value =
      request.buildArgs[name] ??
      (fallback === undefined ? inherited : expandWord(fallback, lookupIn(state), scope.escape));
    consumed.add(name);
    state.args.set(name, value);
    // AWS: with BuildKit the later of ENV and ARG wins while building; the classic builder prefers ENV.
    const isHidden = request.style === "classic" && isSetByEnv(state, name);
    if (value !== undefined && !isHidden) state.variables.set(name, value);
    // The classic builder shows what is written, BuildKit what it came to.
    const written = request.style === "classic" ? fallback : value;
    shown.push(
      written === undefined
        ? name
        : `${name}=${request.style === "classic" ? expandWord(written, lookupIn(state), scope.escape) : written}`,
    );
  }
  return { createdBy: `ARG ${shown.join(" ")}` };
}

const isSetByEnv = (state: StageState, name: string): boolean =>
  (state.config.Env ?? []).some((entry) => entry.startsWith(`${name}=`));

export function declarations(text: string, escapeChar: string): { name: string; fallback: string | undefined }[] {
  return splitWords(text, escapeChar).map((word) => {
    const at = word.indexOf("=");
    return at < 0 ? { name: word, fallback: undefined } : { name: word.slice(0, at), fallback: word.slice(at + 1) };
  });
}

export function convertEnv(state: StageState, instruction: Instruction): Conversion {
  const pairs = readPairs(state, instruction);
  let env = [...(state.config.Env ?? [])];
  for (const [name, value] of pairs) {
    const entry = `${name}=${value}`;
    const has = env.some((one) => one.startsWith(`${name}=`));
    env = has ? env.map((one) => (one.startsWith(`${name}=`) ? entry : one)) : [...env, entry];
    state.variables.set(name, value);
  }
  state.config = { ...state.config, Env: env };
  return { createdBy: `ENV ${shownPairs(pairs)}` };
}

export function convertLabel(state: StageState, instruction: Instruction): Conversion {
  const pairs = readPairs(state, instruction);
  state.config = { ...state.config, Labels: { ...state.config.Labels, ...Object.fromEntries(pairs) } };
  return { createdBy: `LABEL ${shownPairs(pairs)}` };
}

const shownPairs = (pairs: readonly [string, string][]): string =>
  pairs.map(([name, value]) => `${name}=${value}`).join(" ");

/** `KEY=value …`, or the old `KEY rest of line`. All values are expanded with what was set before the instruction. */
function readPairs(state: StageState, { text }: Instruction): [string, string][] {
  const { scope } = state;
  const expand = (word: string): string => expandWord(word, lookupIn(state), scope.escape);
  const words = splitWords(text, scope.escape);
  const [first = ""] = words;
  if (!first.includes("=")) return [[expand(first), expand(text.slice(first.length).trim())]];
  return words.map((word) => {
    const at = word.indexOf("=");
    return [expand(word.slice(0, at)), expand(word.slice(at + 1))];
  });
}
