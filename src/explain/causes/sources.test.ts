/** Sources: git, S3, pipelines, several of them. */
import { describe, expect, it } from "vitest";
import { factsOf } from "../../../test/support/build-facts.ts";
import { BUILD_SPEC, downloading, explains, s3Denial } from "../../../test/support/explain-cases.ts";
import { explainBuild } from "../index.ts";

const client = { ...downloading, statusCode: "CLIENT_ERROR" };
const github = { source: { type: "GITHUB", location: "https://example.com/me/app.git" } };
const zip = { source: { type: "S3", location: "src-bucket/app.zip" } };
const folder = { source: { type: "S3", location: "src-bucket/app/" } };
const object = "arn:aws:s3:::src-bucket/app.zip";
const PRIMARY = " for primary source and source version ";
const download = (error: string, key = "app.zip", end = PRIMARY) =>
  `error while downloading key ${key}, error: ${error}${end}`;
const lib = { secondarySources: [{ type: "S3", location: "libs/lib.zip", sourceIdentifier: "lib" }] };

describe("causes: git sources", () => {
  explains([
    {
      ...downloading,
      statusCode: "CLIENT_ERROR",
      message: "reference not found for primary source and source version mian",
      code: "source/reference-not-found",
      cause: "the source has no branch, tag or commit `mian`",
      field: "sourceVersion = mian",
      next: "then name one of them: `kiln run --source REV`, or the project's `sourceVersion`",
    },
    {
      ...client,
      message: "reference not found for secondary source lib and source version v9",
      code: "source/reference-not-found",
      cause: "the secondary source `lib` has no branch, tag or commit `v9`",
      field: "secondarySourceVersions[lib] = v9",
      next: "then name one of them in the project's `secondarySourceVersions`",
    },
    {
      ...client,
      build: github,
      message: "authentication required for primary source and source version main",
      code: "source/authentication-required",
      cause:
        "the source `https://example.com/me/app.git` needs credentials, and CodeBuild has none that the server accepts",
      field: "source.location = https://example.com/me/app.git",
      fix: "import a token",
      next: "`aws codebuild list-source-credentials` shows what there is",
    },
    {
      ...client,
      build: github,
      message: "authorization failed for primary source and source version main",
      code: "source/authorization-failed",
      cause:
        "the server knows the credentials of the source and does not let them read `https://example.com/me/app.git`",
      fix: "import a token that may read it",
    },
    {
      ...client,
      build: {
        source: {
          ...github.source,
          auth: { type: "CODECONNECTIONS", resource: "arn:aws:codeconnections:us-east-1:000000000000:connection/c" },
        },
      },
      message: "authorization failed for primary source and source version main",
      code: "source/authorization-failed",
      cause:
        "the source is taken over the connection `arn:aws:codeconnections:us-east-1:000000000000:connection/c`, which cannot be used",
      field: "source.auth = arn:aws:codeconnections:us-east-1:000000000000:connection/c",
      allows: [
        "codeconnections:GetConnection, codeconnections:GetConnectionToken, codeconnections:UseConnection on arn:aws:codeconnections:us-east-1:000000000000:connection/c",
      ],
    },
    {
      ...client,
      build: {
        source: {
          type: "CODECOMMIT",
          location: "https://git-codecommit.us-east-1.amazonaws.com/v1/repos/app",
        },
      },
      message: "authorization failed for primary source and source version ",
      code: "source/authorization-failed",
      cause:
        "the service role `CodeBuildServiceRole` may not pull the source from CodeCommit: no policy allows `codecommit:GitPull` on `app`",
      allows: ["codecommit:GitPull on arn:aws:codecommit:us-east-1:000000000000:app"],
    },
    {
      ...client,
      build: github,
      message: "repository not found for primary source and source version main",
      code: "source/repository-not-found",
      cause: "there is no repository `https://example.com/me/app.git`, which is the source",
      next: "try it by hand: `git ls-remote https://example.com/me/app.git`",
    },
    {
      ...client,
      build: { source: { type: "GITHUB", location: "file:///home/you/app" } },
      message: "repository not found for primary source and source version ",
      code: "source/repository-not-found",
      cause: "there is no folder `file:///home/you/app`, which is the source",
      next: "name the folder again: `kiln run FOLDER`, or the project's `source.location`",
    },
    {
      ...client,
      build: github,
      message:
        "Git clone failed: Unable to access 'https://example.com/me/app.git': SSL certificate problem: Self signed certificate",
      code: "source/git-failed",
      cause: "the repository's server has a certificate that the build does not trust",
      field: "environment.certificate",
      next: "`source.insecureSsl` turns the check off; use it for tests only",
    },
    {
      ...client,
      build: github,
      message:
        "Git clone failed: Unable to access 'https://example.com/me/app.git': Could not resolve host: example.com",
      code: "source/git-failed",
      cause:
        "git could not take the source: Unable to access 'https://example.com/me/app.git': Could not resolve host: example.com",
      next: "try it by hand: `git ls-remote https://example.com/me/app.git`",
    },
  ]);
});

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
});

