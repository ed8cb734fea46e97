/**
 * From texts that somebody saved to the facts of builds: what each text is (a log, a build's record, an event, a
 * project, an error of a call, a line about a phase) is found out from the text itself. A record and a log of the same
 * build complete each other: the record knows settings and statuses, the log what the commands printed.
 */
import type { BuildFacts, BuildRecord } from "../build-facts.ts";
import { factsFromLines } from "../log-file.ts";
import { readToolFailure } from "../tool-failures/index.ts";
import { apiErrorIn, apiErrorOf, phaseTextIn } from "./api-error.ts";
import { buildsIn, projectsIn } from "./build-record.ts";
import { CONTAINER, jsonValues, logLines, plainLines } from "./log-lines.ts";
import { unwrapped } from "./pasted-text.ts";

export type EvidenceKind = "log" | "build" | "project" | "error" | "text";

export interface Evidence {
  readonly kind: EvidenceKind;
  /** One for each build, in the order of the text. */
  readonly builds: readonly BuildFacts[];
}

const MAX_PLAIN = 1 << 20;

/** What a text is; `text` when it is nothing that AWS writes as a whole. */
export function readEvidence(given: string): Evidence {
  const json = jsonValues(given);
  const text = json === undefined ? unwrapped(given) : given;
  const values = json ?? (text === given ? undefined : jsonValues(text));
  if (values !== undefined) {
    const records = mergeEvents(values.flatMap((value) => buildsIn(value)));
    if (records.length > 0) return { kind: "build", builds: records.map((build) => saved({ build })) };
  }
  const logs = logLines(text).filter((lines) => lines.some((line) => CONTAINER.test(line)));
  if (logs.length > 0) return { kind: "log", builds: logs.map((lines) => saved(factsFromLines(lines))) };
  if (values !== undefined) {
    const projects = values.flatMap((value) => projectsIn(value));
    if (projects.length > 0)
      return { kind: "project", builds: projects.map((project) => saved({ build: projectBuild(project) })) };
    const error = values.map(apiErrorOf).find((found) => found !== undefined);
    if (error) return { kind: "error", builds: [saved({ build: {}, apiError: error })] };
  }
  // An error of a call is short, and why a tool failed stands at its end.
  const plain = plainLines(text.slice(-MAX_PLAIN)).join("\n");
  const phase = phaseTextIn(values === undefined ? plain : unescaped(plain));
  if (phase) {
    const { phaseType, ...context } = phase;
    const build = { buildStatus: "FAILED", phases: [{ phaseType, phaseStatus: "FAILED", contexts: [context] }] };
    return { kind: "build", builds: [saved({ build })] };
  }
  const error = apiErrorIn(plain);
  const refused = error && saved({ build: {}, apiError: error });
  // A tool's output names errors, too: that of a call is one reading of it.
  const isPrinted = printedByTool(plain);
  if (refused && !isPrinted) return { kind: "error", builds: [refused] };
  const bare = isPrinted ? plain : undecorated(plain);
  return {
    kind: "text",
    builds: [...fragments(bare, isPrinted || printedByTool(bare)), ...(refused ? [{ ...refused, isGuess: true }] : [])],
  };
}

