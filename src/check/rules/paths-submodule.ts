/**
 * Paths in a submodule. CodeBuild fetches submodules only when the project says so (`gitSubmodulesConfig`); else the
 * folder is empty. An error is said only where the project is known.
 */
import { posix } from "node:path";
import type { CheckContext, Rule } from "../rule.ts";
import { failsThere, severityFor, spanOf } from "../tree/path-findings.ts";
import { pathLookupsOf, submoduleOf } from "../tree/path-lookup.ts";
import { sourceRootsOf } from "../tree/source-paths.ts";

export const pathsSubmodule: Rule = {
  id: "paths/submodule",
  severity: "warning",
  title: "a path in a submodule that the project does not fetch",
  source: "https://docs.aws.amazon.com/codebuild/latest/APIReference/API_GitSubmodulesConfig.html",
  *run(context) {
    if (context.workspace.submodules().length === 0 || fetchesSubmodules(context)) return;
    const isKnown = context.project.source?.type !== undefined;
    const seen = new Set<string>();
    for (const lookup of pathLookupsOf(context)) {
      const { path, command, use } = lookup;
      if (path === undefined || use.kind === "directory" || command.followsUnknown || command.mayExist(path)) continue;
      const [module] = sourceRootsOf(context.file).flatMap(
        (root) => submoduleOf(context, posix.join(root, path)) ?? [],
      );
      if (module === undefined || seen.has(module)) continue;
      seen.add(module);
      yield {
        severity: isKnown ? severityFor(context, command, path) : "info",
        message: isKnown
          ? `\`${use.path}\` is in the submodule \`${module}\`, which the project does not fetch`
          : `\`${use.path}\` is in the submodule \`${module}\`, which CodeBuild fetches only when the project says so`,
        span: spanOf(lookup),
        why: `without \`fetchSubmodules\` the folder is empty: ${failsThere(command, use.user)}`,
        fix: {
          kind: "command",
          title: "have the project fetch submodules",
          commands: [
            `aws codebuild update-project --name ${context.project.name ?? "PROJECT"} --source "$(aws codebuild batch-get-projects --names ${context.project.name ?? "PROJECT"} --query 'projects[0].source' | jq '.gitSubmodulesConfig.fetchSubmodules = true')"`,
          ],
        },
      };
    }
  },
};

/** The project does, or a command before. */
function fetchesSubmodules({ project, shell }: CheckContext): boolean {
  const { source } = project;
  // CodePipeline hands over an archive without submodules, unless it is a full clone: nobody knows here.
  if (source?.gitSubmodulesConfig?.fetchSubmodules === true || source?.type === "CODEPIPELINE") return true;
  return shell.commands.some(
    ({ name, args }) =>
      name === "git" && args.some(({ text }) => /^(submodule|--recurse-submodules|--recursive)/.test(text ?? "")),
  );
}
