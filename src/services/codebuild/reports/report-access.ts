/**
 * What must be allowed on reports. AWS: everything is decided on the report group, also what names a report.
 * Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodebuild.html
 */
import type { AuthorizationRequest, RequestContext } from "../../../authorize/decision.ts";
import type { OperationContext } from "../../service.ts";
import { tagKeys } from "../projects/project-access.ts";
import { recordsIn } from "../records.ts";
import type { ReportExportConfig } from "../shapes.gen.ts";
import { withResourcePolicy } from "../sharing/resource-policy-of.ts";
import { findGroup, parseReportArn, reportGroupArn } from "./report-records.ts";

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
