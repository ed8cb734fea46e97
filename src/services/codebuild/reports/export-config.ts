/**
 * A report group's exportConfig: what is checked of it, and the values filled in.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_S3ReportExportConfig.html; the CLI's sample of
 * create-report-group shows the default path and that a disabled encryption has no key. Texts of refusals: `unverified`.
 */
import { type AwsScope, isAccountId } from "../../../core/arn.ts";
import { invalidInput } from "../errors.ts";
import type { ReportExportConfig } from "../shapes.gen.ts";

/** The config as it is kept and shown. Throws InvalidInputException. */
export function exportConfigFrom(config: ReportExportConfig, scope: AwsScope): ReportExportConfig {
  const { exportConfigType: type, s3Destination: s3 } = config;
  if (type === undefined) throw invalidInput("Invalid export config: exportConfigType is required");
  if (type === "NO_EXPORT") {
    if (s3) throw invalidInput("Invalid export config: export config type NO_EXPORT should have null s3Destination");
    return { exportConfigType: "NO_EXPORT" };
  }
  if (!s3?.bucket)
    throw invalidInput("Invalid export config: export config type S3 needs an s3Destination with a bucket");
  if (s3.bucket.includes("/")) throw invalidInput("Invalid export config: bucket should not have a forward-slash");
  if (s3.bucketOwner !== undefined && !isAccountId(s3.bucketOwner)) {
    throw invalidInput("Invalid export config: bucketOwner must be an account id of 12 digits");
  }
  if (s3.encryptionDisabled === true && s3.encryptionKey !== undefined) {
    throw invalidInput("Invalid export config: encryptionKey must be null when encryption is disabled");
  }
  return {
    exportConfigType: "S3",
    s3Destination: {
      bucket: s3.bucket,
      ...(s3.bucketOwner === undefined ? {} : { bucketOwner: s3.bucketOwner }),
      path: s3.path ?? "",
      packaging: s3.packaging ?? "NONE",
      ...(s3.encryptionDisabled === true
        ? {}
        : {
            encryptionKey:
              s3.encryptionKey ?? `arn:${scope.partition}:kms:${scope.region}:${scope.accountId}:alias/aws/s3`,
          }),
      encryptionDisabled: s3.encryptionDisabled ?? false,
    },
  };
}
