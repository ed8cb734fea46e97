/** `env.shell` with a shell that CodeBuild does not know, or one of its Windows images, which Kiln does not run. */
import { shellOf } from "../../build/plan/shell-of.ts";
import type { Rule } from "../rule.ts";

export const envShellNotSupported: Rule = {
  id: "env/shell-not-supported",
  severity: "error",
  title: "a shell that the build cannot have",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env.shell",
  *run({ buildspec }) {
    for (const { message, span, why } of shellOf(buildspec).diagnostics) {
      const isWindows = /^(powershell|pwsh|cmd)(\.exe)?$/i.test(buildspec.env.shell?.value ?? "");
      yield {
        // A Windows build is right on AWS.
        severity: isWindows ? "warning" : "error",
        message,
        ...(span && { span }),
        ...(why !== undefined && { why }),
      };
    }
  },
};
