/** The shell's own errors: commands it does not find, syntax, unset variables, signals of what it ran. Source: https://www.gnu.org/software/bash/manual/ */
import { place, placed } from "../code-places.ts";
import { quote, short } from "../known-trouble.ts";
import { type LineForm, readingOf } from "../line-reader.ts";
import type { CodePlace, Reading, ToolReader } from "../tool-failure.ts";
import { type Found, find, type ToolLog } from "../tool-log.ts";

/** `build.sh: line 3: `, `build.sh: 3: `, `/bin/sh: 1: `, `bash: line 1: `, `sh: `. */
const WHO = "^(?:(\\S{1,300}?): (?:(?:eval: )?line )?(\\d+): |((?:/bin/|/usr/bin/)?(?:ba|da|a|z)?sh): )";

const where = (file: string | undefined, line: string | undefined): CodePlace | undefined =>
  file === undefined || /^(?:\S*\/)?(?:(?:ba|da|a|z)?sh|script\.sh|<stdin>|main)$/.test(file) || !/[./]/.test(file)
    ? undefined
    : place(file, line);

const FORMS: readonly (Omit<LineForm, "place"> & { readonly isSymptom?: true })[] = [
  {
    mark: "not found",
    pattern: new RegExp(`${WHO}(?:\\S{1,300}: )?(?:exec: )?(\\S[^:]{0,120}): (?:command )?not found$`),
    kind: ([, , , , name]) => (name === "[[" ? "syntax" : "command-not-found"),
    say: ([, , , , name]) =>
      name === "[["
        ? "`[[` is bash's, but the script runs under `sh`"
        : name?.includes("/")
          ? `there is no ${quote(name)} to run`
          : `the command ${quote(name)} is not installed where the build runs`,
    next: ([, , , , name]) =>
      name === "[["
        ? "run it with `bash`, or write `[` … `]`"
        : name?.includes("/")
          ? "is the file there, and its interpreter (a file with CRLF line ends names one that is not)? below node_modules: install there, instead of committing or copying the folder"
          : `install ${quote(name)} in the install phase, choose an image that has it, or mind \`PATH\``,
  },
  {
    mark: "unbound variable",
    pattern: new RegExp(`${WHO}(\\S{1,120}): unbound variable$`),
    kind: "configuration",
    say: ([, , , , name]) => `the variable ${quote(name)} is not set`,
    next: ([, , , , name]) =>
      `set it under \`env.variables\` of the buildspec or in the project; \`\${${name}:-}\` allows it to be empty`,
  },
  {
    mark: "parameter ",
    pattern: new RegExp(`${WHO}(\\S{1,120}): parameter (?:not set|null or not set)`),
    kind: "configuration",
    say: ([, , , , name]) => `the variable ${quote(name)} is not set`,
    next: ([, , , , name]) =>
      `set it under \`env.variables\` of the buildspec or in the project; \`\${${name}:-}\` allows it to be empty`,
  },
  {
    mark: "yntax error",
    pattern: new RegExp(`${WHO}(?:-c: )?(?:line \\d+: )?([Ss]yntax error.*)$`),
    kind: "syntax",
    say: ([, , , , text]) => `the shell cannot read the script: ${short(text)}`,
    below: /: line \d+: `/,
  },
  {
    mark: "ad substitution",
    pattern: new RegExp(`${WHO}.{0,200}?[Bb]ad substitution$`),
    kind: "syntax",
    say: () => "the shell does not know this form of `${…}`: it is bash's, or misspelt",
    next: "run it with `bash` (`env.shell: bash` in the buildspec)",
  },
  {
    mark: "unexpected EOF while looking for matching",
    pattern: new RegExp(`${WHO}(?:-c: )?(?:line \\d+: )?(unexpected EOF while looking for matching .+)$`),
    kind: "syntax",
    say: ([, , , , text]) => `the shell cannot read the script: ${short(text)}`,
    next: "a quote or bracket was not closed",
  },
  {
    mark: "Permission denied",
    pattern: new RegExp(`${WHO}(\\S{1,300}): Permission denied$`),
    kind: "permission",
    say: ([, , , , name]) => `${quote(name)} may not be run or written`,
    next: ([, , , , name]) =>
      `if it is a script of yours: \`git update-index --chmod=+x ${name?.replace(/^\.\//, "")}\` and commit, or run it with \`bash ${name}\``,
  },
  {
    mark: "Argument list too long",
    pattern: new RegExp(`${WHO}(\\S{1,300}): Argument list too long$`),
    kind: "usage",
    say: ([, , , , name]) => `the arguments of ${quote(name)} are too long`,
    next: "hand them over in a file or by a pipe (`xargs`); very large environment variables count as well",
  },
  {
    mark: "required file not found",
    pattern: new RegExp(`${WHO}(\\S{1,300}): cannot execute: required file not found$`),
    kind: "syntax",
    say: ([, , , , name]) => `the interpreter in the first line of ${quote(name)} is not there`,
    next: "Windows line ends (CRLF) are the usual reason: `sed -i 's/\\r$//'` it, and let `.gitattributes` say `*.sh text eol=lf`",
  },
  {
    mark: "bad interpreter",
    pattern: new RegExp(`${WHO}(\\S{1,300}): (\\S+): bad interpreter: No such file or directory$`),
    kind: "syntax",
    say: ([, , , , name]) => `the interpreter in the first line of ${quote(name)} is not there`,
    next: "Windows line ends (CRLF) are the usual reason: `sed -i 's/\\r$//'` it, and let `.gitattributes` say `*.sh text eol=lf`",
  },
  {
    mark: "xec format error",
    pattern: /^(?:.{0,200}: )?(?:exec (\S+): |.{0,100}(?:cannot execute binary file: ))?[Ee]xec format error/,
    kind: "version-mismatch",
    say: () => "the program was made for another kind of processor",
    next: "x86_64 and arm64 do not mix: take the build of the tool, or the image, for this machine (`uname -m`)",
  },
  {
    mark: "operator expected",
    pattern: new RegExp(`${WHO}(?:\\[|test): (.+): (?:unary|binary) operator expected$`),
    isSymptom: true,
    kind: "syntax",
    say: ([, , , , text]) => `a comparison in the script has an empty side: ${quote(text)}`,
    next: 'quote the variable: `[ "$X" = … ]`',
  },
  {
    mark: "No such file or directory",
    pattern: new RegExp(`${WHO}(?:cd: |source: |\\.: )?(\\S{1,300}): No such file or directory$`),
    kind: "file-not-found",
    say: ([, , , , name]) => `the shell finds no file or folder ${quote(name)}`,
  },
  {
    mark: "ambiguous redirect",
    pattern: new RegExp(`${WHO}(\\S{1,120}): ambiguous redirect$`),
    kind: "syntax",
    say: ([, , , , name]) => `the shell does not know where to write: ${quote(name)} is empty or several words`,
  },
];

