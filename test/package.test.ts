/** The package as a user gets it: packed, installed in an empty folder without development dependencies, and used. */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const MAX_PACKAGES = 25;
const MAX_BYTES = 30 * 1000 * 1000;
const LICENCES = ["MIT", "ISC", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause"];

const folder = mkdtempSync(join(tmpdir(), "kiln-package-"));
let packageFolders: string[] = [];

beforeAll(() => {
  const packed = run("npm", ["pack", "--pack-destination", folder, "--silent"], root);
  const tarball = packed.stdout.trim().split("\n").at(-1) ?? "";
  const project = join(folder, "project");
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), '{ "private": true }');
  run(
    "npm",
    ["install", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error", join(folder, tarball)],
    project,
  );
  packageFolders = readdirSync(join(project, "node_modules"), { recursive: true, encoding: "utf8" })
    .filter((path) => /(^|\/)package\.json$/.test(path))
    .map((path) => join(project, "node_modules", path))
    .filter((path) => /node_modules\/(@[^/]+\/)?[^/]+\/package\.json$/.test(path))
    .map((path) => path.slice(0, -"/package.json".length));
}, 300_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("installs few packages without install scripts, under the licences we take", () => {
  const facts = packageFolders.map((path) => JSON.parse(readFileSync(join(path, "package.json"), "utf8")));
  expect(facts.length).toBeGreaterThan(1);
  expect(facts.length).toBeLessThanOrEqual(MAX_PACKAGES);
  expect(
    facts.filter((f) => f.scripts?.install || f.scripts?.preinstall || f.scripts?.postinstall).map((f) => f.name),
  ).toEqual([]);
  expect(facts.filter((f) => !LICENCES.includes(f.license)).map((f) => `${f.name}: ${f.license}`)).toEqual([]);
});

test("takes at most 30 MB on disk", () => {
  const modules = join(folder, "project/node_modules");
  const bytes = readdirSync(modules, { recursive: true, encoding: "utf8" })
    .map((path) => statSync(join(modules, path)))
    .reduce((sum, stats) => sum + (stats.isFile() ? stats.size : 0), 0);
  process.stdout.write(`installed: ${packageFolders.length} packages, ${(bytes / 1e6).toFixed(1)} MB\n`);
  expect(bytes).toBeLessThanOrEqual(MAX_BYTES);
});

test("the installed command and library work", () => {
  const project = join(folder, "project");
  expect(run("npx", ["--no-install", "kiln", "version"], project).stdout).toMatch(/^kiln \d+\.\d+\.\d+/);
  const code =
    'import { startKiln } from "kiln"; const k = await startKiln({ memory: true, port: 0 }); console.log(k.url.startsWith("http://127.0.0.1:")); await k.close();';
  expect(run(process.execPath, ["--input-type=module", "-e", code], project).stdout).toBe("true\n");
});

test("the types of its entries are whole", () => {
  const dist = join(folder, "project/node_modules/kiln/dist");
  const lacking: string[] = [];
  const seen = new Set<string>();
  const waiting = ["index.d.ts", "build/buildspec/index.d.ts", "authorize/index.d.ts"].map((file) => join(dist, file));
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    if (!existsSync(file)) {
      lacking.push(file.slice(dist.length));
      continue;
    }
    for (const [, from, inline] of readFileSync(file, "utf8").matchAll(/from "(\.[^"]+)"|import\("(\.[^"]+)"\)/g)) {
      waiting.push(join(dirname(file), (from ?? inline ?? "").replace(/\.[jt]s$/, ".d.ts")));
    }
  }
  expect(seen.size).toBeGreaterThan(50);
  expect(lacking).toEqual([]);
});

function run(command: string, args: string[], cwd: string): { stdout: string } {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    env: { ...process.env, KILN_STATE_DIR: join(folder, "state") },
  });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${status}: ${stderr}`);
  return { stdout };
}
