/**
 * The credential report: one line for root and each user, with what is known of their keys. A report is made at once, and
 * made anew four hours later at the earliest; meanwhile it does not change.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html
 * Gap: when the root user and its key were made is not known, so those columns say `N/A`.
 */
import { globalArnIn } from "../../../core/arn.ts";
import { HOUR_MS, isoSeconds, wholeSecond } from "../../../core/clock.ts";
import { type AccessKeyRecord, identityCollections, lastUseOf, type UserRecord } from "../../../identity/index.ts";
import type { Collection, Store } from "../../../store/store.ts";
import { type OperationContext, operation } from "../../service.ts";
import { listEntities, USER } from "../entities/entities.ts";
import { listAccess } from "../entities/entity-access.ts";
import { reportExpired, reportNotPresent } from "../errors.ts";
import type * as Shapes from "../shapes.gen.ts";

const DOCS = "https://docs.aws.amazon.com/IAM/latest/APIReference";
const LIFE_MS = 4 * HOUR_MS;

const KEY_COLUMNS = ["active", "last_rotated", "last_used_date", "last_used_region", "last_used_service"];
const COLUMNS = [
  ...["user", "arn", "user_creation_time", "password_enabled", "password_last_used", "password_last_changed"],
  ...["password_next_rotation", "mfa_active"],
  ...[1, 2].flatMap((n) => KEY_COLUMNS.map((column) => `access_key_${n}_${column}`)),
  ...["cert_1_active", "cert_1_last_rotated", "cert_2_active", "cert_2_last_rotated"],
];
const NO_KEY = ["false", "N/A", "N/A", "N/A", "N/A"];
const NO_CERTIFICATES = ["false", "N/A", "false", "N/A"];

interface ReportRecord {
  readonly csv: string;
  readonly generatedMs: number;
}

/** By account id. */
const reportsIn = (store: Store): Collection<ReportRecord> => store.collection("iam-credential-reports");

export const generateCredentialReport = operation<object, Shapes.GenerateCredentialReportResponse>({
  name: "GenerateCredentialReport",
  support: "partial",
  gaps: ["when the root user and its key were made is N/A"],
  source: `${DOCS}/API_GenerateCredentialReport.html`,
  authorize: () => listAccess("GenerateCredentialReport", "*"),
  errors: [],
  async run(_input, context) {
    const { store, scope, clock } = context;
    const nowMs = clock.nowMs();
    const reports = reportsIn(store);
    const isMade = await store.write(() => {
      const report = reports.get([scope.accountId]);
      if (report && nowMs - report.generatedMs <= LIFE_MS) return false;
      reports.put([scope.accountId], { csv: reportOf(context), generatedMs: nowMs });
      return true;
    });
    if (!isMade) return { State: "COMPLETE" };
    return { State: "STARTED", Description: "No report exists. Starting a new report generation task" };
  },
});

export const getCredentialReport = operation<object, Shapes.GetCredentialReportResponse>({
  name: "GetCredentialReport",
  support: "supported",
  source: `${DOCS}/API_GetCredentialReport.html`,
  authorize: () => listAccess("GetCredentialReport", "*"),
  errors: [reportNotPresent, reportExpired],
  run(_input, { store, scope, clock }) {
    const report = reportsIn(store).get([scope.accountId]);
    if (!report) throw reportNotPresent();
    if (clock.nowMs() - report.generatedMs > LIFE_MS) throw reportExpired();
    return {
      Content: Buffer.from(report.csv),
      ReportFormat: "text/csv",
      GeneratedTime: wholeSecond(report.generatedMs),
    };
  },
});

/** AWS: lines end in LF, the last one in nothing. */
function reportOf(context: OperationContext): string {
  const rows = [COLUMNS, rootRow(context), ...listEntities(USER, context).map((user) => userRow(user, context.store))];
  return rows.map((row) => row.map(quoted).join(",")).join("\n");
}

/** Names may hold commas. */
const quoted = (field: string): string => (field.includes(",") ? `"${field}"` : field);

function rootRow({ store, scope }: OperationContext): string[] {
  return [
    ...["<root_account>", globalArnIn(scope, "iam", "root"), "N/A"],
    ...["not_supported", "no_information", "not_supported", "not_supported", "false"],
    ...["true", "N/A", ...useColumns(store, scope.accountId)],
    ...NO_KEY,
    ...NO_CERTIFICATES,
  ];
}

function userRow(user: UserRecord, store: Store): string[] {
  const { accessKeys } = identityCollections(store);
  const [first, second] = [...user.accessKeyIds].sort().map((id) => accessKeys.get([id]));
  return [
    ...[user.name, user.arn, isoSeconds(user.createdMs)],
    ...["false", "N/A", "N/A", "N/A", "false"],
    ...keyColumns(store, first),
    ...keyColumns(store, second),
    ...NO_CERTIFICATES,
  ];
}

function keyColumns(store: Store, key: AccessKeyRecord | undefined): string[] {
  if (!key) return NO_KEY;
  return [String(key.status === "Active"), isoSeconds(key.createdMs), ...useColumns(store, key.accessKeyId)];
}

/** AWS: a service without regions, like S3, says so. */
function useColumns(store: Store, id: string): string[] {
  const use = lastUseOf(store, id);
  if (!use) return ["N/A", "N/A", "N/A"];
  return [isoSeconds(use.atMs), use.service === "s3" ? "N/A" : use.region, use.service];
}
