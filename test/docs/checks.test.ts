/**
 * docs/checks: a page a rule; every `yaml` block is checked and must give the `text` block after it. The table of
 * docs/checks.md is the list of checks. Comments at the top of an example say what the checker knows besides the buildspec.
 * `npm run test:update` rewrites outputs and table; `-t NAME` restricts it to pages.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import {
  allRules,
  type CheckProject,
  check,
  checkBuildspec,
  createMemoryWorkspace,
  type Knowledge as KnowledgeOfAccount,
  type KnownParameter,
  renderDiagnostics,
} from "../../src/check/index.ts";

const index = fileURLToPath(new URL("../../docs/checks.md", import.meta.url));
const pages = fileURLToPath(new URL("../../docs/checks", import.meta.url));
const isUpdating = Boolean(process.env["KILN_UPDATE_GOLDEN"]);

const EXAMPLE = /^```yaml\n([\s\S]*?)^```\n\n^```text\n([\s\S]*?)^```$/gm;
const TABLE = /(<!-- table -->\n)[\s\S]*?(<!-- \/table -->)/;

const fileOf = (id: string) => `${id.replace("/", "-")}.md`;
const read = (file: string) => readFileSync(`${pages}/${file}`, "utf8");

describe("the pages of docs/checks", () => {
  if (isUpdating) {
    test.each(readdirSync(pages))("%s is rewritten", (file) => {
      const page = read(file).replace(
        EXAMPLE,
        (_, buildspec: string) => `\`\`\`yaml\n${buildspec}\`\`\`\n\n\`\`\`text\n${outputOf(buildspec)}\`\`\``,
      );
      writeFileSync(`${pages}/${file}`, page);
    });
    test("the table is rewritten", () => {
      const text = readFileSync(index, "utf8");
      writeFileSync(
        index,
        text.replace(TABLE, (_, start: string, end: string) => `${start}${table()}${end}`),
      );
    });
    return;
  }

  test("are one a rule, and no other", () => {
    expect(readdirSync(pages).sort()).toEqual(allRules.map(({ id }) => fileOf(id)).sort());
  });

  test.each(allRules.map(({ id }) => id))("%s: its examples print what they say, then why and fix", (id) => {
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

  test("the suppressions that docs/checks.md shows suppress something, each of them", () => {
    const [, text = ""] = /```yaml\n(# kiln-ignore-file[\s\S]*?)```/.exec(readFileSync(index, "utf8")) ?? [];
    const workspace = createMemoryWorkspace({ "app.py": "", "buildspec.yml": text });
    const { diagnostics, suppressed } = checkBuildspec({ workspace, project: {}, parameters: { list: () => [] } });
    expect(diagnostics.filter(({ code, severity }) => code === "check/suppression" || severity === "error")).toEqual(
      [],
    );
    expect(suppressed.map(({ diagnostic }) => diagnostic.code).sort()).toEqual([
      "docker/push-after-failed-build",
      "env/variable-name",
      "paths/not-found",
      "paths/not-found",
      "shell/bashism-under-sh",
    ]);
  });

  test("are listed in docs/checks.md with severity and title", () => {
    expect(TABLE.exec(readFileSync(index, "utf8"))?.[0]).toBe(`<!-- table -->\n${table()}<!-- /table -->`);
  });
});

function table(): string {
  const rows = allRules.map(({ id, severity, title }) => `| [${id}](checks/${fileOf(id)}) | ${severity} | ${title} |`);
  return ["| check | severity | finds |", "|---|---|---|", ...rows, ""].join("\n");
}

/** What `kiln check` prints for the example, without its last line, the count. */
function outputOf(buildspec: string): string {
  const known = knowledgeIn(buildspec);
  const workspace = createMemoryWorkspace(
    {
      ...Object.fromEntries(known.files.map((file) => [file, undefined])),
      ...known.texts,
      [known.file]: buildspec,
    },
    { root: "/home/you/app", ...known.tracked },
  );
  const found = check({
    ...known.known,
    workspace,
    project: known.project,
    ...(known.parameters.length > 0 && { parameters: { list: () => known.parameters } }),
  });
  return `${renderDiagnostics(found, { texts: new Map([[known.file, buildspec]]) })}\n`;
}

interface Knowledge {
  readonly file: string;
  readonly files: readonly string[];
  /** Files with their texts. */
  readonly texts: Readonly<Record<string, string>>;
  readonly tracked: {
    readonly ignored: readonly string[];
    readonly untracked?: readonly string[];
    readonly executable?: readonly string[];
  };
  readonly parameters: readonly KnownParameter[];
  readonly project?: CheckProject;
  /** Secrets, keys, roles, the account. */
  readonly known: Omit<KnowledgeOfAccount, "project" | "parameters">;
}

function knowledgeIn(buildspec: string): Knowledge {
  const values = (key: string) =>
    [...buildspec.matchAll(new RegExp(`^# ${key}: (.*)$`, "gm"))].map(([, value = ""]) => value);
  const words = (key: string) => values(key).flatMap((value) => value.split(" "));
  const [project] = values("project");
  const [account = "{}"] = values("known");
  return {
    file: values("file")[0] ?? "buildspec.yml",
    files: words("files"),
    texts: Object.fromEntries(
      values("text").map((line) => {
        const [path = "", ...rest] = line.split(" ");
        return [path, rest.join(" ").replaceAll("\\n", "\n").replaceAll("\\r", "\r").replaceAll("\\t", "\t")];
      }),
    ),
    tracked: {
      ignored: words("ignored"),
      ...(values("untracked").length > 0 && { untracked: words("untracked") }),
      // What git knows is known as soon as one mode is: the others are 644.
      ...(values("executable").length > 0 && { executable: words("executable"), untracked: words("untracked") }),
    },
    parameters: values("parameter").map((line) => {
      const [name = "", type = "", value] = line.split(" ");
      return { name, type: type as KnownParameter["type"], value };
    }),
    known: JSON.parse(account) as Knowledge["known"],
    ...(project !== undefined && { project: JSON.parse(project) as CheckProject }),
  };
}
