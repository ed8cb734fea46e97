/** Every `KILN_E_…` code in the sources is described in docs/errors.md, and nothing else is. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("docs/errors.md lists exactly the tool's error codes", () => {
  const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).filter(
    (f) => f.endsWith(".ts") && !f.endsWith(".test.ts"),
  );
  const used = new Set(
    sources.flatMap((file) => readFileSync(join(root, "src", file), "utf8").match(/KILN_E_[A-Z_]+\b/g) ?? []),
  );
  const documented = readFileSync(join(root, "docs/errors.md"), "utf8").match(/KILN_E_[A-Z_]+\b/g) ?? [];
  expect(used.size).toBeGreaterThan(5);
  expect([...new Set(documented)].sort()).toEqual([...used].sort());
});
