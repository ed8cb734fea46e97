import { describe, expect, it } from "vitest";
import type { Diagnostic } from "../../core/diagnostics.ts";
import { renderDiagnostics } from "./render.ts";

function finding(text: string, marked: string, newText?: string): Diagnostic {
  const startOffset = text.indexOf(marked);
  const before = text.slice(0, startOffset).split("\n");
  const column = (before.at(-1)?.length ?? 0) + 1;
  const place = { line: before.length, column, endLine: before.length, endColumn: column + marked.length };
  return {
    code: "a/b",
    severity: "error",
    message: `about ${marked.slice(0, 9)}`,
    source: "https://example.com",
    span: { file: "buildspec.yml", startOffset, endOffset: startOffset + marked.length, ...place },
    ...(newText !== undefined && {
      fix: {
        kind: "edit",
        title: `fix ${marked}`,
        edits: [{ file: "buildspec.yml", startOffset: 0, endOffset: text.length, newText }],
      },
    }),
  };
}

const render = (text: string, findings: Diagnostic[]) =>
  renderDiagnostics(findings, { texts: new Map([["buildspec.yml", text]]), showsEdits: true });

describe("findings for people", () => {
  it("show an edit that several findings share once", () => {
    const text = "one: 1\ntwo: 2\n";
    expect(render(text, [finding(text, "one", "three: 3\n"), finding(text, "two", "three: 3\n")])).toBe(
      [
        "buildspec.yml:1:1  error  a/b",
        "   about one",
        "  |",
        "1 | one: 1",
        "  | ^^^",
        "   fix: fix one",
        "      - one: 1",
        "      - two: 2",
        "      + three: 3",
        "   https://example.com",
        "",
        "buildspec.yml:2:1  error  a/b",
        "   about two",
        "  |",
        "2 | two: 2",
        "  | ^^^",
        "   fix: fix two",
        "      (the edit shown at buildspec.yml:1)",
        "   https://example.com",
      ].join("\n"),
    );
  });

  it("cut a long line around what is marked", () => {
    const text = `${"x".repeat(3000)} cat nothere.txt ${"y".repeat(3000)}`;
    const [, , , line, caret] = render(text, [finding(text, "nothere.txt")]).split("\n");
    expect(line).toBe(`1 | …${"x".repeat(55)} cat nothere.txt ${"y".repeat(128)}…`);
    expect(caret).toBe(`  | ${" ".repeat(61)}^^^^^^^^^^^`);
  });

  it("cut what is marked with the line", () => {
    const text = `echo ${"x".repeat(3000)}`;
    const [, , , line, caret] = render(text, [finding(text, "x".repeat(3000))]).split("\n");
    expect(line).toBe(`1 | echo ${"x".repeat(195)}…`);
    expect(caret).toBe(`  |      ${"^".repeat(195)}`);
  });
});
