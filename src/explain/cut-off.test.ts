/** Logs that end before a phase has failed: read as far as they go, never called a success. */
import { describe, expect, it } from "vitest";
import { explainBuild, readEvidence } from "./index.ts";

const at = "[Container] 2026/01/02 03:04:05.100001";
const explained = (...lines: readonly string[]) => {
  const [facts] = readEvidence(`${lines.join("\n")}\n`).builds;
  return facts && explainBuild(facts);
};
const BEGUN = [`${at} Phase complete: DOWNLOAD_SOURCE State: SUCCEEDED`, `${at} Entering phase BUILD`];

describe("a log that is cut off", () => {
  it("is explained by what its last command printed, as likely at most", () => {
    expect(
      explained(...BEGUN, `${at} Running command docker build .`, "Cannot connect to the Docker daemon at unix:///x."),
    ).toMatchObject({
      outcome: "problem",
      code: "docker/privileged-mode-off",
      confidence: "likely",
      consequences: ["the log ends here: how the build ended stands in its record"],
    });
  });

  it("shows its end where a command printed nothing that is known", () => {
    expect(explained(...BEGUN, `${at} Running command make`, "compiling a", "compiling b")).toMatchObject({
      outcome: "undiagnosed",
      code: "build/log-cut-off",
      cause: "the log ends while a command runs: `make`",
      phase: "BUILD",
      evidence: expect.arrayContaining(["compiling a", "compiling b"]),
    });
  });

  it("says what the build was reading", () => {
    expect(
      explained(`${at} Processing environment variables`, `${at} Decrypting parameter store environment variables`),
    ).toMatchObject({
      outcome: "undiagnosed",
      cause: "the log ends while the build reads its variables from Parameter Store",
      next: expect.stringContaining("`ssm:GetParameters`"),
    });
  });

  it("names the agent's own error", () => {
    expect(
      explained(`${at} Waiting for agent ping`, `${at} Runtime error (*errors.errorString: no such report)`),
    ).toMatchObject({
      outcome: "undiagnosed",
      cause: "CodeBuild's agent ended: no such report",
      evidence: ["Runtime error (*errors.errorString: no such report)"],
    });
  });

  it("knows S3's refusal of the source, which has no line of its own", () => {
    expect(
      explained(
        `${at} Waiting for DOWNLOAD_SOURCE`,
        "AccessDenied: Access Denied",
        "status code: 403, request id: R, host id: H for primary source and source version ",
      ),
    ).toMatchObject({
      code: "s3/source-refused",
      cause: "S3 refused the source to the service role `ROLE`, without a reason",
      evidence: ["AccessDenied: Access Denied"],
    });
  });

  it("is no success when it ends between two phases", () => {
    expect(
      explained(...BEGUN, `${at} Phase complete: BUILD State: SUCCEEDED`, `${at} Entering phase POST_BUILD`),
    ).toMatchObject({
      outcome: "undiagnosed",
      cause: "the log ends in the phase POST_BUILD, and no phase in it failed",
    });
    expect(
      explained(
        ...BEGUN,
        `${at} Phase complete: BUILD State: SUCCEEDED`,
        `${at} Phase complete: POST_BUILD State: SUCCEEDED`,
      ),
    ).toMatchObject({
      outcome: "no-problem",
    });
  });

  it("counts as the build's only where no record says how it ended", () => {
    const [facts] = readEvidence(`${at} Entering phase BUILD\n${at} Running command make\nx\n`).builds;
    expect(facts && explainBuild({ ...facts, build: { ...facts.build, id: "shop:1" } })).toMatchObject({
      outcome: "no-problem",
      cause: "the build is still running",
    });
  });
});
