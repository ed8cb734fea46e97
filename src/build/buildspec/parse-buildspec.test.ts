import { describe, expect, it } from "vitest";
import { maxBuildspecBytes, parseBuildspec } from "./index.ts";

const parse = (text: string) => parseBuildspec(text, "buildspec.yml");
const withCommands = (commands: string) => `version: 0.2\nphases:\n  build:\n    commands:\n${commands}`;
const failureOf = (text: string) => parse(text).failure?.message;

describe("a whole buildspec", () => {
  const text = [
    "version: 0.2",
    "run-as: root",
    "env:",
    "  shell: bash",
    "  variables:",
    "    CI: true",
    "    SCREEN_WIDTH: 1920",
    "    EMPTY:",
    "  parameter-store:",
    "    USER: /app/user",
    "  secrets-manager:",
    "    TOKEN: name:key",
    "  exported-variables: [A, B]",
    "  git-credential-helper: yes",
    "phases:",
    "  install:",
    "    runtime-versions:",
    "      python: 3.10",
    "    commands:",
    "      - one",
    "      - # only a comment",
    "      - |",
    "        two",
    "        three",
    "    finally:",
    "      - last",
    "  build:",
    "    on-failure: ABORT",
    "    commands:",
    "artifacts:",
    "  files: '**/*'",
    "  discard-paths: no",
    "  secondary-artifacts:",
    "    other:",
    "      files: [x]",
    "cache:",
    "  paths: [a/**/*]",
    "reports:",
    "  unit:",
    "    files: ['*.xml']",
    "",
  ].join("\n");
  const { buildspec, failure, diagnostics } = parse(text);

  it("is read without a finding", () => {
    expect(failure).toBeUndefined();
    expect(diagnostics).toEqual([]);
    expect(buildspec?.unknownKeys).toEqual([]);
  });

  it("keeps scalars as source text", () => {
    expect(buildspec?.phases[0]?.runtimeVersions[0]?.version.value).toBe("3.10");
    expect(buildspec?.env.variables.map((v) => [v.name.value, v.value.value])).toEqual([
      ["CI", "true"],
      ["SCREEN_WIDTH", "1920"],
      ["EMPTY", ""],
    ]);
  });

  it("reads yes and no, one file as a list, and leaves a null command out", () => {
    expect(buildspec?.env.gitCredentialHelper?.value).toBe(true);
    expect(buildspec?.artifacts?.discardPaths?.value).toBe(false);
    expect(buildspec?.artifacts?.files.map((f) => f.value)).toEqual(["**/*"]);
    expect(buildspec?.artifacts?.secondary[0]?.identifier.value).toBe("other");
    expect(buildspec?.phases[0]?.commands.map((c) => c.value)).toEqual(["one", "two\nthree\n"]);
    expect(buildspec?.phases[0]?.finally.map((c) => c.value)).toEqual(["last"]);
    expect(buildspec?.phases[1]?.commands).toEqual([]);
  });

  it("says where a value stands", () => {
    expect(buildspec?.env.parameterStore[0]?.value.span).toEqual({
      file: "buildspec.yml",
      line: 10,
      column: 11,
      endLine: 10,
      endColumn: 20,
      startOffset: text.indexOf("/app/user"),
      endOffset: text.indexOf("/app/user") + 9,
    });
  });
});

