/** Sources and buildspecs in S3. */
import { describe, expect, it } from "vitest";
import { factsOf } from "../../../test/support/build-facts.ts";
import { downloading, explains, s3Denial } from "../../../test/support/explain-cases.ts";
import { explainBuild } from "../index.ts";

const client = { ...downloading, statusCode: "CLIENT_ERROR" };
const zip = { source: { type: "S3", location: "src-bucket/app.zip" } };
const folder = { source: { type: "S3", location: "src-bucket/app/" } };
const object = "arn:aws:s3:::src-bucket/app.zip";
const PRIMARY = " for primary source and source version ";
const download = (error: string, key = "app.zip", end = PRIMARY) =>
  `error while downloading key ${key}, error: ${error}${end}`;
const lib = { secondarySources: [{ type: "S3", location: "libs/lib.zip", sourceIdentifier: "lib" }] };

describe("causes: sources in S3", () => {
  explains([
    {
      ...client,
      build: zip,
      message: download(s3Denial("s3:GetObject", object)),
      code: "s3/source-denied",
      cause: `the service role \`CodeBuildServiceRole\` may not read the source \`s3://src-bucket/app.zip\`: no policy allows \`s3:GetObject\` on \`${object}\``,
      field: "source.location = src-bucket/app.zip",
      fix: "allow reading the source, and nothing else",
      allows: [`s3:GetObject on ${object}`],
    },
    {
      ...client,
      build: zip,
      message: download(s3Denial("s3:GetObjectVersion", object), "app.zip", `${PRIMARY}v7`),
      code: "s3/source-denied",
      cause: `the service role \`CodeBuildServiceRole\` may not read the source \`s3://src-bucket/app.zip\`: no policy allows \`s3:GetObjectVersion\` on \`${object}\``,
      allows: [`s3:GetObject, s3:GetObjectVersion on ${object}`],
    },
    {
      ...client,
      build: folder,
      message: download(s3Denial("s3:GetObject", "arn:aws:s3:::src-bucket/app/buildspec.yml"), "app/buildspec.yml"),
      code: "s3/source-denied",
      cause:
        "the service role `CodeBuildServiceRole` may not read the source `s3://src-bucket/app/buildspec.yml`: no policy allows `s3:GetObject` on `arn:aws:s3:::src-bucket/app/buildspec.yml`",
      allows: ["s3:GetObject on arn:aws:s3:::src-bucket/app/*"],
    },
    {
      ...client,
      build: folder,
      message: download(s3Denial("s3:ListBucket", "arn:aws:s3:::src-bucket"), "app/"),
      code: "s3/source-denied",
      cause:
        "the service role `CodeBuildServiceRole` may not read the source `s3://src-bucket/app/`: no policy allows `s3:ListBucket` on `arn:aws:s3:::src-bucket`",
      allows: ["s3:ListBucket on arn:aws:s3:::src-bucket"],
    },
    {
      ...client,
      build: zip,
      message: download(s3Denial("s3:ListBucket", "arn:aws:s3:::src-bucket")),
      code: "s3/source-denied",
      cause:
        "the source `s3://src-bucket/app.zip` does not exist: S3 hides that from `CodeBuildServiceRole`, which may not list the bucket",
      next: "see what there is: `aws s3 ls s3://src-bucket/ --recursive`",
    },
    {
      ...client,
      build: zip,
      message: download(s3Denial("kms:Decrypt", "arn:aws:kms:us-east-1:000000000000:key/k")),
      code: "s3/source-denied",
      cause:
        "the service role `CodeBuildServiceRole` may not decrypt the source `s3://src-bucket/app.zip`: no policy allows `kms:Decrypt` on `arn:aws:kms:us-east-1:000000000000:key/k`",
      allows: ["kms:Decrypt on arn:aws:kms:us-east-1:000000000000:key/k"],
    },
    {
      ...client,
      build: { ...zip, ...lib },
      message: download(
        s3Denial("s3:GetObject", "arn:aws:s3:::libs/lib.zip"),
        "lib.zip",
        " for secondary source lib and source version ",
      ),
      code: "s3/source-denied",
      cause:
        "the service role `CodeBuildServiceRole` may not read the secondary source `lib` `s3://libs/lib.zip`: no policy allows `s3:GetObject` on `arn:aws:s3:::libs/lib.zip`",
      field: "secondarySources[lib].location = libs/lib.zip",
    },
    {
      ...client,
      build: { source: { type: "NO_SOURCE", buildspec: "arn:aws:s3:::specs/ci.yml" } },
      message: download(s3Denial("s3:GetObject", "arn:aws:s3:::specs/ci.yml"), "ci.yml", ""),
      code: "s3/source-denied",
      cause:
        "the service role `CodeBuildServiceRole` may not read the buildspec in S3 `s3://specs/ci.yml`: no policy allows `s3:GetObject` on `arn:aws:s3:::specs/ci.yml`",
      field: "source.buildspec = arn:aws:s3:::specs/ci.yml",
      fix: "allow reading the buildspec in S3, and nothing else",
    },
    {
      ...client,
      build: zip,
      message: download("NoSuchKey: The specified key does not exist.\n\tstatus code: 404, request id: r, host id: h"),
      code: "s3/source-not-found",
      cause: "the source `s3://src-bucket/app.zip` does not exist: the bucket has no object with that key",
      field: "source.location = src-bucket/app.zip",
      fix: "or put the source there (the files, not the folder that holds them)",
      next: "see what there is: `aws s3 ls s3://src-bucket/ --recursive`",
    },
    {
      ...client,
      build: zip,
      message: download(
        "NoSuchBucket: The specified bucket does not exist\n\tstatus code: 404, request id: r, host id: h",
      ),
      code: "s3/source-not-found",
      cause: "the bucket `src-bucket` of the source does not exist",
      next: "see the buckets with `aws s3 ls`, then name the right one in the project",
    },
    {
      ...client,
      build: zip,
      message: download("NoSuchVersion: The specified version does not exist.\n\tstatus", "app.zip", `${PRIMARY}v7`),
      code: "s3/source-not-found",
      cause: "the source `s3://src-bucket/app.zip` has no version `v7`",
    },
    {
      ...client,
      build: folder,
      message: "there is no object below s3://src-bucket/app/",
      code: "s3/source-not-found",
      cause: "the source's folder `s3://src-bucket/app/` is empty: the bucket has no object below it",
    },
    {
      ...client,
      message: download(
        'RequestError: send request failed caused by: Get "https://b.s3.amazonaws.com/app.zip": dial tcp 10.0.0.1:443: i/o timeout',
      ),
      code: "s3/source-unreachable",
      cause: "S3 cannot be reached from where the build runs, so the source was not downloaded",
      next: "add an S3 gateway endpoint to the route tables of the project's subnets, or a NAT gateway",
    },
    {
      ...client,
      build: zip,
      message:
        "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint",
      code: "s3/other-region",
      cause: "the source's bucket `src-bucket` is in another region than the build",
      field: "source.location = src-bucket",
    },
    {
      ...client,
      build: zip,
      message: "error while extracting app.zip: not a valid zip file (end of central directory not found)",
      code: "source/archive-unusable",
      cause: "the source `app.zip` cannot be unpacked: not a valid zip file (end of central directory not found)",
      fix: "pack it again, in the folder that holds the buildspec",
    },
  ]);

  it("advises no Allow against an explicit deny", () => {
    const message = download(s3Denial("s3:GetObject", object)).replace(
      "because no identity-based policy allows the s3:GetObject action",
      "with an explicit deny in a resource-based policy",
    );
    const diagnosis = explainBuild(factsOf({ ...client, build: zip, message }));
    expect(diagnosis.fix).toBeUndefined();
    expect(diagnosis.cause).toBe(
      `the service role \`CodeBuildServiceRole\` may not read the source \`s3://src-bucket/app.zip\`: a policy denies \`s3:GetObject\` on \`${object}\``,
    );
    expect(diagnosis.next).toBe("remove the Deny, or narrow it: an Allow does not outweigh it");
  });
});
