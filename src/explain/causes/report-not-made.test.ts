import { expect, it } from "vitest";
import { denialMessage, factsOf } from "../../../test/support/build-facts.ts";
import { explains, s3Denial } from "../../../test/support/explain-cases.ts";
import { explainBuild } from "../index.ts";

const SPEC = `version: 0.2
phases:
  build:
    commands:
      - pytest
reports:
  unit:
    files:
      - out/*.xml
`;
const explain = (text: string) =>
  explainBuild(
    factsOf({
      phase: "UPLOAD_ARTIFACTS",
      buildspec: SPEC,
      statusCode: "CLIENT_ERROR",
      message: `Error in UPLOAD_ARTIFACTS phase: [unit: [${text}]]`,
    }),
  );

it("names the permission a role lacks for reports, and the policy that gives it", () => {
  const group = "arn:aws:codebuild:us-east-1:000000000000:report-group/flask-unit";
  const diagnosis = explain(`error creating report group: ${denialMessage("codebuild:CreateReportGroup", group)}`);
  expect(diagnosis).toMatchObject({
    code: "iam/reports-denied",
    line: 7,
    cause: `the service role \`CodeBuildServiceRole\` may not make the report: no policy allows \`codebuild:CreateReportGroup\` on \`${group}\``,
  });
  expect(diagnosis.fix).toMatchObject({
    policy: { Statement: [{ Resource: ["arn:aws:codebuild:us-east-1:000000000000:report-group/flask-*"] }] },
  });
});

it.each([
  [
    "report files not found in build",
    9,
    "nothing matches the files of the report `unit` (`out/*.xml`) after the build",
  ],
  [
    "no matching base directory path found for out",
    9,
    "the folder `out` of the report `unit` does not exist after the build",
  ],
  [
    "error processing report: [/src/out/a.xml: expected element type <testsuite> but have <coverage>]",
    7,
    "the report `unit` cannot be read: expected element type <testsuite> but have <coverage> in `/src/out/a.xml`",
  ],
])("says what is wrong with a report's files: %s", (text, line, cause) => {
  expect(explain(text)).toMatchObject({ code: "reports/files-unusable", line, cause });
});

const upload = { phase: "UPLOAD_ARTIFACTS" as const, buildspec: SPEC, statusCode: "CLIENT_ERROR" };
explains([
  {
    ...upload,
    message: `Error in UPLOAD_ARTIFACTS phase: [unit: [error exporting report: ${s3Denial("s3:PutObject", "arn:aws:s3:::reports/ci/8b4ba7f0-4a2f-4c5e-9d5a-0123456789ab/out/a.xml")}]]`,
    code: "s3/report-export-denied",
    line: 7,
    cause:
      "the service role `CodeBuildServiceRole` may not export the files of the report `unit`: no policy allows `s3:PutObject` on `arn:aws:s3:::reports/ci/8b4ba7f0-4a2f-4c5e-9d5a-0123456789ab/out/a.xml`",
    allows: ["s3:PutObject on arn:aws:s3:::reports/ci/*"],
  },
  {
    ...upload,
    message:
      "Error in UPLOAD_ARTIFACTS phase: [unit: [error exporting report: AccessDenied: The bucket owner for the report group does not match the owner of the S3 bucket]]",
    code: "s3/report-export-denied",
    cause: "the bucket that the report group of `unit` exports to belongs to another account",
  },
  {
    ...upload,
    buildspec: `${SPEC}    file-format: JUNIT\n`,
    message:
      "Error in UPLOAD_ARTIFACTS phase: [unit: [unknown file-format `JUNIT`: expected one of CUCUMBERJSON, JUNITXML]]",
    code: "reports/not-made",
    line: 10,
    cause: "the report `unit` has a format that CodeBuild does not know: `JUNIT`; the nearest is `JUNITXML`",
  },
  {
    ...upload,
    message: "Error in UPLOAD_ARTIFACTS phase: [the buildspec names 6 report groups, at most 5 are allowed]",
    code: "reports/not-made",
    cause: "the buildspec names 6 report groups, and 5 is the limit",
  },
  {
    ...upload,
    message: "Error in UPLOAD_ARTIFACTS phase: [unit: [error creating report: InvalidInputException: no such group]]",
    code: "reports/not-made",
    line: 7,
    cause: "the report `unit` was not made: error creating report: InvalidInputException: no such group",
  },
]);
