/**
 * Builds in JSON that somebody saved: BatchGetBuilds, StartBuild, RetryBuild and StopBuild answers, one build alone,
 * EventBridge's build state and phase changes (alone, in a list, in an SNS or SQS envelope), in the shape explanations
 * read. Times come as epoch seconds (SDKs, the wire) or ISO 8601 (the aws CLI).
 * Sources: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Build.html and
 * https://docs.aws.amazon.com/codebuild/latest/userguide/sample-build-notifications.html
 */
import { ownValue } from "../../core/own-value.ts";
import type { BuildRecord } from "../build-facts.ts";

type Json = Readonly<Record<string, unknown>>;

const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);

/** Envelopes within envelopes. */
const MAX_DEPTH = 32;

/** Every build in a JSON value, as it stands there; members of another kind than AWS's are left out. */
export function buildsIn(value: unknown, depth = 0): BuildRecord[] {
  if (depth > MAX_DEPTH) return [];
  const within = (inner: unknown): BuildRecord[] => buildsIn(inner, depth + 1);
  if (Array.isArray(value)) return value.flatMap(within);
  if (!isJson(value)) return [];
  if (isJson(value["detail"])) return eventBuild(value, value["detail"]);
  if (isJson(value["build"])) return within(value["build"]);
  if (Array.isArray(value["builds"])) return value["builds"].flatMap(within);
  for (const member of ["Records", "Messages", "Message", "Body", "body", "Sns"]) {
    const inner = value[member];
    if (typeof inner === "string") return within(parse(inner));
    if (inner !== undefined) return within(inner);
  }
  if ("buildStatus" in value || (Array.isArray(value["phases"]) && ("projectName" in value || "id" in value))) {
    return [shaped(withTimes(value) as Json) as BuildRecord];
  }
  return [];
}

/** Projects of BatchGetProjects, CreateProject and UpdateProject answers, or a project's definition alone. */
export function projectsIn(value: unknown, depth = 0): Json[] {
  if (depth > MAX_DEPTH) return [];
  const within = (inner: unknown): Json[] => projectsIn(inner, depth + 1);
  if (Array.isArray(value)) return value.flatMap(within);
  if (!isJson(value)) return [];
  if (isJson(value["project"])) return within(value["project"]);
  if (Array.isArray(value["projects"])) return value["projects"].flatMap(within);
  return isJson(value["environment"]) && isJson(value["source"]) && "name" in value ? [shaped(value)] : [];
}

type Kind = "text" | "number" | "flag" | "texts" | Shape | readonly [Shape];
interface Shape {
  readonly [member: string]: Kind;
}

const SOURCE: Shape = {
  type: "text",
  location: "text",
  buildspec: "text",
  sourceIdentifier: "text",
  auth: { type: "text", resource: "text" },
};
const ARTIFACTS: Shape = { type: "text", location: "text", artifactIdentifier: "text" };
/** Of `BuildRecord` what is not a text. */
const BUILD: Shape = {
  timeoutInMinutes: "number",
  queuedTimeoutInMinutes: "number",
  startTime: "number",
  source: SOURCE,
  secondarySources: [SOURCE],
  artifacts: ARTIFACTS,
  secondaryArtifacts: [ARTIFACTS],
  cache: { type: "text", location: "text" },
  logs: { groupName: "text", streamName: "text", s3Logs: { status: "text", location: "text" } },
  webhook: { branchFilter: "text" },
  vpcConfig: { vpcId: "text", subnets: "texts" },
  fileSystemLocations: [{ identifier: "text", location: "text", mountPoint: "text" }],
  environment: {
    environmentVariables: [{ name: "text", type: "text" }],
    image: "text",
    type: "text",
    computeType: "text",
    imagePullCredentialsType: "text",
    privilegedMode: "flag",
    certificate: "text",
  },
  phases: [
    {
      phaseType: "text",
      phaseStatus: "text",
      startTime: "number",
      endTime: "number",
      contexts: [{ statusCode: "text", message: "text" }],
    },
  ],
};
const TEXTS = "id arn projectName buildStatus serviceRole buildBatchArn sourceVersion encryptionKey initiator";
const RECORD: Shape = { ...BUILD, ...Object.fromEntries(TEXTS.split(" ").map((name) => [name, "text" as const])) };

