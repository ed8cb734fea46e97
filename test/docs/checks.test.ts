/**
 * docs/checks.md: every `yaml` block is checked and must give the `text` block after it, every rule has a section, and the
 * table is the list of rules. Comments at the top of an example say what the checker knows besides the buildspec.
 * `npm run test:update` rewrites outputs and table.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import {
  type CheckProject,
  check,
  createMemoryWorkspace,
  type KnownParameter,
  renderDiagnostics,
  rules,
} from "../../src/check/index.ts";

const path = fileURLToPath(new URL("../../docs/checks.md", import.meta.url));
const text = readFileSync(path, "utf8");
const isUpdating = Boolean(process.env["KILN_UPDATE_GOLDEN"]);

/** The one finding that no rule makes: there is no file to run rules on. */
const NOT_FOUND = {
  id: "buildspec/not-found",
  severity: "error",
  title: "no buildspec where CodeBuild looks for one",
} as const;
const EXAMPLE = /^## (\S+)\n((?:(?!^## )[\s\S])*?)^```yaml\n([\s\S]*?)^```\n\n^```text\n([\s\S]*?)^```$/gm;
const TABLE = /(<!-- table -->\n)[\s\S]*?(<!-- \/table -->)/;

interface Example {
  readonly id: string;
  readonly buildspec: string;
  readonly expected: string;
}

const examples: Example[] = [...text.matchAll(EXAMPLE)].map(([, id = "", , buildspec = "", expected = ""]) => ({
  id,
  buildspec,
  expected,
}));

describe("the examples of docs/checks.md", () => {
  if (isUpdating) {
    const withOutputs = text.replace(
      EXAMPLE,
      (_, id: string, lead: string, buildspec: string) =>
        `## ${id}\n${lead}\`\`\`yaml\n${buildspec}\`\`\`\n\n\`\`\`text\n${outputOf(buildspec)}\`\`\``,
    );
    writeFileSync(
      path,
      withOutputs.replace(TABLE, (_, start: string, end: string) => `${start}${table()}${end}`),
    );
    test("are rewritten", () => expect(examples.length).toBeGreaterThan(0));
    return;
  }

  test.each(examples)("$id prints what it says", ({ id, buildspec, expected }) => {
    expect(outputOf(buildspec)).toBe(expected);
    expect(expected).toMatch(new RegExp(`^(?:buildspec\\S*:\\d+:\\d+  )?(?:error|warning|info)  ${id}$`, "m"));
  });

  test("cover every rule, and no other", () => {
    const documented = [...text.matchAll(/^## (\S+)$/gm)].map(([, id]) => id);
    expect(documented).toEqual([NOT_FOUND.id, ...rules.map(({ id }) => id)]);
    expect(examples.map(({ id }) => id)).toEqual(documented);
  });

  test("are listed in the table with severity and title", () => {
    expect(TABLE.exec(text)?.[0]).toBe(`<!-- table -->\n${table()}<!-- /table -->`);
  });
});

function table(): string {
  const rows = [NOT_FOUND, ...rules].map(
    ({ id, severity, title }) => `| [${id}](#${id.replace("/", "")}) | ${severity} | ${title} |`,
  );
  return ["| check | severity | finds |", "|---|---|---|", ...rows, ""].join("\n");
}

/** What `kiln check` prints for the example, without its last line, the count. */
function outputOf(buildspec: string): string {
  const known = knowledgeIn(buildspec);
  const workspace = createMemoryWorkspace(
    Object.fromEntries([...known.files.map((file) => [file, ""]), [known.file, buildspec]]),
    { root: "/home/you/app", ignored: known.ignored },
  );
  const found = check({
    workspace,
    project: known.project,
    ...(known.parameters.length > 0 && { parameters: { list: () => known.parameters } }),
  });
  return `${renderDiagnostics(found, { texts: new Map([[known.file, buildspec]]) })}\n`;
}

interface Knowledge {
  readonly file: string;
  readonly files: readonly string[];
  readonly ignored: readonly string[];
  readonly parameters: readonly KnownParameter[];
  readonly project?: CheckProject;
}

function knowledgeIn(buildspec: string): Knowledge {
  const values = (key: string) =>
    [...buildspec.matchAll(new RegExp(`^# ${key}: (.*)$`, "gm"))].map(([, value = ""]) => value);
  const words = (key: string) => values(key).flatMap((value) => value.split(" "));
  const [project] = values("project");
  return {
    file: values("file")[0] ?? "buildspec.yml",
    files: words("files"),
    ignored: words("ignored"),
    parameters: values("parameter").map((line) => {
      const [name = "", type = "", value] = line.split(" ");
      return { name, type: type as KnownParameter["type"], value };
    }),
    ...(project !== undefined && { project: JSON.parse(project) as CheckProject }),
  };
}
