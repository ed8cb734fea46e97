/** The builds of a batch as a table: how each stands, how long it took, its id. */
import type { Kiln } from "../app.ts";
import { buildIdOf } from "./explain/diagnose-batch.ts";
import { findBuild, type WireBuild } from "./explain/gather-facts.ts";
import { table } from "./table.ts";
import type { WireBatch } from "./wire-batch.ts";

export async function groupTable(kiln: Kiln, batch: WireBatch): Promise<string> {
  const builds = new Map<string, WireBuild>();
  for (const group of batch.buildGroups ?? []) {
    const id = buildIdOf(group);
    const build = id === undefined ? undefined : await findBuild(kiln, id);
    if (build) builds.set(group.identifier ?? "", build);
  }
  return table([
    ["BUILD", "STATUS", "SECONDS", "ID"],
    ...(batch.buildGroups ?? []).map((group) => {
      const build = builds.get(group.identifier ?? "");
      const seconds =
        build?.startTime === undefined || build.endTime === undefined
          ? ""
          : ((build.endTime - build.startTime) / 1000).toFixed(1);
      const status = group.currentBuildSummary?.buildStatus ?? "";
      return [
        group.identifier ?? "",
        group.ignoreFailure === true && status === "FAILED" ? "FAILED (may fail)" : status,
        seconds,
        buildIdOf(group) ?? (status === "" ? "waits" : "not started"),
      ];
    }),
  ]);
}
