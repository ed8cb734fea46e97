import { describe, expect, it } from "vitest";
import { parseBuildspec } from "../../build/buildspec/index.ts";
import { lineIndex } from "../line-index.ts";
import { readCommands } from "./read-commands.ts";
import type { ShellCommand, ShellModel } from "./shell-model.ts";

/** The model of one phase with these commands; each is a literal block. */
function model(commands: readonly string[], files: Readonly<Record<string, string>> = {}, head = ""): ShellModel {
  const items = commands.map((text) => `      - |\n${text.replace(/^/gm, "        ")}\n`).join("");
  const text = `version: 0.2\n${head}phases:\n  build:\n    commands:\n${items}`;
  const { buildspec } = parseBuildspec(text, "buildspec.yml");
  if (!buildspec) throw new Error("no buildspec");
  return readCommands({
    buildspec,
    project: {},
    parameters: undefined,
    spanOf: lineIndex("buildspec.yml", text).spanOf,
    isFolder: () => true,
    readText: (path) => files[path],
  });
}

const line = ({ name, args }: ShellCommand): string => [name, ...args.map(({ symbol }) => symbol)].join(" ");
const lines = (shell: ShellModel): string[] => shell.everyCommand.map(line);
const lost = (text: string): Record<string, string | undefined> =>
  Object.fromEntries(model([text]).everyCommand.map((command) => [command.name ?? "", command.lost]));

describe("what is followed", () => {
  it("a function where it is called, with its arguments", () => {
    expect(lines(model(['f() { docker push "$1:$2"; }\nf app 1\nf web 2']))).toEqual([
      "f app 1",
      "docker push app:1",
      "f web 2",
      "docker push web:2",
    ]);
  });

  it("no function in a later command, where it is gone", () => {
    expect(lines(model(["f() { echo a; }", "f"]))).toEqual(["f"]);
  });

  it("a function that calls itself, once", () => {
    expect(lines(model(["f() { echo a; f; }\nf"]))).toEqual(["f", "echo a", "f"]);
  });

  it("bash -c, eval and what wrappers run", () => {
    expect(lines(model(["sudo -E timeout 5 bash -ec 'npm test; true'", "CMD='docker ps'\neval $CMD"]))).toEqual([
      "bash -ec npm test; true",
      "npm test",
      "true",
      "eval docker ps",
      "docker ps",
    ]);
  });

  it("case, loops and conditions, each once and conditional", () => {
    const shell = model(["case $X in a) cmd1;; *) cmd2;; esac\nfor i in 1 2; do cmd3; done\nif cmd4; then cmd5; fi"]);
    expect(shell.commands.map(({ name, isConditional }) => [name, isConditional])).toEqual([
      ["cmd1", true],
      ["cmd2", true],
      ["cmd3", true],
      ["cmd4", false],
      ["cmd5", true],
    ]);
  });

  it("commands in substitutions, but no text of here-documents", () => {
    expect(lines(model(["X=$(git describe)\ncat <<EOF\nrm -rf /\nEOF"]))).toEqual(["git describe", "cat"]);
  });

  it("a script of the tree: arguments, place, and what it leaves behind", () => {
    const shell = model(["cd ci && ./build.sh web", "pwd"], {
      "ci/build.sh": "#!/bin/sh\ncd /tmp\ndocker build -t $1 .\n",
    });
    const build = shell.everyCommand.find(({ name }) => name === "docker");
    expect(build && line(build)).toBe("docker build -t web .");
    expect(build?.script).toMatchObject({ file: "ci/build.sh", span: { line: 3, column: 1 } });
    expect(build?.span.line).toBe(6);
    expect(shell.commands.map(({ name }) => name)).toEqual(["cd", "./build.sh", "pwd"]);
    expect(shell.everyCommand.at(-1)?.directory).toBe("ci");
  });

  it("a sourced file changes the shell that sources it", () => {
    const shell = model([". ./env.sh\ncmd $NAME"], { "env.sh": "NAME=web\n" });
    expect(shell.everyCommand.at(-1)?.args[0]?.text).toBe("web");
  });

  it("`cd` to a script's own folder", () => {
    const shell = model(["bash tools/x.sh"], { "tools/x.sh": 'cd "$(dirname "$0")"\nls\n' });
    expect(shell.everyCommand.at(-1)?.directory).toBe("tools");
  });

  it("an npm script, with its place in package.json", () => {
    const shell = model(["npm run release"], {
      "package.json": '{\n  "scripts": { "release": "docker push me/app" }\n}\n',
    });
    const push = shell.everyCommand.at(-1);
    expect(push && line(push)).toBe("docker push me/app");
    expect(push?.script?.span).toMatchObject({ file: "package.json", line: 2 });
  });

  it("neither other languages nor what bash cannot read", () => {
    const files = { "a.py": "#!/usr/bin/env python3\nif x:\n  y()\n", "b.sh": "if then\n" };
    expect(lines(model(["./a.py", "./b.sh"], files))).toEqual(["./a.py", "./b.sh"]);
  });

  it("nothing of a Windows build", () => {
    const shell = model(["Get-ChildItem"], {}, "env:\n  shell: powershell.exe\n");
    expect([shell.dialect, shell.commands.length, shell.problems.length]).toEqual(["windows", 0, 0]);
  });

  it("scripts that call scripts that call scripts, as far as that can be read", () => {
    const files = Object.fromEntries(
      Array.from({ length: 8 }, (_, at) => [`s${at}.sh`, `./s${at + 1}.sh\n`.repeat(40)] as const),
    );
    const { everyCommand } = model(["./s0.sh"], files);
    expect(everyCommand.length).toBeGreaterThan(20_000);
    expect(everyCommand.length).toBeLessThan(22_000);
  });
});

