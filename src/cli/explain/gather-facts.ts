/**
 * Collects what an explanation may look at: the build, its events (or its log), the buildspec and files it came from,
 * policy decisions, metadata of parameters. No value of a parameter or secret is read.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Kiln } from "../../app.ts";
import { parseBuildspec } from "../../build/buildspec/index.ts";
import { planBuild } from "../../build/plan/index.ts";
import type { BuildEvent } from "../../build/run/events.ts";
import type { Workspace } from "../../check/index.ts";
import { createFolderWorkspace } from "../../check/tree/folder-workspace.ts";
import { type BuildFacts, type BuildRecord, factsFromLog, type ParameterFacts } from "../../explain/index.ts";
import { listParameters, parameterHistory } from "../params/parameters.ts";
import { isBuildspecFile } from "../project/project-files.ts";

/** A build as BatchGetBuilds answers it, with the members commands read. */
export interface WireBuild extends BuildRecord {
  readonly buildComplete?: boolean;
  readonly buildNumber?: number;
  readonly endTime?: number;
  readonly currentPhase?: string;
  readonly autoRetryConfig?: { readonly nextAutoRetry?: string };
  readonly reportArns?: readonly string[];
}

/** One build, or undefined. */
export async function findBuild(kiln: Kiln, buildId: string): Promise<WireBuild | undefined> {
  const { builds = [] } = await kiln.root.call<{ builds?: WireBuild[] }>("codebuild", "BatchGetBuilds", {
    ids: [buildId],
  });
  return builds[0];
}

/** Everything known about a build. */
export async function gatherFacts(kiln: Kiln, build: WireBuild): Promise<BuildFacts> {
  const events = await storedEvents(kiln, build);
  const workspace = workspaceOf(build);
  const buildspecFile =
    build.source?.buildspec && isBuildspecFile(build.source.buildspec) ? build.source.buildspec : "buildspec.yml";
  const text =
    build.source?.buildspec && !isBuildspecFile(build.source.buildspec)
      ? build.source.buildspec
      : workspace?.readText(buildspecFile);
  const buildspec = text === undefined ? undefined : parseBuildspec(text, buildspecFile).buildspec;
  const plan = buildspec && planFor(build, buildspec);
  const names = new Set([...(plan?.variables ?? []), ...(plan?.phaseVariables ?? [])].map((v) => bare(v.value)));
  const lastSuccess = await findLastSuccess(kiln, build);
  return {
    build,
    events,
    ...(buildspec === undefined ? {} : { buildspec }),
    ...(plan === undefined ? {} : { plan }),
    ...(workspace === undefined ? {} : { workspace }),
    decisions: kiln.decisions({ sessionName: `AWSCodeBuild-${(build.id ?? "").split(":").at(-1)}` }),
    parameters: await parametersWithHistory(kiln, names),
    ...(lastSuccess === undefined ? {} : { lastSuccess }),
  };
}

const bare = (name: string): string => name.replace(/^ssm:/, "").replace(/^\/+/, "");

function workspaceOf(build: WireBuild): Workspace | undefined {
  const location = build.source?.location;
  if (!location?.startsWith("file://")) return undefined;
  const dir = fileURLToPath(location);
  return existsSync(dir) ? createFolderWorkspace(dir) : undefined;
}

/** What the build's settings make of its buildspec. */
export function planFor(build: BuildRecord, buildspec: Parameters<typeof planBuild>[0]["buildspec"]) {
  const environment = {
    type: build.environment?.type ?? "LINUX_CONTAINER",
    image: build.environment?.image ?? "",
    computeType: build.environment?.computeType ?? "BUILD_GENERAL1_SMALL",
    privilegedMode: build.environment?.privilegedMode ?? false,
  };
  return planBuild({ buildspec, project: { name: build.projectName ?? "", environment } }).plan;
}

/** Events of a finished build: the runner's, else read back from its log. */
async function storedEvents(kiln: Kiln, build: WireBuild): Promise<readonly BuildEvent[]> {
  if (build.id === undefined) return [];
  const events: BuildEvent[] = [];
  if (build.buildComplete) {
    try {
      for await (const event of kiln.events(build.id)) events.push(event);
    } catch {
      // The runner of another process keeps no events here; the log below has the same lines.
      events.length = 0;
    }
  }
  return events.length > 0 ? events : factsFromLog(await readLog(kiln, build)).events;
}

/** The build's CloudWatch log as one text; empty when it has none. */
export async function readLog(kiln: Kiln, build: WireBuild): Promise<string> {
  const { groupName, streamName } = build.logs ?? {};
  if (groupName === undefined || streamName === undefined) return "";
  let text = "";
  let token: string | undefined;
  for (;;) {
    const page: { events?: { message?: string }[]; nextForwardToken?: string } = await kiln.root.call(
      "logs",
      "GetLogEvents",
      {
        logGroupName: groupName,
        logStreamName: streamName,
        startFromHead: true,
        ...(token === undefined ? {} : { nextToken: token }),
      },
    );
    for (const event of page.events ?? []) text += event.message ?? "";
    // AWS: the end of a stream answers the token that was sent.
    if (page.nextForwardToken === undefined || page.nextForwardToken === token) return text;
    token = page.nextForwardToken;
  }
}

async function parametersWithHistory(kiln: Kiln, used: ReadonlySet<string>): Promise<ParameterFacts[]> {
  const facts: ParameterFacts[] = [];
  for (const parameter of await listParameters(kiln.root)) {
    const { name, version, type, lastModifiedMs } = parameter;
    const history = version > 1 && used.has(bare(name)) ? { history: await parameterHistory(kiln.root, name) } : {};
    facts.push({ name, version, type, lastModifiedMs, ...history });
  }
  return facts;
}

/** The newest builds of all projects, newest first. */
export async function newestBuilds(kiln: Kiln, limit = MAX_BATCH): Promise<WireBuild[]> {
  const { ids = [] } = await kiln.root.call<{ ids?: string[] }>("codebuild", "ListBuilds", { sortOrder: "DESCENDING" });
  return buildsOf(kiln, ids.slice(0, limit));
}

/** AWS: BatchGetBuilds takes at most 100 ids. */
const MAX_BATCH = 100;

async function buildsOf(kiln: Kiln, ids: readonly string[]): Promise<WireBuild[]> {
  if (ids.length === 0) return [];
  const { builds = [] } = await kiln.root.call<{ builds?: WireBuild[] }>("codebuild", "BatchGetBuilds", {
    ids: ids.slice(0, MAX_BATCH),
  });
  return builds.toSorted((a, b) => (b.startTime ?? 0) - (a.startTime ?? 0));
}

async function findLastSuccess(
  kiln: Kiln,
  build: WireBuild,
): Promise<{ buildId: string; startMs: number } | undefined> {
  if (build.projectName === undefined || build.id === undefined) return undefined;
  const { ids = [] } = await kiln.root.call<{ ids?: string[] }>("codebuild", "ListBuildsForProject", {
    projectName: build.projectName,
    sortOrder: "DESCENDING",
  });
  const builds = await buildsOf(kiln, ids);
  const succeeded = builds.filter(
    (other) =>
      other.buildStatus === "SUCCEEDED" &&
      other.id !== build.id &&
      (other.startTime ?? 0) <= (build.startTime ?? Infinity),
  );
  const newest = succeeded[0];
  return newest?.id === undefined ? undefined : { buildId: newest.id, startMs: newest.startTime ?? 0 };
}
