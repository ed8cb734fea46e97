/**
 * The score (`npm run score`): the checks against the corpus of real buildspecs and the mistakes in it that were verified
 * by hand (test/corpus/known-mistakes.tsv). Every one has to be found, and no error may stand where none is known. The
 * corpus is not part of the repository: absent means skipped, said so. The table is kept in docs/checks.md.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { corpusNumbers, isCorpusHere, readCorpusFile } from "../../test/corpus/corpus.ts";
import type { Diagnostic, Severity } from "../core/diagnostics.ts";
import { check, createMemoryWorkspace, type Workspace } from "./index.ts";

const document = fileURLToPath(new URL("../../docs/checks.md", import.meta.url));
const TABLE = /(<!-- score -->\n)[\s\S]*?(<!-- \/score -->)/;
const RANK = { info: 0, warning: 1, error: 2 } as const;

interface Mistake {
  readonly kind: "must" | "may" | "not";
  /** `097:15`; a `not` has no line. */
  readonly place: string;
  /** Any of these checks may say it. */
  readonly codes: readonly string[];
  readonly least: Severity;
  readonly what: string;
}

const mistakes: readonly Mistake[] = readFileSync(
  fileURLToPath(new URL("../../test/corpus/known-mistakes.tsv", import.meta.url)),
  "utf8",
)
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => {
    const [kind = "", place = "", codes = "", least = "", , what = ""] = line.split("\t");
    return { kind: kind as Mistake["kind"], place, codes: codes.split("|"), least: least as Severity, what };
  });

interface Found extends Diagnostic {
  readonly place: string;
}

function run(): { found: Found[]; files: number; elapsedMs: number } {
  const trees = new Map<string, Workspace>();
  const found: Found[] = [];
  const numbers = corpusNumbers();
  let elapsedMs = 0;
  for (const number of numbers) {
    const { text, path, tree, executables } = readCorpusFile(number);
    const key = `${tree.length} ${tree[0]} ${tree.at(-1)}`;
    const workspace = trees.get(key) ?? createMemoryWorkspace(tree, { executable: [...executables] });
    trees.set(key, workspace);
    const startedAt = performance.now();
    const diagnostics = check({ workspace, buildspecPath: path, text });
    elapsedMs += performance.now() - startedAt;
    found.push(...diagnostics.map((d) => ({ ...d, place: `${number}:${d.span?.line ?? 0}` })));
  }
  return { found, files: numbers.length, elapsedMs };
}

/** Findings of one mistake: at its place, by one of its checks. */
const isOf = ({ place, code }: Found, mistake: Mistake): boolean =>
  place === mistake.place && mistake.codes.includes(code);

describe.skipIf(!isCorpusHere)("the checks on real buildspecs", () => {
  const { found, files, elapsedMs } = isCorpusHere ? run() : { found: [], files: 0, elapsedMs: 0 };
  const right = mistakes.filter(({ kind }) => kind !== "not");
  const isRight = (finding: Found): boolean => right.some((mistake) => isOf(finding, mistake));
  const isFound = (mistake: Mistake): boolean =>
    found.some((finding) => isOf(finding, mistake) && RANK[finding.severity] >= RANK[mistake.least]);
  const shown = ({ place, code, message }: Found): string => `${place} ${code}: ${message}`;

  it("find every mistake that was verified by hand", () => {
    const missed = right.filter((mistake) => mistake.kind === "must" && !isFound(mistake));
    expect(missed.map(({ place, codes, what }) => `${place} ${codes.join("|")}: ${what}`)).toEqual([]);
  });

  it("say no error about a file that is right", () => {
    expect(found.filter((finding) => finding.severity === "error" && !isRight(finding)).map(shown)).toEqual([]);
  });

  it("warn of nothing that nobody has verified", () => {
    expect(found.filter((finding) => finding.severity === "warning" && !isRight(finding)).map(shown)).toEqual([]);
  });

  it("leave alone what looks like a mistake and is none", () => {
    const none = mistakes.filter(({ kind }) => kind === "not");
    const wrong = found.filter(({ place, code, severity }) =>
      none.some((each) => each.place === place.split(":")[0] && each.codes.includes(code) && severity !== "info"),
    );
    expect(wrong.map(shown)).toEqual([]);
  });

  it("score as docs/checks.md says", () => {
    const table = scoreTable(found, right, isFound, isRight);
    process.stdout.write(`\n${table}${files} buildspecs in ${elapsedMs.toFixed(0)} ms (bar 2,000 ms)\n`);
    const text = readFileSync(document, "utf8");
    const wanted = `<!-- score -->\n${table}<!-- /score -->`;
    if (process.env["KILN_UPDATE_GOLDEN"])
      writeFileSync(
        document,
        text.replace(TABLE, () => wanted),
      );
    else expect(TABLE.exec(text)?.[0]).toBe(wanted);
    expect(files).toBeGreaterThan(200);
  });
});

function scoreTable(
  found: readonly Found[],
  right: readonly Mistake[],
  isFound: (mistake: Mistake) => boolean,
  isRight: (finding: Found) => boolean,
): string {
  // A mistake that several checks may name counts for the one that named it.
  const codeOf = (mistake: Mistake): string =>
    mistake.codes.find((code) => found.some((f) => f.place === mistake.place && f.code === code)) ??
    mistake.codes[0] ??
    "";
  const counted = found.filter(({ severity }) => severity !== "info");
  const codes = [...new Set([...counted.map(({ code }) => code), ...right.map(codeOf)])].sort();
  const row = (name: string, known: readonly Mistake[], findings: readonly Found[]): string =>
    `| ${name} | ${known.filter(isFound).length} of ${known.length} | ${findings.filter(isRight).length} of ${findings.length} |`;
  const lines = codes.map((code) =>
    row(
      code,
      right.filter((mistake) => codeOf(mistake) === code),
      counted.filter((finding) => finding.code === code),
    ),
  );
  return [
    "| check | mistakes found | findings right |",
    "|---|---|---|",
    ...lines,
    row("all", right, counted),
    "",
  ].join("\n");
}
