/**
 * A machine of stand-ins: a folder of programs that do nothing but write down how they were called, so that real
 * buildspecs run without their tools. It is the whole PATH of a build; a few harmless programs work for real, and those
 * that change files do so below the build's folder only.
 */
import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** One call of a tool, in the order of their ends. */
export interface ToolCall {
  readonly name: string;
  readonly args: readonly string[];
  readonly directory: string;
  /** The watched variables that are set. */
  readonly variables: Readonly<Record<string, string>>;
}

/** Text in, text out: run as they are and not written down. */
const REAL = [
  "cat",
  "grep",
  "egrep",
  "awk",
  "cut",
  "tr",
  "head",
  "tail",
  "sort",
  "uniq",
  "wc",
  "basename",
  "dirname",
  "seq",
  "expr",
  "env",
  "xargs",
  "true",
  "false",
  "sleep",
  "rev",
  "paste",
  "printf",
  "echo",
  "test",
  "[",
];
/** Written down, and run where every path they name is below the build's folder. */
const GUARDED = ["mkdir", "cp", "mv", "rm", "ln", "touch", "chmod", "ls", "find", "tee", "sed"];
/** What stand-ins print, by a shell pattern of name and arguments; the first that fits. */
const ANSWERS: readonly (readonly [pattern: string, output: string])[] = [
  ["aws*sts*get-caller-identity*", "111122223333"],
  ["aws*ecr*get-login-password*", "stand-in-password"],
  [
    "aws*ecr*get-login*",
    "docker login -u AWS -p stand-in-password https://111122223333.dkr.ecr.us-east-1.amazonaws.com",
  ],
  ["aws*", ""],
  ["git*rev-parse*--short*", "abc1234"],
  ["git*rev-parse*", "abc1234abc1234abc1234abc1234abc1234abc12"],
  ["git*describe*", "v1.2.3"],
  ["date*", "2026-01-02"],
  ["nproc*", "2"],
  ["uname*", "Linux"],
  ["whoami*", "root"],
  ["go*env*GOPATH*", "/go"],
  ["which*", "/stand-in/tool"],
  ["jq*", "stand-in"],
];
/** What stand-ins leave behind, so that the next command finds it: a download, a clone. */
const EFFECTS: Readonly<Record<string, string>> = {
  curl: `out=; for a; do case "$a" in http*) url=$a;; esac; [ "$p" = -o ] || [ "$p" = --output ] && out=$a; case "$a" in --*) ;; -*O*) out=-;; esac; p=$a; done; [ "$out" = - ] && out=$(/usr/bin/basename "$url"); case "$out" in ""|/*) ;; *) : >"$out";; esac`,
  wget: `out=; for a; do case "$a" in http*) url=$a;; esac; [ "$p" = -O ] && out=$a; p=$a; done; [ -n "$out" ] || out=$(/usr/bin/basename "$url"); case "$out" in -|/*) ;; *) : >"$out";; esac`,
  git: `if [ "$1" = clone ]; then for a; do p=$url; url=$a; done; case "$p" in *://*|git@*) d=$url;; *) d=$(/usr/bin/basename "$url" .git);; esac; case "$d" in /*) ;; *) /bin/mkdir -p "$d";; esac; fi`,
};
const NO_TOOL =
  /^(?:if|then|else|elif|fi|for|in|do|done|while|until|case|esac|function|select|time|cd|export|set|unset|exit|return|source|eval|exec|shift|trap|wait|read|local|declare|alias|ulimit|umask|type|command|builtin|pwd|sh|bash|dash)$/;

/** Fills `folder` with stand-ins for every word of `text` that could name a tool. Calls go to the file `calls`. */
export function makeStandIns(
  folder: string,
  text: string,
  how: {
    readonly calls: string;
    readonly buildRoot: string;
    readonly watched: readonly string[];
    readonly versions: Readonly<Record<string, string>>;
  },
): void {
  mkdirSync(folder, { recursive: true });
  const words = new Set(text.match(/[A-Za-z][\w.+-]*/g) ?? []);
  for (const name of ["python3", "python", "pip", "pip3", "node", "npm", "java", "go", "ruby", "php", "dotnet"])
    words.add(name);
  for (const name of words) {
    if (NO_TOOL.test(name) || name.length > 40 || REAL.includes(name) || GUARDED.includes(name)) continue;
    program(join(folder, name), recorder(name, how, ""));
  }
  for (const name of GUARDED) program(join(folder, name), recorder(name, how, guarded(name, how.buildRoot)));
  for (const name of REAL) link(name, folder);
  link("sh", folder);
  link("bash", folder);
}

