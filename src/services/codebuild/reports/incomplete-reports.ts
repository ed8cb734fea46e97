/** Reports that a build left open when Kiln was killed: INCOMPLETE, as on AWS when "the build was not completed". */
import type { Store } from "../../../store/store.ts";
import type { BuildRecord } from "../records.ts";
import { reportRecords } from "./report-records.ts";

/** Only inside `Store.write`. */
export function closeReportsOf(store: Store, { scope, build }: Pick<BuildRecord, "scope" | "build">): void {
  const { reports } = reportRecords(store);
  for (const { key, value } of reports.list([scope.accountId, scope.region])) {
    if (value.executionId !== build.arn || value.status !== "GENERATING") continue;
    reports.put(key, { ...value, status: "INCOMPLETE" });
  }
}
