/**
 * The raw files of a report, stored as the service role where its group exports to.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_S3ReportExportConfig.html; the failure of a bucket
 * with another owner: https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html
 * Not published, chosen here: the key, `<path>/<report's uuid>/<file>`, or `<path>/<report's uuid>.zip`.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { AwsError } from "../../../core/errors.ts";
import { heldChunks, withHeld } from "../../../core/held-path.ts";
import { err, ok, type Result } from "../../../core/result.ts";
import { packZip } from "../artifacts/pack-zip.ts";
import type { BuildRequest, RunDependencies } from "../build-request.ts";
import type { OwnFiles } from "../own-files.ts";
import { s3FailureText } from "../s3-failure.ts";
import { keyOfParts } from "../s3-location.ts";
import type { ReportExport, ReportFile, ReportHandle } from "./report-sink.ts";

export interface ExportInput {
  readonly report: ReportHandle;
  readonly target: ReportExport;
  readonly files: readonly ReportFile[];
  /** For reading the files. */
  readonly own: OwnFiles;
  readonly request: Pick<BuildRequest, "scope">;
  readonly dependencies: Pick<RunDependencies, "role" | "workDir" | "ids">;
  readonly signal: AbortSignal;
}

/** Where the files are now, as `s3://bucket/key`, or why they are not. */
export async function exportReport(input: ExportInput): Promise<Result<string, string>> {
  const { report, target, files, own, dependencies, signal } = input;
  const uuid = report.arn.slice(report.arn.lastIndexOf(":") + 1);
  const key = keyOfParts(target.path, uuid);
  try {
    if (target.packaging === "ZIP") {
      const zipPath = join(dependencies.workDir, `report-${dependencies.ids.uuid()}.zip`);
      try {
        const entries = files.map(({ source, path }) => {
          const sizeBytes = withHeld(own.file(source), ({ stats }) => stats.size) ?? 0;
          return { source, path, sizeBytes, mode: 0o644 };
        });
        await packZip(entries, zipPath, own, signal);
        await put(`${key}.zip`, zipPath, input);
      } finally {
        await rm(zipPath, { force: true });
      }
      return ok(`s3://${target.bucket}/${key}.zip`);
    }
    for (const { source, path } of files) {
      signal.throwIfAborted();
      await put(`${key}/${path}`, source, input);
    }
    return ok(`s3://${target.bucket}/${key}`);
  } catch (error) {
    if (signal.aborted || !(error instanceof AwsError)) throw error;
    return err(isOtherOwner(error) ? OTHER_OWNER : s3FailureText(error));
  }
}

async function put(key: string, source: string, { target, own, request, dependencies }: ExportInput): Promise<void> {
  const file = own.file(source);
  try {
    await dependencies.role.call("s3", "PutObject", {
      Bucket: target.bucket,
      Key: key,
      Body: heldChunks(file),
      ContentLength: file.stats.size,
      ExpectedBucketOwner: target.bucketOwner ?? request.scope.accountId,
      ...(target.encryptionDisabled === true
        ? {}
        : {
            ServerSideEncryption: "aws:kms",
            ...(target.encryptionKey === undefined ? {} : { SSEKMSKeyId: target.encryptionKey }),
          }),
    });
  } finally {
    file.close();
  }
}

const OTHER_OWNER = "AccessDenied: The bucket owner for the report group does not match the owner of the S3 bucket";

/** S3 refuses an unexpected owner with a bare AccessDenied; a lacking permission names the action. */
const isOtherOwner = (error: AwsError): boolean =>
  error.code === "AccessDenied" && !error.message.includes("is not authorized to perform");
