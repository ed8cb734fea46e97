/** docs/coverage.md is rendered from the service tables; `npm run test:update` rewrites it. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { startKiln } from "../../src/app.ts";
import { loadModel, type ServiceDefinition } from "../../src/services/index.ts";

const path = fileURLToPath(new URL("../../docs/coverage.md", import.meta.url));

test("docs/coverage.md lists what each service answers", async () => {
  const kiln = await startKiln({ memory: true, port: 0 });
  try {
    const rendered = await render([...kiln.dispatcher.services.values()]);
    if (process.env["KILN_UPDATE_GOLDEN"]) writeFileSync(path, rendered);
    expect(readFileSync(path, "utf8")).toBe(rendered);
  } finally {
    await kiln.close();
  }
});

async function render(services: readonly ServiceDefinition[]): Promise<string> {
  const sections: string[] = [];
  for (const service of [...services].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const model = loadModel(service.name);
    const done = [...(await service.operations())].sort((a, b) => (a.name < b.name ? -1 : 1));
    const names = new Set(done.map((operation) => operation.name));
    const refused = [...model.operations.keys()].filter((name) => !names.has(name)).sort();
    sections.push(
      `## ${service.title} (\`${service.name}\`)`,
      "",
      `${done.length} operations answered, ${refused.length} in scope refused by name, ${model.outsideScope.size} outside the scope.`,
      "",
      "| operation | support | not done |",
      "|---|---|---|",
      ...done.map(
        (o) => `| [${o.name}](${o.source}) | ${o.support} | ${(o.gaps ?? []).join("; ").replaceAll("|", "\\|")} |`,
      ),
      "",
      ...(refused.length > 0 ? [`Refused by name: ${refused.join(", ")}.`, ""] : []),
    );
  }
  return [
    "# Coverage",
    "",
    "Rendered from the service tables by `npm run test:update`; checked by a test. An operation that is refused answers an",
    "error that names the scope, never an empty success.",
    "",
    ...sections,
  ].join("\n");
}
