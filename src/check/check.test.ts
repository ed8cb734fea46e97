import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  applyFixes,
  check,
  createMemoryWorkspace,
  renderDiagnostics,
  rules,
  toGithub,
  toJson,
  toSarif,
} from "./index.ts";

const text = [
  "version: 0.2",
  "env:",
  "  variables:",
  '    PASSWORD: "ssm:/app/password"',
  "phases:",
  "  build:",
  "    commands:",
  "      - pip install -r reqs/requirements.txt",
  "",
].join("\n");
const workspace = createMemoryWorkspace({ "buildspec.yml": text, "requirements.txt": "" });
const found = check({ workspace });

describe("a buildspec that is no text", () => {
  const findingOf = (kind: "file" | "directory") => {
    const of = createMemoryWorkspace([]);
    return check({ workspace: { ...of, exists: () => kind, readText: () => undefined } });
  };

  it("is a folder", () => {
    expect(findingOf("directory")).toMatchObject([
      { code: "buildspec/syntax", severity: "error", message: "`buildspec.yml` is a folder, expected a file" },
    ]);
  });

  it("is binary, too large or unreadable", () => {
    expect(findingOf("file")).toMatchObject([
      {
        code: "buildspec/syntax",
        message: "`buildspec.yml` is binary, UTF-16, larger than 1 MiB, or may not be read; expected UTF-8 text",
      },
    ]);
  });
});

