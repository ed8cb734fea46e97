/** `run-as`, with a scripted engine and, as root, with real users of this machine. */
import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { phaseLine, testBuild } from "../../../../test/support/run-test-build.ts";
import { createFakeEngine, createHostEngine } from "../../../engines/index.ts";

const spec = (runAs: string, commands: readonly string[]): string =>
  `version: 0.2\nphases:\n  build:\n    run-as: ${runAs}\n    commands:\n${lines(commands)}    finally: [clean]\n`;
const lines = (commands: readonly string[]): string => commands.map((c) => `      - ${JSON.stringify(c)}\n`).join("");

describe("run-as", () => {
  it("of the phase wins over the global one, and root is the engine's own user", async () => {
    const engine = createFakeEngine();
    await testBuild({
      engine,
      buildspec:
        "version: 0.2\nrun-as: someone\nphases:\n  install:\n    commands: [one]\n  build:\n    run-as: other\n    commands: [two]\n  post_build:\n    run-as: root\n    commands: [three]\n",
    });
    expect(engine.commands.map((command) => [command.script.split("\n")[3], command.user])).toEqual([
      ["one", "someone"],
      ["two", "other"],
      ["three", undefined],
    ]);
  });

  it("fails the phase before its first command when there is no such user", async () => {
    const engine = createFakeEngine([], { ghost: { kind: "unknown" } });
    const { result, notices } = await testBuild({ engine, buildspec: spec("ghost", ["make it"]) });
    expect(phaseLine(result)).toContain("BUILD:FAILED POST_BUILD:SUCCEEDED");
    expect(result.phases.find((phase) => phase.phaseType === "BUILD")?.contexts).toEqual([
      {
        statusCode: "COMMAND_EXECUTION_ERROR",
        message: "Error while executing command: make it. Reason: user: unknown user ghost",
      },
    ]);
    expect(notices).toContain("`run-as: ghost` names a user that is not there; commands run as nobody else instead");
    expect(engine.commands).toEqual([]);
  });

  it("says how to get the user of CodeBuild's images", async () => {
    const engine = createFakeEngine([], { "codebuild-user": { kind: "unknown" } });
    const { notices } = await testBuild({ engine, buildspec: spec("codebuild-user", ["true"]) });
    expect(notices).toContain(
      "`run-as: codebuild-user` is the user of CodeBuild's images, and this machine has none of that name; make it with `useradd --create-home codebuild-user`, or remove `run-as`",
    );
  });

  it("never runs as somebody else when it has not the rights", async () => {
    const engine = createFakeEngine([], { daemon: { kind: "not-permitted", runsAs: "alice" } });
    const { result, notices } = await testBuild({ engine, buildspec: spec("daemon", ["make it"]) });
    expect(result.phases.find((phase) => phase.phaseType === "BUILD")?.contexts?.[0]?.message).toBe(
      "Error while executing command: make it. Reason: user daemon: operation not permitted",
    );
    expect(notices).toContain(
      "`run-as: daemon` needs root, and Kiln runs as `alice`; run Kiln as root, or remove `run-as`",
    );
    expect(engine.commands).toEqual([]);
  });
});

const isRoot = process.getuid?.() === 0 && process.platform === "linux";
if (!isRoot) process.stderr.write("run-as on the host engine: skipped, it needs root on Linux\n");

describe.runIf(isRoot)("run-as on the host engine", () => {
  const engine = createHostEngine({ graceMs: 100 });
  const daemon = execFileSync("id", ["-u", "daemon"], { encoding: "utf8" }).trim();

  it("runs as that user with its groups, carries state from and to root, and reads the sources", async () => {
    const { result, log } = await testBuild({
      engine,
      buildspec: `version: 0.2
phases:
  pre_build:
    commands: ['X=from-root; echo text > file; mkdir -p sub && chmod 700 sub; cd sub']
  build:
    run-as: daemon
    commands:
      - 'echo "as $(id -u) $(id -G) $X \${PWD##*/} $(cat "$CODEBUILD_SRC_DIR/file")"; cd ..; Y=from-user'
      - 'echo to-err > /dev/stderr; touch "$HOME/mine" "$TMPDIR/mine" && echo written; touch file2 2>/dev/null || echo read and run only'
  post_build:
    commands: ['echo "as $(id -u) $X $Y \${PWD##*/}"']
`,
    });
    expect(log).toContain(`\nas ${daemon} ${daemon} from-root sub text\n`);
    expect(log).toContain("\nto-err\nwritten\nread and run only\n");
    expect(log).toContain(`\nas ${process.getuid?.()} from-root from-user src\n`);
    expect(result.buildStatus).toBe("SUCCEEDED");
  });

  it("keeps the saved environment from everybody else", async () => {
    const { log } = await testBuild({
      engine,
      role: { GetParameters: () => ({ Parameters: [{ Name: "/p", Value: "very-secret" }] }) },
      buildspec: `version: 0.2
env:
  parameter-store:
    P: /p
phases:
  pre_build:
    run-as: daemon
    commands: ['true']
  build:
    run-as: nobody
    commands: ['true']
  post_build:
    commands:
      - 'cd "$CODEBUILD_SRC_DIR/../../../.."; stat -c "%a %U %n" shell'
      - 'setpriv --reuid=daemon --clear-groups cat shell/env.sh 2>&1 | sed "s/.*: //"'
`,
    });
    expect(log).toContain("\n700 nobody shell\n");
    expect(log).toContain("\nPermission denied\n");
  });

  it("fails for a user that is not there", async () => {
    const { result } = await testBuild({ engine, buildspec: spec("no-such-user-here", ["true"]) });
    expect(result.phases.find((phase) => phase.phaseType === "BUILD")?.contexts?.[0]?.message).toBe(
      "Error while executing command: true. Reason: user: unknown user no-such-user-here",
    );
  });

  it("ends what the user left running", async () => {
    // Of this run: others may go on beside it.
    const left = `sleep 3107${String(process.pid).padStart(7, "0")}`;
    await testBuild({ engine, buildspec: spec("daemon", [`setsid -f ${left}`]).replace("finally: [clean]", "") });
    expect(() => execFileSync("pgrep", ["-f", left])).toThrow();
  });
});
