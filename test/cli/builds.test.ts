/** `kiln run` and what belongs to it, as processes: exit codes, what is printed where, interruption. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CODEBUILD_TRUST } from "../support/policy-documents.ts";
import { isBuilt, kiln, startProcess, temporaryFolder } from "./kiln-process.ts";

const spec = (...commands: string[]): string =>
  `version: 0.2\nphases:\n  build:\n    commands:\n${commands.map((command) => `      - ${command}\n`).join("")}`;

const WITH_PARAMETER = `version: 0.2
env:
  parameter-store:
    PASSWORD: my-password
phases:
  build:
    commands:
      - echo "the password is $PASSWORD"
`;

describe.skipIf(!isBuilt)("kiln run", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());
  const write = (text: string, file = "buildspec.yml") => writeFileSync(join(folder.path, file), text);

  it("succeeds with exit code 0 and prints the commands' output", async () => {
    write(spec("echo hello from the build"));
    const { exitCode, out, err } = await kiln(folder.path, ["run"]);
    expect(exitCode).toBe(0);
    expect(out).toContain("hello from the build\n");
    expect(err).toContain("generated with exactly these permissions:\n");
  });

  it("is not stopped when it is over, and without an id only what runs is", async () => {
    write(spec("echo hi"));
    await kiln(folder.path, ["run", "-q"]);
    expect(await kiln(folder.path, ["builds", "stop"])).toEqual({
      exitCode: 2,
      out: "",
      err: "error: no build is running\n  fix: see the builds with `kiln builds ls`\n",
    });
    const id = /^\S+:[0-9a-f-]{36}/m.exec((await kiln(folder.path, ["builds", "ls"])).out)?.[0] ?? "";
    expect((await kiln(folder.path, ["builds", "stop", id])).out).toBe(`${id}: was over already, SUCCEEDED\n`);
  });

  it("fails with exit code 1 and explains", async () => {
    write(spec("cat conf/settings.ini"));
    write("x", "settings.ini");
    const { exitCode, out } = await kiln(folder.path, ["run"]);
    expect(exitCode).toBe(1);
    expect(out).toContain(
      "cause: the file `conf/settings.ini` is not in the root of the source, where the command runs; the nearest path is `settings.ini`\n  at buildspec.yml:5   - cat conf/settings.ini\n",
    );
  });

  it("prints one event a line with -o json, the build with its diagnosis last", async () => {
    write(spec("exit 3"));
    const { exitCode, out } = await kiln(folder.path, ["run", "-o", "json", "-q"]);
    expect(exitCode).toBe(1);
    const lines = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toMatchObject({ type: "build-started" });
    expect(lines.at(-1)).toMatchObject({
      buildStatus: "FAILED",
      diagnosis: { outcome: "undiagnosed", code: "commands/exit-status", line: 5 },
    });
  });

  it("prints CodeBuild's own log with --format aws", async () => {
    write(spec("echo hi"));
    const { out } = await kiln(folder.path, ["run", "--format", "aws"]);
    expect(out).toMatch(/^\[Container\] \d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d\.\d{6} Running command echo hi$/m);
    expect(out).toMatch(/^\[Container\] \S+ \S+ Phase complete: BUILD State: SUCCEEDED$/m);
  });

  it("stops before the run when a parameter is missing and there is no terminal", async () => {
    write(WITH_PARAMETER);
    const { exitCode, out, err } = await kiln(folder.path, ["run"]);
    expect({ exitCode, out }).toEqual({ exitCode: 4, out: "" });
    expect(err).toContain('  fix: aws ssm put-parameter --name "my-password" --value "VALUE" --type "SecureString"\n');
  });

  it("never shows a parameter's value, in no output and no file", async () => {
    write(WITH_PARAMETER);
    const secret = "correct-horse-battery";
    expect((await kiln(folder.path, ["params", "put", "my-password", "--secure"], secret)).exitCode).toBe(0);
    const { exitCode, out, err } = await kiln(folder.path, ["run"]);
    expect(exitCode).toBe(0);
    expect(out).toContain("the password is ***\n");
    const files = readdirSync(join(folder.path, ".kiln"), { recursive: true, withFileTypes: true });
    const texts = files
      .filter((file) => file.isFile())
      .map((file) => readFileSync(join(file.parentPath, file.name), "latin1"));
    expect([out, err, ...texts].filter((text) => text.includes(secret))).toEqual([]);
  });

  it("names the nearest buildspec with exit code 2 when there is none", async () => {
    write(spec("true"), "buildspec.yaml");
    const { exitCode, err } = await kiln(folder.path, ["run"]);
    expect(exitCode).toBe(2);
    expect(err).toBe(
      `error: there is no \`buildspec.yml\` in \`${folder.path}\`; the nearest is \`buildspec.yaml\`\n  why: CodeBuild would end in DOWNLOAD_SOURCE with \`YAML_FILE_ERROR: YAML file does not exist\`\n  fix: rename it: git mv buildspec.yaml buildspec.yml\n  fix: or name it: kiln run -b buildspec.yaml\n`,
    );
  });

  it("stops the build on Ctrl-C, with exit code 130 and no process left", async () => {
    write(spec("echo pid $$; sleep 300"));
    // On the machine itself: in the sandbox a process has another number.
    const running = startProcess(folder.path, ["run", "--engine", "host", "--format", "aws"]);
    await running.printed("\npid ");
    running.kill("SIGINT");
    const { exitCode, out } = await running.finished;
    expect(exitCode).toBe(130);
    const pid = Number(/^pid (\d+)$/m.exec(out)?.[1]);
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
    const { out: builds } = await kiln(folder.path, ["builds", "ls", "-o", "json"]);
    expect(JSON.parse(builds)).toMatchObject({ builds: [{ buildStatus: "STOPPED" }] });
  });

  it("shows a build whose process was killed as interrupted", async () => {
    write(spec("echo up; sleep 20"));
    const running = startProcess(folder.path, ["run", "--format", "aws"]);
    await running.printed("\nup\n");
    running.kill("SIGKILL");
    await running.finished;
    const { out } = await kiln(folder.path, ["builds", "ls", "-o", "json"]);
    expect(JSON.parse(out)).toMatchObject({ builds: [{ buildComplete: true, buildStatus: "FAULT" }] });
  });

  it("explains the last failure again later", async () => {
    write(spec("nosuchtool --help"));
    await kiln(folder.path, ["run", "-q"]);
    const { exitCode, out } = await kiln(folder.path, ["explain"]);
    expect(exitCode).toBe(0);
    expect(out).toContain(
      "cause: the command `nosuchtool` is not installed where the build runs\n  at buildspec.yml:5 ",
    );
  });

  it("gives the command that makes a role which does not exist", async () => {
    write(spec("true"));
    const { err } = await kiln(folder.path, ["run", "--role", "Nobody"]);
    expect(err).toContain("error: there is no role `Nobody`\n");
    expect(err).toContain(CODEBUILD_TRUST);
  });
});

describe.skipIf(!isBuilt)("kiln check", () => {
  it("exits with 3 on errors, repairs what is safe, then exits with 0", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder.path, "requirements.txt"), "flask\n");
    writeFileSync(join(folder.path, "buildspec.yml"), spec("pip install -r app/requirements.txt"));
    expect((await kiln(folder.path, ["check", "-q"])).exitCode).toBe(3);
    const fixed = await kiln(folder.path, ["check", "--fix"]);
    expect(fixed.exitCode).toBe(0);
    expect(readFileSync(join(folder.path, "buildspec.yml"), "utf8")).toBe(spec("pip install -r requirements.txt"));
    folder.remove();
  });
});
