/**
 * The published schema: what the generator writes is what is committed, and a real validator agrees with CodeBuild about
 * it (real files: test/corpus/schema.test.ts).
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { buildspecSchema, parseBuildspec } from "./index.ts";

const published = fileURLToPath(new URL("../../../data/buildspec.schema.json", import.meta.url));

const validate = new Ajv({ strict: false, allErrors: true }).compile(buildspecSchema());

/** What is wrong with a text, as `place: message`. */
function problems(text: string): string[] {
  validate(parse(text, { merge: true }));
  return (validate.errors ?? []).map(({ instancePath, message, params }) => {
    const key = (params as { additionalProperty?: string }).additionalProperty;
    return `${instancePath || "/"}: ${message}${key === undefined ? "" : ` \`${key}\``}`;
  });
}

const build = (lines: string): string => `version: 0.2\nphases:\n  build:\n    commands: [make]\n${lines}`;

describe("the published schema", () => {
  it("is what the grammar says", () => {
    const text = `${JSON.stringify(buildspecSchema(), undefined, 2)}\n`;
    if (process.env["KILN_UPDATE_GOLDEN"]) writeFileSync(published, text);
    expect(readFileSync(published, "utf8")).toBe(text);
  });

  it("is a schema of draft-07", () => {
    const ajv = new Ajv({ strict: false });
    expect(ajv.validateSchema(buildspecSchema())).toBe(true);
  });
});

describe("what CodeBuild takes is valid", () => {
  it.each([
    ["one file instead of a list", build("artifacts:\n  files: '**/*'\n")],
    ["commands that are nothing", "version: 0.2\nphases:\n  build:\n    commands:\n  post_build:\n"],
    ["a list item that is only a comment", build("  post_build:\n    commands:\n      - # later\n")],
    ["booleans of YAML 1.1", build("artifacts:\n  files: [a]\n  discard-paths: Yes\n  enable-symlinks: off\n")],
    ["numbers and booleans as values", build("env:\n  variables:\n    CI: true\n    WIDTH: 1920\n    EMPTY:\n")],
    ["versions as numbers", "version: '0.2'\nphases:\n  install:\n    runtime-versions: {python: 3.10, nodejs: 22}\n"],
    [
      "a secret's forms",
      build(
        "env:\n  secrets-manager:\n    A: db\n    B: db:user\n    C: db:user:AWSPREVIOUS\n    D: 'db:::id'\n    E: arn:aws:secretsmanager:us-east-1:111122223333:secret:db-AbCdEf:user\n",
      ),
    ],
    [
      "a format in lower case, and one from a variable",
      build("reports:\n  unit: {files: a.xml, file-format: junitxml}\n  $NAME: {files: [b], file-format: $FORMAT}\n"),
    ],
    [
      "version 0.1",
      "version: 0.1\nenvironment_variables:\n  plaintext: {A: x}\nphases: {}\nartifacts:\n  type: zip\n  files: [a]\n",
    ],
    [
      "each form of on-failure",
      "version: 0.2\nphases:\n  build:\n    on-failure: RETRY-3-.*timed out.*\n    finally: [x]\n",
    ],
    ["a batch without phases", "version: 0.2\nbatch:\n  build-fanout:\n    parallelism: 3\n"],
    [
      "a matrix",
      "version: 0.2\nbatch:\n  build-matrix:\n    static: {ignore-failure: no, env: {type: LINUX_CONTAINER}}\n    dynamic:\n      env:\n        compute-type: [BUILD_GENERAL1_SMALL, $SIZE]\n        variables: {V: [1, 2]}\n",
    ],
    ["a merge", build("  post_build:\n    <<: &x {finally: [y]}\n")],
  ])("%s", (_, text) => {
    expect(problems(text)).toEqual([]);
    expect(parseBuildspec(text, "buildspec.yml").failure).toBeUndefined();
  });
});

describe("what CodeBuild refuses or ignores is not", () => {
  it.each([
    ["no version", "phases: {}\n", "/: must have required property 'version'"],
    ["another version", "version: 0.3\nphases: {}\n", "/version: must be equal to one of the allowed values"],
    ["neither phases nor batch", "version: 0.2\n", "/: must have required property 'phases'"],
    [
      "a command with a colon",
      "version: 0.2\nphases:\n  build:\n    commands:\n      - echo Result: ok\n",
      "/phases/build/commands/0: must be string,number,boolean,null",
    ],
    [
      "an environment of a phase",
      "version: 0.2\nphases:\n  build:\n    environment: {}\n",
      "/phases/build: must NOT have additional properties `environment`",
    ],
    [
      "runtimes outside install",
      "version: 0.2\nphases:\n  build:\n    runtime-versions: {python: 3}\n",
      "/phases/build: must NOT have additional properties `runtime-versions`",
    ],
    [
      "a phase of another name",
      "version: 0.2\nphases:\n  test:\n    commands: [x]\n",
      "/phases: must NOT have additional properties `test`",
    ],
    [
      "an unknown on-failure",
      "version: 0.2\nphases:\n  build:\n    on-failure: STOP\n",
      "/phases/build/on-failure: must be equal to one of the allowed values",
    ],
    [
      "a format that is not read",
      build("reports:\n  unit: {files: [a], file-format: PLAIN_TEXT}\n"),
      "/reports/unit/file-format: must be equal to one of the allowed values",
    ],
    [
      "six report groups",
      build(`reports:\n${[1, 2, 3, 4, 5, 6].map((n) => `  r${n}: {files: [a]}\n`).join("")}`),
      "/reports: must NOT have more than 5 properties",
    ],
    [
      "0.1's variables in 0.2",
      build("environment_variables: {}\n"),
      "/: must NOT have additional properties `environment_variables`",
    ],
    [
      "two kinds of batch",
      "version: 0.2\nbatch:\n  build-list: [{identifier: a}]\n  build-fanout: {parallelism: 1}\n",
      "/batch: must match exactly one schema in oneOf",
    ],
    [
      "a task without identifier",
      "version: 0.2\nbatch:\n  build-list: [{buildspec: a.yml}]\n",
      "/batch/build-list/0: must have required property 'identifier'",
    ],
    [
      "compute type and fleet",
      "version: 0.2\nbatch:\n  build-list: [{identifier: a, env: {fleet: f, compute-type: BUILD_GENERAL1_SMALL}}]\n",
      "/batch/build-list/0/env: must NOT be valid",
    ],
    [
      "a secret by stage and id",
      build("env:\n  secrets-manager:\n    A: db:user:AWSCURRENT:id\n"),
      '/env/secrets-manager/A: must match pattern "^(?:arn:',
    ],
  ])("%s", (_, text, message) => {
    expect(problems(text).filter((found) => found.startsWith(message))).toHaveLength(1);
  });
});
