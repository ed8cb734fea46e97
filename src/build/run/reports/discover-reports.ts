/**
 * Auto-discovery: looks through the build's files for report files, with CodeBuild's log lines. A file is known by what
 * it begins with; symbolic links and `.git` are not entered. On for every build unless CODEBUILD_CONFIG_AUTO_DISCOVER
 * is `false`, in the folder CODEBUILD_CONFIG_AUTO_DISCOVER_DIR names (a pattern); commands may change both.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/report-auto-discover.html; log lines of published logs.
 */
import { join, relative } from "node:path";
import { glob } from "tinyglobby";
import type { Clock } from "../../../core/clock.ts";
import { HEAD_BYTES, isCandidateName, type ReportFormat, recognizeFormat } from "../../test-reports/index.ts";
import type { BroughtFiles } from "../brought-files.ts";
import { fixedPart } from "../cache/cache-paths.ts";
import { ownReaddir } from "../glob-files.ts";
import type { ReportFile } from "./report-sink.ts";

export const AUTO_DISCOVER = "CODEBUILD_CONFIG_AUTO_DISCOVER";
export const AUTO_DISCOVER_DIR = "CODEBUILD_CONFIG_AUTO_DISCOVER_DIR";
const TIMEOUT_MS = 5000;
const READS_AT_ONCE = 32;

export interface DiscoverInput {
  readonly srcDir: string;
  /** Empty means everything. */
  readonly pattern: string;
  /** Files that a report of the buildspec has read already, as absolute paths. */
  readonly taken: ReadonlySet<string>;
  /** Makes files of the environment files of this machine. */
  readonly brought: BroughtFiles;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  log(text: string): void;
  warn(text: string): void;
}

export async function discoverReports(input: DiscoverInput): Promise<ReadonlyMap<ReportFormat, readonly ReportFile[]>> {
  const { srcDir, clock, log } = input;
  const pattern = relativePattern(srcDir, input.brought.place(input.pattern.trim()));
  log(`Set report auto-discover timeout to ${TIMEOUT_MS / 1000} seconds`);
  // AWS: two spaces here, one for artifacts.
  log("Expanding base directory path:  .");
  log("Assembling file list");
  log("Expanding .");
  log("Expanding file paths for base directory .");
  log("Assembling file list");
  log(`Expanding ${pattern}`);
  const startMs = clock.nowMs();
  const found = await search(pattern, input);
  const count = [...found.values()].reduce((sum, files) => sum + files.length, 0);
  log(count === 0 ? "No matching auto-discover report paths found" : `Found ${count} file(s)`);
  log(`Report auto-discover file discovery took ${((clock.nowMs() - startMs) / 1000).toFixed(6)} seconds`);
  return found;
}

const relativePattern = (srcDir: string, written: string): string => {
  const trimmed = written.trim();
  if (trimmed === "") return "**/*";
  const inside = trimmed.startsWith("/") ? relative(srcDir, trimmed) : trimmed;
  return inside.replace(/^(?:\.\/)+/, "") || "**/*";
};

async function search(pattern: string, input: DiscoverInput): Promise<Map<ReportFormat, ReportFile[]>> {
  const found = new Map<ReportFormat, ReportFile[]>();
  if (pattern.startsWith("..")) return found;
  await input.brought.bring(join(input.srcDir, fixedPart(pattern)), isCandidateName);
  const over = new AbortController();
  const timer = input.clock.after(TIMEOUT_MS, () => over.abort());
  const signal = AbortSignal.any([over.signal, input.signal]);
  try {
    // Ended early, it gives what it has found so far.
    const paths = await glob(pattern, {
      cwd: input.srcDir,
      ignore: ["**/.git/**"],
      dot: true,
      onlyFiles: true,
      // A pattern that names a folder means what is in it.
      expandDirectories: true,
      followSymbolicLinks: false,
      fs: { readdir: ownReaddir(input.brought.own) },
      signal,
    });
    const candidates = paths
      .filter(isCandidateName)
      .sort()
      .map((path) => ({ path, source: join(input.srcDir, path) }))
      .filter(({ source }) => !input.taken.has(source));
    for (const [index, file] of candidates.entries()) {
      // Room for the timer that ends it, and for everything else.
      if (index % READS_AT_ONCE === 0) await new Promise(setImmediate);
      if (signal.aborted) break;
      const format = recognizeFormat(file.path, input.brought.own.head(file.source, HEAD_BYTES));
      if (format) found.set(format, [...(found.get(format) ?? []), file]);
    }
  } finally {
    timer.cancel();
  }
  input.signal.throwIfAborted();
  if (over.signal.aborted) {
    input.warn(
      `report auto-discovery stopped after ${TIMEOUT_MS / 1000} seconds; \`${AUTO_DISCOVER_DIR}\` narrows it, \`${AUTO_DISCOVER}=false\` turns it off`,
    );
  }
  return found;
}
