/** What completion offers, asked over the wire. `¦` is the cursor. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LanguageFixture } from "../../test/support/language-fixture.ts";

let fixture: LanguageFixture;
beforeAll(async () => {
  fixture = new LanguageFixture();
  await fixture.client.initialize([fixture.folder]);
});
afterAll(() => fixture.close());

const head = "version: 0.2\n";

describe("completion of keys", () => {
  it.each([
    [
      "at the top, without those that stand there",
      `${head}¦`,
      ["run-as", "env", "proxy", "batch", "phases", "reports", "artifacts", "cache"],
    ],
    [
      "in a word that is no YAML yet",
      `${head}phases:\n  build\n    comm¦`,
      ["install", "pre_build", "build", "post_build"],
    ],
    ["of a phase", `${head}phases:\n  build:\n    ¦`, ["run-as", "on-failure", "commands", "finally"]],
    [
      "of install",
      `${head}phases:\n  install:\n    commands:\n      - x\n    ¦`,
      ["run-as", "on-failure", "finally", "runtime-versions"],
    ],
    ["of a batch", `${head}batch:\n  ¦`, ["fast-fail", "build-list", "build-graph", "build-matrix", "build-fanout"]],
    [
      "of a batch item",
      `${head}batch:\n  build-graph:\n    - identifier: a\n      ¦`,
      ["buildspec", "debug-session", "env", "ignore-failure", "depend-on"],
    ],
    [
      "after the dash of a batch item",
      `${head}batch:\n  build-list:\n    - ¦`,
      ["identifier", "buildspec", "debug-session", "env", "ignore-failure"],
    ],
    [
      "of a report group",
      `${head}reports:\n  unit:\n    ¦`,
      ["files", "file-format", "base-directory", "discard-paths"],
    ],
    [
      "of secondary artifacts",
      `${head}artifacts:\n  secondary-artifacts:\n    one:\n      ¦`,
      ["files", "name", "discard-paths", "base-directory", "exclude-paths", "enable-symlinks", "s3-prefix"],
    ],
    [
      "in flow",
      `${head}env: { sh¦ }`,
      ["shell", "variables", "parameter-store", "secrets-manager", "exported-variables", "git-credential-helper"],
    ],
    ["in version 0.1", "version: 0.1\nphases: {}\nenvironment_variables:\n  ¦", ["plaintext", "parameter-store"]],
    [
      "of runtimes",
      `${head}phases:\n  install:\n    runtime-versions:\n      python: 3.12\n      ¦`,
      ["java", "nodejs", "golang", "ruby", "php", "dotnet", "rust", "docker"],
    ],
    ["nowhere in a comment", `${head}# ph¦`, []],
    ["nowhere under a plaintext variable", `${head}env:\n  variables:\n    ¦`, []],
  ])("%s", async (_, marked, expected) =>
    expect((await fixture.labels(marked)).toSorted()).toEqual(expected.toSorted()),
  );

  it("opens what the key takes", async () => {
    expect(await fixture.taken(`${head}pha¦`, "phases")).toBe(`${head}phases:\n  `);
    expect(await fixture.taken(`${head}phases:\n  build:\n    ¦`, "commands")).toBe(
      `${head}phases:\n  build:\n    commands:\n      - `,
    );
    expect(await fixture.taken(`${head}env:\n  sh¦`, "shell")).toBe(`${head}env:\n  shell: `);
    expect(await fixture.taken(`${head}en¦v:\n`, "env")).toBe(`${head}env:\n`);
  });

  it("closes the quotes of JSON", async () => {
    expect(await fixture.taken('{"version": "0.2", "ph¦"}', "phases")).toBe('{"version": "0.2", "phases": }');
    expect(await fixture.taken('{"version": "0.2", "ph¦', "phases")).toBe('{"version": "0.2", "phases": ');
    expect(await fixture.taken('{"version": "0.2", "ph¦": {}}', "phases")).toBe('{"version": "0.2", "phases": {}}');
  });

  it("documents each with AWS's page", async () => {
    const [item] = (await fixture.completed(`${head}env:\n  ¦`)).filter(({ label }) => label === "parameter-store");
    expect(item?.documentation).toEqual({
      kind: "markdown",
      value:
        "**`parameter-store`** (mapping, each key a variable)\n\nVariables whose values are parameters of the Systems Manager Parameter Store: `VARIABLE: parameter-name`.\n\n[AWS documentation](https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env.parameter-store)",
    });
  });
});

describe("completion of values", () => {
  it.each([
    ["versions", "version: ¦", ["0.2", "0.1"]],
    ["shells", `${head}env:\n  shell: ¦`, ["bash", "/bin/sh", "powershell.exe", "cmd.exe"]],
    ["on-failure", `${head}phases:\n  build:\n    on-failure: A¦`, ["ABORT", "CONTINUE", "RETRY"]],
    ["booleans", `${head}artifacts:\n  discard-paths: ¦`, ["yes", "no"]],
    ["parameters", `${head}env:\n  parameter-store:\n    A: /app/¦`, ["/app/db-password", "/app/db-user"]],
    [
      "parameters with a variable for each",
      `${head}env:\n  parameter-store:\n    ¦`,
      ["DB_PASSWORD: /app/db-password", "DB_USER: /app/db-user"],
    ],
    ["secrets and their members", `${head}env:\n  secrets-manager:\n    A: ¦`, ["prod/api", "prod/api:token"]],
    [
      "builds to wait for",
      `${head}batch:\n  build-graph:\n    - identifier: lint\n    - identifier: test\n      depend-on:\n        - ¦`,
      ["lint", "test"],
    ],
    ["buildspecs of a batch", `${head}batch:\n  build-list:\n    - buildspec: ¦`, ["ci/lint.yml"]],
    ["variables to export", `${head}env:\n  variables:\n    A: x\n  exported-variables:\n    - ¦`, ["A"]],
    ["folders", `${head}artifacts:\n  base-directory: ¦`, ["app", "ci", "dist", "scripts"]],
    ["nothing after commands", `${head}phases:\n  build:\n    commands: ¦`, []],
  ])("%s", async (_, marked, expected) => expect(await fixture.labels(marked)).toEqual(expected));

  it("knows formats, compute types and runtime versions", async () => {
    expect(await fixture.labels(`${head}reports:\n  unit:\n    file-format: ¦`)).toContain("JUNITXML");
    expect(await fixture.labels(`${head}batch:\n  build-list:\n    - env:\n        compute-type: ¦`)).toContain(
      "BUILD_GENERAL1_SMALL",
    );
    const versions = await fixture.labels(`${head}phases:\n  install:\n    runtime-versions:\n      python: ¦`);
    expect(versions).toEqual(expect.arrayContaining(["3.12", "3.x", "latest"]));
  });

  it("quotes a version that another reader would shorten", async () => {
    const marked = `${head}phases:\n  install:\n    runtime-versions:\n      python: ¦`;
    expect(await fixture.taken(marked, "3.10")).toBe(`${marked.replace("¦", "")}"3.10"`);
  });

  it("replaces what is written, also in quotes", async () => {
    expect(await fixture.taken(`${head}env:\n  parameter-store:\n    A: "/app/x¦" # why\n`, "/app/db-user")).toBe(
      `${head}env:\n  parameter-store:\n    A: "/app/db-user" # why\n`,
    );
  });

  it("never shows a value", async () => {
    const items = await fixture.completed(`${head}env:\n  parameter-store:\n    A: ¦`);
    expect(JSON.stringify(items)).not.toContain("never shown");
  });
});

describe("completion of variables", () => {
  const declared = `${head}env:\n  variables:\n    STAGE: dev\n  parameter-store:\n    PASSWORD: /app/db-password\nphases:\n  build:\n    commands:\n`;

  it("follows a dollar sign in a command", async () => {
    const items = await fixture.completed(`${declared}      - echo $¦`);
    const names = items.map(({ label }) => label);
    expect(names).toEqual(expect.arrayContaining(["STAGE", "PASSWORD", "CODEBUILD_SRC_DIR", "AWS_REGION"]));
    expect(items.find(({ label }) => label === "PASSWORD")?.documentation).toEqual({
      kind: "markdown",
      value: "The parameter `/app/db-password`, by `env.parameter-store`.",
    });
  });

  it("closes the brace, and replaces the rest of the word", async () => {
    expect(await fixture.taken(`${declared}      - echo \${ST¦`, "STAGE")).toBe(`${declared}      - echo \${STAGE}`);
    expect(await fixture.taken(`${declared}      - echo \${ST¦X}/a`, "STAGE")).toBe(
      `${declared}      - echo \${STAGE}/a`,
    );
    expect(await fixture.taken(`${declared}      - |\n        echo "$CODEB¦"\n`, "CODEBUILD_BUILD_ID")).toContain(
      '"$CODEBUILD_BUILD_ID"',
    );
  });

  it("offers nothing else in a command", async () =>
    expect(await fixture.labels(`${declared}      - echo ¦`)).toEqual([]));
});
