import fc from "fast-check";
import { expect, it } from "vitest";
import { parseBuildspec } from "./index.ts";

const word = fc.stringMatching(/^[A-Za-z][A-Za-z0-9 ./$=-]{0,30}[A-Za-z0-9]$/);

it("points every command and variable at its source text", () => {
  fc.assert(
    fc.property(
      fc.array(word, { minLength: 1 }),
      fc.array(word),
      fc.constantFrom("\n", "\r\n"),
      (commands, values, newline) => {
        const text = [
          "version: 0.2",
          "env:",
          "  variables:",
          ...values.map((value, index) => `    V${index}: ${index % 2 ? value : `"${value}"`}`),
          "phases:",
          "  build:",
          "    commands:",
          ...commands.map((command) => `      - ${command}`),
          "",
        ].join(newline);
        const { buildspec, failure } = parseBuildspec(text, "b.yml");
        expect(failure).toBeUndefined();
        const lines = text.split(newline);
        for (const { value, span } of buildspec?.phases[0]?.commands ?? []) {
          expect(text.slice(span.startOffset, span.endOffset)).toBe(value);
          expect(lines[span.line - 1]?.slice(span.column - 1, span.endColumn - 1)).toBe(value);
        }
        for (const { value } of buildspec?.env.variables ?? []) {
          const source = text.slice(value.span.startOffset, value.span.endOffset);
          expect(source.replace(/^"|"$/g, "")).toBe(value.value);
        }
        expect(buildspec?.phases[0]?.commands.map((c) => c.value)).toEqual(commands);
      },
    ),
  );
});

it("never throws, whatever the text", () => {
  const piece = fc.constantFrom(
    "version: 0.2\n",
    "phases:\n",
    "  build:\n",
    "    commands:\n",
    "      - ",
    "\t",
    ": ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    "&a ",
    "*a",
    "<<: ",
    "'",
    '"',
    "|\n",
    "> ",
    "#",
    "\n",
    "  ",
    "env:\n",
    "!x ",
    "%",
    "@",
    "---\n",
    "x",
    "environment:\n",
    "variables:\n",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(piece, { maxLength: 40 }).map((parts) => parts.join("")),
      ),
      (text) => {
        const { failure, diagnostics, buildspec } = parseBuildspec(text, "b.yml");
        expect(failure === undefined || diagnostics.length > 0).toBe(true);
        expect(buildspec !== undefined || failure !== undefined).toBe(true);
      },
    ),
    { numRuns: 2000 },
  );
});
