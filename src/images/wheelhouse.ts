/**
 * A folder of Python wheels made from Debian's python3-* packages, for `pip install --no-index --find-links=DIR` where
 * no package index is in reach. Pure-Python files only: compiled speed-ups are left out, so that the wheels fit any
 * Python 3 (the packages made here fall back to Python code).
 * Source: https://packaging.python.org/en/latest/specifications/binary-distribution-format/
 */
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { KilnError } from "../core/errors.ts";
import { fetchPackages, packageEntries } from "./debian-packages.ts";
import { components } from "./layered-root.ts";
import { zipStored } from "./zip.ts";

export interface Wheelhouse {
  readonly dir: string;
  /** File names, e.g. `Flask-2.2.2-py3-none-any.whl`. */
  readonly wheels: readonly string[];
  /** e.g. `Flask==2.2.2` */
  readonly requirements: readonly string[];
}

export interface MakeWheelhouseOptions {
  /** apt's private folder, kept as a cache. */
  readonly cacheDir: string;
  onProgress(text: string): void;
  readonly signal: AbortSignal;
}

/** What each project needs at run time, besides itself. */
const NEEDS: Readonly<Record<string, readonly string[]>> = {
  flask: ["werkzeug", "jinja2", "itsdangerous", "click"],
  werkzeug: ["markupsafe"],
  jinja2: ["markupsafe"],
  gunicorn: ["setuptools", "packaging"],
};

/**
 * Makes wheels for the projects of a requirements file's text and for what they need. Versions are Debian's: a pin that
 * differs is an error that names both.
 */
export async function makeWheelhouse(
  requirements: string,
  dir: string,
  options: MakeWheelhouseOptions,
): Promise<Wheelhouse> {
  const wanted = readRequirements(requirements);
  const projects = new Set<string>();
  const visit = (project: string): void => {
    if (projects.has(project)) return;
    projects.add(project);
    for (const need of NEEDS[project] ?? []) visit(need);
  };
  for (const { project } of wanted) visit(project);
  const files = await fetchPackages(
    [...projects].map((project) => `python3-${project}`),
    {
      dir: options.cacheDir,
      onProgress: options.onProgress,
      signal: options.signal,
      withDependencies: false,
    },
  );
  await mkdir(dir, { recursive: true });
  const wheels: string[] = [];
  const made: string[] = [];
  for (const file of files) {
    options.signal.throwIfAborted();
    const wheel = await makeWheel(file);
    const pin = wanted.find(({ project }) => project === normalized(wheel.name))?.pin;
    if (pin !== undefined && pin !== wheel.version) {
      throw new KilnError({
        code: "KILN_E_WHEEL_VERSION",
        message: `\`${wheel.name}==${pin}\` is not to be had: Debian's package has ${wheel.version}`,
        fix: [`write \`${wheel.name}==${wheel.version}\` or leave the version open`],
        exitCode: 4,
      });
    }
    options.onProgress(`made ${wheel.fileName}`);
    await writeFile(join(dir, wheel.fileName), wheel.bytes);
    wheels.push(wheel.fileName);
    made.push(`${wheel.name}==${wheel.version}`);
  }
  return { dir, wheels: wheels.sort(), requirements: made.sort() };
}

function readRequirements(text: string): { project: string; pin: string | undefined }[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const bare = line.replace(/(^|\s)#.*$/, "").trim();
    const match = /^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(?:===?\s*([\w.!+-]+))?/.exec(bare);
    return match && !bare.startsWith("-") ? [{ project: normalized(match[1] ?? ""), pin: match[2] }] : [];
  });
}

/** https://packaging.python.org/en/latest/specifications/name-normalization/ */
const normalized = (name: string): string => name.toLowerCase().replace(/[-_.]+/g, "-");

interface Wheel {
  readonly name: string;
  readonly version: string;
  readonly fileName: string;
  readonly bytes: Buffer;
}

