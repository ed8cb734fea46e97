/** PHP: fatal errors, phpunit, composer. Source: https://getcomposer.org/doc/articles/troubleshooting.md */

import { place, placed } from "../code-places.ts";
import { command } from "../command-fix.ts";
import { knownTrouble, quote, short } from "../known-trouble.ts";
import { lineReader } from "../line-reader.ts";
import type { ToolReader } from "../tool-failure.ts";
import { find, lineAfter } from "../tool-log.ts";

export const php = lineReader("php", [
  {
    mark: "PHP Parse error",
    pattern: /^PHP Parse error:\s+(.+) in (\S+) on line (\d+)/,
    kind: "syntax",
    say: ([, text]) => `php cannot read the source: ${short(text)}`,
    place: ([, , file, line]) => place(file, line),
  },
  {
    mark: "PHP Fatal error",
    pattern: /^PHP Fatal error:\s+Allowed memory size of (\d+) bytes exhausted/,
    kind: "out-of-memory",
    say: () => "php ran out of the memory it may use",
    next: "raise it: `php -d memory_limit=-1 …`, for composer `COMPOSER_MEMORY_LIMIT=-1`",
  },
  {
    mark: "PHP Fatal error",
    pattern: /^PHP Fatal error:\s+(?:Uncaught )?(.+) in (\S+?)(?::| on line )(\d+)/,
    kind: ([, text]) => knownTrouble(text ?? "")?.kind ?? "runtime-error",
    say: ([, text]) => `php ended with ${quote(text, 200)}`,
    place: ([, , file, line]) => place(file, line),
    below: /^#0 /,
  },
  {
    mark: "Could not open input file",
    pattern: /^Could not open input file: (\S+)/,
    kind: "file-not-found",
    say: ([, file]) => `php finds no file ${quote(file)}`,
    below: /^Script .* returned with error code/,
    next: "in an image a `COPY` must bring it before this step (composer's scripts run at its install: copy the source first, or `composer install --no-scripts`)",
  },
  {
    mark: "Fatal error: ",
    pattern: /^Fatal error: (?:Uncaught )?(.+) in (\S+?)(?::| on line )(\d+)/,
    kind: ([, text]) => (/Allowed memory/.test(text ?? "") ? "out-of-memory" : "runtime-error"),
    say: ([, text]) => `php ended with ${quote(text, 200)}`,
    place: ([, , file, line]) => place(file, line),
  },
  {
    mark: "1) ",
    pattern: /^1\) ((?:\w+\\)*\w+::\w+.*)$/,
    placeBelow: /^(\/.+\.php):(\d+)$/,
    kind: "test-failure",
    say: ([, name]) => `the test ${quote(name)} failed`,
    below: /^Failed asserting|^[A-Z]\w+(?:\\\w+)*(?:Exception|Error): |^\/.+\.php:\d+$/,
  },
]);

export const composer: ToolReader = {
  tool: "composer",
  marks: [
    "Your requirements could not be resolved",
    "Composer could not find a composer.json",
    "is not present in the lock file",
    "does not contain valid JSON",
    "Your lock file does not contain a compatible set",
    "could not be downloaded",
  ],
  read(log) {
    const solve =
      find(log, "Your requirements could not be resolved", /^Your requirements could not be resolved/) ??
      find(log, "Your lock file does not contain", /^Your lock file does not contain a compatible set/);
    const lock = find(
      log,
      "is not present in the lock file",
      /^- Required (?:\(in require-dev\) )?package "([^"]+)" (?:\([^)]+\) )?is not present in the lock file/,
    );
    if (lock)
      return {
        rank: "verdict",
        at: lock.at,
        lines: [lock.at],
        kind: "lock-out-of-date",
        headline: `composer.lock does not fit composer.json: ${quote(lock.match[1])} is not in it`,
        fix: command(
          "refresh the lock file and commit it",
          `composer update ${lock.match[1]}`,
          "git add composer.lock",
        ),
      };
    if (solve) {
      const reason = (line: string) => /^\s+- \S/.test(line);
      // Composer 1 says first what was asked for, then what stands against it.
      const said =
        lineAfter(
          log,
          solve.at,
          (line) => reason(line) && !/- Installation request for |-> satisfiable by /.test(line),
          12,
        ) ?? lineAfter(log, solve.at, reason, 12);
      const text = (log.lines[said ?? -1] ?? "").replace(/^\s+- /, "");
      const version = /your php version \(([^)]+)\)/.test(text);
      const extension =
        /requires PHP extension (ext-\S+)/.exec(text)?.[1] ??
        /require.* (ext-\S+) .*missing from your system/.exec(text)?.[1];
      return {
        rank: "verdict",
        at: solve.at,
        lines: [
          solve.at,
          ...(said === undefined ? [] : [said]),
          ...(/^\s+- \S/.test(log.lines[(said ?? -2) + 1] ?? "") ? [(said ?? 0) + 1] : []),
        ],
        kind: version
          ? "version-mismatch"
          : extension !== undefined || /could not be found/.test(text)
            ? "dependency-not-found"
            : "dependency-conflict",
        headline: `composer cannot fit the requirements together: ${short(text, 200)}`,
        ...(/requires composer-(?:runtime|plugin)-api/.test(text)
          ? {
              next: "it needs another generation of composer: `composer self-update --2`, or `--1` for packages of old; then see `composer --version`",
            }
          : version
            ? { next: "choose it under `phases.install.runtime-versions.php`" }
            : extension === undefined
              ? {}
              : { next: `install or enable the extension in the install phase (\`php-${extension.slice(4)}\`)` }),
      };
    }
    const none = find(log, "Composer could not find", /^Composer could not find a composer\.json file in (.+)$/);
    if (none)
      return {
        rank: "verdict",
        at: none.at,
        lines: [none.at],
        kind: "file-not-found",
        headline: `there is no composer.json in ${quote(none.match[1])}`,
        next: "change to its folder first, or `composer --working-dir=FOLDER`",
      };
    const json = find(log, "does not contain valid JSON", /^\s*"(?:\.\/)?(\S+)" does not contain valid JSON/);
    if (json)
      return {
        rank: "verdict",
        at: json.at,
        lines: [json.at, json.at + 1, json.at + 2, json.at + 4].filter((at) => (log.lines[at] ?? "").trim() !== ""),
        kind: "syntax",
        headline: `${quote(json.match[1])} is no JSON: ${short([log.lines[json.at + 1], log.lines[json.at + 4]].join(" "))}`,
        ...placed(place(json.match[1], /line (\d+)/.exec(log.lines[json.at + 1] ?? "")?.[1])),
      };
    const url = find(log, "could not be downloaded", /The "(\S+)" file could not be downloaded(?: \(([^)]+)\))?/);
    return (
      url && {
        rank: "verdict",
        at: url.at,
        lines: [url.at],
        kind: knownTrouble(url.match[0])?.kind ?? "network",
        headline: `composer cannot download ${quote(url.match[1])}${url.match[2] === undefined ? "" : `: ${short(url.match[2])}`}`,
      }
    );
  },
};
