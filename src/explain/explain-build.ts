/**
 * The first cause of a build's failure and what followed from it: failures in order × causes in order. Pure.
 * Called by `kiln run` after a failed build and by `kiln explain`.
 */
import { alsoSeen } from "./also-seen.ts";
import type { BuildFacts } from "./build-facts.ts";
import type { Cause, Finding } from "./cause.ts";
import { causes } from "./causes/index.ts";
import type { Diagnosis } from "./diagnosis.ts";
import { type Failure, failuresOf } from "./failures.ts";

/** Why the build failed. Never throws for odd input: what is unknown becomes `undiagnosed` with a next step. */
export function explainBuild(facts: BuildFacts): Diagnosis {
  const [first, ...later] = failuresOf(facts);
  if (!first) return withoutFailure(facts);
  const { cause, finding } = firstCause(first, facts);
  return {
    outcome: finding.isUndiagnosed ? "undiagnosed" : "problem",
    cause: finding.cause,
    code: cause.id,
    phase: first.phaseType,
    ...(finding.file === undefined ? {} : { file: finding.file }),
    ...(finding.line ? { line: finding.line } : {}),
    ...(finding.field === undefined ? {} : { field: finding.field }),
    evidence: finding.evidence,
    ...(finding.why === undefined ? {} : { why: finding.why }),
    ...(finding.fix === undefined ? {} : { fix: finding.fix }),
    alternatives: finding.alternatives ?? [],
    consequences: [...(finding.consequences ?? []), ...later.map((failure) => consequence(failure, first, facts))],
    alsoSeen: alsoSeen(facts),
    confidence: finding.confidence,
    ...(finding.next === undefined ? {} : { next: finding.next }),
    sources: cause.sources,
  };
}

function firstCause(failure: Failure, facts: BuildFacts): { cause: Cause; finding: Finding } {
  for (const cause of causes) {
    const finding = cause.match(failure, facts);
    if (finding) return { cause, finding };
  }
  return { cause: unknownCause, finding: unknownFinding(failure) };
}

function consequence(failure: Failure, first: Failure, facts: BuildFacts): string {
  const { finding } = firstCause(failure, facts);
  return `${failure.phaseType} failed too, after ${first.phaseType}: ${finding.cause}`;
}

const unknownCause: Cause = {
  id: "build/unknown",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html"],
  match: () => undefined,
};

const unknownFinding = (failure: Failure): Finding => ({
  cause: `the phase ${failure.phaseType} ended as ${failure.phaseStatus}${failure.statusCode ? ` with the code \`${failure.statusCode}\`` : ""}, for a reason Kiln does not know`,
  evidence: [failure.message, ...failure.output.slice(-5)].filter((line) => line !== ""),
  confidence: "possible",
  next: "read the whole log with `kiln builds logs`",
  isUndiagnosed: true,
});

function withoutFailure(facts: BuildFacts): Diagnosis {
  const status = facts.build.buildStatus ?? "unknown";
  const base = { evidence: [], alternatives: [], consequences: [], sources: [], alsoSeen: alsoSeen(facts) };
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
