/**
 * What COPY and ADD of a Dockerfile take from the build context: paths with their variables filled in. Sources from other
 * stages, URLs, here-documents and words with a variable nobody knows are left out.
 * Source: https://docs.docker.com/reference/dockerfile/#copy
 */
import { type Dockerfile, expandWord, type Instruction, type Stage, splitWords } from "../../dockerfile/index.ts";

export interface ContextSource {
  readonly keyword: "COPY" | "ADD";
  readonly line: number;
  readonly endLine: number;
  /** As written. */
  readonly written: string;
  /** Relative to the context, `..` and slashes in front taken off as BuildKit does. */
  readonly path: string;
  readonly isGlob: boolean;
}

export function contextSources(
  dockerfile: Dockerfile,
  stages: readonly Stage[],
  buildArgs: ReadonlyMap<string, string | undefined>,
): ContextSource[] {
  const globals = new Map<string, string | undefined>();
  for (const arg of dockerfile.globalArgs) declare(arg, globals, globals, buildArgs, dockerfile.escape);
  return stages.flatMap((stage) => {
    const values = new Map<string, string | undefined>();
    return stage.instructions.flatMap((instruction) => {
      if (instruction.keyword === "ARG") declare(instruction, values, globals, buildArgs, dockerfile.escape);
      if (instruction.keyword === "ENV") for (const name of envNames(instruction)) values.delete(name);
      return sourcesOf(instruction, values, dockerfile.escape);
    });
  });
}

/** `ARG NAME=default`: a build argument goes before the default, and an ARG before FROM gives one without. */
function declare(
  { text }: Instruction,
  values: Map<string, string | undefined>,
  globals: ReadonlyMap<string, string | undefined>,
  buildArgs: ReadonlyMap<string, string | undefined>,
  escapeChar: string,
): void {
  for (const word of splitWords(text, escapeChar)) {
    const [name = "", ...rest] = word.split("=");
    const written = rest.length > 0 ? filledIn(rest.join("="), values, escapeChar) : globals.get(name);
    values.set(name, buildArgs.has(name) ? buildArgs.get(name) : written);
  }
}

const envNames = ({ text }: Instruction): string[] => {
  const first = /^([A-Za-z_]\w*)\s/.exec(text)?.[1];
  return [
    ...(first === undefined ? [] : [first]),
    ...[...text.matchAll(/\b([A-Za-z_]\w*)=/g)].map(([, name = ""]) => name),
  ];
};

function sourcesOf(
  { keyword, flags, json, text, line, endLine }: Instruction,
  values: ReadonlyMap<string, string | undefined>,
  escapeChar: string,
): ContextSource[] {
  if (keyword !== "COPY" && keyword !== "ADD") return [];
  if (flags.some(({ name, value }) => name === "from" || (name === "parents" && value === "true"))) return [];
  const words = json ?? splitWords(text, escapeChar);
  return words.slice(0, -1).flatMap((word) => {
    if (word.startsWith("<<")) return [];
    const written = filledIn(word, values, escapeChar);
    if (written === undefined || /^([a-z][a-z0-9+.-]*:\/\/|git@)/i.test(written)) return [];
    const isGlob = /[*?[]/.test(written.replace(/\\./g, ""));
    return [{ keyword, line, endLine, written, path: inContext(written), isGlob }];
  });
}

/** Undefined when a variable's value is not known. */
function filledIn(
  word: string,
  values: ReadonlyMap<string, string | undefined>,
  escapeChar: string,
): string | undefined {
  let isKnown = true;
  try {
    const text = expandWord(
      word,
      (name) => {
        const value = values.get(name);
        if (value === undefined) isKnown = false;
        return value;
      },
      escapeChar,
    );
    return isKnown ? text : undefined;
  } catch {
    return undefined; // an expansion that docker refuses too
  }
}

function inContext(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}
