/** A build that runs jobs for GitHub, GitLab or Buildkite gets no token for its runner (R34). */
import type { Cause, Finding } from "../cause.ts";
import { firstLine } from "./finding-parts.ts";
import { fieldOf } from "./source-parts.ts";

export const runnerTokenUnavailable: Cause = {
  id: "runner/token-unavailable",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/userguide/action-runner.html"],
  match(failure, facts): Finding | undefined {
    const match = /Error while fetching runner token: (?:error code (\d+): )?([\s\S]*)/.exec(failure.message);
    if (!match) return undefined;
    const [, status, reason = ""] = match;
    const isRefused = status === "401" || status === "403" || status === "404";
    const { projectName = "PROJECT" } = facts.build;
    return {
      cause: `the provider gave the runner of this job no token: ${firstLine(reason) || "no reason is given"}`,
      ...fieldOf("source.auth", facts.build.source?.auth?.resource),
      evidence: [firstLine(failure.message)],
      why: isRefused
        ? "the credentials of the project may not register runners: a token needs `repo` (and `admin:org` for an organisation), an app the permission to administer runners"
        : "the provider could not make a runner at this moment, or the job was taken or cancelled before the build began",
      fix: {
        kind: "command",
        title: isRefused
          ? "see which credentials the project uses, then import ones with the scope"
          : "run the job again; if it stays, see the webhook and the credentials",
        commands: [
          "aws codebuild list-source-credentials",
          `aws codebuild batch-get-projects --names ${projectName} --query 'projects[0].webhook'`,
        ],
      },
      next: "in the provider: the webhook's last delivery (`WORKFLOW_JOB_QUEUED`) must have been accepted, and runners allowed for the repository",
      prove: "the job, run again, is taken by a runner of the project",
      confidence: "likely",
    };
  },
};
