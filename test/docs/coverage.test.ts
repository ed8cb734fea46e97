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

/** A row of an operation: what is done and not, or why it is refused. */
type Row = readonly [name: string, support: string, notDone: string];

const IN_SCOPE = "of the scope, not done yet";
const OUTSIDE = "outside the scope";

async function render(services: readonly ServiceDefinition[]): Promise<string> {
  const sections: string[] = [];
  const summary: string[] = [];
  for (const service of [...services].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const rows = await rowsOf(service);
    const count = (support: string): number => rows.filter((row) => row[1] === support).length;
    const outside = rows.filter(([, , why]) => why === OUTSIDE).length;
    const counts = [count("supported"), count("partial"), count("refused") - outside, outside];
    summary.push(`| [${service.title}](#${anchorOf(service)}) | ${rows.length} | ${counts.join(" | ")} |`);
    sections.push(
      `## ${service.title} (\`${service.name}\`)`,
      "",
      "| operation | support | not done |",
      "|---|---|---|",
      ...rows.map(([name, support, notDone]) => `| ${name} | ${support} | ${notDone.replaceAll("|", "\\|")} |`),
      "",
    );
  }
  return [
    "# Coverage",
    "",
    "Each operation that AWS has in the services that Kiln serves. Rendered from the operations' own definitions by",
    "`npm run test:update`; checked by a test.",
    "",
    "A refused operation answers an error, never an empty success: outside the scope AWS's own for an unknown operation",
    "(`UnknownOperationException`), within it `NotImplemented` (400; 501 for all of S3's). The text and the headers",
    "`x-kiln-not-offered` and `x-kiln-scope` name it and the scope, and `kiln start` says so once. An operation that AWS does not",
    "have answers AWS's own error (`UnknownOperationException`, or `InvalidAction` in IAM and STS), with `x-kiln-unknown-operation`",
    "and `x-kiln-scope`.",
    "",
    "| service | operations of AWS | supported | partial | refused, of the scope | refused, outside the scope |",
    "|---|---|---|---|---|---|",
    ...summary,
    "",
    ...sections,
  ].join("\n");
}

/** What is offered first; both parts in the order of names. */
async function rowsOf(service: ServiceDefinition): Promise<Row[]> {
  const model = loadModel(service.name);
  const offered = new Map((await service.operations()).map((operation) => [operation.name, operation]));
  const done = [...offered.values()].map(({ name, source, support, gaps }): Row => {
    return [`[${name}](${source})`, support, (gaps ?? []).join("; ")];
  });
  const rest = [...model.operations.keys(), ...model.outsideScope].filter((name) => !offered.has(name));
  const refused = rest.map((name): Row => [name, "refused", model.outsideScope.has(name) ? OUTSIDE : IN_SCOPE]);
  const byName = ([a]: Row, [b]: Row): number => (a < b ? -1 : 1);
  return [...done.sort(byName), ...refused.sort(byName)];
}

/** As documents on the web make it of a heading. */
const anchorOf = ({ title, name }: ServiceDefinition): string =>
  `${title} ${name}`
    .toLowerCase()
    .replace(/[^a-z0-9 -]/g, "")
    .replaceAll(" ", "-");
