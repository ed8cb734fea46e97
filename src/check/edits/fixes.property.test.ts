/**
 * What holds of every fix, whatever the file: on golden cases and, where it is, the corpus of real buildspecs, each with
 * random damage, other line ends and a byte order mark.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { commentsIn } from "../comments.ts";
import { check, createMemoryWorkspace, type Workspace } from "../index.ts";
import { applyFixes, fixAll } from "./apply-fixes.ts";

interface Sample {
  readonly name: string;
  readonly file: string;
  readonly text: string;
  /** A function, so that a counterexample is not printed with its tree. */
  readonly workspace: () => Workspace;
}

const golden = fileURLToPath(new URL("../../../test/golden/check", import.meta.url));
const corpus =
  process.env["KILN_CORPUS"] ?? fileURLToPath(new URL("../../../../shared/corpus/buildspecs", import.meta.url));

const goldenSamples = (): Sample[] =>
  readdirSync(golden).flatMap((rule) =>
    readdirSync(`${golden}/${rule}`).flatMap((name) => {
      const folder = `${golden}/${rule}/${name}`;
      if (!existsSync(`${folder}/buildspec.yml`)) return [];
      const text = readFileSync(`${folder}/buildspec.yml`, "utf8");
      const tree = existsSync(`${folder}/tree.txt`) ? readFileSync(`${folder}/tree.txt`, "utf8").split("\n") : [];
      const workspace = createMemoryWorkspace(Object.fromEntries(tree.filter(Boolean).map((path) => [path, ""])));
      return [{ name: `${rule}/${name}`, file: "buildspec.yml", text, workspace: () => workspace }];
    }),
  );

function corpusSamples(): Sample[] {
  if (!existsSync(`${corpus}/index.tsv`)) return [];
  const trees = new Map<string, Workspace>();
  const rows = readFileSync(`${corpus}/index.tsv`, "utf8").trim().split("\n").slice(1);
  return rows.map((row) => {
    const [name = "", , file = "", , , tree = ""] = row.split("\t");
    const paths = tree === "" ? [] : readFileSync(`${corpus}/${tree}`, "utf8").trim().split("\n");
    const workspace = trees.get(tree) ?? createMemoryWorkspace(paths);
    trees.set(tree, workspace);
    return { name, file, text: readFileSync(`${corpus}/${name}`, "utf8"), workspace: () => workspace };
  });
}

const samples = [...goldenSamples(), ...corpusSamples()];

/** What people and editors do to a file; `at` chooses where. */
const damages: Readonly<Record<string, (lines: string[], at: number) => string[]>> = {
  none: (lines) => lines,
  dropLine: (lines, at) => lines.toSpliced(at, 1),
  doubleLine: (lines, at) => lines.toSpliced(at, 0, lines[at] ?? ""),
  indent: (lines, at) => lines.map((line, index) => (index === at ? `  ${line}` : line)),
  outdent: (lines, at) => lines.map((line, index) => (index === at ? line.replace(/^ {2}/, "") : line)),
  outdentRest: (lines, at) => lines.map((line, index) => (index >= at ? line.replace(/^ {2}/, "") : line)),
  tab: (lines, at) => lines.map((line, index) => (index === at ? line.replace(/^ {2}/, "\t") : line)),
  colon: (lines, at) => lines.map((line, index) => (index === at ? line.replace(/(\w) (\w)/, "$1: $2") : line)),
  misspell: (lines, at) => lines.map((line, index) => (index === at ? line.replace(/(\w)(\w):/, "$2$1:") : line)),
  comment: (lines, at) => lines.map((line, index) => (index === at ? `${line} # note ${index}` : line)),
  reference: (lines, at) => lines.map((line, index) => (index === at ? line.replace(/: \S+$/, ": ssm:/app/x") : line)),
  suppress: (lines, at) =>
    lines.map((line, index) => (index === at ? `${line} # kiln-ignore paths/not-found: tried` : line)),
};

