/**
 * Why a batch did not succeed: the batch's own failure (its role, its `batch` section, its time), or the builds that
 * failed, each with its own diagnosis, and what never started because of them. Pure; the caller gathers the facts.
 * Source of the life cycle: https://docs.aws.amazon.com/codebuild/latest/userguide/batch-build.html
 */
import type { BuildFacts } from "./build-facts.ts";
import { quotedList } from "./causes/finding-parts.ts";
import { fieldOf } from "./causes/source-parts.ts";
import { findDenial, policyFix } from "./denial.ts";
import type { Diagnosis } from "./diagnosis.ts";
import { explainBuild } from "./explain-build.ts";
import { remedy, whyDenied } from "./remedy.ts";

/** The members of `codebuild:BuildBatch` that explanations read; names are AWS's. */
export interface BatchRecord {
  readonly id?: string;
  readonly arn?: string;
  readonly projectName?: string;
  readonly buildBatchStatus?: string;
  readonly buildBatchConfig?: { readonly serviceRole?: string; readonly timeoutInMins?: number };
  readonly phases?: readonly {
    readonly phaseType?: string;
    readonly phaseStatus?: string;
    readonly contexts?: readonly { readonly statusCode?: string; readonly message?: string }[];
  }[];
  readonly buildGroups?: readonly BatchGroup[];
}

export interface BatchGroup {
  readonly identifier?: string;
  readonly dependsOn?: readonly string[];
  readonly ignoreFailure?: boolean;
  readonly currentBuildSummary?: { readonly arn?: string; readonly buildStatus?: string };
}

export interface BatchFacts {
  readonly batch: BatchRecord;
  /** Facts of the builds that did not succeed, by the identifier of their group. */
  readonly builds: ReadonlyMap<string, BuildFacts>;
}

export interface MemberDiagnosis {
  readonly identifier: string;
  readonly buildId: string;
  readonly diagnosis: Diagnosis;
}

/** The batch's diagnosis, and one for each of its builds that failed by itself. */
export interface BatchDiagnosis extends Diagnosis {
  readonly builds: readonly MemberDiagnosis[];
}

const BATCH = "https://docs.aws.amazon.com/codebuild/latest/userguide/batch-build.html";
const SOURCE_BUILD = "DOWNLOAD_SOURCE";
const BAD = new Set(["FAILED", "FAULT", "TIMED_OUT"]);

export function explainBatch(facts: BatchFacts): BatchDiagnosis {
  const { batch } = facts;
  const builds = membersOf(facts);
  const status = batch.buildBatchStatus ?? "unknown";
  if (status === "SUCCEEDED" || status === "IN_PROGRESS") return withoutFailure(status, builds);
  const failed = failedPhase(batch);
  const contexts = (failed?.contexts ?? []).filter(({ statusCode, message }) => statusCode || message);
  const base: Base = {
    alternatives: [],
    alsoSeen: [],
    sources: [BATCH],
    ...(failed?.phaseType === undefined ? {} : { phase: failed.phaseType }),
    evidence: contexts.map(({ statusCode, message }) => `${statusCode}: ${message}`),
    consequences: consequencesIn(batch),
    builds,
  };
  return (
    roleDenied(facts, base) ??
    ended(facts, status, base) ??
    sourceFailed(base) ??
    notStarted(base) ??
    buildsFailed(facts, base) ?? {
      ...base,
      outcome: "undiagnosed",
      code: "batch/unknown",
      cause: `the batch ended as ${status}${failed ? ` in ${failed.phaseType}` : ""}, and none of its builds says why`,
      confidence: "possible",
      next: `see its phases and builds: \`kiln builds show ${batch.id ?? "BATCH"}\``,
    }
  );
}

type Base = Omit<BatchDiagnosis, "outcome" | "code" | "cause" | "confidence">;

