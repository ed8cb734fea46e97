/** The boundary: wrong command lines, exit codes, and how errors look. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type AwsError, awsError, KilnError } from "../core/errors.ts";
import { err } from "../core/result.ts";
import { memoryIo } from "./io.ts";
import { renderError } from "./render-error.ts";
import { requireEngine } from "./run/run-refusals.ts";
import { runCli } from "./run-cli.ts";

async function kiln(...argv: string[]) {
  const io = memoryIo({ cwd: "/nowhere" });
  const exitCode = await runCli(argv, io);
  return { exitCode, out: io.written(), err: io.complained() };
}

describe("the variable of a switch", () => {
  afterEach(() => vi.unstubAllEnvs());

  it("is on or off; what is neither is refused by its name", async () => {
    for (const value of ["1", "true", "YES", "on", "0", "false", "No", "off", ""]) {
      vi.stubEnv("KILN_QUIET", value);
      expect((await kiln("version")).exitCode, value).toBe(0);
      expect(process.env["KILN_QUIET"]).toBe(value);
    }
    vi.stubEnv("KILN_QUIET", "flase");
    expect(await kiln("version")).toMatchObject({
      exitCode: 2,
      err: "error: the variable `KILN_QUIET` is `flase`\n  fix: set it to 1 or 0, or unset it\n",
    });
  });

  it("of another command says nothing about this one", async () => {
    vi.stubEnv("KILN_CONTROL", "maybe");
    expect((await kiln("version")).exitCode).toBe(0);
    expect(await kiln("start", "--port", "x")).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining("`KILN_CONTROL` is `maybe`"),
    });
  });

  it("that switches off is named so", async () => {
    expect((await kiln("run", "--help")).out).toMatch(/--no-privileged .*\n? *\(env:\s+KILN_NO_PRIVILEGED\)/);
  });

  it("leaves the values of others alone", async () => {
    vi.stubEnv("KILN_CONCURRENT_BUILDS", "0");
    expect((await kiln("start")).err).toContain("`0` is not a number of builds");
  });
});

describe("a wrong command line", () => {
  it("names the nearest command", async () => {
    expect(await kiln("chekc")).toEqual({
      exitCode: 2,
      out: "",
      err: "error: unknown command `chekc`\n  fix: did you mean `check`?\n  fix: `kiln help` lists the commands, `kiln help COMMAND` its options\n",
    });
  });

  it("names the nearest option", async () => {
    expect((await kiln("env", "--shel", "sh")).err).toBe(
      "error: unknown option `--shel`\n  fix: did you mean `--shell`?\n  fix: `kiln help` lists the commands, `kiln help COMMAND` its options\n",
    );
  });

  it("lists what a choice may be", async () => {
    expect((await kiln("env", "--shell", "tcsh")).err.split("\n")[0]).toBe(
      "error: option `--shell <shell>` argument `tcsh` is invalid. Allowed choices are sh, bash, zsh, fish, powershell",
    );
  });

  it("is JSON on request", async () => {
    const { err, exitCode } = await kiln("start", "--port", "x", "-o", "json");
    expect(exitCode).toBe(2);
    expect(JSON.parse(err)).toEqual({
      error: { code: "KILN_E_USAGE", message: "`x` is not a port: expected a number from 0 to 65535", fix: [] },
    });
  });

  it("refuses an empty state folder: `$UNSET` is not this folder", async () => {
    expect(await kiln("status", "--state-dir", "")).toMatchObject({
      ...{ exitCode: 2, err: "error: `--state-dir` needs a folder, not an empty text\n" },
    });
  });

  it("refuses flags that are not done yet by name", async () => {
    expect((await kiln("run", "--watch", "/")).err).toBe(
      "error: `--watch` is not in this version of Kiln yet\n  fix: leave it away; `kiln help run` lists what there is\n",
    );
  });

  it("refuses an engine that does not work here with exit code 4, before anything starts", async () => {
    const why = "no engine answers";
    const fix = ["start it"];
    const kiln = { engineFor: async () => err({ message: "the engine `podman` is not available here", why, fix }) };
    const refused = await requireEngine(kiln, "aws/codebuild/standard:7.0").catch((error: unknown) => error);
    expect(refused).toMatchObject({
      exitCode: 4,
      code: "KILN_E_ENGINE",
      message: "the engine `podman` is not available here",
      why,
      fix,
    });
  });

  it("names the commands of a group that needs one", async () => {
    expect((await kiln("builds")).err).toBe(
      "error: `kiln builds` needs one of its commands: `ls`, `show`, `logs`, `reports`, `events`, `stop`, `retry`\n  fix: `kiln help builds` says what each does\n",
    );
  });

  it("names the commands of a group in a group", async () => {
    expect((await kiln("registry", "accounts")).err).toMatch(
      /^error: `kiln registry accounts` needs one of its commands: `ls`, .*\n {2}fix: `kiln help registry accounts` says what each does\n$/,
    );
  });

  it("has help for a command of a group", async () => {
    const { out, exitCode } = await kiln("help", "iam", "can");
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^Usage: kiln iam can \[options\] <who> <action> \[resource\.\.\.\]\n/);
  });

  it("has no help for a command that does not exist", async () => {
    const { err, exitCode } = await kiln("help", "nope");
    expect(exitCode).toBe(2);
    expect(err).toBe("error: unknown command `nope`\n  fix: `kiln help` lists the commands\n");
  });

  it("refuses commands that are not written yet by name", async () => {
    expect((await kiln("init")).err).toBe(
      "error: `init` is not in this version of Kiln yet\n  fix: `kiln help` lists the commands there are\n",
    );
  });

  it("names git, where a commit is asked for and there is none", async () => {
    const io = memoryIo({ cwd: "/", env: { PATH: "/nowhere" } });
    expect(await runCli(["run", "--source", "head", "/"], io)).toBe(4);
    expect(io.complained()).toBe(
      "error: `--source head` names a commit, which needs git, and there is no `git` on PATH\n  fix: install git\n  fix: or leave --source away: the files are taken as they are\n",
    );
  });

  it("refuses an image mapping without the other image", async () => {
    expect((await kiln("run", "-P", "aws/codebuild/standard:7.0=", "/")).err).toBe(
      "error: -P expects IMAGE=OTHER, not `aws/codebuild/standard:7.0=`\n",
    );
  });

  it("refuses a name that no variable can have", async () => {
    expect((await kiln("run", "-e", "1A=b", "/")).err).toBe(
      "error: `1A` is not a name of a variable\n  why: a name has letters, digits and `_`, and does not begin with a digit\n",
    );
  });

  it("refuses an account id that is none", async () => {
    expect((await kiln("env", "--account", "12")).err).toBe(
      "error: `12` is not an account id\n  why: an AWS account id has 12 digits\n",
    );
  });
});

describe("help and version", () => {
  it("prints help with exit code 0 and an example for each command", async () => {
    const { out, exitCode } = await kiln("help");
    expect(exitCode).toBe(0);
    for (const command of ["run", "check", "plan", "explain", "policy", "builds", "params", "start", "env", "doctor"]) {
      expect(out).toMatch(new RegExp(`^ {2}${command}\\b`, "m"));
      expect((await kiln(command, "--help")).exitCode).toBe(0);
    }
    expect((await kiln("check", "--help")).out).toContain("Example:\n  kiln check --fix\n");
  });

  it("prints the version", async () => {
    expect((await kiln("--version")).out).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(JSON.parse((await kiln("version", "-o", "json")).out)).toMatchObject({ node: process.versions.node });
  });

  it("names the next commands where there is no buildspec", async () => {
    const { out, exitCode } = await kiln();
    expect(exitCode).toBe(0);
    expect(out).toContain("There is no buildspec.yml here. Next:\n");
    expect(JSON.parse((await kiln("-o", "json")).out)).toMatchObject({ buildspec: null });
  });
});

describe("renderError", () => {
  it("prints message, why and fix of a KilnError", () => {
    const error = new KilnError({
      code: "KILN_E_PORT_IN_USE",
      message: "port `4566` is in use",
      why: "another program listens on it",
      fix: ["kiln start --port 0"],
      exitCode: 4,
    });
    expect(renderError(error, [], {})).toMatchObject({
      text: "error: port `4566` is in use\n  why: another program listens on it\n  fix: kiln start --port 0",
      exitCode: 4,
    });
  });

  it("prints an AWS error with its code and where to look", () => {
    const denied = awsError({
      code: "AccessDeniedException",
      status: 400,
      fault: "client",
      source: "",
      message: () => "User: x is not authorized to perform: y",
    });
    const error = denied() as AwsError;
    error.requestId = "r-1";
    expect(renderError(error, [], {}).text).toBe(
      "error: an AWS call failed (AccessDeniedException): User: x is not authorized to perform: y\n  fix: see each policy that was asked: kiln explain r-1",
    );
  });

  it("names no decision where no policy was asked", async () => {
    const folder = mkdtempSync(join(tmpdir(), "kiln-run-cli-"));
    try {
      expect(await kiln("params", "put", "/aws/x", "v", "--state-dir", folder)).toMatchObject({
        exitCode: 1,
        err: "error: an AWS call failed (AccessDeniedException): No access to reserved parameter name: aws/x.\n",
      });
      expect(await kiln("params", "put", "/x", "v", "--secure", "--plain", "--state-dir", folder)).toMatchObject({
        exitCode: 2,
        err: "error: `--secure` and `--plain` do not go together\n  fix: say one of them\n",
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("prints what lies behind an internal failure when the state could not be written", () => {
    const full = new KilnError({ code: "KILN_E_STATE_FOLDER_FULL", message: "no space left", exitCode: 4 });
    const failure = awsError({ code: "InternalFailure", status: 500, fault: "server", source: "", message: () => "x" });
    const error = Object.assign(failure(), { cause: full });
    expect(renderError(error, [], {})).toMatchObject({ text: "error: no space left", exitCode: 4 });
  });

  it("calls anything else a bug, without arguments and without a stack", () => {
    const { text, exitCode } = renderError(new TypeError("x is not a function"), ["run", "-p", "PW=secret"], {});
    expect(exitCode).toBe(70);
    expect(text).toContain("error: this is a bug in Kiln: TypeError: x is not a function\n");
    expect(text).not.toContain("secret");
    expect(text).not.toContain("    at ");
  });

  it("explains a full disk", () => {
    const full = Object.assign(new Error("ENOSPC"), { code: "ENOSPC", path: "/state/kiln.db" });
    expect(renderError(full, [], {})).toMatchObject({
      text: "error: no space left on the disk `/state/kiln.db`\n  fix: free some space, or choose another folder with --state-dir",
      exitCode: 4,
    });
  });
});
