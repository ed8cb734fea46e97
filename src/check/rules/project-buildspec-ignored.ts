/**
 * This file is not what the project builds with: its buildspec is written into the project, another file, in S3, or, for
 * runners, in the workflow.
 */
import { posix } from "node:path";
import type { Rule } from "../rule.ts";

export const projectBuildspecIgnored: Rule = {
  id: "project/buildspec-ignored",
  severity: "warning",
  title: "a buildspec that the project does not use",
  source: "https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectSource.html",
  *run({ project, file, spanOf }) {
    const name = project.name === undefined ? "the project" : `project \`${project.name}\``;
    const span = spanOf(0, 0);
    const { source = {} } = project;
    // There, and known only once the stack exists.
    if ("buildspec" in source && source.buildspec === undefined) return;
    const { type, buildspec = "" } = source;
    const isText = /[\r\n{]|^\s*(?:version|phases)\s*:/.test(buildspec);
    if (type === "NO_SOURCE" && !isText && !buildspec.startsWith("arn:")) {
      yield {
        severity: "error",
        message: `${name} has no source, so its buildspec must be written into the project`,
        span,
        why: "with NO_SOURCE there is no file to read: DOWNLOAD_SOURCE ends with `YAML_FILE_ERROR`",
      };
      return;
    }
    const used = isText
      ? "one that is written into the project"
      : buildspec.startsWith("arn:")
        ? `\`${buildspec}\``
        : buildspec !== "" && posix.normalize(buildspec) !== posix.normalize(file)
          ? `\`${buildspec}\``
          : undefined;
    if (used !== undefined) {
      yield {
        message: `${name} does not use \`${file}\`, but ${used}`,
        span,
        why: "what is found here does not concern its builds",
      };
    }
    const isRunner = project.webhook?.filterGroups?.some((group) =>
      group.some((filter) => filter.type === "EVENT" && /\bWORKFLOW_JOB_QUEUED\b/.test(filter.pattern ?? "")),
    );
    if (isRunner && used === undefined) {
      yield {
        severity: "info",
        message: `${name} runs jobs of a workflow: its builds do not use \`${file}\` unless the job's label says \`buildspec-override:true\``,
        span,
        why: "a webhook on WORKFLOW_JOB_QUEUED makes the build a runner of GitHub Actions",
      };
    }
  },
};
