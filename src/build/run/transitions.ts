/**
 * What follows a phase: one table for CodeBuild's transitions.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details-phases.html, published build logs.
 * Not published, chosen here: after `on-failure: ABORT` in BUILD nothing is uploaded; a phase that failed under
 * `CONTINUE` leaves the build SUCCEEDED.
 */
import type { PhaseType } from "./events.ts";

export type CommandPhase = "INSTALL" | "PRE_BUILD" | "BUILD" | "POST_BUILD";

/** How a failed phase affects the rest: `on-failure`, with `RETRY…` like absent. */
export type OnFailure = "ABORT" | "CONTINUE" | undefined;

export const parseOnFailure = (text: string | undefined): OnFailure =>
  text === "ABORT" || text === "CONTINUE" ? text : undefined;

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
  onFailure: OnFailure,
): { readonly next: PhaseType; readonly failing: boolean } {
  if (!failed || onFailure === "CONTINUE") return { next: nextCommandPhase[phase], failing: false };
  // AWS: a failed BUILD does not keep POST_BUILD from running, nor a failed POST_BUILD the upload.
  const goesOn = (phase === "BUILD" || phase === "POST_BUILD") && onFailure !== "ABORT";
  return { next: goesOn ? nextCommandPhase[phase] : "FINALIZING", failing: true };
}
