/**
 * Golden cases of builds: test/golden/build/<case>/, described in README.md beside this file. Each runs for real: IAM, STS,
 * SSM, Secrets Manager, KMS, Logs, S3 and CodeBuild in memory, commands on the host engine. KILN_UPDATE_GOLDEN=1 rewrites
 * the expected files; read what it wrote.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { Build } from "../../src/services/codebuild/index.ts";
import { runGoldenBuild } from "../support/golden-build.ts";
import { missingNeed, readCase } from "../support/golden-case.ts";

const root = fileURLToPath(new URL("build", import.meta.url));
const isUpdating = process.env["KILN_UPDATE_GOLDEN"] === "1";
const cases = readdirSync(root).sort();

function expectFile(path: string, actual: string | undefined): void {
  if (isUpdating) {
    if (actual === undefined) rmSync(path, { force: true });
    else writeFileSync(path, actual);
  }
  expect(existsSync(path) ? readFileSync(path, "utf8") : undefined).toBe(actual);
}

/** What phases.txt leaves out, because it is the same in every build. */
function expectPhasesOf({ phases = [], buildComplete, endTime }: Build): void {
  expect(buildComplete).toBe(true);
  expect(endTime).toBeDefined();
  for (const { phaseType, phaseStatus, contexts, ...rest } of phases) {
    const members = ["startTime", ...(phaseType === "COMPLETED" ? [] : ["endTime", "durationInSeconds"])];
    expect(Object.keys(rest).sort(), phaseType).toEqual(members.sort());
    if (phaseStatus !== "SUCCEEDED") continue;
    const isBeforeContainer = phaseType === "SUBMITTED" || phaseType === "QUEUED";
    expect(contexts, phaseType).toEqual(isBeforeContainer ? undefined : [{ statusCode: "", message: "" }]);
  }
}

describe.skipIf(process.platform !== "linux")("golden builds", () => {
  it.concurrent.for(cases)("%s", async (name, { skip }) => {
    const folder = `${root}/${name}`;
    const asked = readCase(folder);
    const missing = missingNeed(asked);
    if (missing !== undefined) skip(missing);
    const { files, printed, stored, build } = await runGoldenBuild(folder, asked);
    expect(stored, "the log as it is kept").toBe(printed);
    for (const [file, text] of files) expectFile(`${folder}/${file}`, text);
    expectPhasesOf(build);
  });
});
