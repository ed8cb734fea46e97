import { describe, expect, it } from "vitest";
import { explainBuild, factsFromLog } from "./index.ts";

describe("factsFromLog", () => {
  it("explains a log saved from AWS", () => {
    const log = `[Container] 2026/01/02 03:04:05.123456 Entering phase BUILD
[Container] 2026/01/02 03:04:05.123456 Running command make all
/codebuild/output/tmp/script.sh: 4: make: not found

[Container] 2026/01/02 03:04:05.123456 Command did not exit successfully make all exit status 127
[Container] 2026/01/02 03:04:05.123456 Phase complete: BUILD State: FAILED
[Container] 2026/01/02 03:04:05.123456 Phase context status code: COMMAND_EXECUTION_ERROR Message: Error while executing command: make all. Reason: exit status 127
`;
    expect(explainBuild(factsFromLog(log))).toMatchObject({
      code: "commands/not-found",
      phase: "BUILD",
      cause: "the command `make` is not installed where the build runs",
    });
  });

  it("reads the spelling before 2019, the local agent's prefix and no fraction of a second", () => {
    const log = `agent_1  | [Container] 2018/01/02 03:04:05 Phase complete: DOWNLOAD_SOURCE Success: false
agent_1  | [Container] 2018/01/02 03:04:05 Phase context status code: YAML_FILE_ERROR Message: YAML file does not exist`;
    expect(explainBuild(factsFromLog(log)).cause).toBe("there is no `buildspec.yml` in the source");
  });

  it("keeps the second line of a denial with its message", () => {
    const log = `[Container] 2026/01/02 03:04:05.1 Phase complete: DOWNLOAD_SOURCE State: FAILED
[Container] 2026/01/02 03:04:05.1 Phase context status code: Decrypted Variables Error Message: AccessDeniedException: User: arn:aws:sts::1:assumed-role/R/AWSCodeBuild-u is not authorized to perform: ssm:GetParameters on resource: arn:aws:ssm:eu-west-1:123456789012:parameter/a because no identity-based policy allows the ssm:GetParameters action
	status code: 400, request id: x`;
    expect(explainBuild(factsFromLog(log))).toMatchObject({
      cause:
        "the service role `R` may not read the parameter `a`: no policy allows `ssm:GetParameters` on `arn:aws:ssm:eu-west-1:123456789012:parameter/a`",
    });
  });
});
