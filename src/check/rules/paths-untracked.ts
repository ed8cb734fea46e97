/** Paths that commands need and that nobody has committed yet: CodeBuild gets them with the next commit. */

import { shellPath } from "../../core/shell-word.ts";
import type { Rule } from "../rule.ts";
import { spanOf } from "../tree/path-findings.ts";
import { pathLookupsOf } from "../tree/path-lookup.ts";

export const pathsUntracked: Rule = {
  id: "paths/untracked",
  severity: "info",
  title: "a path that is not committed yet",
  source: "https://git-scm.com/docs/git-add",
  *run(context) {
    const seen = new Set<string>();
    for (const lookup of pathLookupsOf(context)) {
      const { state, found, use } = lookup;
      if (state !== "untracked" || found === undefined || seen.has(found)) continue;
      seen.add(found);
      yield {
        message: `\`${use.path}\` is not committed`,
        span: spanOf(lookup),
        why: `CodeBuild gets what is committed; until then \`${use.user}\` fails there`,
        fix: { kind: "command", title: "add it to the next commit", commands: [`git add ${shellPath(found)}`] },
      };
    }
  },
};
