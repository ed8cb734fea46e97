/** Paths that are here and that git ignores: CodeBuild gets what is committed, so a command that needs them fails there. */

import { shellPath } from "../../core/shell-word.ts";
import type { Rule } from "../rule.ts";
import { failsThere, severityFor, spanOf } from "../tree/path-findings.ts";
import { pathLookupsOf } from "../tree/path-lookup.ts";

export const pathsGitIgnored: Rule = {
  id: "paths/git-ignored",
  severity: "error",
  title: "a path that git ignores, so that CodeBuild does not get it",
  source: "https://git-scm.com/docs/gitignore",
  *run(context) {
    // An archive in S3 holds what somebody packed.
    const isPacked = context.project.source?.type === "S3";
    const seen = new Set<string>();
    for (const lookup of pathLookupsOf(context)) {
      const { state, found, command, use, path } = lookup;
      if (state !== "ignored" || found === undefined || path === undefined || seen.has(found)) continue;
      seen.add(found);
      yield {
        severity: isPacked ? "info" : severityFor(context, command, path),
        message: `\`${use.path}\` is ignored by git, so CodeBuild does not get it`,
        span: spanOf(lookup),
        why: failsThere(command, use.user),
        fix: {
          kind: "command",
          title: "commit it in spite of `.gitignore`, when it holds no secret",
          commands: [`git add --force ${shellPath(found)}`],
        },
      };
    }
  },
};
