/**
 * What somebody saved from AWS, for `kiln explain`: files or standard input read as text (gzip of S3 logs, UTF-16 of
 * PowerShell's redirections), found out what they are, and joined with the buildspec they belong to.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { gunzipSync } from "node:zlib";
import { type Buildspec, parseBuildspec } from "../../build/buildspec/index.ts";
import { createFolderWorkspace } from "../../check/tree/folder-workspace.ts";
import { KilnError, usageError } from "../../core/errors.ts";
import { type BuildFacts, type Evidence, joinFacts, readEvidence } from "../../explain/index.ts";
import { isBuildspecFile } from "../project/project-files.ts";
import { absolute } from "../settings.ts";
import { planFor } from "./gather-facts.ts";

export interface EvidenceFlags {
  readonly log?: string;
  readonly build?: string;
  readonly buildspec?: string;
}

/** What the flags name, `-` being standard input; undefined without any of them. `other` is a file of either kind. */
export function evidenceOf(flags: EvidenceFlags, other: string | undefined, cwd: string): BuildFacts[] {
  if ([flags.log, flags.build, other].filter((name) => name === "-").length > 1) {
    throw usageError("standard input can be read once", [
      "give the log or the build as a file: `kiln explain --log build.log --build -`",
    ]);
  }
  const log = flags.log === undefined ? undefined : read(flags.log, cwd, "log");
  const build = flags.build === undefined ? undefined : read(flags.build, cwd, "build");
  const given = other === undefined ? undefined : read(other, cwd, undefined);
  const all = [log, build, given].flatMap((one) => one ?? []);
  return joined(all).map((facts) => withBuildspec(facts, flags.buildspec, cwd));
}

interface Given extends Evidence {
  readonly name: string;
}

function read(name: string, cwd: string, wanted: "log" | "build" | undefined): Given {
  const text = textOf(name, cwd, wanted ?? "file");
  const evidence = readEvidence(text);
  if (evidence.kind === "text" && /"buildBatch(?:es|Status)"\s*:/.test(text)) throw isBatch(name, text);
  if (evidence.builds.length === 0) throw notEvidence(name, wanted);
  return { ...evidence, name };
}

/** Bytes as text: S3 keeps logs gzipped, PowerShell writes UTF-16. */
function textOf(name: string, cwd: string, what: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(name === "-" ? 0 : absolute(name, cwd));
  } catch (error) {
    throw new KilnError({
      code: "KILN_E_NO_FILE",
      message: `cannot read the ${what} \`${name}\``,
      exitCode: 2,
      cause: error,
    });
  }
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    try {
      bytes = gunzipSync(bytes, { maxOutputLength: MAX_BYTES });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(name);
      throw new KilnError({
        code: "KILN_E_NOT_A_LOG",
        message: `\`${name}\` cannot be unpacked`,
        why: "it begins like a gzip file and does not go on like one: it may have been cut off",
        exitCode: 2,
        cause: error,
      });
    }
  }
  if (bytes.length > MAX_BYTES) throw tooLarge(name);
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.toString("utf16le");
  return bytes.toString("utf8");
}

/** Unpacked; a text of more is beyond what Node holds in one, and beyond any log that somebody reads. */
const MAX_BYTES = 256 * 1024 * 1024;

const tooLarge = (name: string): KilnError =>
  new KilnError({
    code: "KILN_E_NOT_A_LOG",
    message: `${name === "-" ? "standard input" : `\`${name}\``} is larger than 256 MiB`,
    fix: ["give its end, where the build failed: `tail -n 200000 build.log | kiln explain -`"],
    exitCode: 2,
  });

/** What is neither of AWS's texts nor anything that a cause knows. */
export function notEvidence(name: string, wanted: "log" | "build" | undefined): KilnError {
  const of = name === "-" ? "standard input" : `\`${name}\``;
  return new KilnError({
    code: "KILN_E_NOT_A_LOG",
    message: `${of} is not ${wanted === "build" ? "a build of CodeBuild" : wanted === "log" ? "a CodeBuild log" : "a log or a build of CodeBuild"}`,
    why: "it holds no line such as `[Container] … Phase complete: BUILD State: FAILED`, no build and no error of a call",
    fix: [
      "a log: the console's download, or `aws logs get-log-events --log-group-name /aws/codebuild/PROJECT --log-stream-name UUID`",
      "a build: `aws codebuild batch-get-builds --ids PROJECT:UUID`, an EventBridge event, or the error a call printed",
    ],
    exitCode: 2,
  });
}

