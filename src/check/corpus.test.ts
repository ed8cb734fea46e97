/**
 * The rules against the corpus of real buildspecs: no error on a file that is right, and how many of the mistakes that
 * were verified by hand are found. The corpus is not part of the repository: absent means skipped, said so.
 */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { Diagnostic } from "../core/diagnostics.ts";
import { check, createMemoryWorkspace, type Workspace } from "./index.ts";

const folder =
  process.env["KILN_CORPUS"] ?? fileURLToPath(new URL("../../../shared/corpus/buildspecs", import.meta.url));
const isHere = existsSync(`${folder}/index.tsv`);
if (!isHere) process.stderr.write(`skipped: no corpus at ${folder} (set KILN_CORPUS)\n`);

/** Mistakes verified by reading file and tree; 137-154 are not in the corpus any more. `file` or `file:line`. */
const known: Readonly<
  Record<string, { readonly counts: Diagnostic["severity"][]; readonly places: readonly string[] }>
> = {
  "docker/push-after-failed-build": { counts: ["warning"], places: [] },
  "docker/get-login-removed": {
    counts: ["error"],
    places: "044:7 045:11 046:11 051:11 073:11 192:7 202:7 203:7 252:16".split(" "),
  },
  "paths/not-found": {
    counts: ["error", "warning"],
    places: "097:15 097:19 097:30 171:15 171:19 171:30 096:48 096:73 026:8 026:14 031:20 204:9 170:29 253:30".split(
      " ",
    ),
  },
  "buildspec/unknown-key": { counts: ["error"], places: ["096:56", "168:6"] },
  "paths/repeated-base-directory": {
    counts: ["warning"],
    places: ["088:49", "088:55", "088:56", "088:57", "089:190"],
  },
  "buildspec/missing-version": { counts: ["error"], places: ["026:1", "038:1", "090:1"] },
  // 011 was listed too, but it sets `env.shell: bash`.
  "shell/bashism-under-sh": {
    counts: ["warning", "info"],
    places: "091 163 186 187 189 190 191 193 200 237".split(" "),
  },
};

/** Errors in files not listed as mistakes, each verified by hand against the file's tree. */
const verifiedSince: Readonly<Record<string, string>> = {
  "198:179 reports/unknown-format": "`PLAIN_TEXT` is none of the formats that CodeBuild reads",
  "244:8 paths/not-found": "`kubectl apply -f deployment.yaml`, the tree has `deployment.yml`",
  "244:9 paths/not-found": "`kubectl apply -f service.yaml`, the tree has `service.yml`",
};

interface Found extends Diagnostic {
  readonly place: string;
}

function run(): { found: Found[]; files: number; elapsedMs: number } {
  const rows = readFileSync(`${folder}/index.tsv`, "utf8")
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split("\t"));
  const trees = new Map<string, Workspace>();
  const found: Found[] = [];
  let elapsedMs = 0;
  for (const [name = "", , path = "", , , tree = ""] of rows) {
    const paths = tree === "" ? [] : readFileSync(`${folder}/${tree}`, "utf8").trim().split("\n");
    const workspace = trees.get(tree) ?? createMemoryWorkspace(paths);
    trees.set(tree, workspace);
    const text = readFileSync(`${folder}/${name}`, "utf8");
    const startedAt = performance.now();
    const diagnostics = check({ workspace, buildspecPath: path, text });
    elapsedMs += performance.now() - startedAt;
    const number = name.replace(".yml", "");
    found.push(...diagnostics.map((d) => ({ ...d, place: `${number}:${d.span?.line ?? 0}` })));
  }
  return { found, files: rows.length, elapsedMs };
}

describe.skipIf(!isHere)("the checker on real buildspecs", () => {
  const { found, files, elapsedMs } = isHere ? run() : { found: [], files: 0, elapsedMs: 0 };
  const isListed = ({ code, place }: Found) =>
    known[code]?.places.some((listed) => listed === place || listed === place.split(":")[0]) ?? false;

  it("has no error on a file that is right", () => {
    const unexpected = found
      .filter((finding) => finding.severity === "error" && !isListed(finding))
      .filter(({ place, code }) => verifiedSince[`${place} ${code}`] === undefined)
      .map(({ place, code, message }) => `${place} ${code}: ${message}`);
    expect(unexpected).toEqual([]);
  });

  it("finds most of what was verified by hand, and prints how much", () => {
    const lines: string[] = [];
    for (const [code, { counts, places }] of Object.entries(known)) {
      const hits = found.filter((finding) => finding.code === code && counts.includes(finding.severity));
      if (places.length === 0) {
        lines.push(`${code}: ${hits.length} findings (28 by hand)`);
        continue;
      }
      const missed = places.filter(
        (listed) => !hits.some(({ place }) => place === listed || place.split(":")[0] === listed),
      );
      const right = hits.filter(
        (finding) => isListed(finding) || verifiedSince[`${finding.place} ${code}`] !== undefined,
      );
      lines.push(
        `${code}: recall ${places.length - missed.length}/${places.length}, precision ${right.length}/${hits.length}${missed.length > 0 ? `, missed ${missed.join(" ")}` : ""}`,
      );
      expect(missed.length / places.length, `${code} misses ${missed.join(" ")}`).toBeLessThan(0.2);
    }
    process.stdout.write(`${lines.join("\n")}\n`);
    expect(found.filter(({ code }) => code === "docker/push-after-failed-build")).toHaveLength(28);
  });

  it("reads all of them", () => {
    process.stdout.write(`${files} buildspecs in ${elapsedMs.toFixed(0)} ms (bar 2,000 ms)\n`);
    expect(files).toBeGreaterThan(200);
  });
});
