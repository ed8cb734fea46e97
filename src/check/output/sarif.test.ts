/** The SARIF log against the standard's own schema (in @microsoft/jest-sarif), for every golden case. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import schema from "@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json" with { type: "json" };
import type { Ajv } from "ajv";
import draft4 from "ajv-draft-04";
import { describe, expect, it } from "vitest";
import type { Diagnostic } from "../../core/diagnostics.ts";
import { checkBuildspec, createMemoryWorkspace } from "../index.ts";
import { toSarif } from "./sarif.ts";

// Both are CommonJS: the class is the default's default.
const Draft4 = ((draft4 as unknown as { default?: typeof Ajv }).default ?? draft4) as typeof Ajv;
const ajv = new Draft4({
  strict: false,
  allErrors: true,
  // A pattern of the schema is none with the `u` flag.
  unicodeRegExp: false,
  formats: { uri: true, "uri-reference": true, "date-time": true },
});
const isSarif = ajv.compile(schema);

interface Log {
  readonly runs: readonly [
    {
      readonly tool: { readonly driver: { readonly rules: readonly Record<string, unknown>[] } };
      readonly results: readonly Record<string, unknown>[];
    },
  ];
}

const finding: Diagnostic = {
  code: "paths/not-found",
  severity: "error",
  message: "file `x` does not exist",
  why: "the build fails",
  source: "https://example.com/page",
  span: { file: "ci/my spec#1.yml", line: 2, column: 1, endLine: 2, endColumn: 4, startOffset: 4, endOffset: 7 },
  fix: {
    kind: "edit",
    title: "use `y`",
    edits: [{ file: "ci/my spec#1.yml", startOffset: 4, endOffset: 7, newText: "y" }],
  },
};
const texts = new Map([["ci/my spec#1.yml", "one\ntwo\ntwo\n"]]);

describe("a SARIF log", () => {
  const root = fileURLToPath(new URL("../../../test/golden/check", import.meta.url));
  const cases = readdirSync(root).flatMap((rule) => readdirSync(`${root}/${rule}`).map((name) => `${rule}/${name}`));

  it("is valid for every golden case, with texts and without", () => {
    let results = 0;
    for (const name of cases) {
      const file = `${root}/${name}/buildspec.yml`;
      if (!existsSync(file)) continue;
      const text = readFileSync(file, "utf8");
      const { diagnostics, suppressed } = checkBuildspec({ workspace: createMemoryWorkspace([]), text });
      for (const options of [
        { version: "1.2.3" },
        { version: "1.2.3", suppressed, texts: new Map([["buildspec.yml", text]]), helpOf: () => "# page\n" },
      ]) {
        expect(isSarif(toSarif(diagnostics, options)), `${name}: ${ajv.errorsText(isSarif.errors)}`).toBe(true);
      }
      results += diagnostics.length;
    }
    expect(results).toBeGreaterThan(50);
  });

  it("would not be valid with a member that the standard does not know", () => {
    expect(isSarif({ ...toSarif([], { version: "1" }), extra: 1 })).toBe(false);
  });

  it("names files as relative, percent-encoded references and edits by line and column", () => {
    const log = toSarif([finding], { version: "1", texts }) as Log;
    expect(isSarif(log)).toBe(true);
    expect(log.runs[0].results[0]).toMatchObject({
      level: "error",
      message: { text: "file `x` does not exist. the build fails" },
      locations: [{ physicalLocation: { artifactLocation: { uri: "ci/my%20spec%231.yml" } } }],
      fixes: [
        {
          description: { text: "use `y`" },
          artifactChanges: [
            {
              artifactLocation: { uri: "ci/my%20spec%231.yml" },
              replacements: [
                {
                  deletedRegion: { startLine: 2, startColumn: 1, endLine: 2, endColumn: 4 },
                  insertedContent: { text: "y" },
                },
              ],
            },
          ],
        },
      ],
    });
    expect(log.runs[0].results[0]).not.toHaveProperty("suppressions");
  });

  it("keeps a finding's fingerprint when its line moves, and tells equal lines apart", () => {
    const prints = (text: string, line: number) => {
      const at = finding.span && { ...finding.span, line };
      const moved = { ...finding, ...(at && { span: at }) };
      const log = toSarif([moved, moved], { version: "1", texts: new Map([["ci/my spec#1.yml", text]]) }) as Log;
      return log.runs[0].results.map(({ partialFingerprints }) => JSON.stringify(partialFingerprints));
    };
    const [first, second] = prints("one\ntwo\n", 2);
    expect(prints("one\n\n\ntwo\n", 4)).toEqual([first, second]);
    expect(first).not.toBe(second);
  });

  it("says of a suppressed finding why, and of the others that they are not", () => {
    const log = toSarif([finding], {
      version: "1",
      suppressed: [{ diagnostic: finding, reason: "made by the pipeline" }],
    }) as Log;
    expect(isSarif(log)).toBe(true);
    expect(log.runs[0].results.map(({ suppressions }) => suppressions)).toEqual([
      [],
      [{ kind: "inSource", status: "accepted", justification: "made by the pipeline" }],
    ]);
  });

  it("has each check with its page as help", () => {
    const log = toSarif([], { version: "1", helpOf: (id) => `# ${id}` }) as Log;
    const rule = log.runs[0].tool.driver.rules.find(({ id }) => id === "paths/not-found");
    expect(rule).toMatchObject({
      help: { text: "# paths/not-found", markdown: "# paths/not-found" },
      shortDescription: { text: "a path that the source does not hold" },
      defaultConfiguration: { level: "error" },
    });
    expect(rule?.["helpUri"]).toMatch(/^https:\/\/docs\.aws\.amazon\.com\//);
  });
});
