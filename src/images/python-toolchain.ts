/**
 * Python with pip and venv in a folder, made of Debian packages, for machines that have none: `bin/python3`, `bin/pip`.
 * Nothing is installed and no root is needed. The folder may be moved: each program finds its parts from its own place.
 * The interpreter runs under the packages' own loader and C library, so that it needs no library of the machine, and sets
 * no variable that its children would see. A venv made with it works as usual: its `python3` links to the wrapper here.
 * Sources: ld.so(8) (`--argv0`, glibc 2.33), https://docs.python.org/3/library/sys_path_init.html
 */
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { KilnError } from "../core/errors.ts";
import { ALTERNATIVE_PYTHON, fetchPackages, packageEntries } from "./debian-packages.ts";
import { LayerWriter } from "./layer-writer.ts";
import { components } from "./layered-root.ts";

export interface PythonToolchain {
  /** For PATH: `python3`, `python3.11`, `python`, `pip`, `pip3`. */
  readonly bin: string;
  /** e.g. `3.11` */
  readonly version: string;
}

export interface UnpackPythonOptions {
  /** apt's private folder, kept as a cache. */
  readonly cacheDir: string;
  onProgress(text: string): void;
  readonly signal: AbortSignal;
}

/** Libraries and Python itself; the rest of what apt would bring is for a whole system. */
const WANTED = /^(python3|zlib1g|media-types|lib)/;
const SKIPPED_FOLDERS = new Set(["etc", "var", "share/doc", "share/man", "share/lintian", "share/locale", "share/bug"]);

const run = promisify(execFile);

/** Fills `dir`, which must not exist or be empty. Throws a `KilnError` where it cannot be made or does not run. */
export async function unpackPython(dir: string, options: UnpackPythonOptions): Promise<PythonToolchain> {
  const files = await fetchPackages(["python3", "python3-pip", "python3-venv"], {
    dir: options.cacheDir,
    onProgress: options.onProgress,
    signal: options.signal,
    withDependencies: true,
    leaveOut: (name) => !WANTED.test(name),
  });
  await mkdir(dir, { recursive: true });
  try {
    options.onProgress(`unpacking ${files.length} packages`);
    const writer = new LayerWriter(dir, []);
    for (const file of files) {
      options.signal.throwIfAborted();
      await unpack(file, writer);
    }
    const version = await finish(dir);
    const bin = join(dir, "bin");
    await run(join(bin, "python3"), ["-c", SELF_TEST], { signal: options.signal });
    return { bin, version };
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    if (options.signal.aborted || error instanceof KilnError) throw error;
    throw new KilnError({
      code: "KILN_E_PYTHON_UNPACKED",
      message: "the Python of the Debian packages does not run on this machine",
      why: ((error as { stderr?: string }).stderr || (error as Error).message).trim().split("\n").at(-1) ?? "",
      fix: ALTERNATIVE_PYTHON,
      exitCode: 4,
      cause: error,
    });
  }
}

const SELF_TEST = "import ssl, sqlite3, ctypes, venv, ensurepip, pip";

async function unpack(file: string, writer: LayerWriter): Promise<void> {
  for await (const entry of packageEntries(file)) {
    const name = withoutUsr(entry.name);
    const [first = "", second = ""] = name.split("/");
    if (name === "" || SKIPPED_FOLDERS.has(first) || SKIPPED_FOLDERS.has(`${first}/${second}`)) continue;
    const path = await writer.inside(name);
    const linkName = entry.type === "hardlink" ? withoutUsr(entry.linkName) : entry.linkName;
    await writer.entry(path, { ...entry, linkName }, entry.body, entry);
  }
}

/** `/usr` becomes the folder itself: Python looks for its library beside its program. */
const withoutUsr = (name: string): string =>
  components(name)
    .join("/")
    .replace(/^usr(\/|$)/, "");

async function finish(dir: string): Promise<string> {
  const libraries = await readdir(join(dir, "lib"));
  const version = libraries.flatMap((name) => /^python(3\.\d+)$/.exec(name)?.[1] ?? []).at(-1);
  if (version === undefined) throw new Error("the python3 packages have no standard library");
  const triplets = libraries.filter((name) => name.includes("-linux-"));
  const loaders = await Promise.all(
    triplets.map(async (triplet) =>
      (await readdir(join(dir, "lib", triplet)))
        .filter((name) => /^ld-linux.*\.so\.\d+$/.test(name))
        .map((name) => [triplet, name]),
    ),
  );
  const [triplet, loader] = loaders.flat()[0] ?? [];
  if (triplet === undefined || loader === undefined) throw new Error("the libc6 package has no loader");
  await mkdir(join(dir, "libexec"));
  await rename(join(dir, "bin", `python${version}`), join(dir, "libexec", `python${version}`));
  await rm(join(dir, "bin"), { recursive: true });
  await mkdir(join(dir, "bin"));
  const root = ['self=$(readlink -f "$0")', "root=${self%/*/*}"];
  await script(join(dir, "bin", `python${version}`), [
    ...root,
    `lib=$root/lib/${triplet}`,
    // The name it was called by tells Python whether it is that of a venv.
    `exec "$lib/${loader}" --argv0 "$0" --library-path "$lib" "$root/libexec/python${version}" "$@"`,
  ]);
  for (const name of ["python3", "python"]) await symlink(`python${version}`, join(dir, "bin", name));
  await script(join(dir, "bin/pip3"), [...root, 'exec "$root/bin/python3" -m pip "$@"']);
  await symlink("pip3", join(dir, "bin/pip"));
  const library = join(dir, "lib", `python${version}`);
  // Debian forbids `pip install` outside a venv; this Python is nobody's but the build's.
  await rm(join(library, "EXTERNALLY-MANAGED"), { force: true });
  for (const name of await readdir(library)) {
    if (!name.startsWith("_sysconfigdata") || !name.endsWith(".py")) continue;
    const path = join(library, name);
    // ensurepip finds its wheels by this; the package says the place in a system.
    const own = 'import sys as _sys\nbuild_time_vars["WHEEL_PKG_DIR"] = _sys.base_prefix + "/share/python-wheels"\n';
    await writeFile(path, `${await readFile(path, "utf8")}\n${own}`);
  }
  return version;
}

const script = (path: string, lines: readonly string[]): Promise<void> =>
  writeFile(path, ["#!/bin/sh", ...lines, ""].join("\n"), { mode: 0o755 });
