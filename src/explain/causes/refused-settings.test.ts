/** Settings that a registry or CodeBuild's API refuses: the exact words. */
import { describe, expect, it } from "vitest";
import { explains } from "../../../test/support/explain-cases.ts";
import { explainBuild, readEvidence } from "../index.ts";

const pull = {
  phase: "PROVISIONING" as const,
  isSaved: true,
  statusCode: "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE",
};
const unable = (reason: string) => `Unable to pull customer's container image. CannotPullContainerError: ${reason}`;
/** The first reading of the text that is known, as the command takes it. */
const explainText = (text: string) => {
  const read = readEvidence(text).builds.map(explainBuild);
  return read.find(({ code }) => code !== "build/unknown") ?? read[0];
};

describe("causes: refused settings", () => {
  explains([
    {
      ...pull,
      message: unable(
        'Error response from daemon: Head "https://registry.example/v2/a/b/manifests/1": unauthorized: incorrect username or password',
      ),
      code: "image/login-refused",
      cause:
        "the registry of the build's image `aws/codebuild/standard:7.0` did not accept the user name and password of the project's registry credential",
      field: "environment.registryCredential",
    },
    {
      ...pull,
      message: unable(
        "Error response from daemon: Get https://registry.example/v2/: x509: certificate is valid for a.example",
      ),
      code: "image/registry-unreachable",
      cause: "CodeBuild does not accept the certificate of the registry `registry.example` of the build's image",
    },
    {
      ...pull,
      message: unable("invalid reference format"),
      code: "image/invalid-name",
      cause: "the build's image `aws/codebuild/standard:7.0` has a name that docker does not accept",
    },
    {
      ...pull,
      message:
        "Unable to pull customer's container image. AWS CodeBuild is not authorized to perform ecr:BatchGetImage on resource",
      code: "image/not-pulled",
      cause:
        "the build's image `aws/codebuild/standard:7.0` may not be pulled by CodeBuild: the policy of its ECR repository does not allow it",
    },
    {
      phase: "DOWNLOAD_SOURCE",
      isSaved: true,
      statusCode: "CLIENT_ERROR",
      message:
        "error while downloading key app.zip, error: AccessDenied: Access Denied\n\tstatus code: 403, request id: R for primary source and source version ",
      build: { source: { type: "S3", location: "shop-source/app.zip" } },
      code: "s3/source-refused",
      cause:
        "S3 refused the source `s3://shop-source/app.zip` to the service role `CodeBuildServiceRole`, without a reason",
    },
    {
      phase: "DOWNLOAD_SOURCE",
      isSaved: true,
      statusCode: "Decrypted Variables Error",
      message: "parameter does not exist: ghp_0123456789",
      code: "ssm/parameter-not-found",
      cause:
        "a variable of the type PARAMETER_STORE has a token (`ghp_…`) as its value, where the name of a parameter belongs",
    },
  ]);

  it("says no more of a token that was taken for a name than how it begins", () => {
    const diagnosis = explainText("Decrypted Variables Error: parameter does not exist: ghp_0123456789");
    expect(JSON.stringify(diagnosis)).not.toContain("0123456789");
  });

  it.each([
    [
      "Invalid input: cannot use a CodeBuild curated image with imagePullCredentialsType SERVICE_ROLE",
      {
        code: "image/curated-needs-codebuild",
        cause: "the project's image is one of CodeBuild's, and its `imagePullCredentialsType` is SERVICE_ROLE",
      },
    ],
    [
      "An error occurred (InvalidInputException) when calling the CreateProject operation: Invalid service role",
      {
        code: "iam/service-role-invalid",
        cause:
          "CodeBuild does not accept the service role: it does not exist under this ARN, or does not trust CodeBuild",
      },
    ],
    [
      "BUILD | Failed | COMMAND_EXECUTION_ERROR: Error while executing command: make ship. Reason: exit status 3",
      { code: "commands/exit-status", phase: "BUILD", cause: "a command ended with exit status 3: `make ship`" },
    ],
    [
      "Error while executing command: make ship. Reason: exit status 3",
      { code: "commands/exit-status", next: expect.stringMatching(/^what it printed is not in this text/) },
    ],
    [
      '"YAML_FILE_ERROR: This build image requires selecting at least one runtime version."',
      { code: "runtime/none-selected" },
    ],
    ["Message: YAML file does not exist", { code: "buildspec/missing" }],
    [
      "An error occurred (AccessDenied) when calling the PutObject operation: Access Denied",
      { code: "api/request-refused", next: expect.stringContaining("the answer names neither") },
    ],
    [
      "User: arn:aws:sts::111122223333:assumed-role/dev/x is not authorized to perform: codebuild:CreateProject on resource: arn:aws:codebuild:eu-west-1:111122223333:project/p with an explicit deny in a service control policy (Service: AWSCodeBuild; Status Code: 400; Error Code: AccessDeniedException; Request ID: 1; Proxy: null)",
      {
        code: "iam/request-denied",
        cause: expect.stringContaining("a service control policy denies `codebuild:CreateProject`"),
        next: "who manages the organisation must remove the Deny, or narrow it: an Allow does not outweigh it",
        prove: expect.stringContaining("--policy-source-arn arn:aws:iam::111122223333:role/dev "),
      },
    ],
  ])("reads `%s`", (text, expected) => {
    expect(explainText(text)).toMatchObject(expected);
  });

  it("takes a tool's error for the tool's, though it looks like that of a call", () => {
    expect(explainText("ModuleNotFoundError: No module named 'shop'")).toMatchObject({
      code: "commands/tool-failed",
      cause: "python finds no module `shop`",
    });
    expect(
      explainText(
        "│ Error: Error acquiring the state lock\n│ \n│ Error message: ConditionalCheckFailedException: The conditional request failed",
      ),
    ).toMatchObject({
      code: "commands/tool-failed",
      cause: expect.stringMatching(/^terraform: Error acquiring the state lock/),
    });
  });

  it("reads a tool's words under blanks, clocks and levels of another system", () => {
    for (const line of [
      "                  Host key verification failed.",
      "4.100 fatal: could not read Username for 'https://example.org': terminal prompts disabled",
      "[WARNING]: error Your lockfile needs to be updated, but yarn was run with `--frozen-lockfile`.",
    ]) {
      expect(explainText(`start\n${line}\n`), line).toMatchObject({ code: "commands/tool-failed" });
    }
  });

  it("calls a program of Windows by the status that Windows gave it", () => {
    expect(
      explainText(
        "COMMAND_EXECUTION_ERROR: Error while executing command: MSBuild.exe a. Reason: exit status 3221225794",
      )?.cause,
    ).toBe(
      "a command ended with exit status 3221225794 (Windows' 0xC0000142: a DLL could not start: often an image made for another build of Windows than the host's): `MSBuild.exe a`",
    );
  });
});
