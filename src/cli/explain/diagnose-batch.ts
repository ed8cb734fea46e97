/** Why a batch did not succeed: the facts of its builds gathered, and the diagnosis as text, one part a build. */
import type { Kiln } from "../../app.ts";
import { type BatchDiagnosis, type BatchGroup, type BuildFacts, explainBatch } from "../../explain/index.ts";
import type { CommandContext } from "../command-context.ts";
import type { WireBatch } from "../wire-batch.ts";
import { findBuild, gatherFacts } from "./gather-facts.ts";
import { shownDiagnosis } from "./shown-diagnosis.ts";

export interface DiagnosedBatch {
  readonly diagnosis: BatchDiagnosis;
  /** The batch alone. */
  readonly text: string;
  /** For each build that failed. */
  readonly builds: readonly { readonly identifier: string; readonly buildId: string; readonly text: string }[];
}

/** Reads the builds that did not succeed, and explains the batch. */
export async function diagnoseBatch(context: CommandContext, kiln: Kiln, batch: WireBatch): Promise<DiagnosedBatch> {
  const builds = new Map<string, BuildFacts>();
  for (const group of batch.buildGroups ?? []) {
    const { identifier = "", currentBuildSummary } = group;
    const id = buildIdOf(group);
    if (id === undefined || currentBuildSummary?.buildStatus === "SUCCEEDED") continue;
    const build = await findBuild(kiln, id);
    if (build) builds.set(identifier, await gatherFacts(kiln, build));
  }
  const diagnosis = explainBatch({ batch, builds });
  const readText = (file: string) =>
    [...builds.values()].map(({ workspace }) => workspace?.readText(file)).find((text) => text !== undefined);
  return {
    diagnosis,
    text: shownDiagnosis(context, diagnosis, readText),
    builds: diagnosis.builds.map(({ identifier, buildId, diagnosis: own }) => ({
      identifier,
      buildId,
      text: shownDiagnosis(context, own, (file) => builds.get(identifier)?.workspace?.readText(file)),
    })),
  };
}

/** Id of a group's build, if it has one. */
export const buildIdOf = ({ currentBuildSummary }: BatchGroup): string | undefined =>
  currentBuildSummary?.arn?.replace(/^.*:build\//, "");
