/** A project that keeps no log of its builds anywhere. */
import type { Rule } from "../rule.ts";

export const projectLogsDisabled: Rule = {
  id: "project/logs-disabled",
  severity: "warning",
  title: "a project without any log",
  source: "https://docs.aws.amazon.com/codebuild/latest/APIReference/API_LogsConfig.html",
  *run({ project }) {
    const { cloudWatchLogs, s3Logs } = project.logsConfig ?? {};
    if (cloudWatchLogs?.status !== "DISABLED" || s3Logs?.status === "ENABLED") return;
    yield {
      message: "logs to CloudWatch are off, and logs to S3 are not on",
      why: "what commands print is lost; of a failed build only the phase and its message are left",
    };
  },
};
