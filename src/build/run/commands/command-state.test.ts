/** What one command leaves to the next, row by row, under real shells; and the fresh shells of version 0.1. */
import { describe, expect, it } from "vitest";
import { testBuild } from "../../../../test/support/run-test-build.ts";
import { createHostEngine } from "../../../engines/index.ts";
import type { BuildEvent } from "../events.ts";

const engine = createHostEngine({ graceMs: 100 });

describe.each(["sh", "bash"])("between commands under %s", (shell) => {
  const run = async (commands: readonly string[], version = "0.2") => {
    const { events, result } = await testBuild({ engine, buildspec: spec(commands, shell, version) });
    return { output: outputOf(events), status: result.buildStatus, result };
  };

  it.each([
    [
      "an exported value with quotes, newlines and unicode",
      `export V='a "b"'"'"'s'\nexport W='x\ny ü 漢 $(no) \`no\` \\n'`,
      `printf '%s|%s\\n' "$V" "$W"`,
      `a "b"'s|x\ny ü 漢 $(no) \`no\` \\n\n`,
    ],
    ["a plain assignment", "X=1", 'echo "$X"', "1\n"],
    ["a directory", "mkdir -p 'a b/c' && cd 'a b/c'", 'echo "${PWD##*/}"', "c\n"],
    ["the directory to go back to", "mkdir -p d && cd d && cd ..", 'cd - >/dev/null; echo "${PWD##*/}"', "d\n"],
    ["a changed PATH", "PATH=/nowhere:$PATH", 'echo "${PATH%%:*}"', "/nowhere\n"],
    ["a changed IFS", "IFS=,", "x=a,b; set -- $x; echo $#", "2\n"],
    ["an IFS of digits does not change the status", "IFS=1; (exit 0)", "echo ok", "ok\n"],
    ["what was unset stays unset", "unset CODEBUILD_CI; unset GIVEN", 'echo "[${CODEBUILD_CI-}][${GIVEN-}]"', "[][]\n"],
    ["the last status", "true; (exit 0)", 'echo "$CODEBUILD_LAST_EXIT"', "0\n"],
  ])("carries over %s", async (_name, first, second, expected) => {
    const { output, status } = await run([first, second]);
    expect(output).toBe(expected);
    expect(status).toBe("SUCCEEDED");
  });

  it.each([
    ["functions", "f() { echo here; }", "command -v f || echo gone", "gone\n"],
    ["aliases", "alias ll='echo here'", "alias ll 2>/dev/null || echo gone", "gone\n"],
    ["set -e", "set -e", "false; echo still", "still\n"],
    ["traps", "trap 'echo trapped' EXIT; true", "echo only", "trapped\nonly\n"],
    ["the umask", "umask 077", "umask | grep -q 077 && echo kept || echo gone", "gone\n"],
  ])("does not carry over %s", async (_name, first, second, expected) => {
    expect((await run([first, second])).output).toBe(expected);
  });

  it("loses the state of a command that calls exit, and keeps the one before", async () => {
    const { output, status } = await run(["X=1; mkdir d; cd d", "X=2; cd ..; exit 0", 'echo "$X ${PWD##*/}"']);
    expect(output).toBe("1 d\n");
    expect(status).toBe("SUCCEEDED");
  });

  it("fails with the status of exit, and of the last part of a pipeline only", async () => {
    expect((await run(["exit 3"])).result.phases.find((p) => p.phaseType === "BUILD")?.contexts).toEqual([
      {
        statusCode: "COMMAND_EXECUTION_ERROR",
        message: "Error while executing command: exit 3. Reason: exit status 3",
      },
    ]);
    expect((await run(["false | true"])).status).toBe("SUCCEEDED");
  });

  it("does not let a backslash at the end swallow the status", async () => {
    expect((await run(["false \\"])).status).toBe("FAILED");
  });

  it("kills background jobs at the end of their command, unless under nohup", async () => {
    const { output } = await run([
      // `nohup` has to have come to ignoring.
      "(sleep 0.3; touch plain) & (nohup sh -c 'touch begun; sleep 0.1; touch kept' >/dev/null 2>&1 &); until [ -e begun ]; do sleep 0.01; done",
      "until [ -e kept ]; do sleep 0.05; done; sleep 0.5; rm begun; ls",
    ]);
    expect(output).toBe("kept\n");
  });

  it("gives commands no terminal and nothing to read", async () => {
    expect((await run(["test -t 0 || echo no terminal; cat"])).output).toBe("no terminal\n");
  });

  it("goes on in another directory, with the shell's own words, when the saved one is gone", async () => {
    const { output, status } = await run(["mkdir d; cd d; rmdir ../d", 'pwd -P; test -d "$CODEBUILD_SRC_DIR"']);
    expect(output).toMatch(/script\.sh: (?:line )?1: cd: /);
    expect(output).toMatch(/\/codebuild\/readonly\n$/);
    expect(status).toBe("SUCCEEDED");
  });

  it("survives a PATH that leads nowhere, and still evaluates exported variables", async () => {
    const { result } = await testBuild({
      engine,
      buildspec: `version: 0.2\nenv:\n  shell: ${shell}\n  exported-variables: [TAG]\nphases:\n  build:\n    commands: ['PATH=/nowhere', 'TAG=v1', 'echo fine']\n`,
    });
    expect(result.buildStatus).toBe("SUCCEEDED");
    expect(result.exportedVariables).toEqual([{ name: "TAG", value: "v1" }]);
  });

  it("starts every command afresh in version 0.1", async () => {
    const { output } = await run(["X=1; export Y=2; mkdir d; cd d", 'echo "[${X-}][${Y-}] $GIVEN"; ls -d d'], "0.1");
    expect(output).toBe("[][] given\nd\n");
  });
});

