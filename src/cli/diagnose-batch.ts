/** Why a batch did not succeed: the facts of its builds gathered, and the diagnosis as text, one part a build. */
import type { Kiln } from "../app.ts";
import { type BatchDiagnosis, type BuildFacts, explainBatch, renderDiagnosis } from "../explain/index.ts";
import type { CommandContext } from "./command-context.ts";
import { findBuild, gatherFacts } from "./gather-facts.ts";
import { paint } from "./paint.ts";
import type { WireBatch, WireGroup } from "./wire-batch.ts";

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
  const colours = paint(context.settings.hasColor);
  const readText = (file: string) =>
    [...builds.values()].map(({ workspace }) => workspace?.readText(file)).find((text) => text !== undefined);
  return {
    diagnosis,
    text: renderDiagnosis(diagnosis, readText, colours),
    builds: diagnosis.builds.map(({ identifier, buildId, diagnosis: own }) => ({
      identifier,
      buildId,
      text: renderDiagnosis(own, (file) => builds.get(identifier)?.workspace?.readText(file), colours),
    })),
  };
}

/** Id of a group's build, if it has one. */
export const buildIdOf = ({ currentBuildSummary }: WireGroup): string | undefined =>
  currentBuildSummary?.arn?.replace(/^.*:build\//, "");
