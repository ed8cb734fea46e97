/**
 * Whether a phase's `run-as` user can be had. Never another user instead: the phase fails before its first command.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.run-as. What CodeBuild
 * prints for a user its image does not have is not published; the reason has the form of its agent's language.
 */
import type { BuildEnvironment } from "../../../engines/engine.ts";
import type { PlannedCommand } from "../../plan/index.ts";
import type { BuildLog } from "../build-log.ts";
import type { PhaseContext } from "../events.ts";
import { commandFailure } from "./command-failure.ts";

/** The phase's failure, after saying how to get the user; undefined when commands can run as it. */
export async function userFailure(
  user: string,
  first: PlannedCommand,
  environment: BuildEnvironment,
  log: BuildLog,
): Promise<PhaseContext | undefined> {
  const problem = await environment.userProblem(user);
  if (!problem) return undefined;
  if (problem.kind === "unknown") {
    log.notice(
      "warning",
      user === "codebuild-user"
        ? "`run-as: codebuild-user` is the user of CodeBuild's images, and this machine has none of that name; make it with `useradd --create-home codebuild-user`, or remove `run-as`"
        : `\`run-as: ${user}\` names a user that is not there; commands run as nobody else instead`,
    );
    return commandFailure(first.text, `user: unknown user ${user}`);
  }
  log.notice(
    "warning",
    `\`run-as: ${user}\` needs root, and Kiln runs as \`${problem.runsAs}\`; run Kiln as root, or remove \`run-as\``,
  );
  return commandFailure(first.text, `user ${user}: operation not permitted`);
}
