/** ESLint, TypeScript and bundlers: the first error with its place. Sources: https://eslint.org/docs/latest/use/formatters/, https://www.typescriptlang.org/docs/handbook/compiler-options.html */
import { place, placed } from "../code-places.ts";
import { quote, short } from "../known-trouble.ts";
import { lineReader } from "../line-reader.ts";
import { MAX_LINES, type ToolReader } from "../tool-failure.ts";
import { find, findAll, findBefore } from "../tool-log.ts";

export const eslint: ToolReader = {
  tool: "eslint",
  marks: ["✖ ", "ESLint:", "ESLint found too many warnings", "ESLint couldn't find"],
  read(log) {
    const total = find(log, "✖ ", /^✖ \d+ problems? \((\d+) errors?, (\d+) warnings?\)/);
    const tooMany = find(log, "too many warnings", /^ESLint found too many warnings \(maximum: \d+\)/);
    if (!total) {
      const broken =
        find(log, "ESLint couldn't find", /^ESLint couldn't (.+)$/) ?? find(log, "Error: ", /^Error: (.+)$/);
      const oops = find(log, "Oops! Something went wrong!", /^Oops!/);
      if (!oops || !broken) return undefined;
      return {
        rank: "verdict",
        at: oops.at,
        to: log.lines.length - 1,
        lines: [broken.at],
        kind: "configuration",
        headline: `eslint could not start: ${short(log.lines[broken.at])}`,
      };
    }
    const errors = Number(total.match[1]);
    if (errors === 0 && !tooMany) return undefined;
    const word = errors > 0 ? "error" : "warning";
    const found = findAll(
      log,
      ` ${word} `,
      new RegExp(`^\\s+(\\d+):(\\d+)\\s+${word}\\s+(.+?)(?:\\s{2,}(\\S+))?$`),
      200,
    );
    const [first] = found;
    if (!first) return undefined;
    const file = findBefore(log, ".", /^(\/\S.*|[A-Za-z]:\\.*|\S+\.\w+)$/, first.at);
    const lines = file ? [file.at] : [];
    lines.push(...found.slice(0, MAX_LINES - 1 - (tooMany && errors === 0 ? 1 : 0)).map(({ at }) => at));
    if (tooMany && errors === 0) lines.push(tooMany.at);
    const isSyntax = first.match[3]?.startsWith("Parsing error");
    return {
      rank: "verdict",
      at: first.at,
      from: file?.at ?? first.at,
      to: total.at,
      lines,
      kind: isSyntax ? "syntax" : "lint",
      headline:
        errors > 0
          ? `eslint found ${errors === 1 ? "an error" : `${errors} errors`}, the first: ${short(first.match[3])}${first.match[4] === undefined ? "" : ` (${quote(first.match[4])})`}`
          : `eslint found more warnings than allowed, the first: ${short(first.match[3])}`,
      ...placed(place(file?.match[1], first.match[1], first.match[2])),
    };
  },
};

export const tsc: ToolReader = {
  tool: "tsc",
  marks: ["error TS"],
  read(log) {
    const found = findAll(
      log,
      "error TS",
      /^(?:\s*(?:ERROR in )?(?:\[tsl\] ERROR in )?(.{1,300}?)(?:\((\d+),(\d+)\):|:(\d+):(\d+)\s+-)\s+)?error (TS\d+): (.+)$/,
      200,
    );
    const [first] = found;
    if (!first) return undefined;
    const [, file, line, column, prettyLine, prettyColumn, code = "", text] = first.match;
    const more = found.length > 1 ? ` (and ${found.length - 1} more)` : "";
    const isMissing = /^TS(?:2307|7016|2688)$/.test(code);
    return {
      rank: "verdict",
      at: first.at,
      to: found.at(-1)?.at ?? first.at,
      lines: found.slice(0, MAX_LINES).map(({ at }) => at),
      kind:
        isMissing && !/'\.{1,2}\//.test(text ?? "")
          ? "dependency-not-found"
          : /^TS(?:5\d{3}|6\d{3}|18003)$/.test(code)
            ? "configuration"
            : /^TS1\d{3}$/.test(code)
              ? "syntax"
              : "compile-error",
      headline: `typescript: ${short(text)} (${code})${more}`,
      ...placed(place(file?.trim(), line ?? prettyLine, column ?? prettyColumn)),
      ...(isMissing && !/'\.{1,2}\//.test(text ?? "")
        ? { next: "install the package, or its types (`@types/…`), and run `npm ci` before" }
        : {}),
    };
  },
};

export const bundlers = lineReader("webpack", [
  {
    mark: "Module not found: ",
    pattern: /^(?:.{0,80})?Module not found: (?:Error: )?Can't resolve '([^']+)' in '([^']+)'/,
    kind: ([, name]) => (/^[./]/.test(name ?? "") ? "file-not-found" : "dependency-not-found"),
    say: ([, name, folder]) => `webpack finds no module ${quote(name)}, which a file in ${quote(folder)} asks for`,
    next: ([, name = ""]) =>
      /^[./]/.test(name)
        ? "is the file in the source? upper and lower case count on Linux"
        : `is \`${name
            .split("/")
            .slice(0, name.startsWith("@") ? 2 : 1)
            .join("/")}\` in package.json and its lock file? run \`npm ci\` before`,
    below: /^\s*@ \.\//,
  },
  {
    mark: "[ERROR] ",
    pattern: /^.{0,4}\[ERROR\] (Could not resolve ".+"|.+ \[plugin .+|Expected .+|Unexpected .+)$/,
    kind: ([, text]) => (text?.startsWith("Could not resolve") ? "dependency-not-found" : "compile-error"),
    say: ([, text]) => `esbuild: ${short(text)}`,
    below: /^\s+\S+:\d+:\d+:/,
  },
  {
    mark: "Rollup failed to resolve import",
    pattern: /Rollup failed to resolve import "([^"]+)" from\s"([^"]+)"/,
    kind: "dependency-not-found",
    say: ([, name, file]) => `rollup finds no module ${quote(name)}, which ${quote(file)} asks for`,
  },
]);

/** Only which file; what is wrong with it stands below, in the words of its loader. */
export const webpackFiles = lineReader("webpack", [
  {
    mark: "ERROR in ",
    pattern: /^ERROR in (\.\/\S+)(?: (\d+):(\d+)(?:-\d+)?)?/,
    rank: "symptom",
    kind: "compile-error",
    say: ([, file]) => `webpack could not build ${quote(file)}`,
    place: ([, file, line, column]) => place(file, line, column),
    below: /\S/,
  },
]);

export const reactScripts = lineReader("react-scripts", [
  {
    mark: "Treating warnings as errors",
    pattern: /^Treating warnings as errors because process\.env\.CI = true/,
    rank: "symptom",
    kind: "lint",
    say: () => "react-scripts takes warnings of ESLint for errors, because the variable `CI` is set",
    placeBelow: /^(?:\[eslint\]\s*)?(\.?\/?src\/\S+\.(?:[cm]?[jt]sx?))$/,
    below: /^\s*(?:\[eslint\]|\.?\/?src\/|Line \d+)/,
    next: "correct the warnings, or run it with `CI=false`, e.g. `CI=false npm run build`",
  },
]);
