/**
 * `runtime-versions` on engines that use this machine's tools: finds the version asked for and puts it in front of PATH.
 * Looked at in this order: what PATH leads to, version managers (pyenv, uv, nvm, n, volta, fnm, goenv, sdkman, rbenv,
 * phpenv, rustup, mise, asdf; /usr/lib/jvm, ~/sdk), programs with the version in their name, the rest of PATH. A different
 * version found is used with a warning that names both; none at all fails as CodeBuild fails for a version its image does
 * not have. What the image itself would make of the version is decided before (build/plan/runtime-selection.ts).
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/runtime-versions.html
 */
import { execFile } from "node:child_process";
import { access, constants, readdir } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { err, ok, type Result } from "../../../core/result.ts";
import type { PhaseContext } from "../events.ts";

interface Runtime {
  /** Command that is looked for, and the names it has with a version in them. */
  readonly command: string;
  readonly versioned: (version: string) => readonly string[];
  readonly versionArgs: readonly string[];
  /** Folders with one folder a version; `bin` is below that. They lie below HOME, or where `variable` says, or at `/`. */
  readonly managers: readonly { readonly variable?: string; readonly folder: string; readonly bin: string }[];
}

const managed = (name: string): Runtime["managers"] => [
  { folder: `.local/share/mise/installs/${name}`, bin: "bin" },
  { folder: `.asdf/installs/${name}`, bin: "bin" },
];

/** The version as CodeBuild's users write it, without the word in front: `corretto17` → `17`. */
const bare = (version: string): string => version.replace(/^[A-Za-z]+/, "");

const RUNTIMES: Readonly<Record<string, Runtime>> = {
  python: {
    command: "python3",
    versioned: (version) => [`python${bare(version)}`],
    versionArgs: ["--version"],
    managers: [
      { variable: "PYENV_ROOT", folder: "versions", bin: "bin" },
      { folder: ".pyenv/versions", bin: "bin" },
      { folder: ".local/share/uv/python", bin: "bin" },
      ...managed("python"),
    ],
  },
  nodejs: {
    command: "node",
    versioned: (version) => [`node${bare(version)}`, `node-${bare(version)}`],
    versionArgs: ["--version"],
    managers: [
      { variable: "NVM_DIR", folder: "versions/node", bin: "bin" },
      { folder: ".nvm/versions/node", bin: "bin" },
      { variable: "N_PREFIX", folder: "n/versions/node", bin: "bin" },
      { folder: "/usr/local/n/versions/node", bin: "bin" },
      { variable: "VOLTA_HOME", folder: "tools/image/node", bin: "bin" },
      { folder: ".volta/tools/image/node", bin: "bin" },
      { folder: ".fnm/node-versions", bin: "installation/bin" },
      ...managed("node"),
      ...managed("nodejs"),
    ],
  },
  golang: {
    command: "go",
    versioned: (v) => [`go${bare(v)}`],
    versionArgs: ["version"],
    managers: [
      { variable: "GOENV_ROOT", folder: "versions", bin: "bin" },
      { folder: ".goenv/versions", bin: "bin" },
      { folder: "sdk", bin: "bin" },
      ...managed("go"),
      ...managed("golang"),
    ],
  },
  java: {
    command: "java",
    versioned: () => [],
    versionArgs: ["-version"],
    managers: [
      { variable: "SDKMAN_DIR", folder: "candidates/java", bin: "bin" },
      { folder: ".sdkman/candidates/java", bin: "bin" },
      ...managed("java"),
      { folder: "/usr/lib/jvm", bin: "bin" },
      { folder: "/Library/Java/JavaVirtualMachines", bin: "Contents/Home/bin" },
    ],
  },
  ruby: {
    command: "ruby",
    versioned: (v) => [`ruby${bare(v)}`],
    versionArgs: ["--version"],
    managers: [
      { variable: "RBENV_ROOT", folder: "versions", bin: "bin" },
      { folder: ".rbenv/versions", bin: "bin" },
      ...managed("ruby"),
    ],
  },
  php: {
    command: "php",
    versioned: (v) => [`php${bare(v)}`],
    versionArgs: ["--version"],
    managers: [{ folder: ".phpenv/versions", bin: "bin" }, ...managed("php")],
  },
  dotnet: { command: "dotnet", versioned: () => [], versionArgs: ["--version"], managers: managed("dotnet") },
  rust: {
    command: "rustc",
    versioned: () => [],
    versionArgs: ["--version"],
    managers: [
      { variable: "RUSTUP_HOME", folder: "toolchains", bin: "bin" },
      { folder: ".rustup/toolchains", bin: "bin" },
      ...managed("rust"),
    ],
  },
  docker: { command: "docker", versioned: () => [], versionArgs: ["--version"], managers: [] },
};