describe("what becomes of a failure", () => {
  it.each([
    ["a\nb", { a: "sequence", b: undefined }],
    ["set -e\na\nb", { set: "sequence", a: undefined, b: undefined }],
    ["a && b", { a: undefined, b: undefined }],
    ["a | b", { a: "pipe", b: undefined }],
    ["set -o pipefail; a | b", { set: "sequence", a: undefined, b: undefined }],
    ["a || true", { a: "or-true", true: undefined }],
    ["a || exit 1", { a: undefined, exit: undefined }],
    ["a || { echo no; exit 1; }", { a: undefined, echo: "sequence", exit: undefined }],
    ["a &", { a: "background" }],
    ["a\ns=$?\nexit $s", { a: undefined, exit: undefined }],
    ["X=$(a)", { a: undefined }],
    ["export X=$(a)", { a: "substitution", export: undefined }],
    ["for i in 1 2; do a; done", { a: "loop" }],
    ["set -e\na && b\nc", { set: "sequence", a: "sequence", b: undefined, c: undefined }],
    ["f() { a; b; }; f", { f: undefined, a: "sequence", b: undefined }],
    ["(set -e; a; b)", { set: "sequence", a: undefined, b: undefined }],
    ["if a; then b; fi", { a: undefined, b: undefined }],
    ["trap 'exit 1' ERR\na\nb", { trap: "sequence", a: undefined, b: undefined }],
  ])("%s", (text, expected) => {
    expect(lost(text)).toEqual(expected);
  });

  it("set -e of one command does not hold in the next", () => {
    const shell = model(["set -e", "a\nb"]);
    expect(shell.commands.find(({ name }) => name === "a")?.lost).toBe("sequence");
  });
});

describe("symbols", () => {
  const symbolOfLast = (text: string) => model([text]).everyCommand.at(-1)?.args[0]?.symbol;

  it("are what a variable was made of", () => {
    expect(symbolOfLast('IMAGE="${REG}/app"\nFULL=$IMAGE:$TAG\ncmd $FULL')).toBe("${REG}/app:${TAG}");
  });

  it("differ after a branch has changed the variable", () => {
    const shell = model(["use $TAG\nif x; then TAG=b; fi\nuse $TAG"]);
    const [before, after] = shell.commands.filter(({ name }) => name === "use").map(({ args }) => args[0]?.symbol);
    expect(before).toBe("${TAG}");
    expect(after).toMatch(/^\$\{TAG@\d+\}$/);
  });

  it("of texts that double and double end somewhere", () => {
    const doubled = (start: string) => `${start}\n${"A=$A$A\n".repeat(60)}use $A\nB=$A\nuse $A$B`;
    for (const start of ["A=text", "A=$UNKNOWN", "A=text\nA+=$A"]) {
      const used = model([doubled(start)]).everyCommand.filter(({ name }) => name === "use");
      expect(used.map(({ args }) => args[0]?.text)).toEqual([undefined, undefined]);
      expect(used.every(({ args }) => (args[0]?.symbol.length ?? 0) < 50_000)).toBe(true);
    }
  });

  it("keep what an operator does to an unknown value", () => {
    expect(symbolOfLast("A=${B:-x}\ncmd ${A#y}")).toBe("${${${B}:-x}#y}");
  });
});
