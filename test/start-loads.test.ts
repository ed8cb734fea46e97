/** What a start and a check load, followed along the imports: ARCHITECTURE.md says what is left for later, and why. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const src = fileURLToPath(new URL("../src", import.meta.url));

/** What the file needs before its first line runs: no `import()`, no types. */
function needs(file: string): string[] {
  const text = readFileSync(file, "utf8");
  const pattern = /^(?:import|export)\s+(?!type\s)([^;]*?)\s*\bfrom\s+"(\.[^"]+)"/gms;
  return [...text.matchAll(pattern)]
    .filter(([, names = ""]) => !/^\{(\s*type\s[^,}]*,?)*\s*\}$/.test(names))
    .map(([, , target = ""]) => join(dirname(file), target));
}

function loadedBy(entry: string): Set<string> {
  const seen = new Set([join(src, entry)]);
  for (const file of seen) for (const target of needs(file)) seen.add(target);
  return new Set([...seen].map((file) => relative(src, file)));
}

test("a start loads what takes in requests, and neither operations nor what runs builds", () => {
  const loaded = loadedBy("app.ts");
  expect(loaded).toContain("services/dispatcher.ts");
  const services = readdirSync(join(src, "services"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const later = [
    ...services.map(({ name }) => `services/${name}/operations.ts`),
    "services/codebuild/builds/build-run.ts",
    "services/codebuild/batches/batch-run.ts",
    "services/codebuild/sandboxes/sandbox-run.ts",
    "services/codebuild/webhooks/deliver.ts",
    "build/run/run-build.ts",
    "docker-api/index.ts",
    "control/index.ts",
    "control/control.ts",
    "control/route.ts",
    "images/index.ts",
  ];
  for (const file of later) readFileSync(join(src, file));
  expect(later.filter((file) => loaded.has(file))).toEqual([]);
  expect(
    [...loaded].filter((file) => /^(?:check|explain|leak-guard|language-server|least-privilege)\//.test(file)),
  ).toEqual([]);
});

test("the library loads what a start does, and what names the files of a check", () => {
  const start = loadedBy("app.ts");
  const more = [...loadedBy("index.ts")].filter((file) => !start.has(file));
  expect(more.filter((file) => !/^(?:index\.ts$|authorize\/|check\/tree\/)/.test(file))).toEqual([]);
});

test("a check of files loads neither Kiln, nor the rules about roles and stores, nor the policy engine", () => {
  const loaded = loadedBy("cli/check.ts");
  expect(loaded).toContain("check/rules/paths-not-found.ts");
  const later =
    /^(?:app\.ts|authorize\/|services\/|build\/(?:batch|run)\/|check\/rules\/(?:index|knowledge-rules|role-)|check\/role\/)/;
  expect([...loaded].filter((file) => later.test(file))).toEqual([]);
});
