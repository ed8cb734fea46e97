/**
 * The line of a Dockerfile behind a leak in an image. An image tells what made it in its history only, in words that are
 * near the Dockerfile's: the line is given where one instruction fits, and none where several do.
 */
import type { LeakPlace } from "../build/run/events.ts";
import { readDockerfile } from "../dockerfile/index.ts";

export interface DockerfileText {
  /** Relative to the source. */
  readonly file: string;
  readonly text: string;
}

interface Instruction {
  readonly file: string;
  readonly line: number;
  readonly word: string;
  /** Without the word, on one line, flags left out. */
  readonly rest: string;
}

export function dockerfileLine(
  place: Extract<LeakPlace, { kind: "image" }>,
  dockerfiles: readonly DockerfileText[],
): { readonly file: string; readonly line: number } | undefined {
  const all = dockerfiles.flatMap(instructionsOf);
  const fitting = fits(place, all);
  const [first] = fitting;
  // The same line of two stages or two files is not one.
  return first && fitting.length === 1 ? { file: first.file, line: first.line } : undefined;
}

function fits({ part, member, instruction = "" }: Extract<LeakPlace, { kind: "image" }>, all: readonly Instruction[]) {
  const [kind = "", key = ""] = (member ?? "").split(" ");
  if (part === "config" && kind === "Env") return named(all, "ENV", key);
  if (part === "config" && kind === "Labels") return named(all, "LABEL", key);
  // Arguments stand in the history of the ARG and of each RUN behind it: the ARG is what let them in.
  const argument = /^(?:ARG|RUN \|\d+ .*?)\s*(\w+)=[^ ]*\*\*\*/.exec(instruction)?.[1];
  if (part === "history" && argument !== undefined) {
    const declared = named(all, "ARG", argument);
    if (declared.length > 0) return declared;
  }
  const run = /^RUN \|\d+ .*?=.*? (?:\/bin\/sh -c )(.*)$/.exec(instruction)?.[1];
  const word = instruction.split(" ", 1)[0] ?? "";
  const rest = run ?? instruction.slice(word.length + 1).replace(/^\/bin\/sh -c /, "");
  return all.filter((one) => one.word === word && isAlike(one, rest));
}

const named = (all: readonly Instruction[], word: string, name: string): Instruction[] =>
  all.filter((one) => one.word === word && new RegExp(`(^|\\s)"?${escaped(name)}"?([=\\s]|$)`).test(one.rest));

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");

/** The history has the same text, what variables stand for, or for copies a checksum in the place of the sources. */
function isAlike({ word, rest }: Instruction, shown: string): boolean {
  if (plain(rest) === plain(shown)) return true;
  if (word === "COPY" || word === "ADD") {
    const target = rest.split(" ").at(-1) ?? "";
    return target !== "" && plain(shown).endsWith(` ${target}`) && /^(file|dir|multi):[0-9a-f]+ in /.test(shown);
  }
  const cut = shown.endsWith("…") ? plain(shown.slice(0, -1)) : undefined;
  return cut !== undefined && cut.length > 20 && plain(rest).startsWith(cut);
}

const plain = (text: string): string => text.replace(/\s+/g, " ").replace(/"/g, "").trim();

/** None of a Dockerfile that cannot be read: no image was made of it. */
function instructionsOf({ file, text }: DockerfileText): Instruction[] {
  const dockerfile = readDockerfile(text);
  const all = dockerfile?.stages.flatMap(({ from, instructions }) => [from, ...instructions]) ?? [];
  return [...(dockerfile?.globalArgs ?? []), ...all].map((one) => ({
    file,
    line: one.line,
    word: one.keyword,
    rest: one.text.replace(/\s+/g, " ").trim(),
  }));
}