function membersOf({ batch, builds }: BatchFacts): MemberDiagnosis[] {
  return (batch.buildGroups ?? []).flatMap(({ identifier = "", currentBuildSummary }) => {
    const facts = builds.get(identifier);
    if (!facts || !BAD.has(currentBuildSummary?.buildStatus ?? "")) return [];
    return [{ identifier, buildId: facts.build.id ?? "", diagnosis: explainBuild(facts) }];
  });
}

/** The phase that ended the newest try; a retry appends its own. */
function failedPhase({ phases = [] }: BatchRecord) {
  const start = Math.max(
    phases.findLastIndex(({ phaseType }) => phaseType === "SUBMITTED"),
    0,
  );
  return phases.slice(start).find(({ phaseStatus }) => BAD.has(phaseStatus ?? "") || phaseStatus === "STOPPED");
}

function withoutFailure(status: string, builds: readonly MemberDiagnosis[]): BatchDiagnosis {
  const mayFail =
    builds.length === 0
      ? ": nothing to explain"
      : `, although ${quotedList(builds.map(({ identifier }) => identifier))} failed: \`ignore-failure\` allows it`;
  return {
    outcome: "no-problem",
    cause: status === "SUCCEEDED" ? `the batch succeeded${mayFail}` : "the batch is still running",
    code: "batch/no-problem",
    evidence: [],
    alternatives: [],
    consequences: [],
    alsoSeen: [],
    confidence: "certain",
    sources: [],
    builds,
  };
}

function roleDenied({ batch }: BatchFacts, base: Base): BatchDiagnosis | undefined {
  const text = base.evidence.find((line) => line.startsWith("ACCESS_DENIED: "));
  const denial = text === undefined ? undefined : findDenial(text);
  if (!denial?.action.startsWith("codebuild:")) return undefined;
  const roleArn = batch.buildBatchConfig?.serviceRole;
  const role = denial.roleName ?? roleArn?.split("/").at(-1) ?? "ROLE";
  const verb = { StartBuild: "start", StopBuild: "stop", RetryBuild: "retry" }[denial.action.split(":")[1] ?? ""];
  return {
    ...base,
    outcome: "problem",
    code: "iam/batch-role-denied",
    cause: `the batch role \`${role}\` may not ${verb ?? "run"} the builds of the batch: ${whyDenied(denial)}`,
    ...fieldOf("buildBatchConfig.serviceRole", roleArn),
    why: "the builds of a batch are started, stopped and retried with the batch role, not with the project's service role",
    ...remedy(
      { decisions: [] },
      denial,
      policyFix("allow running the builds of this project, and nothing else", role, "kiln-run-batches", [
        {
          Sid: "RunBatches",
          Effect: "Allow",
          Action: ["codebuild:RetryBuild", "codebuild:StartBuild", "codebuild:StopBuild"],
          Resource: [denial.resource],
        },
      ]),
    ),
    confidence: "certain",
  };
}

function ended({ batch }: BatchFacts, status: string, base: Base): BatchDiagnosis | undefined {
  const id = batch.id ?? "BATCH";
  if (status === "STOPPED") {
    return {
      ...base,
      outcome: "problem",
      code: "batch/stopped",
      cause: "the batch was stopped",
      next: `nothing to fix: run what is left with \`kiln builds retry ${id}\``,
      confidence: "certain",
    };
  }
  if (status === "TIMED_OUT") {
    const minutes = batch.buildBatchConfig?.timeoutInMins;
    return {
      ...base,
      outcome: "problem",
      code: "batch/timed-out",
      cause: `the batch ran into its own timeout${minutes === undefined ? "" : ` of ${minutes} minutes`}`,
      ...fieldOf("buildBatchConfig.timeoutInMins", minutes === undefined ? undefined : String(minutes)),
      why: "the time counts for all builds together, with the time they wait for each other",
      next: `run more builds at once (\`-j N\`), or set \`timeoutInMins\` of the project's \`buildBatchConfig\`; run what is left with \`kiln builds retry ${id}\``,
      confidence: "certain",
    };
  }
  const interrupted = base.evidence.find((line) => /^INTERNAL_SERVICE_ERROR: Kiln /.test(line));
  if (interrupted === undefined) return undefined;
  return {
    ...base,
    outcome: "problem",
    code: "batch/interrupted",
    cause: "the batch did not end by itself: Kiln's process was killed, or could not go on",
    why: "the project, its buildspec and its roles are not the cause",
    next: `run what is left with \`kiln builds retry ${id}\`; if nobody killed it, see \`kiln doctor\``,
    confidence: "certain",
  };
}

