/** Where a suppression begins and ends, and what becomes of the finding; the texts of what is wrong are golden cases. */
import { describe, expect, it } from "vitest";
import type { Diagnostic } from "../core/diagnostics.ts";
import { checkBuildspec, createMemoryWorkspace, toGithub, toJson } from "./index.ts";
import { lineIndex } from "./line-index.ts";
import { type Suppressed, suppress } from "./suppressions.ts";

/** A finding at every `cat`, as if a rule had made it. */
function run(text: string): Suppressed {
  const { spanOf } = lineIndex("buildspec.yml", text);
  const found = [...text.matchAll(/\bcat\b/g)].map(
    ({ index }): Diagnostic => ({
      code: "paths/not-found",
      severity: "error",
      message: "not there",
      span: spanOf(index, index + 3),
      source: "x",
    }),
  );
  const ids = ["paths/not-found", "env/variable-name", "check/suppression"];
  return suppress(found, { file: "buildspec.yml", text, ids, spanOf, couldFind: () => true }, "x");
}

/** Lines of the findings that are left, and of those that are suppressed. */
function lines(text: string): { left: number[]; suppressed: number[] } {
  const { diagnostics, suppressed } = run(text);
  const lineOf = ({ span }: Diagnostic): number => span?.line ?? 0;
  return { left: diagnostics.map(lineOf), suppressed: suppressed.map(({ diagnostic }) => lineOf(diagnostic)) };
}

const buildspec = (...commands: string[]) =>
  `version: 0.2\nphases:\n  build:\n    commands:\n${commands.map((line) => `      ${line}\n`).join("")}`;

describe("a suppression covers", () => {
  it("its own line", () => {
    expect(lines(buildspec("- cat a # kiln-ignore paths/not-found: r", "- cat b"))).toEqual({
      left: [6],
      suppressed: [5],
    });
  });

  it("the next line that says something, when it stands alone", () => {
    expect(lines(buildspec("# kiln-ignore paths/not-found: r", "", "# more", "- cat a", "- cat b"))).toEqual({
      left: [9],
      suppressed: [8],
    });
  });

  it("all of a block, from its dash or its indicator", () => {
    const block = ["  cat a", "", "  cat b"];
    const wanted = { left: [], suppressed: [6, 8] };
    expect(lines(buildspec("- | # kiln-ignore paths/not-found: r", ...block))).toEqual({
      left: [],
      suppressed: [6, 8],
    });
    expect(lines(buildspec("# kiln-ignore paths/not-found: r", "- |", ...block))).toEqual({
      ...wanted,
      suppressed: [7, 9],
    });
  });

  it("all of a section, from its key, and nothing after it", () => {
    const text = `version: 0.2
phases:
  build: # kiln-ignore paths/not-found: r
    commands:
    - cat a
    - cat b

  post_build:
    commands:
    - cat c
`;
    expect(lines(text)).toEqual({ left: [10], suppressed: [5, 6] });
    expect(lines(text.replaceAll("\n", "\r\n"))).toEqual({ left: [10], suppressed: [5, 6] });
  });

  it("one command of a script, with its continued lines", () => {
    expect(lines(buildspec("- |", "  # kiln-ignore paths/not-found: r", "  cat a \\", "    cat b", "  cat c"))).toEqual(
      {
        left: [9],
        suppressed: [7, 8],
      },
    );
  });

  it("the whole file, from the top", () => {
    const text = "\uFEFF# kiln-ignore-file paths/not-found: r\nphases:\n  build:\n    commands: [cat a, cat b]\n";
    expect(lines(text)).toEqual({ left: [], suppressed: [4, 4] });
  });
});

describe("what looks like a suppression and is none", () => {
  it("stays text in quotes, plain values and here-documents", () => {
    const text = buildspec(
      '- "echo a # kiln-ignore paths/not-found: r"',
      "- echo a#kiln-ignore b/c",
      "- |",
      "  tee f <<'END'",
      "  # kiln-ignore paths/not-found",
      "  END",
    );
    expect(run(text)).toEqual({ diagnostics: [], suppressed: [] });
  });

  it("reads `kiln-ignored` and other words as prose", () => {
    expect(
      run(buildspec("- echo a # kiln-ignored paths/not-found is a word")).diagnostics.map((d) => d.message),
    ).toEqual(["`kiln-ignored` is unknown, expected `kiln-ignore` or `kiln-ignore-file`"]);
    expect(run(buildspec("- echo a # see kiln-ignore paths/not-found")).diagnostics).toEqual([]);
  });
});

describe("a suppressed finding", () => {
  const { diagnostics, suppressed } = run(buildspec("- cat a # kiln-ignore paths/not-found: made by `make`: later"));

  it("stays in JSON with its reason, and counts", () => {
    const json = toJson(diagnostics, suppressed);
    expect(json.diagnostics).toEqual([]);
    expect(json.summary).toEqual({ errors: 0, warnings: 0, infos: 0, fixable: 0, suppressed: 1 });
    expect(json.suppressed).toMatchObject([
      { code: "paths/not-found", line: 5, severity: "error", suppressed: { reason: "made by `make`: later" } },
    ]);
  });

  it("is no annotation", () => {
    expect(toGithub(diagnostics)).toBe("");
  });
});

it("a suppression is not called useless where nobody knows what it is about", () => {
  const text = buildspec("- echo a # kiln-ignore ssm/parameter-not-found: made by the pipeline");
  const workspace = createMemoryWorkspace([]);
  expect(checkBuildspec({ workspace, text }).diagnostics).toEqual([]);
  const known = checkBuildspec({ workspace, text, project: {}, parameters: { list: () => [] } });
  expect(known.diagnostics.map(({ message }) => message)).toEqual([
    "`ssm/parameter-not-found` is suppressed here and not found here",
  ]);
});
