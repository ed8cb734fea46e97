/** ruff, flake8, pylint, mypy, pyright, black: the first finding with its place. Sources: https://docs.astral.sh/ruff/, https://mypy.readthedocs.io/ */
import { place, placed } from "../code-places.ts";
import { quote, short } from "../known-trouble.ts";
import { MAX_LINES, type Reading, type ToolReader } from "../tool-failure.ts";
import { find, findAll, type ToolLog } from "../tool-log.ts";

/** `app.py:3:1: F401 text`, `app.py:3: error: text  [code]`. */
const SHORT =
  /^(\S{1,300}\.pyi?):(\d+):(?:(\d+):)? (?:([A-Z]{1,4}\d{2,5}|invalid-syntax:?) (.+)|error: (.+?)(?:\s+\[([\w-]+)\])?)$/;

export const pythonChecks: ToolReader = {
  tool: "ruff",
  marks: [".py:", ".pyi:", "would reformat", "would be reformatted"],
  read: (log) => full(log) ?? brief(log) ?? format(log),
};

function brief(log: ToolLog): Reading | undefined {
  const found = findAll(log, ".py", SHORT, 200);
  const [first] = found;
  if (!first) return undefined;
  const [, file, line, column, code, text, error, name] = first.match;
  const isMypy = error !== undefined;
  const total = isMypy
    ? find(log, "Found ", /^Found \d+ errors? in \d+ files?/)
    : find(log, "Found ", /^Found \d+ errors?\.?/);
  const more = found.length > 1 ? ` (and ${found.length - 1} more)` : "";
  const stubs = /Library stubs not installed for "([^"]+)"/.exec(error ?? "")?.[1];
  return {
    rank: "verdict",
    tool: isMypy ? "mypy" : total ? "ruff" : /\bpylint\b/.test(log.command) ? "pylint" : "flake8",
    at: first.at,
    to: total?.at ?? found.at(-1)?.at ?? first.at,
    lines: found.slice(0, MAX_LINES).map(({ at }) => at),
    kind:
      code?.startsWith("E9") || code?.startsWith("invalid-syntax")
        ? "syntax"
        : name === "import" || name === "import-not-found" || name === "import-untyped"
          ? "dependency-not-found"
          : isMypy
            ? "compile-error"
            : "lint",
    headline: `${isMypy ? "mypy" : "the linter"} says: ${short(error ?? text)}${code === undefined && name === undefined ? "" : ` (${code?.replace(/:$/, "") ?? name})`}${more}`,
    ...placed(place(file, line, column)),
    ...(stubs === undefined
      ? {}
      : {
          next: `install its types (\`pip install types-${stubs}\`), or run \`mypy --install-types --non-interactive\``,
        }),
  };
}

/** ruff's long form: `F401 [*] text` and ` --> app.py:1:8`. */
function full(log: ToolLog): Reading | undefined {
  const arrows = findAll(log, "--> ", /^\s*--> (\S+\.(?:pyi?|ipynb|toml)):(\d+):(\d+)$/, 200);
  const [first] = arrows;
  const total = find(log, "Found ", /^Found (\d+) errors?\.?/);
  if (!first || !total) return undefined;
  const said = /^(?:([A-Z]{1,4}\d{2,5}|[\w-]+):?) (?:\[\*\] )?(.+)$/.exec(log.lines[first.at - 1] ?? "");
  const more = Number(total.match[1]) - 1;
  return {
    rank: "verdict",
    at: first.at - 1,
    to: total.at,
    lines: arrows
      .slice(0, 2)
      .flatMap(({ at }) => [at - 1, at])
      .concat(total.at)
      .slice(0, MAX_LINES),
    kind: said?.[1]?.includes("syntax") ? "syntax" : "lint",
    headline: `ruff says: ${short(said?.[2])} (${said?.[1]})${more > 0 ? ` (and ${more} more)` : ""}`,
    ...placed(place(first.match[1], first.match[2], first.match[3])),
    ...(find(log, "fixable with", /^\[\*\] \d+ fixable/, total.at)
      ? { next: "`ruff check --fix` corrects those marked `[*]`" }
      : {}),
  };
}

function format(log: ToolLog): Reading | undefined {
  const total = find(log, "would be reformatted", /^(\d+) files? would be reformatted/);
  if (!total) return undefined;
  const files = [
    ...findAll(log, "ould reformat", /^[Ww]ould reformat:? (\S+)/, 4),
    ...findAll(log, "--> ", /^\s*--> (\S+?):\d+:\d+$/, 4),
  ];
  const isBlack = find(log, "💥", /💥/) !== undefined || /\bblack\b/.test(log.command);
  return {
    rank: "verdict",
    tool: isBlack ? "black" : "ruff",
    at: files[0]?.at ?? total.at,
    to: total.at,
    lines: [...files.map(({ at }) => at), total.at].slice(0, MAX_LINES),
    kind: "lint",
    headline: `${total.match[1] === "1" ? "a file is" : `${total.match[1]} files are`} not formatted, the first: ${quote(files[0]?.match[1])}`,
    ...placed(place(files[0]?.match[1])),
    fix: { kind: "command", title: "format them", commands: [isBlack ? "black ." : "ruff format ."] },
  };
}
