/**
 * The architecture as a test: who may import whom, which folders do no I/O, one place for time and randomness, a README
 * in every folder, the same table in ARCHITECTURE.md.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

/** An entry means "may import"; a file name limits it to that file. Nothing else may. Everyone may import itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  authorize: ["core"],
  store: ["core"],
  "engine-api": ["core"],
  engines: ["core", "engine-api"],
  identity: ["core", "store", "authorize"],
  services: ["core", "store", "authorize", "identity"],
  "services/ssm": ["core", "store", "authorize", "services"],
  "services/kms": ["core", "store", "authorize", "services"],
  "services/secretsmanager": ["core", "store", "authorize", "services"],
  "services/logs": ["core", "store", "authorize", "services"],
  "services/iam": ["core", "store", "authorize", "identity", "services"],
  "services/sts": ["core", "store", "authorize", "identity", "services"],
  "services/s3": ["core", "store", "authorize", "services"],
  "services/ecr": ["core", "store", "authorize", "registry", "services"],
  "services/codebuild": [
    "core",
    "store",
    "authorize",
    "services",
    "build/buildspec",
    "build/plan",
    "build/batch",
    "build/run",
    "build/report",
    "build/test-reports",
    "engines",
    "docker-api/docker-api.ts",
    "leak-guard",
  ],
  endpoint: ["core", "authorize", "identity", "services"],
  access: ["core", "authorize", "identity", "services"],
  control: ["core", "store", "authorize", "identity", "services"],
  registry: ["core", "store", "authorize", "identity"],
  images: ["core", "store"],
  dockerfile: ["core"],
  "docker-api": ["core", "engine-api", "images", "dockerfile"],
  "build/buildspec": ["core", "build/test-reports/report-format.ts"],
  "build/plan": ["core", "build/buildspec"],
  "build/batch": ["core", "build/buildspec", "build/plan"],
  "build/test-reports": ["core"],
  "build/run": [
    "core",
    "build/buildspec",
    "build/plan",
    "build/test-reports",
    "engines",
    "docker-api/docker-api.ts",
    "images/tar.ts",
    "build/run/sources",
  ],
  "build/run/sources": [
    "core",
    "build/run/build-log.ts",
    "build/run/build-request.ts",
    "build/run/cache-bound.ts",
    "build/run/copy-tree.ts",
    "build/run/events.ts",
    "build/run/s3-failure.ts",
    "engines/process-sweep.ts",
  ],
  "build/report": ["core", "build/run/events.ts"],
  check: [
    "core",
    "authorize",
    "build/buildspec",
    "build/plan",
    "build/batch",
    "build/test-reports/report-format.ts",
    "dockerfile",
    "leak-guard/hard-coded-secrets.ts",
    "leak-guard/secret-files.ts",
    "leak-guard/value-shape.ts",
  ],
  "leak-guard": ["core", "build/run/events.ts", "build/run/build-output.ts", "dockerfile", "images/tar.ts"],
  "least-privilege": ["core", "authorize", "build/plan", "build/run/events.ts"],
  explain: [
    "core",
    "authorize",
    "check",
    "build/buildspec",
    "build/plan",
    "build/batch",
    "build/run/events.ts",
    "build/test-reports/report-format.ts",
    "dockerfile",
    "least-privilege",
  ],
  "language-server": ["core", "check", "build/buildspec", "build/plan"],
  "kiln-options": ["core", "engines", "registry"],
  app: ["*"],
  cli: [
    "core",
    "app",
    "services/action-table.ts",
    "authorize/decision.ts",
    "authorize/decision-record.ts",
    "build/buildspec",
    "build/plan",
    "build/batch",
    "build/report",
    "build/run/events.ts",
    "build/run/sources/git.ts",
    "check",
    "docker-api",
    "engine-api",
    "engines",
    "explain",
    "images",
    "language-server",
    "least-privilege",
  ],
  index: [
    "core",
    "app",
    "authorize",
    "build/buildspec",
    "build/plan",
    "build/run/events.ts",
    "check",
    "control/library.ts",
    "explain",
  ],
  main: ["cli"],
};

/** Folders that decide and describe, and so do no I/O; the named files are their adapters. */
const NO_IO = [
  "authorize",
  "dockerfile",
  "build/buildspec",
  "build/plan",
  "build/batch",
  "build/test-reports",
  "check",
  "explain",
  "least-privilege",
];
const IO_ADAPTERS = ["check/tree/folder-workspace.ts", "check/tree/git-listing.ts"];
const IO_MODULES = /^node:(fs|child_process|net|http|https|tls|dgram)(\/|$)/;