/** The object without the members that are not what they should be; members that nobody reads stay. */
function shaped(value: Json, shape: Shape = RECORD): Json {
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]) => {
      const kind = ownValue(shape, name);
      const found = kind === undefined ? member : ofKind(member, kind);
      return found === undefined ? [] : [[name, found]];
    }),
  );
}

function ofKind(member: unknown, kind: Kind): unknown {
  if (kind === "text") return typeof member === "string" ? member : undefined;
  if (kind === "number") return typeof member === "number" ? member : undefined;
  if (kind === "flag") return typeof member === "boolean" ? member : undefined;
  if (kind === "texts") return list(member).filter((one) => typeof one === "string");
  if (Array.isArray(kind))
    return list(member)
      .filter(isJson)
      .map((one) => shaped(one, kind[0]));
  return isJson(member) ? shaped(member, kind as Shape) : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const TIMES = new Set(["startTime", "endTime"]);

/** Times as epoch milliseconds; everything else as it is. */
function withTimes(value: unknown, depth = 0): unknown {
  if (depth > MAX_DEPTH) return undefined;
  if (Array.isArray(value)) return value.map((member) => withTimes(member, depth + 1));
  if (!isJson(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      TIMES.has(name) ? epochMs(member) : withTimes(member, depth + 1),
    ]),
  );
}

function epochMs(value: unknown): number | undefined {
  if (typeof value === "number") return value < 1e11 ? value * 1000 : value;
  if (typeof value !== "string") return undefined;
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? undefined : ms;
}

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
const object = (value: unknown): Json => (isJson(value) ? value : {});
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** Members that have a value. */
const known = <T extends object>(members: T): T =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as T;

function eventBuild(event: Json, detail: Json): BuildRecord[] {
  if (!text(event["detail-type"])?.startsWith("CodeBuild Build ")) return [];
  const more = object(detail["additional-information"]);
  const arn = text(detail["build-id"]) ?? "";
  const source = object(more["source"]);
  const environment = object(more["environment"]);
  const logs = object(more["logs"]);
  const named = list(more["phases"]).filter(isJson).map(phaseOf);
  const completed = text(detail["completed-phase"]);
  const own = completed && {
    phaseType: completed,
    ...known({ phaseStatus: text(detail["completed-phase-status"]) }),
    contexts: contextsOf([detail["completed-phase-context"]]),
  };
  const phases = own ? [...named.filter(({ phaseType }) => phaseType !== completed), own] : named;
  const isFailed = phases.some(({ phaseStatus }) => phaseStatus !== undefined && phaseStatus !== "SUCCEEDED");
  const build = known({
    id: arn.split(":build/")[1],
    arn: text(arn),
    projectName: text(detail["project-name"]),
    buildStatus: text(detail["build-status"]) ?? (isFailed ? "FAILED" : "IN_PROGRESS"),
    initiator: text(more["initiator"]),
    timeoutInMinutes: more["timeout-in-minutes"] as number | undefined,
    sourceVersion: text(more["source-version"]),
    source: known({
      type: text(source["type"]),
      location: text(source["location"]),
      buildspec: text(source["buildspec"]),
    }),
    environment: known({
      image: text(environment["image"]),
      type: text(environment["type"]),
      computeType: text(environment["compute-type"]),
      privilegedMode: environment["privileged-mode"] as boolean | undefined,
      imagePullCredentialsType: text(environment["image-pull-credentials-type"]),
    }),
    logs: known({ groupName: text(logs["group-name"]), streamName: text(logs["stream-name"]) }),
    phases,
  });
  return [build as BuildRecord];
}

const phaseOf = (phase: Json) => ({
  phaseType: text(phase["phase-type"]) ?? "",
  ...known({ phaseStatus: text(phase["phase-status"]) }),
  contexts: contextsOf(list(phase["phase-context"])),
});

/** AWS: `CODE: message`, in a list for each phase of a state change, in brackets in a phase change. */
function contextsOf(contexts: readonly unknown[]) {
  return contexts.flatMap((context) => {
    const said = text(context)
      ?.trim()
      .replace(/^\[([\s\S]*)\]$/, "$1");
    const [, statusCode = "", message = ""] = /^([A-Za-z_ ]*?): ?([\s\S]*)$/.exec(said ?? "") ?? [];
    return statusCode.trim() === "" && message.trim() === "" ? [] : [{ statusCode: statusCode.trim(), message }];
  });
}
