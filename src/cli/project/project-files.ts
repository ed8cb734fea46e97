/** The buildspec of a folder, as commands need it: where it is, its text, what the parser says, the files around. */
import { readFileSync, statSync } from "node:fs";
import { basename, isAbsolute, join, posix, relative, resolve, sep } from "node:path";
import { type Buildspec, type BuildspecFailure, parseBuildspec } from "../../build/buildspec/index.ts";
import type { Workspace } from "../../check/index.ts";
import { createFolderWorkspace } from "../../check/tree/folder-workspace.ts";
import type { Diagnostic } from "../../core/diagnostics.ts";
import { KilnError } from "../../core/errors.ts";

export const DEFAULT_BUILDSPEC = "buildspec.yml";

export interface ProjectFiles {
  /** Absolute path of the source folder. */
  readonly dir: string;
  /** POSIX path relative to `dir`. */
  readonly buildspecFile: string;
  readonly text: string;
  readonly buildspec: Buildspec | undefined;
  readonly failure: BuildspecFailure | undefined;
  readonly diagnostics: readonly Diagnostic[];
  readonly workspace: Workspace;
}

/** The folder a command works on; an argument that is not a folder is a usage error. */
export function sourceDir(argument: string | undefined, cwd: string): string {
  const dir = resolve(cwd, argument ?? ".");
  if (statSync(dir, { throwIfNoEntry: false })?.isDirectory()) return dir;
  throw new KilnError({
    code: "KILN_E_NO_FOLDER",
    message: `\`${argument}\` is not a folder`,
    why: "Kiln takes the folder that holds the project's source",
    fix: ["name the folder, and the buildspec with `-b FILE` if it has another name"],
    exitCode: 2,
  });
}

/** Whether a project's `source.buildspec` names a file; else it is an ARN in S3 or the text itself. */
export const isBuildspecFile = (buildspec: string): boolean =>
  !/[\r\n{]|^arn:|^\s*(?:version|phases)\s*:/.test(buildspec);

export const hasBuildspec = (dir: string): boolean =>
  statSync(join(dir, DEFAULT_BUILDSPEC), { throwIfNoEntry: false })?.isFile() === true;

/** Reads and parses the buildspec of a folder; absent: an error that names the nearest file. */
export function readProject(dir: string, buildspecFlag: string | undefined): ProjectFiles {
  const workspace = createFolderWorkspace(dir);
  const buildspecFile = buildspecPath(dir, buildspecFlag);
  const text = readText(join(dir, buildspecFile));
  if (text === undefined) throw noBuildspec(dir, buildspecFile, workspace);
  const parsed = parseBuildspec(text, buildspecFile);
  return {
    dir,
    buildspecFile,
    text,
    buildspec: parsed.buildspec,
    failure: parsed.failure,
    diagnostics: parsed.diagnostics,
    workspace,
  };
}

/** `-b` as a POSIX path in the source; a path outside it is refused, as CodeBuild would not have the file. */
export function buildspecPath(dir: string, flag: string | undefined): string {
  if (flag === undefined) return DEFAULT_BUILDSPEC;
  const inside = relative(dir, isAbsolute(flag) ? flag : resolve(dir, flag));
  if (inside.startsWith("..") || isAbsolute(inside)) {
    throw new KilnError({
      code: "KILN_E_BUILDSPEC_OUTSIDE",
      message: `the buildspec \`${flag}\` is outside the source folder \`${dir}\``,
      why: "CodeBuild looks for the buildspec in the source",
      fix: ["name a path relative to the source folder"],
      exitCode: 2,
    });
  }
  return inside.split(sep).join("/");
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR") return undefined;
    if (code !== "EACCES" && code !== "EPERM") throw error;
    throw new KilnError({
      code: "KILN_E_NO_FILE",
      message: `the buildspec \`${path}\` is not readable for this user`,
      fix: [`give yourself access: chmod u+r '${path}'`],
      exitCode: 2,
      cause: error,
    });
  }
}

function noBuildspec(dir: string, wanted: string, workspace: Workspace): KilnError {
  const near = workspace
    .files()
    .filter((file) => /buildspec[^/]*\.ya?ml$/i.test(file))
    .toSorted((a, b) => a.split("/").length - b.split("/").length)[0];
  const folder = near === undefined ? "." : posix.dirname(near);
  const fix =
    near === undefined
      ? [`create \`${wanted}\`, see https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html`]
      : wanted !== DEFAULT_BUILDSPEC
        ? [near === DEFAULT_BUILDSPEC ? "leave -b away" : `name it: kiln run -b ${near}`]
        : folder === "."
          ? [`rename it: git mv ${near} ${wanted}`, `or name it: kiln run -b ${near}`]
          : [`name it: kiln run -b ${near}`, `or go there: kiln run ${folder}`];
  return new KilnError({
    code: "KILN_E_NO_BUILDSPEC",
    message: `there is no \`${wanted}\` in \`${dir}\`${near === undefined ? "" : `; the nearest is \`${near}\``}`,
    why: "CodeBuild would end in DOWNLOAD_SOURCE with `YAML_FILE_ERROR: YAML file does not exist`",
    fix,
    exitCode: 2,
  });
}

/** A folder's name as a project name: AWS allows letters, digits, `-` and `_`, 2 to 150 characters. */
export function projectNameOf(dir: string): string {
  const name = basename(dir)
    .replace(/[^A-Za-z0-9_-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+|-+$/g, "")
    .slice(0, 100);
  return name.length >= 2 ? name : `project-${name || "here"}`;
}