export interface FoundRuntime {
  readonly runtime: string;
  readonly wanted: string;
  /** What was found, e.g. `3.11.4`. */
  readonly version: string;
  /** The program itself. */
  readonly path: string;
  /** Folder to put in front of PATH; undefined when PATH already leads there. */
  readonly bin?: string;
  readonly exact: boolean;
}

/** Finds one runtime on this machine. The failure is CodeBuild's for an unknown version. */
export async function findRuntime(
  runtime: string,
  wanted: string,
  machine: Readonly<Record<string, string | undefined>>,
): Promise<Result<FoundRuntime, PhaseContext>> {
  const known = RUNTIMES[runtime];
  if (!known) {
    return err(
      yamlError(`Unknown runtime named '${runtime}'. This machine's engine knows: ${Object.keys(RUNTIMES).join(", ")}`),
    );
  }
  const onPath = await whichAll(known.command, machine);
  const installed = await managedVersions(known, machine);
  const matching = installed
    .filter((one) => matches(one.version, wanted))
    .sort((a, b) => compare(b.version, a.version))[0];

  for (const path of onPath) {
    const version = await versionOf(path, known.versionArgs);
    if (version !== undefined && matches(version, wanted)) return ok({ runtime, wanted, version, path, exact: true });
    if (version !== undefined) break; // the one PATH leads to is not it: look elsewhere before the rest of PATH
  }
  if (matching) {
    return ok({
      runtime,
      wanted,
      version: matching.version,
      path: join(matching.bin, known.command),
      bin: matching.bin,
      exact: true,
    });
  }
  for (const name of known.versioned(wanted)) {
    for (const path of await whichAll(name, machine)) {
      const version = await versionOf(path, known.versionArgs);
      if (version !== undefined && matches(version, wanted)) return ok({ runtime, wanted, version, path, exact: true });
    }
  }
  const versions = new Set(installed.map((one) => one.version));
  for (const path of onPath) {
    const version = await versionOf(path, known.versionArgs);
    if (version !== undefined) return ok({ runtime, wanted, version, path, exact: matches(version, wanted) });
  }
  const nearest = [...installed].sort((a, b) => compare(b.version, a.version))[0];
  if (nearest) {
    return ok({
      runtime,
      wanted,
      version: nearest.version,
      path: join(nearest.bin, known.command),
      bin: nearest.bin,
      exact: false,
    });
  }
  return err(
    yamlError(
      `Unknown runtime version named '${wanted}' of ${runtime}. This build image has the following versions: ${[...versions].join(", ")}`,
    ),
  );
}

/** `3.11` is met by `3.11.4`, `20.x` by `20.1.0`, `latest` by anything, `corretto17` by `17.0.9`. */
export function matches(version: string, wanted: string): boolean {
  const text = bare(wanted).replace(/(?:\.x)+$/, "");
  if (wanted === "latest" || text === "") return true;
  const [have, want] = [version.split("."), text.split(".")];
  if (have[0] === "1" && have[1] === "8" && want[0] === "8") return true; // Java 8 calls itself 1.8
  return want.every((part, index) => have[index] === part);
}

async function managedVersions(
  runtime: Runtime,
  machine: Readonly<Record<string, string | undefined>>,
): Promise<{ version: string; bin: string }[]> {
  const found: { version: string; bin: string }[] = [];
  for (const { variable, folder, bin } of runtime.managers) {
    const root = folder.startsWith("/") ? "/" : machine[variable ?? "HOME"];
    if (root === undefined || root === "") continue;
    for (const name of await readdir(join(root, folder)).catch(() => [])) {
      // Mostly `3.11.4`; /usr/lib/jvm has `java-17-openjdk-amd64`.
      const version = /(\d+(?:\.\d+)+)/.exec(name)?.[1] ?? /(?:^|[-_])(\d+)(?=[-_.]|$)/.exec(name)?.[1];
      const place = join(root, folder, name, bin);
      if (version !== undefined && (await isProgram(join(place, runtime.command)))) found.push({ version, bin: place });
    }
  }
  return found;
}

async function whichAll(command: string, machine: Readonly<Record<string, string | undefined>>): Promise<string[]> {
  const found: string[] = [];
  for (const folder of (machine["PATH"] ?? "").split(delimiter)) {
    if (folder !== "" && (await isProgram(join(folder, command)))) found.push(join(folder, command));
  }
  return found;
}

const isProgram = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );

function versionOf(path: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(path, args, { timeout: 60_000 }, (error, stdout, stderr) =>
      resolve(error ? undefined : /(\d+(?:\.\d+)+)/.exec(`${stdout}\n${stderr}`)?.[1]),
    );
  });
}

function compare(a: string, b: string): number {
  const [left, right] = [a.split(".").map(Number), b.split(".").map(Number)];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

const yamlError = (message: string): PhaseContext => ({ statusCode: "YAML_FILE_ERROR", message });
