/**
 * Links between the documents: the file exists, and so does the heading an anchor names (GitHub's spelling of anchors).
 * Also the anchors that source files name.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const below = (folder: string, end: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(end))
    .map((path) => `${folder}/${path}`);

const documents = [
  ...readdirSync(root).filter((name) => name.endsWith(".md")),
  ...["docs", "src", "demo", "bench", "test"].flatMap((folder) => below(folder, ".md")),
].sort();

/** Text without code, where brackets are no links. */
const prose = (text: string): string => text.replace(/^```[\s\S]*?^```$/gm, "").replace(/`[^`\n]*`/g, "``");

/** Anchors of a document, with `-1`, `-2` for headings that stand again. */
function anchorsOf(path: string): Set<string> {
  const anchors = new Set<string>();
  const text = readFileSync(path, "utf8").replace(/^```[\s\S]*?^```$/gm, "");
  for (const [, heading = ""] of text.matchAll(/^#{1,6} +(.+?) *#*$/gm)) {
    const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const slug = plain.replace(/[^\p{L}\p{N}\s_-]/gu, "").replace(/ /g, "-");
    let anchor = slug;
    for (let again = 1; anchors.has(anchor); again++) anchor = `${slug}-${again}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** What is wrong with a link, or undefined. */
function problemOf(target: string, from: string): string | undefined {
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? from : join(dirname(from), decodeURIComponent(path));
  if (relative(root, file).startsWith("..")) return `${target} leads out of the repository`;
  if (!existsSync(file)) return `${target} does not exist`;
  if (anchor === undefined || !file.endsWith(".md")) return undefined;
  return anchorsOf(file).has(anchor) ? undefined : `${target}: there is no such heading`;
}

test("there are documents to look at", () => {
  expect(documents).toContain("README.md");
  expect(documents).toContain("docs/differences.md");
});

describe("links resolve in", () => {
  test.each(documents)("%s", (document) => {
    const text = prose(readFileSync(join(root, document), "utf8"));
    const targets = [...text.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g)].map(([, target = ""]) => target);
    const problems = targets
      .filter((target) => !/^[a-z]+:/i.test(target))
      .map((target) => problemOf(target, join(root, document)));
    expect(problems.filter(Boolean)).toEqual([]);
  });
});

test("the documents and headings that sources name exist", () => {
  const named = below("src", ".ts").flatMap((file) =>
    [...readFileSync(join(root, file), "utf8").matchAll(/\bdocs\/[a-z-]+\.md(?:#[a-z0-9-]+)?/g)].map(([target]) => ({
      file,
      problem: problemOf(target, join(root, "README.md")),
    })),
  );
  expect(named.length).toBeGreaterThan(0);
  expect(named.filter(({ problem }) => problem)).toEqual([]);
});
