/** POST_BUILD runs after a failed BUILD too: a push there sends whatever image is lying around, or fails a second time. */

import { dockerCommands } from "../docker/docker-commands.ts";
import { abortFix, commandsAfterFailedBuild } from "../edits/after-failed-build.ts";
import { inScript, placeOf } from "../finding-place.ts";
import type { Rule } from "../rule.ts";

export const dockerPushAfterFailedBuild: Rule = {
  id: "docker/push-after-failed-build",
  severity: "warning",
  title: "docker push in post_build, which also runs when build has failed",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details.html#view-build-details-phases",
  *run(context) {
    const push = dockerCommands(commandsAfterFailedBuild(context)).find(({ verb }) => /^(compose )?push$/.test(verb));
    if (!push) return;
    const fix = abortFix(context);
    yield {
      message: `\`docker push\`${inScript(push.command)} in \`post_build\` runs even when \`build\` has failed`,
      ...placeOf(push.command),
      why: "CodeBuild enters POST_BUILD after a failed BUILD unless `on-failure: ABORT` is set",
      ...(fix && { fix }),
    };
  },
};