describe("causes: settings of sources", () => {
  explains([
    {
      ...client,
      message: "two secondary sources have the identifier `lib`",
      code: "source/settings-wrong",
      cause: "two secondary sources are called `lib`, so `CODEBUILD_SRC_DIR_lib` would mean both",
      field: "secondarySources[].sourceIdentifier",
    },
    {
      ...client,
      message: "the secondary source identifier `my-lib` is not made of letters, digits and underscores",
      code: "source/settings-wrong",
      cause: "`my-lib` cannot be a secondary source's identifier: it becomes the end of `CODEBUILD_SRC_DIR_…`",
    },
    {
      ...client,
      message: "there are 13 secondary sources; 12 is the limit",
      code: "source/settings-wrong",
      cause: "the project has 13 secondary sources, and 12 is the limit",
    },
    {
      ...client,
      build: { source: { type: "S3", location: "/x" } },
      message: "the S3 location `/x` is not `bucket/key.zip` or `bucket/folder/`",
      code: "source/settings-wrong",
      cause: "`/x` names no object in S3",
      field: "source.location = /x",
    },
    {
      ...client,
      build: folder,
      message: "Source version should be empty for S3 folder source location",
      code: "source/settings-wrong",
      cause: "a folder in S3 has no version, and the build asks for one",
      field: "sourceVersion",
    },
    {
      ...client,
      message:
        "there is no input artifact: Kiln has no pipelines, so a source of type CODEPIPELINE needs its location (`bucket/key` of a zip object, or `file:///folder`) or the object's ARN as source version",
      code: "source/settings-wrong",
      cause: "the source's type is CODEPIPELINE, and nothing says where the pipeline's artifact is",
    },
    {
      ...client,
      message: 'the secret `arn:s` has no member `Token`; CodeBuild expects {"ServerType", "AuthType", "Token"}',
      code: "source/settings-wrong",
      cause: "the secret `arn:s` of the source's credentials has no member `Token`",
    },
    {
      phase: "BUILD",
      buildspec: BUILD_SPEC.replace("make all", "make -C $CODEBUILD_SRC_DIR_libs all"),
      command: "make -C $CODEBUILD_SRC_DIR_libs all",
      exitStatus: 2,
      output: ["make: *** -C: No such file or directory.  Stop."],
      build: { ...github, ...lib },
      code: "source/secondary-missing",
      line: 8,
      cause: "`CODEBUILD_SRC_DIR_libs` is empty: there is no secondary source `libs`; the nearest is `lib`",
      field: "secondarySources[].sourceIdentifier = lib",
    },
    {
      phase: "BUILD",
      buildspec: BUILD_SPEC.replace("make all", "cd $CODEBUILD_SRC_DIR_libs"),
      command: "cd $CODEBUILD_SRC_DIR_libs",
      build: github,
      code: "source/secondary-missing",
      cause:
        "`CODEBUILD_SRC_DIR_libs` is empty: there is no secondary source `libs`; the project has no secondary sources",
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
