/** The corpus of real buildspecs, read where it lies. It is not part of the repository: absent means skipped, said so. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const corpusDir =
  process.env["KILN_CORPUS"] ?? fileURLToPath(new URL("../../../shared/corpus/buildspecs", import.meta.url));
export const isCorpusHere = existsSync(corpusDir);
if (!isCorpusHere) process.stderr.write(`skipped: no corpus at ${corpusDir} (set KILN_CORPUS)\n`);

export interface CorpusFile {
  /** e.g. `018` */
  readonly number: string;
  readonly text: string;
  /** Where the buildspec lies in its repository. */
  readonly path: string;
  /** Every path of the repository, and those that may be executed. */
  readonly tree: readonly string[];
  readonly executables: ReadonlySet<string>;
}

export const corpusNumbers = (): string[] =>
  isCorpusHere
    ? readdirSync(corpusDir)
        .filter((name) => /^\d+\.yml$/.test(name))
        .map((name) => name.slice(0, -".yml".length))
    : [];

export function readCorpusFile(number: string): CorpusFile {
  const row = index().get(`${number}.yml`);
  const list = (name: string): string[] => {
    const path = join(corpusDir, name);
    return existsSync(path)
      ? readFileSync(path, "utf8")
          .split("\n")
          .filter((line) => line !== "")
      : [];
  };
  const tree = row?.["tree"] ?? `${number}.tree.txt`;
  return {
    number,
    text: readFileSync(join(corpusDir, `${number}.yml`), "utf8"),
    path: row?.["path"] ?? "buildspec.yml",
    tree: list(tree),
    executables: new Set(list(tree.replace(".tree.txt", ".exec.txt"))),
  };
}

let rows: Map<string, Record<string, string>> | undefined;

function index(): Map<string, Record<string, string>> {
  if (rows) return rows;
  const [head = "", ...lines] = readFileSync(join(corpusDir, "index.tsv"), "utf8").trimEnd().split("\n");
  const columns = head.split("\t");
  rows = new Map(
    lines.map((line) => {
      const cells = line.split("\t");
      return [cells[0] ?? "", Object.fromEntries(columns.map((column, at) => [column, cells[at] ?? ""]))];
    }),
  );
  return rows;
}