interface Import {
  readonly from: string;
  readonly target: string;
}

const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".gen.ts"))
  .sort();
const production = sources.filter((file) => !/\.test\.ts$|contract\.ts$/.test(file));

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, "src", file), "utf8");
  const pattern =
    /(?:^|\n)\s*(?:import|export)\s[^;]*?from\s+"([^"]+)"|import\(\s*"([^"]+)"\s*\)|(?:^|\n)import\s+"([^"]+)"/g;
  return [...text.matchAll(pattern)].map((match) => {
    const specifier = match[1] ?? match[2] ?? match[3] ?? "";
    return { from: file, target: specifier.startsWith(".") ? normalize(join(dirname(file), specifier)) : specifier };
  });
}

function folderOf(file: string): string {
  const keys = Object.keys(MAY_IMPORT).sort((a, b) => b.length - a.length);
  return keys.find((key) => file.startsWith(`${key}/`) || file === `${key}.ts`) ?? file;
}

const allImports = production.flatMap(importsOf);

test("every import follows the table", () => {
  const internal = allImports.filter(
    (i) => !/^(node:|@?[a-z])/.test(i.target) || existsSync(join(root, "src", i.target)),
  );
  expect(internal.length).toBeGreaterThan(100);
  const wrong = internal.filter(({ from, target }) => {
    const [source, destination] = [folderOf(from), folderOf(target)];
    if (source === destination) return false;
    const allowed = MAY_IMPORT[source] ?? [];
    return !allowed.includes("*") && !allowed.includes(destination) && !allowed.includes(target);
  });
  expect(wrong.map((i) => `${i.from} imports ${i.target}`)).toEqual([]);
});

test("folders that decide do no input or output", () => {
  const wrong = allImports.filter(
    ({ from, target }) => NO_IO.includes(folderOf(from)) && !IO_ADAPTERS.includes(from) && IO_MODULES.test(target),
  );
  expect(wrong.map((i) => `${i.from} imports ${i.target}`)).toEqual([]);
});

test("only core/clock.ts and core/ids.ts read time and randomness", () => {
  const readers = production.filter((file) => {
    if (file === "core/clock.ts" || file === "core/ids.ts") return false;
    const code = readFileSync(join(root, "src", file), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
    return /\bDate\.now\(|new Date\(\)|Math\.random\(|\brandomUUID\(|\brandomBytes\(/.test(code);
  });
  expect(readers).toEqual([]);
});

test("every folder has a README", () => {
  const folders = [...new Set(production.map((file) => dirname(file)))].filter((folder) => folder !== ".");
  expect(folders).toContain("services/codebuild/builds");
  expect(folders.filter((folder) => !existsSync(join(root, "src", folder, "README.md")))).toEqual([]);
});

test("ARCHITECTURE.md shows the same table", () => {
  const text = readFileSync(join(root, "ARCHITECTURE.md"), "utf8");
  const rows = [...text.matchAll(/^\| `([^`]+)` \| ([^|]*) \|$/gm)].map((m) => [
    m[1] ?? "",
    [...(m[2] ?? "").matchAll(/`([^`]+)`/g)].map((n) => n[1] ?? ""),
  ]);
  expect(Object.fromEntries(rows)).toEqual(MAY_IMPORT);
});

test("no file is called after nothing in particular", () => {
  expect(sources.filter((file) => /(^|\/)(utils?|common|misc|shared|helpers?)(\.|\/)/.test(file))).toEqual([]);
});

test("links between documents resolve", () => {
  const documents = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", ...docs("docs")];
  const broken = documents.flatMap((document) =>
    [...readFileSync(join(root, document), "utf8").matchAll(/\]\((?!https?:|#)([^)#]+)/g)]
      .map((m) => join(dirname(document), m[1] ?? ""))
      .filter((target) => !existsSync(join(root, target)))
      .map((target) => `${document} links to ${target}`),
  );
  expect(broken).toEqual([]);
});

function docs(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((f) => f.endsWith(".md"))
    .map((f) => relative(root, join(root, folder, f)));
}
