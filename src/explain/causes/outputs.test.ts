/** Artifacts that are not there. */
import { describe } from "vitest";
import { BUILD_SPEC, explains, s3Denial } from "../../../test/support/explain-cases.ts";

const upload = { phase: "UPLOAD_ARTIFACTS" as const, statusCode: "CLIENT_ERROR" };
const out = {
  artifacts: { location: "arn:aws:s3:::out/app" },
  encryptionKey: "arn:aws:kms:us-east-1:000000000000:key/k",
};
const SECONDARY_SPEC = `version: 0.2
phases:
  build:
    commands:
      - make
artifacts:
  files: []
  secondary-artifacts:
    docs:
      files:
        - site/**/*
`;

describe("causes: outputs", () => {
  explains([
    {
      phase: "UPLOAD_ARTIFACTS",
      buildspec: BUILD_SPEC,
      statusCode: "CLIENT_ERROR",
      message: "no matching artifact paths found",
      code: "artifacts/not-found",
      line: 12,
      cause: "nothing matches `artifacts.files` (`dist/app.zip`) after the build",
    },
    {
      phase: "UPLOAD_ARTIFACTS",
      statusCode: "CLIENT_ERROR",
      message: "no matching base directory path found for out",
      code: "artifacts/not-found",
      cause: "the folder `out` of `artifacts.base-directory` does not exist after the build",
    },
    {
      ...upload,
      buildspec: `${SECONDARY_SPEC}`,
      message: "no matching artifact paths found",
      events: [
        { buildId: "b", atMs: 0, type: "log", kind: "container", text: "Preparing to copy secondary artifacts docs" },
      ],
      code: "artifacts/not-found",
      line: 11,
      cause: "nothing matches `artifacts.secondary-artifacts.docs.files` (`site/**/*`) after the build",
    },
    {
      ...upload,
      buildspec: `${BUILD_SPEC}  discard-paths: yes\n`,
      message: "discard-paths: two files are named a.txt: /w/src/x/a.txt and /w/src/y/a.txt",
      code: "artifacts/names-collide",
      line: 13,
      cause: "two of the artifacts' files would be stored as `a.txt`",
      next: "leave one of them out with `exclude-paths`, or keep the paths",
    },
    {
      ...upload,
      message: "artifacts packed as ZIP need a name other than `/`",
      code: "artifacts/name-unusable",
      cause: "the artifacts are one ZIP file and have no name to be stored under",
      field: "artifacts.name = /",
    },
  ]);
});

