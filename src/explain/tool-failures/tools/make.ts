/** make: a target nobody makes, a Makefile it cannot read; a recipe that failed is a wrapper of what ran in it. Source: https://www.gnu.org/software/make/manual/html_node/Error-Messages.html */
import { place, placed } from "../code-places.ts";
import { quote, short } from "../known-trouble.ts";
import type { Reading, ToolReader } from "../tool-failure.ts";
import { find, type ToolLog } from "../tool-log.ts";

export const make: ToolReader = {
  tool: "make",
  marks: ["*** ", "make: "],
  read: (log) => unreadable(log) ?? noRule(log) ?? recipe(log),
};

function unreadable(log: ToolLog): Reading | undefined {
  const found = find(log, "*** ", /^(\S+?):(\d+): \*\*\* (.+?)\.?\s+Stop\.$/);
  return (
    found && {
      rank: "verdict",
      at: found.at,
      lines: [found.at],
      kind: "syntax",
      headline: `make cannot read its file: ${short(found.match[3])}`,
      ...placed(place(found.match[1], found.match[2])),
      ...(/missing separator/.test(found.match[3] ?? "")
        ? { next: "a recipe's line begins with a tab, not with spaces" }
        : {}),
    }
  );
}

function noRule(log: ToolLog): Reading | undefined {
  const found = find(
    log,
    "*** No ",
    /^\S*make(?:\[\d+\])?: \*\*\* No (?:rule to make target [`'‘](.+?)['’](?:, needed by [`'‘](.+?)['’])?|targets specified and no makefile found)/,
  );
  if (!found) return undefined;
  const [, target, needed] = found.match;
  return {
    rank: "verdict",
    at: found.at,
    lines: [found.at],
    kind: target === undefined ? "file-not-found" : "configuration",
    headline:
      target === undefined
        ? "there is no Makefile in the folder of the command"
        : needed === undefined
          ? `no Makefile here has a target ${quote(target)}`
          : `make has no rule for ${quote(target)}, which ${quote(needed)} needs`,
    next:
      needed === undefined
        ? "change to the Makefile's folder first (`make -C FOLDER`); is the target spelt as there?"
        : "is the file in the source? or a rule for it in the Makefile?",
  };
}

function recipe(log: ToolLog): Reading | undefined {
  const found = find(
    log,
    "*** [",
    /^\S*make(?:\[\d+\])?: \*\*\* \[(?:(\S+?):(\d+): )?(.+?)\] (?:Error (\d+)|(Killed|Segmentation fault|Terminated|Hangup))/,
  );
  if (!found) return undefined;
  const [, file, line, target, code] = found.match;
  const missing = find(
    log,
    "make: ",
    /^\S*make(?:\[\d+\])?: (\S+): (?:No such file or directory|Command not found|Permission denied)$/,
  );
  if (missing && missing.at < found.at && code === "127") {
    return {
      rank: "verdict",
      at: missing.at,
      to: found.at,
      lines: [missing.at, found.at],
      kind: "command-not-found",
      headline: `the command ${quote(missing.match[1])} is not installed where the build runs`,
      within: [`make target ${quote(target)}${file === undefined ? "" : ` (${file}:${line})`}`],
      next: `install ${quote(missing.match[1])} in the install phase, or choose an image that has it`,
      ...placed(place(file, line)),
    };
  }
  const before = [found.at - 2, found.at - 1].filter((at) => at >= 0 && (log.lines[at] ?? "").trim() !== "");
  return {
    rank: "wrapper",
    at: found.at,
    lines: [...before, found.at],
    kind: "runtime-error",
    headline: `the recipe of the target ${quote(target)} ended with ${code === undefined ? found.match[5]?.toLowerCase() : `exit status ${code}`}`,
    within: [`make target ${quote(target)}${file === undefined ? "" : ` (${file}:${line})`}`],
    ...placed(place(file, line)),
    next: "the failing line of the recipe stands above make's, unless it begins with `@`",
  };
}