async function makeWheel(debFile: string): Promise<Wheel> {
  const files = new Map<string, Buffer>();
  const info = new Map<string, string>();
  for await (const entry of packageEntries(debFile)) {
    const path = components(entry.name).join("/");
    const inside = /^usr\/lib\/python3(?:\.\d+)?\/dist-packages\/(.+)$/.exec(path)?.[1];
    if (inside === undefined || entry.type !== "file" || /\.(so|pyc)$/.test(inside)) continue;
    const chunks: Buffer[] = [];
    for await (const chunk of entry.body) chunks.push(Buffer.from(chunk));
    const bytes = Buffer.concat(chunks);
    const meta = /^[^/]+\.(?:egg|dist)-info(?:\/(.+))?$/.exec(inside);
    if (meta) info.set(meta[1] ?? "PKG-INFO", bytes.toString("utf8"));
    else files.set(inside, bytes);
  }
  const source = info.get("METADATA") ?? info.get("PKG-INFO") ?? "";
  const name = /^Name: (.+)$/m.exec(source)?.[1]?.trim();
  const version = /^Version: (.+)$/m.exec(source)?.[1]?.trim();
  if (name === undefined || version === undefined) throw new Error(`${debFile} has no Python metadata`);
  const stem = `${name.replace(/[-_.]+/g, "_")}-${version}`;
  const distInfo = `${stem}.dist-info`;
  files.set(
    `${distInfo}/METADATA`,
    Buffer.from(withRequirements(source, info.get("requires.txt") ?? "", NEEDS[normalized(name)] ?? [])),
  );
  files.set(
    `${distInfo}/WHEEL`,
    Buffer.from("Wheel-Version: 1.0\nGenerator: kiln\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
  );
  for (const extra of ["entry_points.txt", "top_level.txt"]) {
    const text = info.get(extra);
    if (text !== undefined) files.set(`${distInfo}/${extra}`, Buffer.from(text));
  }
  const record = [...files].map(
    ([path, bytes]) => `${path},sha256=${createHash("sha256").update(bytes).digest("base64url")},${bytes.length}`,
  );
  files.set(`${distInfo}/RECORD`, Buffer.from(`${record.join("\n")}\n${distInfo}/RECORD,,\n`));
  return { name, version, fileName: `${stem}-py3-none-any.whl`, bytes: zipStored([...files]) };
}

/**
 * setuptools' requires.txt as `Requires-Dist` lines: sections are extras and markers. Debian strips requirements that
 * its own dependencies say, so `needs` are added.
 */
function withRequirements(metadata: string, requires: string, needs: readonly string[]): string {
  if (/^Requires-Dist:/m.test(metadata)) return metadata;
  const stated = requires.toLowerCase().split("\n");
  const lines = needs
    .filter((need) => !stated.some((line) => line.startsWith(need)))
    .map((need) => `Requires-Dist: ${need}`);
  let extra = "";
  let marker = "";
  for (const line of requires.split("\n").map((text) => text.trim())) {
    const section = /^\[([^:\]]*)(?::(.+))?\]$/.exec(line);
    if (section) {
      extra = section[1] ?? "";
      marker = section[2] ?? "";
      if (extra !== "") lines.push(`Provides-Extra: ${extra}`);
    } else if (line !== "") {
      const conditions = [...(marker ? [`(${marker})`] : []), ...(extra ? [`extra == '${extra}'`] : [])].join(" and ");
      lines.push(`Requires-Dist: ${line}${conditions ? ` ; ${conditions}` : ""}`);
    }
  }
  const end = metadata.search(/\r?\n\r?\n/);
  const head = end < 0 ? metadata.trimEnd() : metadata.slice(0, end);
  const fresh = [...new Set(lines)].filter((line) => !head.includes(`\n${line}`));
  return `${head}\n${fresh.join("\n")}${fresh.length > 0 && end < 0 ? "\n" : ""}${end < 0 ? "" : metadata.slice(end)}`;
}
