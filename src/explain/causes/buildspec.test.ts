/** Buildspecs that cannot be read, and runtimes that are not there. */
import { describe } from "vitest";
import { BUILD_SPEC, downloading, explains } from "../../../test/support/explain-cases.ts";

const BATCH_SPEC = `version: 0.2
batch:
  build-graph:
    - identifier: a
    - identifier: b
      depend-on: [c]
`;

describe("causes: buildspec", () => {
  explains([
    {
      ...downloading,
      statusCode: "YAML_FILE_ERROR",
      message: "YAML file does not exist",
      files: ["app.py", "buildspec.yaml"],
      code: "buildspec/missing",
      cause: "there is no `buildspec.yml` in the source; the nearest is `buildspec.yaml`",
    },
    {
      ...downloading,
      statusCode: "YAML_FILE_ERROR",
      message: "stat /codebuild/output/src1/src/ci/build.yml: no such file or directory",
      files: ["app.py"],
      code: "buildspec/missing",
      cause: "there is no `ci/build.yml` in the source",
      next: "create `ci/build.yml`, or name the file: `kiln run -b FILE`",
    },
    {
      ...downloading,
      statusCode: "YAML_FILE_ERROR",
      message:
        "Expected Commands[1] to be of string type: found subkeys instead at line 8, value of the key tag on line 7 might be empty",
      code: "buildspec/command-not-a-string",
      cause: "command 2 at line 8 is read as a mapping, not as text: it holds `: ` outside quotes",
    },
    {
      ...downloading,
      buildspec: BUILD_SPEC,
      statusCode: "YAML_FILE_ERROR",
      message:
        "Unknown runtime version named '3.7' of python. This build image has the following versions: 3.9, 3.10, 3.11",
      code: "runtime/unknown-version",
      line: 5,
      cause: "the build image has no `python` `3.7`; it has 3.9, 3.10, 3.11",
    },
    {
      ...downloading,
      statusCode: "YAML_FILE_ERROR",
      message: "mapping values are not allowed in this context at line 4",
      code: "buildspec/yaml-error",
      cause: "the buildspec cannot be read: mapping values are not allowed in this context at line 4",
    },
    {
      ...downloading,
      buildspec: BUILD_SPEC,
      statusCode: "YAML_FILE_ERROR",
      message: "Unknown runtime version named '3.7' of python. This build image has the following versions: ",
      code: "runtime/unknown-version",
      line: 5,
      cause: "there is no `python` where the build runs, so no version `3.7` of it",
    },
    {
      ...downloading,
      buildspec: BUILD_SPEC.replace('python: "3.7"', "node: 20"),
      statusCode: "YAML_FILE_ERROR",
      message:
        "Unknown runtime named 'node'. This build image has the following runtimes: dotnet, golang, java, nodejs, php, python, ruby",
      code: "runtime/unknown-name",
      line: 5,
      cause: "the build image has no runtime `node`; it is called `nodejs`",
      fix: "use `nodejs`",
    },
    {
      ...downloading,
      buildspec: BUILD_SPEC.replace('python: "3.7"', "docker: 19"),
      statusCode: "YAML_FILE_ERROR",
      message: "Unknown runtime named 'docker'. This build image has the following runtimes: java, python",
      code: "runtime/unknown-name",
      cause: "the build image has no runtime `docker`; it has java, python",
      next: "take it out: docker comes with the image, and needs privileged mode",
    },
    {
      ...downloading,
      statusCode: "YAML_FILE_ERROR",
      message: "This build image requires selecting at least one runtime version.",
      build: { environment: { image: "aws/codebuild/standard:4.0" } },
      code: "runtime/none-selected",
      cause: "the image `aws/codebuild/standard:4.0` needs `runtime-versions`, and the buildspec has none",
      field: "environment.image = aws/codebuild/standard:4.0",
      next: "add `runtime-versions` under `phases.install`, e.g. `python: 3.9`, or use a newer image",
    },
    {
      ...downloading,
      buildspec: BUILD_SPEC.replace("  build:\n", "  build:\n    on-failure: continue\n"),
      statusCode: "YAML_FILE_ERROR",
      message: "`on-failure` is `continue`, expected ABORT, CONTINUE, RETRY, RETRY-<count> or RETRY-<count>-<regex>",
      code: "phases/on-failure-unknown",
      line: 7,
      cause: "`on-failure` is `continue`, expected ABORT, CONTINUE, RETRY, RETRY-<count> or RETRY-<count>-<regex>",
    },
    {
      ...downloading,
      buildspec: BUILD_SPEC.replace("phases:", "env:\n  shell: zsh\nphases:"),
      statusCode: "YAML_FILE_ERROR",
      message: "`env.shell` is `zsh`, expected `bash` or `/bin/sh`",
      code: "env/shell-not-supported",
      line: 3,
      cause: "`env.shell` is `zsh`, expected `bash` or `/bin/sh`",
      next: "write `env.shell: bash`, or leave it out for `sh`",
    },
    {
      ...downloading,
      buildspec: BATCH_SPEC,
      build: { buildBatchArn: "arn:b" },
      statusCode: "YAML_FILE_ERROR",
      message: "`b` depends on `c`, which is no build of the batch; the others are `a`",
      code: "batch/invalid",
      line: 6,
      cause:
        "the `batch` of the buildspec cannot run: `b` depends on `c`, which is no build of the batch; the others are `a`",
      next: "`kiln check` shows every place; `kiln plan --graph` shows the builds once it can run",
    },
    {
      ...downloading,
      buildspec: BATCH_SPEC,
      build: { buildBatchArn: "arn:b" },
      statusCode: "YAML_FILE_ERROR",
      message: "the batch has 2 builds, and the project allows 1 (maximumBuildsAllowed)",
      code: "batch/invalid",
      line: 2,
      cause: "the project does not allow this batch: the batch has 2 builds, and the project allows 1",
      field: "buildBatchConfig.restrictions.maximumBuildsAllowed",
    },
    {
      ...downloading,
      build: { buildBatchArn: "arn:b" },
      statusCode: "YAML_FILE_ERROR",
      message: "the buildspec has no batch section",
      code: "batch/invalid",
      cause: "the buildspec has no `batch`, so there is nothing to start",
      field: "source.buildspec",
    },
  ]);
});
