/**
 * Every `KILN_E_…` code in the sources is described in docs/errors.md, and nothing else is. A prefix that a template
 * completes (`KILN_E_STATE_FOLDER_…`) is no code: the sources or TEMPLATES name the whole ones.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const CODE = /\bKILN_E_[A-Z_]*[A-Z]\b(?!_|…)/g;

/** Codes that the sources build from a system error's name: `KILN_E_${code}` in cli/render-error.ts. */
const TEMPLATES: Readonly<Record<string, RegExp>> = {
  "cli/render-error.ts": /^ {4}(E[A-Z]+): \{/gm,
};

test("docs/errors.md lists exactly the tool's error codes", () => {
  const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).filter(
    (f) => f.endsWith(".ts") && !f.endsWith(".test.ts"),
  );
  const used = new Set(
    sources.flatMap((file) => {
      const text = readFileSync(join(root, "src", file), "utf8");
      const template = TEMPLATES[file];
      const made = template ? [...text.matchAll(template)].map(([, name]) => `KILN_E_${name}`) : [];
      return [...(text.match(CODE) ?? []), ...made];
    }),
  );
  const rows = [...readFileSync(join(root, "docs/errors.md"), "utf8").matchAll(/^\| `(KILN_E_[A-Z_]+)` \|/gm)];
  const documented = rows.map(([, code]) => code);
  expect(used.size).toBeGreaterThan(5);
  expect(documented.toSorted()).toEqual([...used].sort());
});
