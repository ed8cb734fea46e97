/** `kiln check --project`: what only the project's settings can tell. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { CODEBUILD_TRUST } from "../../test/support/policy-documents.ts";
import { startKiln } from "../app.ts";
import { memoryIo } from "./io.ts";
import { runCli } from "./run-cli.ts";

const folder = mkdtempSync(join(tmpdir(), "kiln-check-"));
const app = join(folder, "app");
const state = join(folder, "state");

beforeAll(async () => {
  mkdirSync(app);
  writeFileSync(
    join(app, "buildspec.yml"),
    `version: 0.2
batch:
  build-list: [{ identifier: a }, { identifier: b }]
phases:
  build:
    commands:
      - make -C $CODEBUILD_SRC_DIR_libs
artifacts:
  files: [a]
  secondary-artifacts:
    doc: { files: [b] }
cache:
  paths: [c]
`,
  );
  const kiln = await startKiln({ stateDir: state, port: 0 });
  try {
    const { root } = kiln;
    await root.call("s3", "CreateBucket", { Bucket: "out" });
    for (const RoleName of ["build", "batch"]) {
      await root.call("iam", "CreateRole", {
        RoleName,
        AssumeRolePolicyDocument: CODEBUILD_TRUST,
      });
    }
    await root.call("codebuild", "CreateProject", {
      name: "shop",
      source: { type: "GITHUB", location: `file://${app}` },
      secondarySources: [{ type: "GITHUB", location: `file://${app}`, sourceIdentifier: "lib" }],
      artifacts: { type: "S3", location: "out" },
      secondaryArtifacts: [{ type: "S3", location: "out", artifactIdentifier: "docs" }],
      cache: { type: "NO_CACHE" },
      environment: {
        type: "LINUX_CONTAINER",
        image: "aws/codebuild/standard:4.0",
        computeType: "BUILD_GENERAL1_SMALL",
      },
      serviceRole: "arn:aws:iam::000000000000:role/build",
      buildBatchConfig: {
        serviceRole: "arn:aws:iam::000000000000:role/batch",
        restrictions: { maximumBuildsAllowed: 1 },
      },
    });
  } finally {
    await kiln.close();
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function check(...argv: string[]): Promise<string[]> {
  const io = memoryIo({ cwd: app });
  await runCli(["check", "-o", "github", ...argv, "--state-dir", state], io);
  return [...io.written().matchAll(/title=([^,:]+)/g)].map(([, code = ""]) => code);
}

it("knows its sources, artifacts, cache, image and batch restrictions, and says nothing of them without it", async () => {
  expect(await check()).toEqual([]);
  // The roles of this project may do nothing.
  const found = (await check("--project", "shop")).filter((code) => !code.includes("role"));
  expect(found).toEqual([
    "image/unknown-curated",
    "batch/invalid",
    "runtime/none-selected",
    "sources/secondary-unknown",
    "artifacts/secondary-unmatched",
    "cache/not-used",
  ]);
});

it("checks without a state folder that cannot be opened, and says so in one line", async () => {
  const broken = join(folder, "broken");
  writeFileSync(broken, "");
  const io = memoryIo({ cwd: app });
  expect(await runCli(["check", "--state-dir", broken], io)).toBe(0);
  expect(io.complained()).toBe(
    `checked without parameters and projects: the state folder \`${broken}\` cannot be used: EEXIST: file already exists, mkdir '${broken}'\nno problem found\n`,
  );
  expect(await runCli(["check", "--project", "shop", "--state-dir", broken], io)).toBe(4);
});