const mutated = fc
  .record({
    sample: fc.constantFrom(...samples),
    steps: fc.array(fc.tuple(fc.constantFrom(...Object.keys(damages)), fc.nat(10_000)), { maxLength: 3 }),
    isCrlf: fc.boolean(),
    hasMark: fc.boolean(),
    hasFinalNewline: fc.boolean(),
  })
  .map(({ sample, steps, isCrlf, hasMark, hasFinalNewline }) => {
    let lines = sample.text
      .replace(/^\uFEFF/, "")
      .replace(/\r\n/g, "\n")
      .split("\n");
    for (const [name, at] of steps) lines = damages[name]?.(lines, at % lines.length) ?? lines;
    const body = lines.join(isCrlf ? "\r\n" : "\n").replace(/\s+$/, "");
    const text = `${hasMark ? "\uFEFF" : ""}${body}${hasFinalNewline ? (isCrlf ? "\r\n" : "\n") : ""}`;
    return { ...sample, text, isCrlf, hasMark, steps };
  });

const finder =
  ({ file, workspace }: Sample) =>
  (text: string) =>
    check({ workspace: workspace(), buildspecPath: file, text });

/** Fixes after which more is read than before (a section, a runtime, another file), so that more can be wrong with it. */
const REVEALING = /^(?:(?:buildspec|phases|batch|paths|runtime)\/|docker\/get-login-removed$)/;

const comments = (text: string): string[] =>
  commentsIn(text)
    .map(({ startOffset, endOffset }) => text.slice(startOffset, endOffset))
    .filter((comment) => !comment.includes("kiln-ignore"));

describe("fixes", () => {
  it("come to an end, keep comments, line ends and byte order mark, and break nothing", () => {
    fc.assert(
      fc.property(mutated, (sample) => {
        const find = finder(sample);
        const before = find(sample.text);
        const { text, applied } = fixAll(sample.text, find);
        const hasEdits = before.some(({ fix }) => fix?.kind === "edit");
        if (!hasEdits) expect(text).toBe(sample.text);

        const after = find(text);
        expect(applyFixes(text, after).text, "a second run changes nothing").toBe(text);
        expect(text.startsWith("\uFEFF"), "byte order mark").toBe(sample.hasMark);
        if (sample.isCrlf) expect(/(?<!\r)\n/.test(text), "a bare line feed").toBe(false);
        else expect(text.includes("\r"), "a carriage return").toBe(false);

        const wasReadable = !before.some(({ code, severity }) => code === "buildspec/syntax" && severity === "error");
        if (!wasReadable) return;
        expect(after.filter(({ code, severity }) => code === "buildspec/syntax" && severity === "error")).toEqual([]);
        // Also where one is the shell's now.
        expect(
          comments(sample.text).filter((comment) => !text.includes(comment)),
          "comments that are lost",
        ).toEqual([]);
        if (applied.some(({ code }) => REVEALING.test(code))) return;
        const known = new Set(before.map(({ code }) => code));
        expect(after.filter(({ code, severity }) => severity === "error" && !known.has(code))).toEqual([]);
      }),
      { numRuns: Number(process.env["KILN_PROPERTY_RUNS"] ?? 150) },
    );
  }, 120_000);

  it("leave every line alone that no edit touches", () => {
    fc.assert(
      fc.property(mutated, (sample) => {
        const found = finder(sample)(sample.text);
        const { text, applied } = applyFixes(sample.text, found);
        const edits = applied.flatMap(({ fix }) => (fix?.kind === "edit" ? fix.edits : []));
        const removed = edits.reduce((sum, { startOffset, endOffset }) => sum + endOffset - startOffset, 0);
        // Longer than half of a file is no minimal edit, unless the file is small, or the block that is moved large.
        const isMove = applied.some(({ code }) => code === "buildspec/unknown-key");
        if (sample.text.length > 2000 && !isMove) expect(removed).toBeLessThan(sample.text.length / 2);
        const first = Math.min(...edits.map(({ startOffset }) => startOffset), sample.text.length);
        expect(text.slice(0, first)).toBe(sample.text.slice(0, first));
        const last = Math.max(...edits.map(({ endOffset }) => endOffset), 0);
        expect(text.endsWith(sample.text.slice(last))).toBe(true);
      }),
      { numRuns: 100 },
    );
  }, 120_000);
});