/** Without its source a batch has no builds: the source build's cause is the batch's. */
function sourceFailed(base: Base): BatchDiagnosis | undefined {
  const source = base.builds.find(({ identifier }) => identifier === SOURCE_BUILD);
  if (!source || base.phase !== "DOWNLOAD_BATCHSPEC") return undefined;
  return { ...source.diagnosis, phase: base.phase, builds: [] };
}

function notStarted(base: Base): BatchDiagnosis | undefined {
  const match = base.evidence
    .map((line) => /^CLIENT_ERROR: build group (\S+) could not be started: ([\s\S]*)$/.exec(line))
    .find((found) => found !== null);
  if (!match) return undefined;
  const [, identifier = "", reason = ""] = match;
  return {
    ...base,
    outcome: "problem",
    code: "batch/build-not-started",
    cause: `the build \`${identifier}\` of the batch could not be started: ${reason}`,
    next: `see what \`env\` of \`${identifier}\` asks for in the buildspec's \`batch\`, and whether the project has it`,
    confidence: "certain",
  };
}

function buildsFailed({ batch }: BatchFacts, base: Base): BatchDiagnosis | undefined {
  const mustSucceed = new Set(
    (batch.buildGroups ?? []).filter(({ ignoreFailure }) => ignoreFailure !== true).map(({ identifier }) => identifier),
  );
  const failed = base.builds.filter(({ identifier }) => mustSucceed.has(identifier));
  const [first] = failed;
  if (!first) return undefined;
  const total = (batch.buildGroups ?? []).filter(({ identifier }) => identifier !== SOURCE_BUILD).length;
  const names = quotedList(failed.map(({ identifier }) => identifier));
  return {
    ...base,
    outcome: "problem",
    code: "batch/builds-failed",
    cause:
      failed.length === 1
        ? `the build ${names} of the batch's ${total} failed: ${first.diagnosis.cause}`
        : `${failed.length} of the batch's ${total} builds failed: ${names}`,
    next: `why is below for each; when it is fixed: \`kiln builds retry ${batch.id ?? "BATCH"}\` runs what did not succeed`,
    confidence: "certain",
  };
}

/** What was stopped or never started, each with the build that it waited for. */
function consequencesIn({ buildGroups = [] }: BatchRecord): string[] {
  const statusOf = (identifier: string) =>
    buildGroups.find((group) => group.identifier === identifier)?.currentBuildSummary?.buildStatus;
  return buildGroups.flatMap(({ identifier = "", dependsOn = [], ignoreFailure, currentBuildSummary }) => {
    const { arn, buildStatus } = currentBuildSummary ?? {};
    if (ignoreFailure === true && BAD.has(buildStatus ?? "")) {
      return [`\`${identifier}\` failed too, which \`ignore-failure\` allows`];
    }
    if (buildStatus !== "STOPPED") return [];
    if (arn) return [`\`${identifier}\` was stopped while it ran`];
    const waited = dependsOn.filter((other) => statusOf(other) !== "SUCCEEDED");
    if (waited.length === 0) return [`\`${identifier}\` never started`];
    const why = waited.some((other) => BAD.has(statusOf(other) ?? "")) ? "did not succeed" : "never ran";
    return [`\`${identifier}\` never started: it depends on ${quotedList(waited)}, which ${why}`];
  });
}