const unescaped = (json: string): string => json.replace(/\\n/g, "\n").replace(/\\t/g, "\t").replace(/\\"/g, '"');

/** Facts of a build of AWS's, with nothing known but this. */
export const saved = (facts: Partial<BuildFacts> & Pick<BuildFacts, "build">): BuildFacts => ({
  events: [],
  decisions: [],
  parameters: [],
  isSaved: true,
  ...facts,
});

/** A record completes the log of the same build: statuses and settings from the record, output from the log. */
export function joinFacts(log: BuildFacts, record: BuildFacts): BuildFacts {
  const phases = (record.build.phases ?? []).map((phase) => {
    const told = phase.contexts?.some(({ message }) => message);
    const own = log.build.phases?.find(({ phaseType }) => phaseType === phase.phaseType);
    return told || !own?.contexts ? phase : { ...phase, contexts: own.contexts };
  });
  const status = record.build.buildStatus ?? log.build.buildStatus;
  return {
    ...record,
    events: log.events,
    build: {
      ...record.build,
      ...(status === undefined ? {} : { buildStatus: status }),
      phases: phases.length > 0 ? phases : (log.build.phases ?? []),
    },
  };
}

/** Events of one build tell of its phases one after the other. */
function mergeEvents(records: readonly BuildRecord[]): BuildRecord[] {
  const builds = new Map<string, BuildRecord>();
  for (const [index, record] of records.entries()) {
    const key = record.id ?? record.arn ?? String(index);
    const earlier = builds.get(key);
    builds.set(key, earlier ? { ...earlier, ...record, phases: mergePhases(earlier, record) } : record);
  }
  return [...builds.values()];
}

function mergePhases(earlier: BuildRecord, later: BuildRecord): NonNullable<BuildRecord["phases"]> {
  const known = new Map((earlier.phases ?? []).map((phase) => [phase.phaseType, phase] as const));
  for (const phase of later.phases ?? []) {
    const before = known.get(phase.phaseType);
    known.set(
      phase.phaseType,
      phase.contexts?.length || !before?.contexts ? phase : { ...phase, contexts: before.contexts },
    );
  }
  return [...known.values()];
}

/** A project's settings, as the builds of it would have them. */
function projectBuild(project: Readonly<Record<string, unknown>>): BuildRecord {
  const { name, phases: _, ...settings } = project;
  return { ...settings, ...(typeof name === "string" ? { projectName: name } : {}) } as BuildRecord;
}

/** Where a sentence without its code can come from; the first that a cause knows is taken. */
const PLACES: readonly (readonly [string, string])[] = [
  ["DOWNLOAD_SOURCE", "YAML_FILE_ERROR"],
  ["DOWNLOAD_SOURCE", "Decrypted Variables Error"],
  ["DOWNLOAD_SOURCE", "Secrets Manager Error"],
  ["DOWNLOAD_SOURCE", "CLIENT_ERROR"],
  ["QUEUED", "ACCESS_DENIED"],
  ["UPLOAD_ARTIFACTS", "CLIENT_ERROR"],
];

/** Lines without what a page or another system put before them: blanks, a clock, a level, BuildKit's seconds. */
const undecorated = (text: string): string =>
  text
    .split("\n")
    .map((line) =>
      line.replace(/^\s+|^\d{1,5}\.\d{1,3} |^(?:\d{4}-\d\d-\d\dT[\d:.]+Z? )?\[(?:INFO|WARNING|WARN|ERROR)\]: /, ""),
    )
    .join("\n");

/** Whether a tool is known in the text that says more than which call was refused. */
function printedByTool(text: string): boolean {
  if (OF_CODEBUILD.test(text)) return false;
  const tool = readToolFailure({ lines: text.split("\n"), command: "", exitStatus: 1 });
  return tool !== undefined && !CALLERS.has(tool.tool);
}

const OF_CODEBUILD =
  /CodeBuild|codebuild:[A-Z]|aws_codebuild|\b(?:AccountLimitExceeded|AccountSuspended|InvalidInput|OAuthProvider|ResourceAlreadyExists)Exception\b/;

/** Readers that tell of refused calls, too, and with less of their sentence. */
const CALLERS = new Set(["aws", "kms", "s3"]);

/** A text without any of CodeBuild's marks: a call's error, a phase's message, or what a command printed. */
function fragments(text: string, isPrinted: boolean): BuildFacts[] {
  // `Message: …` and quotes are how people hand on a sentence.
  const message = /^(["'`]?)(?:Message: ?)?([\s\S]*)\1$/.exec(text.trim())?.[2] ?? "";
  if (message === "") return [];
  const base = { buildId: "text", atMs: 0 };
  const about = { phaseType: "BUILD" as const, command: "", line: 0 };
  const printed: BuildFacts = saved({
    build: { buildStatus: "FAILED", phases: [{ phaseType: "BUILD", phaseStatus: "FAILED", contexts: [] }] },
    events: [
      { ...base, type: "command-started", ...about },
      ...message.split("\n").map((line) => ({ ...base, type: "log" as const, kind: "output" as const, text: line })),
      { ...base, type: "command-finished", ...about, exitStatus: 1, durationMs: 0, workingDirectory: "" },
    ],
  });
  const said = PLACES.map(([phaseType, statusCode]) => {
    const contexts = [{ statusCode, message }];
    return saved({ build: { buildStatus: "FAILED", phases: [{ phaseType, phaseStatus: "FAILED", contexts }] } });
  });
  const answered = [saved({ build: {}, apiError: { code: "", message } }), ...said];
  const readings = isPrinted ? [printed, ...answered] : [...answered, printed];
  return readings.map((facts) => ({ ...facts, isGuess: true }));
}
