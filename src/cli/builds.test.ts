/** What `kiln run` and `kiln builds` print of builds in a project: durations, places, times, and what --quiet leaves. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { allow, CODEBUILD_TRUST, documentText } from "../../test/support/policy-documents.ts";
import { startKiln } from "../app.ts";
import { memoryIo } from "./io.ts";
import { runCli } from "./run-cli.ts";

const folder = mkdtempSync(join(tmpdir(), "kiln-builds-"));
const app = join(folder, "app");

async function kiln(...argv: string[]) {
  const env = { PATH: process.env["PATH"] ?? "", HOME: folder };
  const io = memoryIo({ cwd: app, env });
  const exitCode = await runCli([...argv, "--state-dir", join(folder, "state")], io);
  return { exitCode, out: io.written(), err: io.complained() };
}
const spec = (commands: string): void =>
  writeFileSync(
    join(app, "buildspec.yml"),
    `version: 0.2\nphases: { build: { commands: [${commands}] } }\nartifacts: { files: [out] }\n`,
  );

beforeAll(async () => {
  mkdirSync(app);
  writeFileSync(join(app, "junit.xml"), '<testsuite name="a"><testcase name="b"/></testsuite>');
  const { root, close } = await startKiln({ stateDir: join(folder, "state"), port: 0 });
  try {
    await root.call("s3", "CreateBucket", { Bucket: "out" });
    await root.call("iam", "CreateRole", {
      RoleName: "build",
      AssumeRolePolicyDocument: CODEBUILD_TRUST,
    });
    await root.call("iam", "PutRolePolicy", {
      RoleName: "build",
      PolicyName: "build",
      PolicyDocument: documentText(allow(["logs:*", "s3:*"])),
    });
    await root.call("codebuild", "CreateProject", {
      name: "shop",
      source: { type: "GITHUB", location: pathToFileURL(app).href },
      artifacts: { type: "S3", location: "out", name: "site", packaging: "ZIP" },
      environment: {
        type: "LINUX_CONTAINER",
        image: "aws/codebuild/standard:7.0",
        computeType: "BUILD_GENERAL1_SMALL",
      },
      serviceRole: "arn:aws:iam::000000000000:role/build",
    });
  } finally {
    await close();
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("shows how long each phase took and where the artifacts are", async () => {
  spec("echo x > out");
  const run = await kiln("run", "--project", "shop", "-q");
  expect(run.exitCode, run.err + run.out).toBe(0);
  const { out } = await kiln("builds", "show");
  expect(out).toContain("\nartifacts  arn:aws:s3:::out/site\n");
  expect(out).toMatch(/^BUILD {13}SUCCEEDED {8}\d\.\d s$/m);
  expect(out).toMatch(/^COMPLETED$/m);
});

it("prints times as they are on the wire: epoch seconds with a fraction", async () => {
  spec("echo x > out");
  const run = await kiln("run", "--project", "shop", "-o", "json");
  const build = JSON.parse(run.out.trimEnd().split("\n").at(-1) ?? "") as { id: string; startTime: number };
  expect(String(build.startTime)).toMatch(/^\d{10}(?:\.\d{1,3})?$/);
  expect(JSON.parse((await kiln("builds", "show", build.id, "-o", "json")).out)).toEqual(build);
  const { builds } = JSON.parse((await kiln("builds", "ls", "-o", "json")).out) as { builds: unknown[] };
  expect(builds[0]).toEqual(build);
});

it("says beside the cause what else was denied, but not with --quiet", async () => {
  spec("echo x > out; exit 3");
  const also = /^also: report files were found, and the report `JUNITXML-AutoDiscovered` was not made of them$/m;
  expect((await kiln("run", "--project", "shop")).out).toMatch(also);
  const quiet = await kiln("run", "--project", "shop", "-q");
  expect(quiet.out).toContain("a command ended with exit status 3");
  expect(quiet.out).not.toMatch(/also:|"Statement"/);
});

it("says that nothing will run, with --quiet too", async () => {
  spec("");
  expect((await kiln("run", "-q")).err).toBe("commands none: the buildspec has no command, so nothing will run\n");
});
