/**
 * The cases of the comparison: `dockerfiles/<name>/`, each a context with a Dockerfile. Beside them, not part of the context:
 *   case.json     arguments and expectations, see `CaseSettings`
 *   prepare.sh    run in the copied context: makes what a repository cannot hold (empty folders, setuid bits, hard links)
 */
import { execFile } from "node:child_process";
import { cp, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { CONTEXT_MTIME_SECONDS } from "./saved-image.ts";

export type Style = "classic" | "buildkit";

export interface CaseSettings {
  /** More arguments of `docker build`, before the context. */
  readonly arguments?: readonly string[];
  /** The context, below the case's folder; `.` unless told. */
  readonly context?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Builders that can do it; both unless told. */
  readonly styles?: readonly Style[];
  /** The engine's BuildKit must be at least of this version: what it builds is newer than Debian 12's. */
  readonly since?: number;
  /** The build must fail: exit code and message are compared. */
  readonly fails?: boolean;
  /** Run on the engine, the engine's image and ours, and compared: arguments after the image's name. */
  readonly run?: readonly string[];
  /** Differences that are meant, by style and start of their line, and why; each must be there. */
  readonly differs?: Readonly<Partial<Record<Style, Readonly<Record<string, string>>>>>;
}

export interface Case extends CaseSettings {
  readonly name: string;
}

const ROOT = fileURLToPath(new URL("dockerfiles/", import.meta.url));

export async function readCases(): Promise<Case[]> {
  const names = (await readdir(ROOT, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  return Promise.all(
    names
      .map((entry) => entry.name)
      .sort()
      .map(async (name) => {
        const text = await readFile(join(ROOT, name, "case.json"), "utf8").catch(() => "{}");
        return { name, ...(JSON.parse(text) as CaseSettings) };
      }),
  );
}

/** A copy of the case's context in `dir`, with modes and times that do not depend on the clone. */
export async function prepareContext({ name }: Case, dir: string): Promise<void> {
  await cp(join(ROOT, name), dir, { recursive: true, verbatimSymlinks: true });
  await rm(join(dir, "case.json"), { force: true });
  const script = [
    "find . -type d -exec chmod 755 {} + && find . -type f -perm -u+x -exec chmod 755 {} +",
    "find . -type f ! -perm -u+x -exec chmod 644 {} +",
    "if [ -e prepare.sh ]; then mv prepare.sh ../prepare.$$ && sh -eu ../prepare.$$; rm -f ../prepare.$$; fi",
    `find . -exec touch -h -d @${CONTEXT_MTIME_SECONDS} {} +`,
  ].join("\n");
  await promisify(execFile)("sh", ["-euc", script], { cwd: dir });
}