export const shell: ToolReader = {
  tool: "sh",
  marks: FORMS.map(({ mark }) => mark),
  read(log) {
    const readings = FORMS.flatMap((each): Reading[] => {
      const found = find(log, each.mark, each.pattern);
      if (!found) return [];
      const [, file, line] = found.match;
      const reading = readingOf(log, each, found);
      return [
        {
          ...reading,
          ...(each.isSymptom ? { rank: "symptom" as const } : softened(log, found)),
          ...placed(where(file, line)),
        },
      ];
    });
    return readings.sort((a, b) => a.at - b.at)[0] ?? plain(log);
  },
};

/** A command that is not there ends a script with 127, unless the script goes on: then it may not matter. */
function softened(log: ToolLog, { at }: Found): { rank: Reading["rank"] } {
  const isLast = log.lines
    .slice(at + 1, at + 40)
    .every((line) => line.trim() === "" || /^\S*make|^npm |error Command|ELIFECYCLE|: line \d+: `/.test(line));
  return {
    rank:
      isLast || [126, 127].includes(log.exitStatus) || /unbound|not set|yntax error|EOF/.test(log.lines[at] ?? "")
        ? "verdict"
        : "symptom",
  };
}

const UTILITY =
  /^((?:\/usr)?(?:\/s?bin\/)?(?:cp|mv|rm|ls|cat|cd|ln|chmod|chown|mkdir|rmdir|find|sed|awk|grep|head|tail|sort|stat|install|touch|dd|tee|md5sum|sha256sum|envsubst|jq|yq|xargs|rsync|scp|docker|exec|env|sudo)): (.+)$/;

/** `cp: cannot stat 'x': No such file or directory` and its kin. */
function plain(log: ToolLog): Reading | undefined {
  const found =
    find(log, "No such file or directory", UTILITY) ??
    find(log, "ermission denied", UTILITY) ??
    find(log, "not a directory", UTILITY);
  // make goes on behind a recipe that begins with `-`.
  if (!found || / \(ignored\)$/.test(log.lines[found.at + 1] ?? "")) return undefined;
  const text = found.match[2] ?? "";
  const path = /['‘"`]([^'’"`]+)['’"`]/.exec(text)?.[1] ?? /^([^:]+): No such/.exec(text)?.[1];
  const isMissing = text.includes("No such file");
  return {
    rank: "symptom",
    tool: found.match[1]?.split("/").at(-1) ?? "sh",
    at: found.at,
    lines: [found.at],
    kind: isMissing ? "file-not-found" : "permission",
    headline:
      isMissing && path !== undefined
        ? `\`${found.match[1]}\` finds no ${quote(path)}`
        : `\`${found.match[1]}\` failed: ${short(text)}`,
    next: "was it built before, and in the folder the command runs in? `ls` it in the command before",
  };
}
