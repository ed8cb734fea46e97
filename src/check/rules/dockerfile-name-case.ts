/**
 * A Dockerfile in another letter case. docker itself falls back to `dockerfile`, other builders do not; every other
 * spelling is found on a disk that ignores case, and not on CodeBuild's.
 */

import { posix } from "node:path";
import { shellPath } from "../../core/shell-word.ts";
import { dockerBuildsOf } from "../docker/docker-build-lookup.ts";
import type { Rule } from "../rule.ts";
import { inOtherCase } from "../tree/nearest-path.ts";
import { severityFor } from "../tree/path-findings.ts";

export const dockerfileNameCase: Rule = {
  id: "dockerfile/name-case",
  severity: "error",
  title: "a Dockerfile whose name has another letter case",
  source: "https://docs.docker.com/build/concepts/dockerfile/#filename",
  *run(context) {
    for (const { build, command, dockerfilePath, dockerfileState } of dockerBuildsOf(context)) {
      if (build.file || dockerfilePath === undefined || !/^(missing|doubtful)$/.test(dockerfileState)) continue;
      const found = inOtherCase(context.workspace, dockerfilePath);
      if (found === undefined) continue;
      const name = posix.basename(found);
      const isFallback = name === "dockerfile" && build.program === "docker";
      yield {
        severity:
          isFallback || dockerfileState === "doubtful" ? "warning" : severityFor(context, command, dockerfilePath),
        message: `\`${found}\` is not named \`Dockerfile\``,
        span: build.context?.word.span ?? command.span,
        why: isFallback
          ? "docker falls back to this spelling; podman, kaniko and other builders do not"
          : `letter case counts on CodeBuild: \`${build.program} build\` looks for \`Dockerfile\` and fails`,
        fix: {
          kind: "command",
          title: "rename it",
          commands: [`git mv ${shellPath(found)} ${shellPath(posix.join(posix.dirname(found), "Dockerfile"))}`],
        },
      };
    }
  },
};
