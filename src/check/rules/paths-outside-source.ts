/**
 * Paths that lead out of the source: next to it there are CodeBuild's own folders and nothing of the repository.
 * Silent after commands that may have made something there, and where the folder checked may not be the source's root.
 */

import type { Rule } from "../rule.ts";
import { failsThere, spanOf } from "../tree/path-findings.ts";
import { pathLookupsOf } from "../tree/path-lookup.ts";
import { sourceRootsOf } from "../tree/source-paths.ts";

export const pathsOutsideSource: Rule = {
  id: "paths/outside-source",
  severity: "warning",
  title: "a path that leads out of the source",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html",
  *run(context) {
    const isRootKnown = sourceRootsOf(context.file).length === 1;
    let isMadeOutside = false;
    for (const lookup of pathLookupsOf(context)) {
      const { state, command, use } = lookup;
      if (state !== "outside") continue;
      // `cp x ../y`, `git clone` next to the source and the like: what is outside is not followed.
      isMadeOutside ||= command.followsUnknown || writesOutside(context.shell.commands, command);
      if (isMadeOutside || !isRootKnown) continue;
      yield {
        message: `\`${use.path}\` leads out of the source`,
        span: spanOf(lookup),
        why: `next to the source there is nothing of the repository: ${failsThere(command, use.user)}`,
      };
    }
  },
};

type Commands = Parameters<typeof pathLookupsOf>[0]["shell"]["commands"];

/** Does an earlier command name something outside, or run there? */
function writesOutside(commands: Commands, until: Commands[number]): boolean {
  for (const command of commands) {
    if (command === until) return false;
    if (
      /^(cd|pushd|cat|ls|head|tail|source|\.|test|\[|echo)$/.test(command.name ?? "") &&
      command.redirects.length === 0
    )
      continue;
    const words = [...command.args, ...command.redirects.flatMap(({ target }) => target ?? [])];
    if (words.some(({ text }) => text?.startsWith("../") || text === "..")) return true;
  }
  return false;
}
