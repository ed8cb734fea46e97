/**
 * Golden cases of the rules: test/golden/check/<rule>/<case>/ holds `buildspec.yml` (or another name in case.json),
 * `tree.txt` (paths of the source, one a line), `tree/` (files of the source with their texts), `case.json` (project, parameters, strict), `diagnostics.txt` (expected,
 * rendered as people see them) and, where a finding has edits, `fixed.yml`. KILN_UPDATE_GOLDEN=1 rewrites the expected files.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { applyFixes, fixAll } from "./edits/apply-fixes.ts";
import {
  type CheckProject,
  check,
  createMemoryWorkspace,
  type Knowledge,
  type KnownParameter,
  renderDiagnostics,
  rules,
} from "./index.ts";

interface Case {
  readonly file?: string;
  readonly project?: CheckProject;
  readonly parameters?: readonly KnownParameter[];
  /** Secrets, keys, roles, the account. */
  readonly known?: Omit<Knowledge, "project" | "parameters" | "resourcePolicies">;
  readonly strict?: boolean;
  readonly ignored?: readonly string[];
  readonly untracked?: readonly string[];
  readonly executable?: readonly string[];
  readonly links?: Readonly<Record<string, string>>;
  /** Files with their texts, where a line end or a name keeps them out of `tree/`. */
  readonly files?: Readonly<Record<string, string>>;
}

const root = fileURLToPath(new URL("../../test/golden/check", import.meta.url));
const isUpdating = process.env["KILN_UPDATE_GOLDEN"] === "1";
const folders = (path: string) =>
  readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
const cases = folders(root).flatMap((rule) => folders(`${root}/${rule}`).map((name) => `${rule}/${name}`));

function expectFile(path: string, actual: string | undefined): void {
  if (isUpdating) {
    if (actual === undefined) rmSync(path, { force: true });
    else writeFileSync(path, actual);
    return;
  }
  expect(existsSync(path) ? readFileSync(path, "utf8") : undefined).toBe(actual);
}

const textsIn = (path: string): Record<string, string> =>
  existsSync(path)
    ? Object.fromEntries(
        readdirSync(path, { withFileTypes: true, recursive: true })
          .filter((entry) => entry.isFile())
          .map((entry) => `${entry.parentPath}/${entry.name}`)
          .map((file) => [file.slice(path.length + 1), readFileSync(file, "utf8")]),
      )
    : {};

describe("golden cases of the checker", () => {
  it.each(cases)("%s", (name) => {
    const folder = `${root}/${name}`;
    const read = (file: string) =>
      existsSync(`${folder}/${file}`) ? readFileSync(`${folder}/${file}`, "utf8") : undefined;
    const {
      file = "buildspec.yml",
      project,
      parameters,
      known,
      strict,
      files,
      ...tracked
    } = JSON.parse(read("case.json") ?? "{}") as Case;
    const text = read("buildspec.yml") ?? "";
    const tree = (read("tree.txt") ?? "").split("\n").filter(Boolean);
    const workspace = createMemoryWorkspace(
      {
        ...Object.fromEntries(tree.map((path) => [path, undefined])),
        ...textsIn(`${folder}/tree`),
        ...files,
        [file]: text,
      },
      tracked,
    );
    const input = {
      ...known,
      workspace,
      ...(file !== "buildspec.yaml" && { buildspecPath: file }),
      project,
      ...(parameters && { parameters: { list: () => parameters } }),
      strict,
    };
    const found = check(input);
    expectFile(`${folder}/diagnostics.txt`, `${renderDiagnostics(found, { texts: new Map([[file, text]]) })}\n`);

    const find = (changed: string) => check({ ...input, buildspecPath: file, text: changed });
    const fixed = fixAll(text, (changed) => (changed === text ? found : find(changed)));
    expectFile(`${folder}/fixed.yml`, fixed.applied.length > 0 ? fixed.text : undefined);
    const after = find(fixed.text);
    const still = fixed.applied.filter(({ code, message }) =>
      after.some((d) => d.code === code && d.message === message),
    );
    expect(still, "findings that are still there after their fix").toEqual([]);
    expect(applyFixes(fixed.text, after).text, "a second fix changes nothing").toBe(fixed.text);
  });

  it("covers every rule", () => {
    const covered = new Set(cases.map((name) => name.split("/")[0]));
    expect(rules.map(({ id }) => id.replace("/", "-")).filter((id) => !covered.has(id))).toEqual([]);
  });
});
