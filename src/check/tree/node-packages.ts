/**
 * Which package.json an npm, yarn or pnpm command works on, as those programs look for it, and what it says. Only packages
 * of the source; one that a command may have made or changed is not read.
 * Sources: https://docs.npmjs.com/cli/configuring-npm/folders, https://classic.yarnpkg.com/en/docs/cli/, https://pnpm.io/cli/run
 */
import { posix } from "node:path";
import { globMatcher } from "../../dockerfile/index.ts";
import { type CommandArguments, names, optionsNamed, readArguments } from "../commands/command-arguments.ts";
import type { CheckContext } from "../rule.ts";
import type { ShellCommand, ShellWord } from "../shell/shell-model.ts";
import { findPath, isMadeBefore } from "./path-lookup.ts";
import { directoryOf } from "./source-paths.ts";

export interface NodeCommand {
  readonly program: "npm" | "yarn" | "pnpm";
  /** First operand: `run`, `ci`, `install`, `build`; undefined for a bare `yarn`. */
  readonly verb: string | undefined;
  readonly verbWord: ShellWord | undefined;
  /** Operands after the verb. */
  readonly operands: readonly ShellWord[];
  readonly read: CommandArguments;
  /** Folder it works in, relative to the source's root; undefined when not known. */
  readonly directory: string | undefined;
}

const withValue = names(
  "--prefix -C --dir --cwd -w --workspace -F --filter --registry --omit --include --loglevel --cache --userconfig --access --tag " +
    "--otp --network-timeout --network-concurrency --mutex --modules-folder --cache-folder --install-strategy --workspace-concurrency " +
    "--store-dir --node-options --script-shell --before --concurrency",
);

export function nodeCommand(command: ShellCommand): NodeCommand | undefined {
  const program = command.name;
  if (program !== "npm" && program !== "yarn" && program !== "pnpm") return undefined;
  const read = readArguments(command.args, withValue);
  if (read.isUncertain) return undefined;
  const [verbWord, ...operands] = read.operands;
  if (verbWord && verbWord.text === undefined) return undefined;
  const folder = optionsNamed(read, "--prefix", "-C", "--dir", "--cwd").at(-1);
  const directory = folder
    ? folder.text === undefined
      ? undefined
      : directoryOf(command.directory, folder.text)
    : command.directory;
  return { program, verb: verbWord?.text, verbWord, operands, read, directory };
}

export interface NodePackage {
  /** Folder of the package.json in the workspace. */
  readonly folder: string;
  readonly name: string | undefined;
  readonly scripts: ReadonlyMap<string, string>;
  readonly dependencies: ReadonlySet<string>;
  /** Patterns of `workspaces`, and of pnpm-workspace.yaml. */
  readonly workspaces: readonly string[];
}

/** The package.json in the folder, or the nearest above it; undefined when there is none, or it cannot be read. */
export function packageAt(context: CheckContext, directory: string): NodePackage | "absent" | undefined {
  for (let at = directory; ; at = posix.dirname(at).replace(/^\.$/, "")) {
    const found = findPath(context, posix.join(at, "package.json"), { kind: "file" });
    if (found !== undefined) return readPackage(context, found);
    if (at === "") return "absent";
  }
}

/** Something before may have made or changed the manifest, or its folder. */
export const isManifestTouched = (context: CheckContext, command: ShellCommand, directory: string): boolean =>
  isMadeBefore(command, posix.join(directory, "package.json")) ||
  // A folder that the source does not have was made, with what is in it.
  (directory !== "" && findPath(context, directory, { kind: "directory" }) === undefined);

function readPackage({ workspace }: CheckContext, file: string): NodePackage | undefined {
  const text = workspace.readText(file);
  if (text === undefined || workspace.isIgnored(file)) return undefined;
  let manifest: unknown;
  try {
    manifest = JSON.parse(text.replace(/^\ufeff/, ""));
  } catch {
    return undefined;
  }
  if (!isObject(manifest)) return undefined;
  const folder = posix.dirname(file).replace(/^\.$/, "");
  const { name, scripts, workspaces } = manifest;
  const patterns = isObject(workspaces) ? workspaces["packages"] : workspaces;
  const pnpm = workspace.readText(posix.join(folder, "pnpm-workspace.yaml"));
  return {
    folder,
    name: typeof name === "string" ? name : undefined,
    scripts: new Map(
      Object.entries(isObject(scripts) ? scripts : {}).flatMap(([key, value]) =>
        typeof value === "string" ? [[key, value] as const] : [],
      ),
    ),
    dependencies: new Set(
      ["dependencies", "devDependencies", "optionalDependencies"].flatMap((key) => {
        const section = manifest[key];
        return Object.keys(isObject(section) ? section : {});
      }),
    ),
    workspaces: [
      ...(Array.isArray(patterns) ? patterns.filter((pattern) => typeof pattern === "string") : []),
      ...[...(pnpm ?? "").matchAll(/^\s*-\s*["']?([^"'#\n]+?)["']?\s*$/gm)].map(([, pattern = ""]) => pattern),
    ],
  };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The packages of a monorepo whose root this is, the root left out. */
export function workspacesOf(context: CheckContext, root: NodePackage): NodePackage[] {
  const patterns = root.workspaces.filter((pattern) => !pattern.startsWith("!"));
  if (patterns.length === 0) return [];
  const matchers = patterns.map((pattern) =>
    globMatcher(posix.join(root.folder, pattern.replace(/\/$/, "").replace(/^\.\//, ""), "package.json")),
  );
  return context.workspace
    .files()
    .filter((file) => file.endsWith("package.json") && matchers.some((matches) => matches(file)))
    .flatMap((file) => readPackage(context, file) ?? []);
}
