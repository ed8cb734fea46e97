/**
 * Every buildspec of the corpus goes through parser and planner: none crashes, and what was understood of each is one
 * reviewed line in plans.txt (no text of the files: numbers and names of CodeBuild's keys).
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parseBuildspec } from "../../src/build/buildspec/index.ts";
import { type BuildPlan, planBuild } from "../../src/build/plan/index.ts";
import { corpusNumbers, isCorpusHere, readCorpusFile } from "./corpus.ts";

const expectation = fileURLToPath(new URL("plans.txt", import.meta.url));

describe.skipIf(!isCorpusHere)("plans of the corpus", () => {
  it("are what a reader of the files expects", () => {
    const lines = corpusNumbers().map((number) => `${number} ${summary(number)}`);
    expect(lines.length).toBeGreaterThan(200);
    const text = `${lines.join("\n")}\n`;
    if (process.env["KILN_UPDATE_GOLDEN"]) writeFileSync(expectation, text);
    expect(text).toBe(readFileSync(expectation, "utf8"));
  });
});

function summary(number: string): string {
  const file = readCorpusFile(number);
  const { buildspec, failure } = parseBuildspec(file.text, file.path);
  if (!buildspec) return `failure ${failure?.message ?? "without a message"}`;
  const { plan, diagnostics } = planBuild({
    buildspec,
    project: {
      name: "corpus",
      environment: {
        type: "LINUX_CONTAINER",
        image: "aws/codebuild/standard:7.0",
        computeType: "BUILD_GENERAL1_SMALL",
      },
    },
  });
  const errors = diagnostics.filter(({ severity }) => severity === "error").map(({ code }) => `error ${code}`);
  return [failure && `failure ${failure.message}`, ...errors, ...parts(plan), buildspec.batch && "batch"]
    .filter((part) => part !== undefined && part !== "")
    .join(" · ");
}

function parts(plan: BuildPlan): string[] {
  const variables = (type: string): number => plan.variables.filter((variable) => variable.type === type).length;
  const counted = (count: number, name: string): string => (count === 0 ? "" : `${name} ${count}`);
  return [
    plan.version,
    plan.shell,
    ...plan.phases.map(
      ({ name, commands, finally: last, onFailure, runAs }) =>
        `${name} ${commands.length}${last.length > 0 ? `+${last.length}` : ""}${onFailure ? ` ${onFailure}` : ""}${runAs ? ` as ${runAs}` : ""}`,
    ),
    counted(variables("PLAINTEXT"), "variables"),
    counted(variables("PARAMETER_STORE"), "parameters"),
    counted(variables("SECRETS_MANAGER"), "secrets"),
    counted(plan.exportedVariables.length, "exported"),
    plan.runtimeVersions.map(({ runtime, version }) => `${runtime}:${version}`).join(" "),
    plan.artifacts ? `artifacts ${plan.artifacts.files.length}` : "",
    counted(plan.secondaryArtifacts.length, "secondary artifacts"),
    counted(plan.reports.length, "reports"),
    plan.cache ? `cache ${plan.cache.paths.length}` : "",
    plan.gitCredentialHelper ? "git-credential-helper" : "",
    plan.unknownKeys.map(({ section, keys }) => `unknown in ${section}: ${keys.join(" ")}`).join(", "),
  ];
}
