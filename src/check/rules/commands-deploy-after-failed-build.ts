/** POST_BUILD runs after a failed BUILD too: a deployment there publishes what was not built, or an older state. */

import { stepOf } from "../commands/build-steps.ts";
import { abortFix, commandsAfterFailedBuild } from "../edits/after-failed-build.ts";
import { inScript, placeOf } from "../finding-place.ts";
import type { Rule } from "../rule.ts";

export const commandsDeployAfterFailedBuild: Rule = {
  id: "commands/deploy-after-failed-build",
  severity: "warning",
  title: "a deployment in post_build, which also runs when build has failed",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details.html#view-build-details-phases",
  *run(context) {
    const commands = commandsAfterFailedBuild(context);
    for (const command of commands) {
      const step = stepOf(command);
      if (step?.kind !== "deploy" && !(step?.kind === "push" && command.name !== "docker")) continue;
      const fix = abortFix(context);
      yield {
        message: `\`${step.title}\`${inScript(command)} in \`post_build\` runs even when \`build\` has failed`,
        ...placeOf(command),
        why: "CodeBuild enters POST_BUILD after a failed BUILD unless `on-failure: ABORT` is set",
        ...(fix && { fix }),
      };
      return;
    }
  },
};
