/**
 * What follows a phase: one table for CodeBuild's transitions.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details-phases.html, published build logs.
 * Not published, chosen here: after `on-failure: ABORT` in BUILD nothing is uploaded; a phase that failed under
 * `CONTINUE` leaves the build SUCCEEDED; under RETRY the failed build goes to its end as without `on-failure`.
 */
import { type OnFailure, type PlannedPhase, parseOnFailure } from "../plan/index.ts";
import type { PhaseType } from "./events.ts";

export type CommandPhase = "INSTALL" | "PRE_BUILD" | "BUILD" | "POST_BUILD";

/** `on-failure` of a phase. A value that is none never gets here: the plan refuses it. */
export function onFailureOf(phase: PlannedPhase | undefined): OnFailure | undefined {
  const parsed = phase?.onFailure === undefined ? undefined : parseOnFailure(phase.onFailure);
  return parsed?.ok ? parsed.value : undefined;
}

export const nextCommandPhase: Readonly<Record<CommandPhase, PhaseType>> = {
  INSTALL: "PRE_BUILD",
  PRE_BUILD: "BUILD",
  BUILD: "POST_BUILD",
  POST_BUILD: "UPLOAD_ARTIFACTS",
};

/** The phase after a command phase, and whether the build counts as failing from here on. */
export function afterCommandPhase(
  phase: CommandPhase,
  failed: boolean,
  onFailure: OnFailure | undefined,
): { readonly next: PhaseType; readonly failing: boolean } {
  const action = onFailure?.action;
  if (!failed || action === "CONTINUE") return { next: nextCommandPhase[phase], failing: false };
  // AWS: a failed BUILD does not keep POST_BUILD from running, nor a failed POST_BUILD the upload.
  const goesOn = (phase === "BUILD" || phase === "POST_BUILD") && action !== "ABORT";
  return { next: goesOn ? nextCommandPhase[phase] : "FINALIZING", failing: true };
}
