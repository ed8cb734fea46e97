/** A Dockerfile that docker refuses to read: unknown instructions, nothing to build from. Only what no frontend takes. */

import { isSourceSettled } from "../commands/source-edits.ts";
import { dockerBuildsOf } from "../docker/docker-build-lookup.ts";
import type { Rule } from "../rule.ts";
import { severityFor } from "../tree/path-findings.ts";

const CERTAIN =
  /unknown instruction: |^(file with no instructions|no build stage in current context|unterminated heredoc)/;

export const dockerfileSyntax: Rule = {
  id: "dockerfile/syntax",
  severity: "error",
  title: "a Dockerfile that docker cannot read",
  source: "https://docs.docker.com/reference/dockerfile/",
  *run(context) {
    const seen = new Set<string>();
    for (const { build, command, dockerfilePath, problem } of dockerBuildsOf(context)) {
      if (!problem || dockerfilePath === undefined || seen.has(dockerfilePath) || !CERTAIN.test(problem.message))
        continue;
      seen.add(dockerfilePath);
      const line = problem.at === undefined ? "" : `:${problem.at.line}`;
      yield {
        severity: !isSourceSettled(context, command) ? "warning" : severityFor(context, command, dockerfilePath),
        message: `\`${dockerfilePath}${line}\` cannot be read: \`${problem.message}\``,
        span: (build.file ?? build.context)?.word.span ?? command.span,
        why: `\`${build.program} build\` answers this before it builds anything`,
      };
    }
  },
};
