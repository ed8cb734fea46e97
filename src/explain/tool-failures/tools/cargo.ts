/** Rust: rustc's errors with their place, tests, panics, cargo's own words. Source: https://doc.rust-lang.org/error_codes/ */
import { place, placed } from "../code-places.ts";
import { knownTrouble, quote, short } from "../known-trouble.ts";
import { lineReader } from "../line-reader.ts";
import { MAX_LINES, type Reading, type ToolReader } from "../tool-failure.ts";
import { find, findAll, lineAfter, type ToolLog } from "../tool-log.ts";

export const cargo: ToolReader = {
  tool: "cargo",
  marks: ["error[E", "error: ", "panicked at ", "test result: FAILED"],
  read: (log) => test(log) ?? compile(log) ?? buildScript(log) ?? panic(log) ?? own.read(log),
};

function compile(log: ToolLog): Reading | undefined {
  const errors = findAll(
    log,
    "error",
    /^error(?:\[(E\d{4})\])?: (?!could not compile|aborting due to|failed to|test failed|process didn't|linking with)(.+)$/,
    60,
  ).filter(({ at }) => /^\s*--> /.test(log.lines[at + 1] ?? "") || /^\s*--> /.test(log.lines[at + 2] ?? ""));
  const [first] = errors;
  const linker = find(log, "linking with", /^error: (linking with `\S+` failed.*)$/);
  if (!first)
    return (
      linker && {
        rank: "verdict",
        at: linker.at,
        lines: [linker.at, ...findAll(log, "ld: ", /ld: (.+)$/, 2, linker.at).map(({ at }) => at)],
        kind: "compile-error",
        headline: `rust could not link: ${short(linker.match[1])}`,
        next: "install the library and its headers (`…-dev`) in the install phase",
      }
    );
  const arrow = lineAfter(log, first.at, (line) => /^\s*--> /.test(line), 3) ?? first.at + 1;
  const [, file, line, column] = /--> (\S+?):(\d+):(\d+)/.exec(log.lines[arrow] ?? "") ?? [];
  const source = lineAfter(
    log,
    arrow,
    (text) => text.startsWith(`${line} `) || text.trimStart().startsWith(`${line} |`),
    12,
  );
  const caret = source === undefined ? undefined : lineAfter(log, source, (text) => /^\s*\|\s+[|\s]*\^/.test(text), 3);
  const end = find(log, "could not compile", /^error: could not compile/, first.at);
  return {
    rank: "verdict",
    at: first.at,
    to: end?.at ?? errors.at(-1)?.at ?? arrow,
    lines: [
      first.at,
      arrow,
      ...(source === undefined ? [] : [source]),
      ...(caret === undefined ? [] : [caret]),
      ...(errors[1] ? [errors[1].at] : []),
    ].slice(0, MAX_LINES),
    kind:
      first.match[1] === "E0432" || first.match[1] === "E0433" || first.match[1] === "E0463"
        ? "dependency-not-found"
        : file?.endsWith(".toml")
          ? "configuration"
          : "compile-error",
    headline: `${file?.endsWith(".toml") ? "cargo cannot read its manifest" : "rust does not compile"}: ${short(first.match[2])}${first.match[1] === undefined ? "" : ` (${first.match[1]})`}${errors.length > 1 ? ` (and ${errors.length - 1} more)` : ""}`,
    ...placed(place(file, line, column)),
  };
}

const PANICKED = /^\s*thread '([^']{1,200})' (?:\(\d+\) )?panicked at (?:'(.+)', )?(\S+?):(\d+):(\d+):?$/;

function panic(log: ToolLog, from = 0): Reading | undefined {
  const found = find(log, "panicked at ", PANICKED, from);
  if (!found) return undefined;
  const [, thread, inline, file, line, column] = found.match;
  const text = inline ?? log.lines[found.at + 1]?.trim() ?? "";
  const sides =
    inline === undefined
      ? [2, 3].map((below) => found.at + below).filter((at) => /^\s*(?:left|right): /.test(log.lines[at] ?? ""))
      : [];
  return {
    rank: "verdict",
    at: found.at,
    to: found.at + 1,
    lines: [found.at, ...(inline === undefined ? [found.at + 1] : []), ...sides],
    kind: "crash",
    headline: `rust panicked in ${quote(thread)}: ${short(text)}`,
    ...placed(place(file, line, column)),
  };
}