describe("the formats", () => {
  it("frame: position, code, message, line with caret, why, fix, source", () => {
    expect(renderDiagnostics(found.slice(0, 1), { texts: new Map([["buildspec.yml", text]]) })).toBe(
      [
        "buildspec.yml:4:15  error  env/ssm-reference-outside-parameter-store",
        "   `PASSWORD` is the literal text `ssm:/app/password`, not the value of a parameter",
        "  |",
        '4 |     PASSWORD: "ssm:/app/password"',
        "  |               ^^^^^^^^^^^^^^^^^^^",
        "   the value stays the literal text; CodeBuild resolves names only under `env.parameter-store`",
        "   fix: move it to env.parameter-store as `PASSWORD: /app/password`",
        "   https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env.parameter-store",
      ].join("\n"),
    );
  });

  it("colour changes no character", () => {
    const options = { texts: new Map([["buildspec.yml", text]]) };
    const colored = renderDiagnostics(found, { ...options, color: true });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences are what is removed
    expect(colored.replace(/\u001b\[\d+m/g, "")).toBe(renderDiagnostics(found, options));
    expect(colored).not.toBe(renderDiagnostics(found, options));
  });

  it("JSON: PRODUCT's fields and a summary", () => {
    const json = toJson(found);
    expect(json.summary).toEqual({ errors: 2, warnings: 0, infos: 0, fixable: 2, suppressed: 0 });
    expect(json.diagnostics[1]).toMatchObject({
      file: "buildspec.yml",
      line: 8,
      column: 24,
      endLine: 8,
      endColumn: 45,
      severity: "error",
      code: "paths/not-found",
      message: "file `reqs/requirements.txt` does not exist; the nearest is `requirements.txt`",
    });
  });

  it("GitHub annotations escape what would end them", () => {
    const [first] = toGithub([{ code: "a/b", severity: "warning", message: "50% of\nit", source: "x" }]).split("\n");
    expect(first).toBe("::warning title=a/b::50%25 of%0Ait");
    expect(toGithub(found).split("\n")[1]).toBe(
      "::error file=buildspec.yml,line=8,endLine=8,col=24,endColumn=45,title=paths/not-found::file `reqs/requirements.txt` does not exist; the nearest is `requirements.txt`%0A`pip install -r` runs in the source's root and fails, and with it BUILD%0Afix: use `requirements.txt`",
    );
  });

  it("SARIF: one run, rules, places and replacements", () => {
    const sarif = toSarif(found, { version: "1.2.3" }) as {
      version: string;
      runs: {
        tool: { driver: { rules: { id: string }[] } };
        results: { ruleId: string; ruleIndex: number; level: string; fixes?: unknown[] }[];
      }[];
    };
    const [run] = sarif.runs;
    expect(sarif.version).toBe("2.1.0");
    expect(run?.results.map((result) => [result.ruleId, result.level, result.fixes?.length])).toEqual([
      ["env/ssm-reference-outside-parameter-store", "error", 1],
      ["paths/not-found", "error", 1],
    ]);
    for (const { ruleId, ruleIndex } of run?.results ?? []) expect(run?.tool.driver.rules[ruleIndex]?.id).toBe(ruleId);
  });
});

describe("fixes", () => {
  it("are applied once, and a second check finds nothing of them", () => {
    const fixed = applyFixes(text, found);
    expect(fixed.text).toBe(
      "version: 0.2\nenv:\n  parameter-store:\n    PASSWORD: /app/password\nphases:\n  build:\n    commands:\n      - pip install -r requirements.txt\n",
    );
    expect(check({ workspace, text: fixed.text })).toEqual([]);
  });

  it("that overlap wait for the next run", () => {
    const edit = (startOffset: number, endOffset: number, newText: string) => ({
      code: "x/y",
      severity: "error" as const,
      message: newText,
      source: "x",
      fix: { kind: "edit" as const, title: "", edits: [{ file: "f", startOffset, endOffset, newText }] },
    });
    const {
      text: result,
      applied,
      skipped,
    } = applyFixes("abcdef", [edit(0, 3, "X"), edit(2, 4, "Y"), edit(4, 6, "Z")]);
    expect([result, applied.length, skipped.length]).toEqual(["XdZ", 2, 1]);
  });

  it("never break a text that parsed, whatever is combined", () => {
    const line = fc.constantFrom(
      "docker build -t $URL/$USER/app .",
      "docker push $URL/$USER/app",
      "cd day-13",
      "pip install -r x/requirements.txt",
      'docker login -u "$USER" -p "$PASSWORD"',
      "if [[ a == b ]]; then source x; fi",
      "echo done",
    );
    const variables = fc.subarray([
      "URL: ssm:/url",
      'USER: "ssm:/user" # who',
      "PASSWORD: 'ssm:/password'",
      "STAGE: test",
    ]);
    fc.assert(
      fc.property(
        fc.array(line, { minLength: 1 }),
        variables,
        variables,
        fc.constantFrom("\n", "\r\n"),
        (commands, inEnv, inPhase, newline) => {
          const lines = ["version: 0.2"];
          if (inEnv.length > 0) lines.push("env:", "  variables:", ...inEnv.map((v) => `    ${v}`));
          lines.push("phases:", "  build:");
          if (inPhase.length > 0)
            lines.push("    environment:", "      variables:", ...inPhase.map((v) => `        ${v}`));
          lines.push("    commands:", ...commands.map((c) => `      - ${c}`), "");
          let current = lines.join(newline);
          const tree = createMemoryWorkspace({ "requirements.txt": "", "day-14/Dockerfile": "" });
          for (let round = 0; round < 4; round++) {
            const { text: next, applied } = applyFixes(current, check({ workspace: tree, text: current }));
            if (applied.length === 0) break;
            current = next;
          }
          const left = check({ workspace: tree, text: current });
          expect(left.filter(({ fix }) => fix?.kind === "edit")).toEqual([]);
          expect(left.filter(({ code }) => code.startsWith("buildspec/") || code.startsWith("env/ssm"))).toEqual([]);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("the file to check", () => {
  it("says that there is none, and names the near miss", () => {
    const none = check({ workspace: createMemoryWorkspace(["ci/buildspec-build.yml"], { root: "/somewhere" }) });
    expect(none.map(({ code, message, fix }) => [code, message, fix?.title])).toEqual([
      [
        "buildspec/not-found",
        "`buildspec.yml` does not exist in `/somewhere`",
        "check `ci/buildspec-build.yml` instead",
      ],
    ]);
  });
});

it("gives every rule a documentation URL and a title", () => {
  for (const { source, title, id } of rules)
    expect([id, source.startsWith("https://"), title.length > 5]).toEqual([id, true, true]);
});

it("checks a 300-line buildspec with a 2,000-file tree without doing anything twice as often as it must", () => {
  const commands = Array.from({ length: 290 }, (_, index) =>
    index % 3
      ? `      - docker build -t app:${index} -f src/d${index}/Dockerfile .`
      : `      - pip install -r src/d${index}/requirements.txt`,
  );
  const files = Array.from(
    { length: 2000 },
    (_, index) => `src/d${index}/${index % 2 ? "Dockerfile" : "requirements.txt"}`,
  );
  const large = createMemoryWorkspace(files);
  const input = {
    workspace: large,
    text: ["version: 0.2", "phases:", "  build:", "    commands:", ...commands, ""].join("\n"),
  };
  const elapsedMs = Math.min(
    ...[1, 2, 3].map(() => {
      const before = process.cpuUsage();
      expect(check(input).length).toBeGreaterThan(100);
      return process.cpuUsage(before).user / 1000;
    }),
  );
  // What it takes on a quiet machine is bench/check.mjs' to say; a rule that compares all with all takes seconds.
  expect(elapsedMs).toBeLessThan(2000);
});
