/** Commands that failed. */
import { describe } from "vitest";
import { BUILD_SPEC, explains, make } from "../../../test/support/explain-cases.ts";

describe("causes: commands", () => {
  explains([
    {
      ...make,
      exitStatus: 127,
      output: ["/codebuild/output/tmp/script.sh: 4: make: not found"],
      code: "commands/not-found",
      line: 8,
      cause: "the command `make` is not installed where the build runs",
    },
    {
      ...make,
      exitStatus: 127,
      output: ["/codebuild/output/tmp/script.sh: line 4: make: command not found"],
      code: "commands/not-found",
      cause: "the command `make` is not installed where the build runs",
    },
    {
      ...make,
      exitStatus: 127,
      output: ["/codebuild/output/tmp/script.sh: 4: [[: not found"],
      code: "commands/bash-syntax-under-sh",
      cause: "`[[` is bash's, but the command runs under `sh`",
      next: "set `shell: bash` under `env` of the buildspec",
    },
    {
      ...make,
      output: ['/codebuild/output/tmp/script.sh: 4: Syntax error: "(" unexpected'],
      code: "commands/bash-syntax-under-sh",
      cause: "the command uses syntax of bash, but runs under `sh`",
    },
    {
      ...make,
      exitStatus: 2,
      output: ["/codebuild/output/tmp/script.sh: 4: cd: can't cd to app"],
      files: ["services/app/main.py"],
      code: "files/not-found",
      cause:
        "the folder `app` is not in the root of the source, where the command runs; the nearest path is `services/app`",
    },
    {
      ...make,
      directory: "sub",
      output: ["cat: conf/a.ini: No such file or directory"],
      files: ["conf/a.ini", "sub/x"],
      code: "files/not-found",
      cause: "the file `conf/a.ini` is not in `sub`, where the command runs; the nearest path is `conf/a.ini`",
      next: "use `../conf/a.ini` instead of `conf/a.ini`",
    },
    {
      ...make,
      output: ["cat: secret.env: No such file or directory"],
      files: ["a"],
      ignored: ["secret.env"],
      code: "files/not-found",
      cause: "the file `secret.env` exists here, but git ignores it, so the build does not get it",
    },
    {
      ...make,
      output: [
        "COPY failed: file not found in build context or excluded by .dockerignore: stat requirements.txt: file does not exist",
      ],
      files: ["app/requirements.txt"],
      code: "files/not-found",
      cause:
        "the file `requirements.txt` is not in the build context of `docker build`; `app/requirements.txt` is in the source",
    },
    {
      ...make,
      exitStatus: 137,
      code: "build/out-of-memory",
      cause: "the command was killed (exit status 137): most often because memory ran out",
    },
    {
      ...make,
      exitStatus: 6,
      output: ["curl: (6) Could not resolve host: get.example.com"],
      code: "network/name-not-resolved",
      line: 8,
      cause:
        "the host name `get.example.com` does not resolve: there is no network where the build runs, or no such host",
    },
    {
      ...make,
      exitStatus: 1,
      output: ["NewConnectionError: [Errno -2] Name or service not known')': /simple/flask/", "ERROR: No matching"],
      code: "network/name-not-resolved",
      cause: "the name of a host does not resolve: there is no network where the build runs, or no such host",
    },
    {
      ...make,
      exitStatus: 1,
      output: ["md5sum: /agent-v.tar: No such file or directory"],
      code: "files/not-found",
      cause: "the file `/agent-v.tar` does not exist where the build runs",
    },
    {
      ...make,
      exitStatus: 2,
      output: ["error: file not found: src/Main.java"],
      code: "files/not-found",
      cause: "the file `src/Main.java` is not in the root of the source, where the command runs",
    },
    {
      ...make,
      exitStatus: 3,
      output: ["1 test failed"],
      code: "commands/exit-status",
      line: 8,
      cause: "a command ended with exit status 3: `make all`",
      next: "its last lines are above; the whole log: `kiln builds logs`",
    },
    {
      phase: "BUILD",
      buildspec: BUILD_SPEC.replace("  build:\n", "  build:\n    run-as: ci\n"),
      statusCode: "COMMAND_EXECUTION_ERROR",
      message: "Error while executing command: make all. Reason: user: unknown user ci",
      code: "run-as/unknown-user",
      line: 7,
      cause: "`run-as: ci` names a user that does not exist where the build runs",
    },
    {
      phase: "BUILD",
      buildspec: BUILD_SPEC.replace("phases:\n", "run-as: codebuild-user\nphases:\n"),
      statusCode: "COMMAND_EXECUTION_ERROR",
      message: "Error while executing command: make all. Reason: user: unknown user codebuild-user",
      code: "run-as/unknown-user",
      line: 2,
      cause: "`run-as: codebuild-user` names a user that does not exist where the build runs",
      fix: "make the user on this machine",
    },
    {
      phase: "BUILD",
      statusCode: "COMMAND_EXECUTION_ERROR",
      message: "Error while executing command: make all. Reason: user ci: operation not permitted",
      code: "run-as/needs-root",
      cause: "`run-as: ci` needs Kiln to run as root: nobody else may become another user",
      next: "run Kiln as root (`sudo kiln run`), or as `ci`, or take `run-as` out for now",
    },
  ]);
});