/** A script of the repository: written down like a tool. */
export const scriptStandIn = (
  name: string,
  how: { readonly calls: string; readonly watched: readonly string[] },
): string => recorder(name, { ...how, versions: {} }, "");

export function parseCalls(bytes: Buffer): ToolCall[] {
  return bytes
    .toString("utf8")
    .split("\x1e")
    .filter((record) => record !== "")
    .map((record) => {
      const [head = "", variables = ""] = record.split("\x1d");
      const [name = "", directory = "", ...args] = head.split("\x1f");
      return {
        name,
        directory,
        args,
        variables: Object.fromEntries(
          variables
            .split("\x1f")
            .filter((pair) => pair !== "")
            .map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
        ),
      };
    });
}

function recorder(
  name: string,
  how: {
    readonly calls: string;
    readonly watched: readonly string[];
    readonly versions: Readonly<Record<string, string>>;
  },
  after: string,
): string {
  const version = how.versions[name];
  const lines = [
    "#!/bin/sh",
    // What a pipe brings is read before the call is written down: calls of a pipeline stand in its order.
    ...(name === "tee" || name === "sed" ? [] : ["[ -p /dev/stdin ] && /bin/cat >/dev/null"]),
    ...(version === undefined ? [] : [`case "$*" in --version|-version|version|-v) echo '${version}'; exit 0;; esac`]),
    ...(name.startsWith("python") ? [pythonVenv] : []),
    `us=$(printf '\\037')`,
    `r='${name}'"$us$(pwd)"`,
    `for a; do r="$r$us$a"; done`,
    `r="$r$(printf '\\035')"`,
    `for n in ${how.watched.join(" ")}; do eval "[ \\"\\\${$n+x}\\" ] && r=\\"\\\${r}$n=\\\${$n}\\\${us}\\""; done`,
    `printf '\\036%s' "$r" >>'${how.calls}'`,
    ...(EFFECTS[name] === undefined ? [] : [EFFECTS[name]]),
    after === "" ? answers(name) : after,
    "exit 0",
  ];
  return `${lines.join("\n")}\n`;
}

/** `python3 -m venv DIR`: a folder whose programs are this one. */
const pythonVenv = `case "$*" in *"-m venv "*) for d; do :; done; /bin/mkdir -p "$d/bin"; here=$(/usr/bin/dirname "$0"); for p in python python3 pip pip3; do /bin/ln -sf "$here/$p" "$d/bin/$p"; done; exit 0;; *"import pip"*) /usr/bin/dirname "$0"; exit 0;; *"import sysconfig"*) here=$(/usr/bin/dirname "$0"); /bin/mkdir -p "$here/../lib"; echo "$here/../lib"; exit 0;; esac`;

function answers(name: string): string {
  const fitting = ANSWERS.filter(
    ([pattern]) => pattern.startsWith(name) && /^[^A-Za-z]/.test(`${pattern.slice(name.length)} `),
  );
  return fitting.length === 0
    ? ":"
    : `case "${name} $*" in ${fitting.map(([pattern, output]) => `${pattern.replace(/[^*\w-]/g, "?")}) ${output === "" ? ":" : `echo '${output}'`};;`).join(" ")} esac`;
}

/** Runs the real program unless an argument names a path outside the build's folder. */
const guarded = (name: string, root: string): string =>
  [
    "inside=1",
    // A text goes through; only a file that is changed in place must lie inside.
    ...(name === "sed" ? [`case "$1" in -i*) ;; *) exec /bin/sed "$@";; esac`] : []),
    `for a; do case "$a" in '${root}'*|/dev/null) ;; /*|*..*/*..*/*..*) inside=0;; esac; done`,
    `for p in /bin/${name} /usr/bin/${name}; do [ "$inside" = 1 ] && [ -x "$p" ] && exec "$p" "$@"; done`,
  ].join("\n");

function program(path: string, text: string): void {
  writeFileSync(path, text);
  chmodSync(path, 0o755);
}

function link(name: string, folder: string): void {
  const path = [`/bin/${name}`, `/usr/bin/${name}`].find((candidate) => existsSync(candidate));
  if (path !== undefined) symlinkSync(path, join(folder, name));
}
