/** Sources: git, S3, pipelines, several of them. */
import { describe } from "vitest";
import { BUILD_SPEC, downloading, explains } from "../../../test/support/explain-cases.ts";

const client = { ...downloading, statusCode: "CLIENT_ERROR" };
const github = { source: { type: "GITHUB", location: "https://example.com/me/app.git" } };
const folder = { source: { type: "S3", location: "src-bucket/app/" } };
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
});