describe("what stops the build in DOWNLOAD_SOURCE", () => {
  it.each([
    [
      "a tab",
      "version: 0.2\nphases:\n\tbuild:\n    commands:\n      - x\n",
      "found character that cannot start any token at line 3",
    ],
    [
      "a second colon",
      "version: 0.2\nphases:\n  build: a: b\n",
      "mapping values are not allowed in this context at line 3",
    ],
    ["a missing colon", "version 0.2\nphases:\n  a: b\n", "mapping values are not allowed in this context at line 2"],
    [
      "wrong indentation",
      "version: 0.2\nphases:\n  build:\n    commands:\n      - x\n   post_build:\n    commands:\n      - y\n",
      "did not find expected key at line 6",
    ],
    [
      "an open quote",
      'version: 0.2\nenv:\n  variables:\n    A: "abc\n    B: x\n',
      "found unexpected end of stream at line 6",
    ],
    [
      "an unquoted glob",
      "version: 0.2\nartifacts:\n  files:\n    - *.zip\n",
      "did not find expected alphabetic or numeric character at line 4",
    ],
    ["an unknown anchor", "version: 0.2\nenv:\n  variables:\n    A: *b\n", "unknown anchor 'b' referenced at line 4"],
    ["an empty file", "", "wrong number of container tags, expected 1"],
    ["a list", "- a\n", "wrong number of container tags, expected 1"],
    ["no version", "phases:\n  build:\n    commands: [x]\n", "the buildspec has no version, expected `version: 0.2`"],
    ["another version", "version: 0.3\nphases: {}\n", "version 0.3 is not supported, expected 0.2 or 0.1"],
    ["no phases", "version: 0.2\n", "the buildspec has no phases"],
    [
      "a command with a colon",
      withCommands("      - echo Result: ok\n"),
      "Expected Commands[0] to be of string type: found subkeys instead at line 5, value of the key tag on line 4 might be empty",
    ],
    [
      "phases as a list",
      "version: 0.2\nphases:\n  - build\n",
      "Expected phases to be a mapping: found a list instead at line 3",
    ],
  ])("%s", (_, text, message) => {
    expect(parse(text).failure).toMatchObject({ statusCode: "YAML_FILE_ERROR", message });
    expect(parse(text).diagnostics.some((d) => d.severity === "error")).toBe(true);
  });

  it("keeps reading beside a command that is a mapping", () => {
    const { buildspec } = parse(withCommands("      - echo one\n      - echo Result: ok\n      - echo two\n"));
    expect(buildspec?.phases[0]?.commands.map((c) => c.value)).toEqual(["echo one", "echo two"]);
  });

  it("refuses more than 1 MiB", () => {
    expect(failureOf("#".repeat(maxBuildspecBytes + 1))).toBe(
      "the buildspec is 1048577 bytes, expected at most 1048576",
    );
  });

  it("survives deep nesting and alias bombs", () => {
    expect(failureOf("[".repeat(200_000))).toBeDefined();
    const bomb = [
      "a0: &a0 {k: v}",
      ...Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} {<<: [*a${i}, *a${i}]}`),
    ];
    const before = process.cpuUsage();
    parse(`${bomb.join("\n")}\nversion: 0.2\nphases: *a30\n`);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(2000);
  });
});

describe("unknown keys", () => {
  it("are listed by section", () => {
    const { buildspec, failure } = parse(
      "version: 0.2\nfoo: 1\nartifacts:\n  files: [a]\n  type: zip\nphases:\n  test:\n    commands: [x]\n  build:\n    environment:\n      variables:\n        A: ssm:/a\n    commands: [x]\n",
    );
    expect(failure).toBeUndefined();
    expect(buildspec?.unknownKeys.map(({ section, keys }) => [section, keys.map((k) => k.value)])).toEqual([
      ["buildspec", ["foo"]],
      ["phases", ["test"]],
      ["phases.build", ["environment"]],
      ["artifacts", ["type"]],
    ]);
  });

  it("holds runtime-versions outside install", () => {
    const { buildspec } = parse("version: 0.2\nphases:\n  build:\n    runtime-versions:\n      python: 3.11\n");
    expect(buildspec?.unknownKeys[0]?.section).toBe("phases.build");
  });
});

describe("ssm references", () => {
  it("are found under env.variables and under a phase, and nowhere else", () => {
    const { buildspec } = parse(
      'version: 0.2\nenv:\n  variables:\n    A: ssm:/a/b\n    B: ssm://x\n    C: "ssm:plain"\n    D: see ssm:/x\nphases:\n  build:\n    environment:\n      variables:\n        E: "ssm:/e"\n        F: text\n',
    );
    expect(buildspec?.ssmReferences.map((r) => [r.variable.name.value, r.parameterName, r.phase])).toEqual([
      ["A", "/a/b", undefined],
      ["C", "plain", undefined],
      ["E", "/e", "build"],
    ]);
    expect(buildspec?.phases[0]?.environmentVariables).toHaveLength(2);
  });
});

describe("tolerance", () => {
  it("reads version 0.1's environment_variables", () => {
    const { buildspec, failure } = parse(
      "version: 0.1\nenvironment_variables:\n  plaintext:\n    A: x\nphases:\n  build:\n    commands: [x]\n",
    );
    expect(failure).toBeUndefined();
    expect(buildspec?.env.variables[0]?.value.value).toBe("x");
  });

  it("does not take a variable called version for the file's", () => {
    const { buildspec } = parse(
      "version: 0.2\nenv:\n  variables:\n    version: 0.1.3\nphases:\n  build:\n    commands: [x]\nenvironment_variables: {}\n",
    );
    expect(buildspec?.unknownKeys.map(({ keys }) => keys.map(({ value }) => value))).toEqual([
      ["environment_variables"],
    ]);
  });

  it("takes the last of two equal keys and says so", () => {
    const { buildspec, diagnostics } = parse("version: 0.2\nphases:\n  build:\n    commands: [a]\n    commands: [b]\n");
    expect(buildspec?.phases[0]?.commands[0]?.value).toBe("b");
    expect(diagnostics.map((d) => d.message)).toEqual(["`commands` stands twice in phases.build"]);
  });

  it("resolves anchors and merges", () => {
    const { buildspec } = parse(
      "version: 0.2\nphases:\n  build: &b\n    commands: [a]\n  post_build:\n    <<: *b\n    finally: [z]\n",
    );
    expect(buildspec?.phases[1]?.commands[0]?.value).toBe("a");
    expect(buildspec?.unknownKeys).toEqual([]);
  });

  it("reads JSON and CRLF", () => {
    expect(parse('{"version": "0.2", "phases": {"build": {"commands": ["x"]}}}').failure).toBeUndefined();
    expect(parse(withCommands("      - x\n").replace(/\n/g, "\r\n")).buildspec?.phases[0]?.commands[0]?.value).toBe(
      "x",
    );
  });
});
