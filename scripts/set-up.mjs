/**
 * Makes a fresh clone ready: dependencies when absent or older than the lock file, then the build when a source is newer
 * than it. Runs before `npm run demo` and `npm test`; plain Node, because nothing is installed yet.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const MINIMUM_NODE = [20, 19];
const root = fileURLToPath(new URL("..", import.meta.url));

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor < MINIMUM_NODE[1])) {
  fail(`Node ${process.versions.node} is too old: Kiln needs Node ${MINIMUM_NODE.join(".")} or newer`);
}

if (dependenciesAreStale()) {
  // Not `npm ci`: it refuses a lock file that lacks the optional packages of platforms the registry in use does not carry.
  say("installing dependencies (npm install, versions of the lock file) …");
  run(
    "npm",
    ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"],
    "the dependencies could not be installed: is the package registry in reach?",
  );
}
if (buildIsStale()) {
  say("building (tsc) …");
  rmSync(join(root, "dist"), { recursive: true, force: true });
  run(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"], "the build failed");
}

function dependenciesAreStale() {
  const installed = join(root, "node_modules/.package-lock.json");
  if (!existsSync(installed)) return true;
  const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  const present = JSON.parse(readFileSync(installed, "utf8")).packages;
  return Object.entries(wanted).some(
    ([path, facts]) => path !== "" && !facts.optional && present[path]?.version !== facts.version,
  );
}

function buildIsStale() {
  const marker = join(root, "dist/.tsbuildinfo");
  if (!existsSync(marker) || !existsSync(join(root, "dist/main.js"))) return true;
  const builtAtMs = statSync(marker).mtimeMs;
  const inputs = [
    "tsconfig.json",
    "tsconfig.build.json",
    ...readdirSync(join(root, "src"), { recursive: true }).map((f) => `src/${f}`),
  ];
  return inputs.some((file) => statSync(join(root, file)).mtimeMs > builtAtMs);
}

function run(command, args, failure) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  if (error) fail(`${failure} (${error.message})`);
  if (status !== 0) fail(failure);
}

function say(text) {
  process.stdout.write(`kiln set-up: ${text}\n`);
}

function fail(text) {
  process.stderr.write(`kiln set-up: ${text}\n`);
  process.exit(4);
}
