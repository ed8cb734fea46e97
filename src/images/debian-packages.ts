/**
 * Debian packages of this machine's own sources, fetched and unpacked without root: the raw material of base images and
 * of the wheelhouse. Works with private apt folders; nothing of the system's apt state is changed.
 * Source: apt.conf(5), dpkg-deb(1).
 */
import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { KilnError } from "../core/errors.ts";
import { type ReadTarEntry, readTar } from "./tar.ts";

const run = promisify(execFile);

export interface PackageOptions {
  /** Private folder for apt's state and the downloaded files; kept between calls as a cache. */
  readonly dir: string;
  onProgress(text: string): void;
  readonly signal: AbortSignal;
  /** Which of the packages found as dependencies are not wanted. */
  leaveOut?(name: string): boolean;
}

const MAX_OUTPUT_BYTES = 32 * 1024 * 1024;

/** Downloads the packages; with `withDependencies` also all they need on an empty system. Returns paths of .deb files. */
export async function fetchPackages(
  names: readonly string[],
  options: PackageOptions & { readonly withDependencies: boolean },
): Promise<string[]> {
  await requireApt();
  const apt = await privateApt(options.dir);
  try {
    return await download(names, apt, options);
  } catch (error) {
    if (options.signal.aborted) throw error;
    // No package lists here, or old ones that name files which are gone: fetch lists of our own.
    options.onProgress("fetching package lists");
    await mkdir(join(options.dir, "state/lists/partial"), { recursive: true });
    const lists = [...apt, "-o", `Dir::State::Lists=${join(options.dir, "state/lists")}`];
    try {
      await run("apt-get", [...lists, "-qq", "update"], execOptions(options.signal));
      return await download(names, lists, options);
    } catch (second) {
      throw new KilnError({
        code: "KILN_E_PACKAGES_UNAVAILABLE",
        message: `could not download the Debian packages ${names.map((name) => `\`${name}\``).join(", ")}`,
        why: lastLine((second as { stderr?: string }).stderr ?? (second as Error).message),
        fix: ["check that this machine reaches its package mirror", ...ALTERNATIVES],
        exitCode: 4,
        cause: second,
      });
    }
  }
}

/** The package's files. However the caller leaves the loop, dpkg-deb ends: a full pipe would keep it, and this process. */
export async function* packageEntries(debFile: string): AsyncGenerator<ReadTarEntry> {
  const files = packageFiles(debFile);
  try {
    yield* readTar(files);
  } finally {
    await files.return(undefined);
  }
}

async function* packageFiles(debFile: string): AsyncGenerator<Uint8Array> {
  const child = spawn("dpkg-deb", ["--fsys-tarfile", debFile], { stdio: ["ignore", "pipe", "ignore"] });
  const ended = new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
  ended.catch(() => undefined);
  yield* child.stdout;
  if ((await ended) !== 0) throw new Error(`dpkg-deb could not read ${debFile}`);
}

/** What to do where a Python cannot be made of packages. */
export const ALTERNATIVE_PYTHON = [
  "install Python with pip and venv (Debian: apt-get install python3 python3-pip python3-venv)",
];

/** What to do where images cannot be made from packages. */
export const ALTERNATIVES = [
  "map a name to an image you have: `kiln images map python:3.11-slim=IMAGE`",
  "or import one: `docker save IMAGE -o image.tar`, then `kiln images import image.tar`",
  "or start Docker or Podman, which can pull it",
];

async function requireApt(): Promise<void> {
  for (const tool of ["apt-get", "dpkg-deb"]) {
    const found = (process.env["PATH"] ?? "").split(":").some((folder) => existsSync(join(folder, tool)));
    if (found) continue;
    throw new KilnError({
      code: "KILN_E_NO_PACKAGES",
      message: `making a base image needs Debian's \`${tool}\`, which is not on this machine`,
      fix: ALTERNATIVES,
      exitCode: 4,
    });
  }
}

/** Options that keep apt's changes in `dir`; sources and keys stay the machine's own. */
async function privateApt(dir: string): Promise<string[]> {
  await mkdir(join(dir, "archives/partial"), { recursive: true });
  await mkdir(join(dir, "state"), { recursive: true });
  const status = join(dir, "state/status");
  await writeFile(status, "");
  const settings = {
    "Dir::State::Status": status,
    "Dir::Cache": dir,
    "Dir::Cache::archives": join(dir, "archives"),
    "Debug::NoLocking": "1",
    "APT::Sandbox::User": "",
    "APT::Install-Recommends": "0",
    "Acquire::Retries": "2",
    "Acquire::Languages": "none",
  };
  return Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
}

async function download(
  names: readonly string[],
  apt: readonly string[],
  options: PackageOptions & { readonly withDependencies: boolean },
): Promise<string[]> {
  const archives = join(options.dir, "archives");
  const found = options.withDependencies ? await closure(names, apt, options.signal) : [...names];
  const listed = found.filter((name) => options.leaveOut?.(name) !== true);
  options.onProgress(`fetching ${packageCount(listed.length)}`);
  await run("apt-get", [...apt, "-qq", "download", ...listed], { ...execOptions(options.signal), cwd: archives });
  const files = await readdir(archives);
  return listed.map((name) => {
    const bare = name.replace(/[:=].*$/, "");
    const newest = files
      .filter((file) => file.startsWith(`${bare}_`) && file.endsWith(".deb"))
      .sort()
      .at(-1);
    if (newest === undefined) throw new Error(`apt-get did not download ${bare}`);
    return join(archives, newest);
  });
}

async function closure(names: readonly string[], apt: readonly string[], signal: AbortSignal): Promise<string[]> {
  const { stdout } = await run("apt-get", [...apt, "-qq", "--simulate", "install", ...names], execOptions(signal));
  const found = [...stdout.matchAll(/^Inst (\S+) /gm)].map((match) => match[1] ?? "");
  return [...new Set(found)].sort();
}

const execOptions = (signal: AbortSignal): { signal: AbortSignal; maxBuffer: number; env: NodeJS.ProcessEnv } => ({
  signal,
  maxBuffer: MAX_OUTPUT_BYTES,
  env: { ...process.env, LC_ALL: "C", DEBIAN_FRONTEND: "noninteractive" },
});

const lastLine = (text: string): string => text.trim().split("\n").at(-1) ?? "";

/** `1 package`, `2 packages`. */
export const packageCount = (count: number): string => `${count} package${count === 1 ? "" : "s"}`;
