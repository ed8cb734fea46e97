/** Which of several failures in one output is the cause, and how noise around it is left out. */
import { describe, expect, it } from "vitest";
import { toolOutput } from "../../../test/support/tool-outputs.ts";
import { readToolFailure } from "./index.ts";

const linesOf = (id: string): readonly string[] => toolOutput(id).lines;
const read = (lines: readonly string[], command = "", exitStatus = 1) =>
  readToolFailure({ lines, command, exitStatus });

describe("the first cause", () => {
  it("is the first of two tools that failed one after the other", () => {
    const both = [...linesOf("pip/no-matching-distribution"), ...linesOf("python/module-not-found")];
    expect(read(both)?.headline).toBe("pip finds no package `flsk==99.0`");
  });

  it("is not a failure that a later attempt made good", () => {
    const retried = [...linesOf("npm/eresolve"), "added 12 packages in 3s", ...linesOf("tsc/errors")];
    expect(read(retried)?.tool).toBe("tsc");
  });

  it("is not an exception that a program logged and survived", () => {
    expect(read([...linesOf("python/logged-then-exit"), ...linesOf("zip/nothing-to-do")])?.tool).toBe("zip");
  });

  it("is the tool inside make inside a step of a Dockerfile", () => {
    const inner = linesOf("make/recursive-pytest").map((line, at) => `#9 1.${String(at).padStart(3, "0")} ${line}`);
    const build = [
      "#9 [4/4] RUN make test",
      ...inner,
      '#9 ERROR: process "/bin/sh -c make test" did not complete successfully: exit code: 2',
      "------",
      " > [4/4] RUN make test:",
      "------",
      "Dockerfile:9",
      "--------------------",
      'ERROR: failed to solve: process "/bin/sh -c make test" did not complete successfully: exit code: 2',
    ];
    expect(read(build)).toMatchObject({
      tool: "pytest",
      place: { file: "test_a.py", line: 2 },
      within: ["make target `test` (Makefile:3)", "docker build, step `RUN make test` (Dockerfile:9)"],
    });
  });

  it("is told from warnings, deprecations and progress", () => {
    const noise = [
      "npm warn deprecated glob@7.2.3: Glob versions prior to v9 are no longer supported",
      "npm warn EBADENGINE Unsupported engine { package: 'x' }",
      "DeprecationWarning: error handling changed",
      "Progress: 10%\rProgress: 60%\rProgress: 100%",
      "error-free since 2019",
    ];
    expect(read(noise)).toBeUndefined();
    expect(read([...noise, ...linesOf("tsc/errors")])?.place).toEqual({ file: "src/a.ts", line: 1, column: 7 });
  });

  it("is read through clocks, colours and the prefixes of parallel runners", () => {
    const stamped = linesOf("tsc/errors").map((line) => `2026-01-05T10:00:00.123Z \u001b[31m${line}\u001b[0m`);
    expect(read(stamped)).toMatchObject({ tool: "tsc", place: { file: "src/a.ts", line: 1 } });
    expect(read(stamped)?.lines[0]).toMatch(/^2026-01-05T10:00:00\.123Z src\/a\.ts/);
  });

  it("offers to fetch apt's package lists only where the command did not", () => {
    const lines = ["E: Unable to locate package jq"];
    expect(read(lines, "apt-get install -y jq", 100)?.fix?.commands).toEqual([
      "apt-get update && apt-get install -y jq",
    ]);
    expect(read(lines, "apt-get update && apt-get install -y jq", 100)?.fix).toBeUndefined();
  });

  it("offers to refresh a lock file that is out of date", () => {
    expect(read(linesOf("npm/ci-lock-out-of-sync"))?.fix).toEqual({
      kind: "command",
      title: "refresh the lock file and commit it",
      commands: ["npm install", "git add package-lock.json"],
    });
  });
});
