/**
 * The first cause of a build's failure and what followed from it: failures in order × causes in order. Pure.
 * Called by `kiln run` after a failed build and by `kiln explain`.
 */
import { alsoSeen } from "./also-seen.ts";
import type { BuildFacts } from "./build-facts.ts";
import type { Cause, Finding } from "./cause.ts";
import { firstLine } from "./causes/finding-parts.ts";
import { causes } from "./causes/index.ts";
import { logEnd, unfinishedFailure } from "./cut-off.ts";
import type { Diagnosis } from "./diagnosis.ts";
import { type Failure, failuresOf } from "./failures.ts";
import { hiddenRoot } from "./hidden-root.ts";
import { proveFix } from "./prove.ts";

/** Why the build failed. Never throws for odd input: what is unknown becomes `undiagnosed` with a next step. */
export function explainBuild(facts: BuildFacts): Diagnosis {
  const [first, ...later] = failuresOf(facts);
  if (!first) return atLogEnd(facts) ?? withoutFailure(facts);
  return diagnosisOf(first, later, facts);
}

function diagnosisOf(first: Failure, later: readonly Failure[], facts: BuildFacts): Diagnosis {
  const own = firstCause(first, facts);
  const root = hiddenRoot(first, own.cause.id, facts);
  const { cause, finding } = root ? firstCause(root, facts) : own;
  const followed = root ? [`${first.phaseType} failed because of it: ${own.finding.cause}`] : [];
  return {
    outcome: finding.isUndiagnosed ? "undiagnosed" : "problem",
    cause: finding.cause,
    code: cause.id,
    ...(first.phaseType === "" ? {} : { phase: first.phaseType }),
    ...(finding.file === undefined ? {} : { file: finding.file }),
    ...(finding.line ? { line: finding.line } : {}),
    ...(finding.field === undefined ? {} : { field: finding.field }),
    evidence: finding.evidence,
    ...(finding.why === undefined ? {} : { why: finding.why }),
    ...(finding.fix === undefined ? {} : { fix: finding.fix }),
    alternatives: finding.alternatives ?? [],
    consequences: [
      ...(finding.consequences ?? []),
      ...followed,
      ...later.map((failure) => consequence(failure, first, facts)),
    ],
    alsoSeen: alsoSeen(facts),
    confidence: finding.confidence,
    ...(finding.next === undefined ? {} : { next: finding.next }),
    prove: proveFix(finding, facts),
    sources: cause.sources,
  };
}

/** Of a log that ends early: what its last lines tell, if they do. */
function atLogEnd(facts: BuildFacts): Diagnosis | undefined {
  const failure = unfinishedFailure(facts);
  const found = failure && diagnosisOf(failure, [], facts);
  if (found?.outcome === "problem") {
    const consequences = [...found.consequences, "the log ends here: how the build ended stands in its record"];
    return { ...found, consequences, confidence: found.confidence === "certain" ? "likely" : found.confidence };
  }
  const end = logEnd(facts);
  return end && { ...end, alsoSeen: alsoSeen(facts) };
}

function firstCause(failure: Failure, facts: BuildFacts): { cause: Cause; finding: Finding } {
  for (const cause of causes) {
    const finding = cause.match(failure, facts);
    if (finding) return { cause, finding };
  }
  return { cause: unknownCause, finding: unknownFinding(failure, facts) };
}

/** Codes of what is missing only because something before it failed. */
const FOLLOWS = /^(?:artifacts|reports|docker|files|commands|build)\//;

function consequence(failure: Failure, first: Failure, facts: BuildFacts): string {
  const { cause, finding } = firstCause(failure, facts);
  const how = FOLLOWS.test(cause.id) ? `after ${first.phaseType}` : "for a reason of its own";
  return `${failure.phaseType} failed too, ${how}: ${finding.cause}`;
}

const unknownCause: Cause = {
  id: "build/unknown",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html"],
  match: () => undefined,
};

const TROUBLE =
  /\b(?:error|fail(?:ed|ure)?|fatal|denied|refused|cannot|can't|unable|invalid|not found|exception|panic)\b/i;

/** The lines that say most: those with words of trouble, else the last ones. */
function bestLines(lines: readonly string[]): string[] {
  const told = lines.filter((line) => line.trim() !== "");
  const troubled = told.filter((line) => TROUBLE.test(line));
  return (troubled.length > 0 ? troubled : told).slice(-5);
}

function unknownFinding(failure: Failure, facts: BuildFacts): Finding {
  const code = failure.statusCode ? ` with the code \`${failure.statusCode}\`` : "";
  const said = facts.events.flatMap((event) => (event.type === "log" ? [event.text] : []));
  const lines = bestLines(failure.output.length > 0 ? failure.output : said);
  return {
    cause:
      failure.phaseType === ""
        ? `a call was refused, for a reason Kiln does not know: ${firstLine(failure.message)}`
        : `the phase ${failure.phaseType} ended as ${failure.phaseStatus}${code}, for a reason Kiln does not know`,
    evidence: [failure.message, ...lines].filter((line) => line !== ""),
    confidence: "possible",
    next: nextStep(failure, facts),
    isUndiagnosed: true,
  };
}

function nextStep({ message, phaseType }: Failure, { isSaved, events, build }: BuildFacts): string {
  if (!isSaved) return "read the whole log with `kiln builds logs`";
  const { groupName = `/aws/codebuild/${build.projectName ?? "PROJECT"}`, streamName = "UUID" } = build.logs ?? {};
  const log = `aws logs get-log-events --log-group-name ${groupName} --log-stream-name ${streamName}`;
  if (message === "" && (build.id === undefined || phaseType === "PROVISIONING")) {
    return "give the build's record, which has each phase's message: `aws codebuild batch-get-builds --ids PROJECT:UUID`, with `--build`";
  }
  return events.length === 0
    ? `give the log, too, with \`--log\`: \`${log}\``
    : "look the message up in CodeBuild's troubleshooting page (below), or run the build here with `kiln run` and ask again";
}

function withoutFailure(facts: BuildFacts): Diagnosis {
  const status = facts.build.buildStatus ?? "unknown";
  const base = { evidence: [], alternatives: [], consequences: [], sources: [], alsoSeen: alsoSeen(facts) };
  if (facts.isSaved && facts.build.buildStatus === undefined) {
    const cause =
      base.alsoSeen.length === 0
        ? "nothing is wrong with these settings as far as Kiln can see"
        : `of these settings, ${base.alsoSeen.length === 1 ? "one thing" : `${base.alsoSeen.length} things`} may surprise`;
    return { ...base, outcome: "no-problem", cause, code: "build/no-problem", confidence: "certain" };
  }
  if (status === "SUCCEEDED" || status === "IN_PROGRESS") {
    const cause = status === "SUCCEEDED" ? succeeded(base.alsoSeen.length) : "the build is still running";
    return { ...base, outcome: "no-problem", cause, code: "build/no-problem", confidence: "certain" };
  }
  return {
    ...base,
    outcome: "undiagnosed",
    cause: `the build ended as ${status}, and no phase says why`,
    code: "build/unknown",
    confidence: "possible",
    next:
      status === "STOPPED"
        ? "nothing to fix: somebody stopped it; start it again with `kiln run`"
        : "the process that ran it may have been killed: start it again with `kiln run`",
  };
}

const succeeded = (seen: number): string =>
  seen === 0
    ? "the build succeeded: nothing to explain"
    : `the build succeeded; ${seen === 1 ? "one thing beside it" : `${seen} things beside it`} did not work`;