/** A batch's record says which build failed; that build's record says why. */
function isBatch(name: string, text: string): KilnError {
  const failed = [
    ...text.matchAll(/"arn":\s*"[^"]*:build\/([\w.:-]+)"[^{}]{0,4000}?"buildStatus":\s*"(?:FAILED|FAULT|TIMED_OUT)"/g),
  ];
  const ids = [...new Set(failed.map(([, id = ""]) => id))];
  return new KilnError({
    code: "KILN_E_NOT_A_LOG",
    message: `${name === "-" ? "standard input" : `\`${name}\``} is a batch, not a build`,
    why: "why a build of it failed stands in that build's own record and log",
    fix: [
      `\`aws codebuild batch-get-builds --ids ${ids.length > 0 ? ids.join(" ") : "PROJECT:UUID"} | kiln explain -\``,
    ],
    exitCode: 2,
  });
}

/** A log and a record are of one build; several builds in one file stay apart. */
function joined(all: readonly Given[]): BuildFacts[] {
  const logs = all.filter(({ kind }) => kind === "log").flatMap(({ builds }) => builds);
  const rest = all.filter(({ kind }) => kind !== "log").flatMap(({ builds }) => builds);
  if (logs.length === 0 || rest.length === 0) return [...rest, ...logs];
  const record = rest.findLast(isFailed) ?? rest.at(-1);
  const log = logs.findLast(isFailed) ?? logs.at(-1);
  return record && log ? [joinFacts(log, record)] : [];
}

export const isFailed = ({ build, apiError }: BuildFacts): boolean =>
  apiError !== undefined ||
  (build.buildStatus !== undefined && build.buildStatus !== "SUCCEEDED" && build.buildStatus !== "IN_PROGRESS");

/** Adds the buildspec: the one named, the record's own, or the one here when the log runs its commands. */
function withBuildspec(facts: BuildFacts, named: string | undefined, cwd: string): BuildFacts {
  const place = named === undefined ? cwd : absolute(named, cwd);
  if (named !== undefined && !existsSync(place)) {
    throw new KilnError({ code: "KILN_E_NO_FILE", message: `there is no file or folder \`${named}\``, exitCode: 2 });
  }
  const isFolder = statSync(place).isDirectory();
  const folder = isFolder ? place : named?.includes("/") && !place.startsWith(`${cwd}/`) ? dirname(place) : cwd;
  const workspace = createFolderWorkspace(folder);
  const written = facts.build.source?.buildspec;
  const isInline = written !== undefined && written !== "" && !isBuildspecFile(written);
  const file = isFolder
    ? written && !isInline && !written.startsWith("arn:")
      ? written
      : "buildspec.yml"
    : folder === cwd
      ? place.slice(cwd.length + 1)
      : basename(place);
  const text =
    isInline && isFolder
      ? written
      : isFolder
        ? // A record may name anything; what is read of it lies in the folder.
          workspace.readText(file)
        : readFileSync(place, "utf8");
  const buildspec = text === undefined ? undefined : parseBuildspec(text, file).buildspec;
  const isOurs = named !== undefined || isInline || (buildspec !== undefined && runsCommandsOf(facts, buildspec));
  if (!buildspec || !isOurs) return { ...facts, workspace };
  const plan = planFor(facts.build, buildspec);
  return { ...facts, workspace, buildspec, ...(plan === undefined ? {} : { plan }) };
}

/** Whether a log can come from this buildspec: it runs one of its commands, or none at all. */
function runsCommandsOf({ events }: BuildFacts, buildspec: Buildspec): boolean {
  const ran = events.flatMap((event) => (event.type === "command-started" ? [firstLineOf(event.command)] : []));
  const own = new Set(
    buildspec.phases.flatMap(({ commands, finally: last }) =>
      [...commands, ...last].map(({ value }) => firstLineOf(value)),
    ),
  );
  return ran.length === 0 || ran.some((command) => own.has(command));
}

const firstLineOf = (command: string): string => command.trim().split("\n", 1)[0] ?? "";