it("passes over breakpoints: there is no session to debug in", async () => {
  const { result } = await testBuild({ engine, buildspec: spec(["codebuild-breakpoint", "codebuild-resume"], "sh") });
  expect(result.buildStatus).toBe("SUCCEEDED");
});

describe("under bash", () => {
  const run = async (commands: readonly string[]) =>
    outputOf((await testBuild({ engine, buildspec: spec(commands, "bash") })).events);

  it("readonly variables stay so", async () => {
    expect(await run(["readonly R=1", "(R=2) 2>/dev/null || echo no", "echo $R"])).toBe("no\n1\n");
  });

  it("export -n takes a variable out of what is carried over", async () => {
    expect(await run(["A=1; export -n A", 'echo "[${A-}]"'])).toBe("[]\n");
  });

  it("exported functions live as long as their command", async () => {
    expect(await run(["f() { echo in; }; export -f f; bash -c f", "type f 2>/dev/null || echo gone"])).toBe(
      "in\ngone\n",
    );
  });

  it("arrays and options are not carried over", async () => {
    expect(
      await run(["a=(1 2); set -o pipefail; shopt -s extglob", 'echo "${a[1]-none}"; false | true; echo $?']),
    ).toBe("none\n0\n");
  });
});

const spec = (commands: readonly string[], shell: string, version = "0.2"): string => {
  const variables = version === "0.1" ? "environment_variables:\n  plaintext:\n    GIVEN: given\n" : "";
  const env = version === "0.1" ? "" : `env:\n  shell: ${shell}\n  variables:\n    GIVEN: given\n`;
  const lines = commands.map((text) => `      - ${JSON.stringify(text)}\n`).join("");
  return `version: ${version}\n${variables}${env}phases:\n  build:\n    commands:\n${lines}`;
};

/** What the commands printed, without the empty line after each command. */
function outputOf(events: readonly BuildEvent[]): string {
  let text = "";
  let lines: string[] = [];
  for (const event of events) {
    if (event.type === "command-started") lines = [];
    if (event.type === "log" && event.kind === "output") lines.push(event.text);
    if (event.type === "command-finished")
      text += lines
        .slice(0, -1)
        .map((line) => `${line}\n`)
        .join("");
  }
  return text;
}
