/** `kiln sandbox` as processes: one keeps the sandbox open, the others reach it through the state folder. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startKiln } from "../../src/app.ts";
import { CODEBUILD_TRUST } from "../support/policy-documents.ts";
import { isBuilt, kiln, startProcess, temporaryFolder } from "./kiln-process.ts";

async function makeProject(stateDir: string, logs: "ENABLED" | "DISABLED"): Promise<void> {
  const owner = await startKiln({ stateDir, port: 0 });
  try {
    await owner.root.call("iam", "CreateRole", {
      RoleName: "builds",
      AssumeRolePolicyDocument: CODEBUILD_TRUST,
    });
    await owner.root.call("codebuild", "CreateProject", {
      name: "my-project",
      source: { type: "NO_SOURCE", buildspec: "version: 0.2\nphases: {build: {commands: ['true']}}\n" },
      artifacts: { type: "NO_ARTIFACTS" },
      environment: {
        type: "LINUX_CONTAINER",
        image: "aws/codebuild/standard:7.0",
        computeType: "BUILD_GENERAL1_SMALL",
      },
      serviceRole: "arn:aws:iam::000000000000:role/builds",
      logsConfig: { cloudWatchLogs: { status: logs } },
    });
  } finally {
    await owner.close();
  }
}

describe.skipIf(!isBuilt)("kiln sandbox", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());
  const sandbox = (name: string, ...argv: string[]) =>
    kiln(folder.path, ["sandbox", name, "--state-dir", folder.path, ...argv]);

  it("runs commands in the open sandbox, passes their outputs and exit status on, and closes it", async () => {
    await makeProject(folder.path, "DISABLED");
    expect((await sandbox("ls")).err).toBe("no sandboxes yet: open one with `kiln sandbox start PROJECT`\n");
    expect((await sandbox("start", "my-projct")).err).toContain(
      "no project `my-projct`; the nearest is `my-project`\n",
    );
    const open = startProcess(folder.path, ["sandbox", "start", "my-project", "--state-dir", folder.path]);
    await open.printed("is open\n");
    expect(await sandbox("exec", "echo out; echo err >&2; cd /; exit 3")).toEqual({
      exitCode: 3,
      out: "out\n",
      err: "err\n",
    });
    expect((await sandbox("ls")).out).toMatch(/^my-project:[0-9a-f-]{36} +RUN_SANDBOX +/m);
    const json = await sandbox("exec", "-o", "json", "--", "cd", "/");
    expect(JSON.parse(json.out)).toMatchObject({ status: "SUCCEEDED", exitCode: "0", command: "cd /" });
    expect((await sandbox("exec", "pwd")).out).toBe("/\n");
    expect((await sandbox("exec", "--", "sh", "-c", 'printf "%s\\n" "$1"', "sh", "it's $HOME")).out).toBe(
      "it's $HOME\n",
    );
    expect((await sandbox("stop")).out).toMatch(/^my-project:[0-9a-f-]{36}: STOPPED\n$/);
    expect((await open.finished).exitCode).toBe(0);
    expect(await sandbox("exec", "true")).toEqual({
      exitCode: 2,
      out: "",
      err: "error: no sandbox is open\n  fix: open one with `kiln sandbox start PROJECT`\n",
    });
    expect((await sandbox("stop", "nope")).err).toBe(
      "error: there is no open sandbox `nope`\n  fix: see them with `kiln sandbox ls`\n",
    );
  });

  it("closes the sandbox on Ctrl-C", async () => {
    await makeProject(folder.path, "DISABLED");
    const open = startProcess(folder.path, ["sandbox", "start", "my-project", "--state-dir", folder.path]);
    await open.printed("is open\n");
    open.kill("SIGINT");
    expect((await open.finished).exitCode).toBe(130);
    expect((await sandbox("ls")).out).toContain("STOPPED");
  });

  it("says why a sandbox did not open", async () => {
    await makeProject(folder.path, "ENABLED");
    const { exitCode, err } = await sandbox("start", "my-project");
    expect(exitCode).toBe(1);
    expect(err).toMatch(
      /^error: the sandbox did not open: FAILED in QUEUED\n {2}why: ACCESS_DENIED: Service role .*logs:CreateLogStream/,
    );
  });
});
