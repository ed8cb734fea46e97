/** Commands whose tool says why it failed: the tool's sentence, the user's file, what followed. */
import { describe, expect, it } from "vitest";
import { factsOf } from "../../../test/support/build-facts.ts";
import { explains, make } from "../../../test/support/explain-cases.ts";
import { toolOutput } from "../../../test/support/tool-outputs.ts";
import { explainBuild } from "../index.ts";

/** A recorded output as that of `make all`. */
const printed = (id: string) => {
  const { lines, exitStatus } = toolOutput(id);
  return { ...make, output: [...lines], exitStatus };
};

describe("causes: tools", () => {
  explains([
    {
      ...printed("make/recursive-pytest"),
      files: ["Makefile", "svc/test_a.py"],
      code: "commands/tool-failed",
      line: 2,
      cause: "the test `test_a.py::test_a` failed: `AssertionError: assert 'A' == 'a'`",
      next: "run this test by hand, then correct the code or the test",
    },
    {
      ...printed("npm/ci-lock-out-of-sync"),
      code: "commands/tool-failed",
      line: 8,
      cause: "package-lock.json does not fit package.json: Missing: is-odd@3.0.1 from lock file (and 1 more)",
      commands: ["npm install", "git add package-lock.json"],
      next: "commit what it changes, and start the build again",
    },
    {
      ...printed("terraform/undeclared"),
      files: ["main.tf"],
      code: "commands/tool-failed",
      line: 2,
      cause:
        'terraform: Reference to undeclared input variable: An input variable with the name "stage" has not been declared. This variable can be declared with a variable "stage" {} block',
      next: "correct `main.tf`",
    },
    {
      ...printed("pytest/conftest-error"),
      code: "commands/tool-failed",
      cause: "pytest could not load the tests: python ended with `KeyError: 'DATABASE_URL'`",
      next: "if it is an environment variable: set `DATABASE_URL` under `env.variables` or in the project",
    },
    {
      ...printed("docker/buildkit-pip-inside"),
      command: "docker build .",
      code: "docker/step-failed",
      cause:
        "the step `RUN pip install --no-index -r requirements.txt` ended with exit code 1: pip finds no package `flsk==2.0`",
    },
    {
      ...printed("docker/buildkit-newer"),
      command: "docker build .",
      code: "docker/step-failed",
      cause:
        "the step `RUN npm ci` (Dockerfile:4) ended with exit code 1: package-lock.json does not fit package.json: Missing: express@4.19.2 from lock file",
    },
    {
      // A missing file that a failing test mentions is not the cause.
      ...make,
      output: [
        ...toolOutput("pytest/assertion").lines,
        "FileNotFoundError: [Errno 2] No such file or directory: 'optional.json'",
      ],
      code: "commands/tool-failed",
      cause: "the test `tests/test_orders.py::test_discount` failed: `assert 10.0 == 90` (and 1 more)",
    },
  ]);

  it("names the user's file, and the command as what followed", () => {
    const input = { ...printed("make/recursive-pytest"), files: ["Makefile", "svc/test_a.py"] };
    expect(explainBuild(factsOf(input))).toMatchObject({
      file: "svc/test_a.py",
      line: 2,
      confidence: "likely",
      evidence: [
        "____________________________________ test_a ____________________________________",
        ">       assert 'a'.upper() == 'a'",
        "E       AssertionError: assert 'A' == 'a'",
        "E",
        "test_a.py:2: AssertionError",
      ],
      consequences: [
        "make target `test` (Makefile:3) failed because of it",
        "the command (buildspec.yml:8) ended with exit status 2",
      ],
    });
  });

  it("stays at the buildspec when the tool's file is not in the source, or more than one ends like it", () => {
    const absent = explainBuild(factsOf({ ...printed("tsc/errors"), files: ["README.md"] }));
    expect(absent).toMatchObject({ file: "buildspec.yml", line: 8, consequences: [] });
    const two = { ...printed("make/recursive-pytest"), files: ["a/test_a.py", "b/test_a.py"] };
    expect(explainBuild(factsOf(two)).file).toBe("buildspec.yml");
  });
});
