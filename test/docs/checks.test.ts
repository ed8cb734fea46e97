/**
 * docs/checks: a page a rule; every `yaml` block is checked and must give the `text` block after it. The table of
 * docs/checks.md is the list of rules. Comments at the top of an example say what the checker knows besides the buildspec.
 * `npm run test:update` rewrites outputs and table.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
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

const index = fileURLToPath(new URL("../../docs/checks.md", import.meta.url));
const pages = fileURLToPath(new URL("../../docs/checks", import.meta.url));
const isUpdating = Boolean(process.env["KILN_UPDATE_GOLDEN"]);

/** The one finding that no rule makes: there is no file to run rules on. */
const NOT_FOUND = {
  id: "buildspec/not-found",
  severity: "error",
  title: "no buildspec where CodeBuild looks for one",
} as const;
const documented = [NOT_FOUND, ...rules];
const EXAMPLE = /^```yaml\n([\s\S]*?)^```\n\n^```text\n([\s\S]*?)^```$/gm;
const TABLE = /(<!-- table -->\n)[\s\S]*?(<!-- \/table -->)/;

const fileOf = (id: string) => `${id.replace("/", "-")}.md`;
const read = (file: string) => readFileSync(`${pages}/${file}`, "utf8");

describe("the pages of docs/checks", () => {
  if (isUpdating) {
    for (const file of readdirSync(pages)) {
      writeFileSync(
        `${pages}/${file}`,
        read(file).replace(
          EXAMPLE,
          (_, buildspec: string) => `\`\`\`yaml\n${buildspec}\`\`\`\n\n\`\`\`text\n${outputOf(buildspec)}\`\`\``,
        ),
      );
    }
    const text = readFileSync(index, "utf8");
    writeFileSync(
      index,
      text.replace(TABLE, (_, start: string, end: string) => `${start}${table()}${end}`),
    );
    test("are rewritten", () => expect(readdirSync(pages).length).toBeGreaterThan(0));
    return;
  }

  test("are one a rule, and no other", () => {
    expect(readdirSync(pages).sort()).toEqual(documented.map(({ id }) => fileOf(id)).sort());
  });

  test.each(documented.map(({ id }) => id))("%s: its examples print what they say, then why and fix", (id) => {
    const page = read(fileOf(id));
    expect(page).toMatch(new RegExp(`^# ${id}\n`));
    const examples = [...page.matchAll(EXAMPLE)];
    for (const [, buildspec = "", expected = ""] of examples) {
      expect(outputOf(buildspec)).toBe(expected);
      expect(expected).toMatch(new RegExp(`^(?:buildspec\\S*:\\d+:\\d+  )?(?:error|warning|info)  ${id}$`, "m"));
    }
    expect(examples.length).toBeGreaterThan(0);
    expect(page).toMatch(/^Why: /m);
    expect(page).toMatch(/^Fix: /m);
  });

  test("are listed in docs/checks.md with severity and title", () => {
    expect(TABLE.exec(readFileSync(index, "utf8"))?.[0]).toBe(`<!-- table -->\n${table()}<!-- /table -->`);
  });
});

function table(): string {
  const rows = documented.map(
    ({ id, severity, title }) => `| [${id}](checks/${fileOf(id)}) | ${severity} | ${title} |`,
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
