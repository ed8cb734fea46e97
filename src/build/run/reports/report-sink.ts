/**
 * The port through which a run tells of its reports: CodeBuild's permission-only actions (CreateReport, UpdateReport,
 * BatchPutTestCases, BatchPutCodeCoverages) and CreateReportGroup, each decided for the service role. Calls of one
 * report follow one another; every one may throw an AwsError. services/codebuild implements it.
 */
import type { ReportedCoverage, ReportedTestCase, ReportType } from "../../test-reports/index.ts";

export interface ReportSink {
  /** The group of an ARN, or the group `<project>-<name>`, which is made where it is absent. */
  openGroup(nameOrArn: string, type: ReportType): Promise<ReportGroupHandle>;
  /** A report of this build, GENERATING. */
  createReport(group: ReportGroupHandle): Promise<ReportHandle>;
  putTestCases(report: ReportHandle, testCases: readonly RawTestCase[]): Promise<void>;
  putCodeCoverages(report: ReportHandle, coverages: readonly ReportedCoverage[]): Promise<void>;
  updateReport(report: ReportHandle, status: ReportStatus): Promise<void>;
}

export interface ReportGroupHandle {
  readonly arn: string;
  readonly name: string;
  readonly type: ReportType;
}

/** A report, and where its group exports raw files to, as it was when the report was made. */
export interface ReportHandle {
  readonly arn: string;
  readonly group: ReportGroupHandle;
  readonly exportTo?: ReportExport;
}

/** S3ReportExportConfig of the API. */
export interface ReportExport {
  readonly bucket: string;
  readonly bucketOwner?: string | undefined;
  readonly path?: string | undefined;
  readonly packaging?: "ZIP" | "NONE" | undefined;
  readonly encryptionKey?: string | undefined;
  readonly encryptionDisabled?: boolean | undefined;
}

export type ReportStatus = "SUCCEEDED" | "FAILED" | "INCOMPLETE";

/** A case and the report file it stands in. */
export interface RawTestCase extends ReportedTestCase {
  readonly rawDataPath: string;
}

export interface ReportFile {
  /** Absolute path on this machine. */
  readonly source: string;
  /** What it is called: relative to the base directory, or its bare name under `discard-paths`. */
  readonly path: string;
}
