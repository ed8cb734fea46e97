/**
 * `-r` and `-c` lines inside requirements files: they count from the file they stand in, and one that is missing fails
 * the whole install. The file on the command line itself is paths/not-found's.
 * Source: https://pip.pypa.io/en/stable/reference/requirements-file-format/
 */
import { posix } from "node:path";
import type { CheckContext, Finding, Rule } from "../rule.ts";
import { nearestPath } from "../tree/nearest-path.ts";
import { severityFor, spanOf } from "../tree/path-findings.ts";
import { isMadeBefore, type PathLookup, pathLookupsOf, stateOf } from "../tree/path-lookup.ts";

const MAX_FILES = 50;

export const pythonRequirementsNotFound: Rule = {
  id: "python/requirements-not-found",
  severity: "error",
  title: "a requirements file that another one names and the source does not hold",
  source: "https://pip.pypa.io/en/stable/reference/requirements-file-format/",
  *run(context) {
    const seen = new Set<string>();
    for (const lookup of pathLookupsOf(context)) {
      const { use, path, found } = lookup;
      if (!/^pip3? \w+ -[rc]$/.test(use.user) || path === undefined || found === undefined) continue;
      const root = found.slice(0, found.length - path.length);
      yield* nested(context, lookup, root, found, seen);
    }
  },
};

function* nested(
  context: CheckContext,
  lookup: PathLookup,
  root: string,
  start: string,
  seen: Set<string>,
): Iterable<Finding> {
  const { command } = lookup;
  const pending = [start];
  for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
    if (seen.has(file) || seen.size > MAX_FILES) continue;
    seen.add(file);
    const text = context.workspace.readText(file) ?? "";
    for (const [index, line] of text.split(/\r?\n/).entries()) {
      const written = /^\s*(?:-[rc]\s*|--(?:requirement|constraint)[\s=]+)([^\s#]+)/.exec(line)?.[1];
      if (written === undefined || written.includes("://") || written.includes("${") || written.startsWith("/"))
        continue;
      const inWorkspace = posix.join(posix.dirname(file), written);
      if (inWorkspace.startsWith("..")) continue;
      const path = inWorkspace.slice(root.length);
      const { state } = stateOf(context, command, path, { kind: "file" });
      if (state === "there" || state === "untracked") pending.push(inWorkspace);
      else if ((state === "missing" || state === "ignored") && !isMadeBefore(command, path)) {
        const guess = nearestPath(context.workspace, inWorkspace, "file");
        const problem =
          state === "ignored"
            ? "which git ignores"
            : `which does not exist${guess ? `; the nearest is \`${guess.path}\`` : ""}`;
        yield {
          severity: severityFor(context, command, path),
          message: `\`${file}:${index + 1}\` reads \`${written}\`, ${problem}`,
          span: spanOf(lookup),
          why: "paths in a requirements file count from that file; pip answers `Could not open requirements file` and installs nothing",
        };
      }
    }
  }
}
