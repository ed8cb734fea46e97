/** Buildspecs and trees made to break the checker: it answers, in time, and what it prints steers nothing. */
import { describe, expect, it } from "vitest";
import { check, createMemoryWorkspace, renderDiagnostics, toGithub } from "./index.ts";

const buildspec = (...commands: readonly string[]): string =>
  `version: 0.2\nphases:\n  build:\n    commands:\n${commands.map((text) => `      - ${JSON.stringify(text)}\n`).join("")}`;
const findingsOf = (text: string, files: Readonly<Record<string, string>> = { "x.sh": "x" }) =>
  check({ workspace: createMemoryWorkspace({ ...files, "buildspec.yml": text }) });

const inherited = ["constructor", "toString", "hasOwnProperty", "__proto__"];

describe("names that every object answers to", () => {
  it.each(inherited)("%s as a command, a verb, an option, a variable", (name) => {
    const lines = ["", "sudo ", "docker ", "docker build --", "aws ", "aws s3 ", "npm run ", "make ", "pip "].map(
      (head) => `${head}${name} a --x=y -f z && echo "$${name}"`,
    );
    const messages = findingsOf(buildspec(...lines)).map(({ message, why }) => `${message} ${why}`);
    expect(messages.filter((text) => /native code|undefined|\[object/.test(text))).toEqual([]);
  });

  it.each(inherited)("%s as a key and a value of every section", (name) => {
    const text = [
      "version: 0.2",
      `${name}: 1`,
      `env: {${name}: 1, shell: ${name}, variables: {${name}: a}, parameter-store: {${name}: ${name}}}`,
      `phases: {${name}: {commands: [a]}, install: {runtime-versions: {${name}: 1}, ${name}: x, commands: [a]}}`,
      `reports: {${name}: {files: [a], file-format: ${name}}}`,
      `artifacts: {files: [a], ${name}: x, secondary-artifacts: {${name}: {files: [a]}}}`,
      `cache: {paths: [a], ${name}: 1}`,
    ].join("\n");
    const messages = findingsOf(text).map(({ message, why }) => `${message} ${why}`);
    expect(messages).toContainEqual(expect.stringMatching(`^unknown key \`${name}\``));
    expect(messages.filter((one) => /native code|undefined|\[object/.test(one))).toEqual([]);
  });

  it("in files of the tree", () => {
    const dockerfile = inherited
      .map((name) => `FROM ${name} AS ${name}\nARG ${name}\nCOPY --${name}=x --from=${name} [z-a]\${${name}} /\n`)
      .join("");
    const files = { Dockerfile: dockerfile, "package.json": '{"scripts": "x", "workspaces": {"constructor": 1}}' };
    expect(() => findingsOf(buildspec("docker build -t x .", "npm run toString", "npm ci"), files)).not.toThrow();
  });
});

describe("texts without end", () => {
  it.each(["[", "a/", "$(", "${", "{", "../", "_", "-a ", '"', "!", "(", "\n", "| "])(
    "a command full of %j",
    (part) => {
      for (const head of ["", "pip install ", "sh ", "docker build --build-arg "]) {
        expect(() => findingsOf(buildspec(head + part.repeat(8_000 / part.length)))).not.toThrow();
      }
    },
  );

  it("scripts that nest, and run scripts that nest", () => {
    for (const depth of [50, 51, 5_000]) {
      const scripts = Array.from({ length: 9 }, (_, at) => {
        return [`s${at}.sh`, `${"echo $(".repeat(depth)}./s${at + 1}.sh${")".repeat(depth)}\n`] as const;
      });
      expect(() => findingsOf(buildspec("./s0.sh"), Object.fromEntries(scripts))).not.toThrow();
    }
  });

  it("thousands of paths that are not there", () => {
    const commands = Array.from({ length: 1_500 }, (_, at) => `pip install -r needed/step-${at}.txt`);
    const files = Object.fromEntries(Array.from({ length: 1_500 }, (_, at) => [`need/stop-${at}.txt`, ""] as const));
    const codes = new Set(findingsOf(buildspec(...commands), files).map(({ code }) => code));
    expect(codes).toContain("paths/not-found");
  });
});

describe("what steers a terminal", () => {
  const steering = "\u001b]0;owned\u0007\u001b[2J\u009b31m\u202e";
  const text = `version: 0.2\nphases:\n  "bui${JSON.stringify(steering).slice(1, -1)}ld":\n    commands: [a]\n`;
  const found = findingsOf(text);

  it("is shown, not done", () => {
    const shown = renderDiagnostics(found, { texts: new Map([["buildspec.yml", text]]) });
    expect(shown).toContain("`bui␛]0;owned␇␛[2J�31m�ld`");
    const [first] = found;
    const named = first?.span ? [{ ...first, span: { ...first.span, file: "a\nb\u001b.yml" } }] : [];
    expect(renderDiagnostics(named, { texts: new Map() })).toMatch(/^a␊b␛\.yml:/);
    expect(toGithub(found)).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
  });

  it("is no command of GitHub's, also after the tenth finding", () => {
    const all = Array.from({ length: 12 }, () => ({
      code: "a/b",
      severity: "error" as const,
      message: "x ##[add-mask]y",
      source: "x",
      span: { file: " ::warning::", line: 1, column: 1, endLine: 1, endColumn: 1, startOffset: 0, endOffset: 0 },
    }));
    const [eleventh = ""] = toGithub(all).split("\n").slice(10);
    expect(eleventh).toBe(": :warning:::1:1: error a/b x # #[add-mask]y");
  });
});
