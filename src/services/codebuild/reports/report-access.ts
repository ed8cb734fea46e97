/**
 * What must be allowed on reports. AWS: everything is decided on the report group, also what names a report.
 * Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodebuild.html
 */
import type { AuthorizationRequest, RequestContext } from "../../../authorize/decision.ts";
import type { Key, Store } from "../../../store/store.ts";
import type { OperationContext } from "../../service.ts";
import { invalidInput } from "../errors.ts";
import { tagKeys } from "../projects/project-access.ts";
import { recordsIn } from "../records.ts";
import type { ReportExportConfig, ReportGroup } from "../shapes.gen.ts";
import { withResourcePolicy } from "../sharing/resource-policy-of.ts";
import { reportGroupNotFound } from "./report-errors.ts";
import { findGroup, groupKey, parseGroupArn, parseReportArn, reportGroupArn } from "./report-records.ts";

/** One action on the group of this ARN, with its tags and its resource policy. */
export const groupAccess = (
  context: Pick<OperationContext, "store">,
  action: string,
  groupArn: string,
  conditionKeys: RequestContext = {},
): AuthorizationRequest =>
  withResourcePolicy(recordsIn(context.store), {
    action: `codebuild:${action}`,
    resource: groupArn,
    context: { ...tagKeys(findGroup(context.store, groupArn)?.tags), ...conditionKeys },
  });

/** One action on the group of the report that this ARN names. */
export function reportAccess(context: OperationContext, action: string, reportArn: string): AuthorizationRequest {
  const parsed = parseReportArn(reportArn);
  return groupAccess(context, action, parsed ? reportGroupArn(parsed.scope, parsed.groupName) : reportArn);
}

/** Condition keys of the fields that say where raw files go. */
export function exportKeys(config: ReportExportConfig | undefined): RequestContext {
  const s3 = config?.s3Destination;
  const keys: Record<string, string | undefined> = {
    "codebuild:exportConfig.s3Destination.bucket": s3?.bucket,
    "codebuild:exportConfig.s3Destination.bucketOwner": s3?.bucketOwner,
    "codebuild:exportConfig.s3Destination.path": s3?.path,
    "codebuild:exportConfig.s3Destination.encryptionKey": s3?.encryptionKey,
    "codebuild:exportConfig.s3Destination.encryptionDisabled":
      s3?.encryptionDisabled === undefined ? undefined : String(s3.encryptionDisabled),
  };
  return Object.fromEntries(Object.entries(keys).flatMap(([name, value]) => (value ? [[name, value]] : [])));
}

/** Scope and name of a group. Throws InvalidInputException for what is no ARN of one. */
export function requireGroupArn(arn: string): NonNullable<ReturnType<typeof parseGroupArn>> {
  const parsed = parseGroupArn(arn);
  if (!parsed) throw invalidInput(`Invalid report group ARN: ${arn}`);
  return parsed;
}

/** A group that exists, with the key of its reports. Throws InvalidInputException or ResourceNotFoundException. */
export function requireGroup(store: Store, arn: string): { readonly group: ReportGroup; readonly key: Key } {
  const { scope, name } = requireGroupArn(arn);
  const group = findGroup(store, arn);
  if (!group) throw reportGroupNotFound(arn);
  return { group, key: groupKey(scope, name) };
}