function test(log: ToolLog): Reading | undefined {
  const result = find(log, "test result: FAILED", /^test result: FAILED\. .*?(\d+) failed/);
  if (!result) return undefined;
  const stdout = find(log, " stdout ----", /^---- (\S+) stdout ----$/);
  const inside = panic(log, stdout?.at ?? 0);
  const name = stdout?.match[1] ?? find(log, "... FAILED", /^test (\S+) \.\.\. FAILED$/)?.match[1];
  const more = Number(result.match[1]) - 1;
  const sides = inside?.lines
    .slice(2)
    .map((at) => (log.lines[at] ?? "").trim())
    .join(", ");
  return {
    rank: "verdict",
    at: stdout?.at ?? result.at,
    from: find(log, "running ", /^running \d+ tests?$/)?.at ?? 0,
    to: result.at + 3,
    lines: [...(stdout ? [stdout.at] : []), ...(inside?.lines ?? [result.at])].slice(0, MAX_LINES),
    kind: "test-failure",
    headline: `the test ${quote(name)} failed: ${quote(`${inside?.headline.replace(/^rust panicked in `[^`]*`: /, "") ?? ""}${sides ? `, ${sides}` : ""}`)}${more > 0 ? ` (and ${more} more)` : ""}`,
    ...(inside?.place ? { place: inside.place } : {}),
  };
}

function buildScript(log: ToolLog): Reading | undefined {
  const found = find(
    log,
    "failed to run custom build command",
    /^error: failed to run custom build command for `(\S+) /,
  );
  if (!found) return undefined;
  const inside = panic(log, found.at);
  const missing = find(
    log,
    "Could not find",
    /(?:Could not find directory of (\w+) installation|Package (\S+) was not found in the pkg-config|is `(\w+)` (?:not )?installed\?)/,
    found.at,
  );
  return {
    rank: "verdict",
    at: found.at,
    to: (inside?.at ?? found.at) + 20,
    lines: [found.at, ...(inside?.lines ?? []), ...(missing ? [missing.at] : [])].slice(0, MAX_LINES),
    kind: missing ? "dependency-not-found" : "compile-error",
    headline: `the build script of ${quote(found.match[1])} failed: ${missing ? short(missing.match[0]) : (inside?.headline ?? "see its output")}`,
    ...(inside?.place ? { place: inside.place } : {}),
    ...(missing ? { next: "install the library and its headers (`…-dev`) in the install phase" } : {}),
  };
}

const own = lineReader("cargo", [
  {
    mark: "error: could not compile",
    pattern: /^error: could not compile `([^`]+)`/,
    rank: "wrapper",
    kind: "compile-error",
    say: ([, name]) => `rust could not compile the crate ${quote(name)}`,
    next: "the first `error[…]` above it says why; in a crate of others take another version of it, or of rust (`rustup default VERSION`)",
    within: ([, name]) => `the crate ${quote(name)}`,
  },
  {
    mark: "error: could not find `Cargo.toml`",
    pattern: /^error: could not find `Cargo\.toml` in `([^`]+)`/,
    kind: "file-not-found",
    say: ([, folder]) => `there is no Cargo.toml in ${quote(folder)}, nor above it`,
    next: "change to its folder first (`cd`), or name it: `cargo --manifest-path`",
  },
  {
    mark: "the lock file",
    pattern:
      /^error: (?:cannot update the lock file (\S+) because|the lock file (\S+) needs to be updated but) --(?:locked|frozen) was passed/,
    kind: "lock-out-of-date",
    say: () => "Cargo.lock does not fit Cargo.toml",
    fix: () => ({
      kind: "command",
      title: "refresh the lock file and commit it",
      commands: ["cargo generate-lockfile", "git add Cargo.lock"],
    }),
  },
  {
    mark: "error: no matching package",
    pattern: /^error: no matching package (?:named )?`([^`]+)` found/,
    kind: "dependency-not-found",
    say: ([, name]) => `cargo finds no crate ${quote(name)}`,
    below: /^(?:location searched|required by)/,
  },
  {
    mark: "error: failed to select a version for",
    pattern: /^error: failed to select a version for (?:the requirement )?`([^`]+)`/,
    kind: "dependency-conflict",
    say: ([, name]) => `cargo finds no version for ${quote(name)}`,
    below: /^(?:candidate versions|required by|versions that meet|all possible versions| {4}\.\.\. )/,
  },
  {
    mark: "requires rustc",
    pattern:
      /^error: (?:package `([^`]+)` cannot be built because it )?(?:rustc .+ is not supported|requires rustc (\S+))/,
    kind: "version-mismatch",
    say: ([line]) => short(line?.replace(/^error: /, "")),
    next: "install a newer toolchain with rustup in the install phase",
  },
  {
    mark: "error: failed to parse manifest",
    pattern: /^error: failed to parse manifest at `([^`]+)`/,
    kind: "configuration",
    say: ([, file]) => `cargo cannot read ${quote(file)}`,
    place: ([, file]) => place(file) ?? { file: "Cargo.toml" },
    below: /^ {2}\S/,
  },
  {
    mark: "error: failed to ",
    pattern: /^error: (failed to (?:get|download|load|fetch|query|update) .+)$/,
    kind: "network",
    say: ([, text]) => `cargo ${short(text)}`,
    below: /^ {2}\S/,
  },
  {
    mark: "error: no such command",
    pattern: /^error: no such (?:sub)?command: `([^`]+)`/,
    kind: "command-not-found",
    say: ([, name]) => `cargo has no command ${quote(name)}`,
    next: ([, name]) => `install it: \`cargo install cargo-${name}\``,
  },
  {
    mark: "linker `",
    pattern: /^error: linker `(\w+)` not found/,
    kind: "command-not-found",
    say: ([, name]) => `rust has no linker: ${quote(name)} is not installed`,
    next: "install a C compiler in the install phase (`build-essential`, `gcc`)",
  },
  {
    mark: "spurious network error",
    pattern: /^warning: spurious network error.*: (.+)$/,
    rank: "symptom",
    kind: ([, text]) => knownTrouble(text ?? "")?.kind ?? "network",
    say: ([, text]) => `cargo cannot reach its registry: ${short(text)}`,
  },
]);