describe("causes: artifacts and logs in S3", () => {
  explains([
    {
      ...upload,
      build: out,
      message: `Error in UPLOAD_ARTIFACTS phase: ${s3Denial("s3:PutObject", "arn:aws:s3:::out/app/dist/app.zip")}`,
      code: "s3/write-denied",
      cause:
        "the service role `CodeBuildServiceRole` may not write the artifacts in `s3://out/app`: no policy allows `s3:PutObject` on `arn:aws:s3:::out/app/dist/app.zip`",
      field: "artifacts.location = out",
      fix: "allow writing the artifacts, and nothing else",
      allows: ["s3:PutObject on arn:aws:s3:::out/app/*"],
    },
    {
      ...upload,
      build: { ...out, secondaryArtifacts: [{ artifactIdentifier: "docs", location: "arn:aws:s3:::site/docs.zip" }] },
      message: `Error in UPLOAD_ARTIFACTS phase: ${s3Denial("s3:PutObject", "arn:aws:s3:::site/docs.zip")}`,
      code: "s3/write-denied",
      cause:
        "the service role `CodeBuildServiceRole` may not write the artifacts in `s3://site/docs.zip`: no policy allows `s3:PutObject` on `arn:aws:s3:::site/docs.zip`",
      field: "secondaryArtifacts[docs].location = site",
      allows: ["s3:PutObject on arn:aws:s3:::site/docs.zip"],
    },
    {
      ...upload,
      build: out,
      message: `Error in UPLOAD_ARTIFACTS phase: ${s3Denial("kms:GenerateDataKey", "arn:aws:kms:us-east-1:000000000000:key/k")}`,
      code: "s3/write-denied",
      cause:
        "the service role `CodeBuildServiceRole` may not encrypt the artifacts with the project's key: no policy allows `kms:GenerateDataKey` on `arn:aws:kms:us-east-1:000000000000:key/k`",
      field: "encryptionKey = arn:aws:kms:us-east-1:000000000000:key/k",
      allows: ["kms:GenerateDataKey on arn:aws:kms:us-east-1:000000000000:key/k"],
    },
    {
      ...upload,
      build: out,
      message: `Error in UPLOAD_ARTIFACTS phase: ${s3Denial("s3:PutBucketAcl", "arn:aws:s3:::out")}`,
      code: "s3/write-denied",
      cause:
        "the service role `CodeBuildServiceRole` may not write the artifacts for the bucket's owner: no policy allows `s3:PutBucketAcl` on `arn:aws:s3:::out`",
      field: "artifacts.bucketOwnerAccess",
      allows: ["s3:PutBucketAcl on arn:aws:s3:::out"],
    },
    {
      ...upload,
      build: out,
      message:
        "Error in UPLOAD_ARTIFACTS phase: NoSuchBucket: The specified bucket does not exist\n\tstatus code: 404, request id: r, host id: h",
      code: "s3/write-refused",
      cause: "the bucket `out` for the artifacts does not exist",
      field: "artifacts.location = out",
      fix: "create it, or name another in the project",
    },
    {
      ...upload,
      build: out,
      message:
        "Error in UPLOAD_ARTIFACTS phase: KMS.DisabledException: arn:k is disabled.\n\tstatus code: 400, request id: r, host id: h",
      code: "s3/write-refused",
      cause: "the project's key cannot be used for the artifacts: KMS.DisabledException: arn:k is disabled.",
      field: "encryptionKey = arn:aws:kms:us-east-1:000000000000:key/k",
    },
    {
      ...upload,
      build: out,
      message:
        "Error in UPLOAD_ARTIFACTS phase: AccessDenied: Access Denied\n\tstatus code: 403, request id: r, host id: h",
      code: "s3/write-refused",
      cause: "S3 did not take the artifacts: AccessDenied: Access Denied",
    },
    {
      ...upload,
      build: out,
      message: "Failed to upload artifacts: Invalid arn",
      code: "s3/other-region",
      cause: "the artifacts' bucket `out` is in another region than the build",
      field: "artifacts.location = out",
    },
    {
      phase: "FINALIZING",
      statusCode: "CLIENT_ERROR",
      build: { logs: { s3Logs: { status: "ENABLED", location: "logs/ci" } } },
      message: `Error in FINALIZING phase: ${s3Denial("s3:PutObject", "arn:aws:s3:::logs/ci/u.gz")}`,
      code: "s3/write-denied",
      cause:
        "the service role `CodeBuildServiceRole` may not write the log in S3 in `s3://logs/ci`: no policy allows `s3:PutObject` on `arn:aws:s3:::logs/ci/u.gz`",
      field: "logsConfig.s3Logs.location = logs",
      allows: ["s3:PutObject on arn:aws:s3:::logs/ci/*"],
    },
  ]);
});

describe("causes: what AWS checks in S3", () => {
  explains([
    {
      phase: "DOWNLOAD_SOURCE",
      statusCode: "CLIENT_ERROR",
      build: { environment: { certificate: "certs/ca.pem" } },
      message: `Unable to download certificate from S3. ${s3Denial("s3:GetObject", "arn:aws:s3:::certs/ca.pem")}`,
      code: "s3/certificate-unreadable",
      cause:
        "the service role `CodeBuildServiceRole` may not read the certificate of the project: no policy allows `s3:GetObject` on `arn:aws:s3:::certs/ca.pem`",
      field: "environment.certificate = certs/ca.pem",
      allows: ["s3:GetObject on arn:aws:s3:::certs/ca.pem"],
    },
    {
      phase: "DOWNLOAD_SOURCE",
      statusCode: "CLIENT_ERROR",
      message: "Unable to download certificate from S3. AccessDenied",
      code: "s3/certificate-unreadable",
      cause: "the certificate of the project cannot be had from S3: AccessDenied",
    },
    {
      phase: "DOWNLOAD_SOURCE",
      statusCode: "CLIENT_ERROR",
      message: "the certificate `certs/ca.pem` cannot be used: there is no certificate in PEM form in it",
      code: "s3/certificate-unreadable",
      cause: "the certificate `certs/ca.pem` cannot be used: there is no certificate in PEM form in it",
      field: "environment.certificate = certs/ca.pem",
    },
    {
      phase: "UPLOAD_ARTIFACTS",
      statusCode: "CLIENT_ERROR",
      message:
        "Error calling GetBucketAcl: Either the bucket owner has changed or the service role no longer has permission to called s3:GetBucketAcl",
      code: "s3/bucket-acl-unreadable",
      cause:
        "the service role `CodeBuildServiceRole` may not look whom the bucket belongs to, or its owner has changed",
    },
  ]);
});
