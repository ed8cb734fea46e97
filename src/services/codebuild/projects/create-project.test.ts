import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openTestAccount, ROLE, SCOPE, type TestAccount } from "../../../../test/support/codebuild-account.ts";
import type { UserPrincipal } from "../../../core/aws.ts";

const BUILDSPEC = "version: 0.2\nphases:\n  build:\n    commands: ['true']\n";

describe("CreateProject", () => {
  let account: TestAccount;
  beforeEach(async () => {
    account = await openTestAccount([]);
  });
  afterEach(() => account.close());

  it("fills in AWS's defaults of a project", async () => {
    await account.makeRole([]);
    const { project } = await account.root.call<{ project: Record<string, unknown> }>("codebuild", "CreateProject", {
      name: "my-project",
      source: { type: "GITHUB", location: "https://github.com/o/r" },
      artifacts: { type: "S3", location: "bucket" },
      environment: {
        type: "LINUX_CONTAINER",
        image: "aws/codebuild/standard:7.0",
        computeType: "BUILD_GENERAL1_SMALL",
      },
      serviceRole: ROLE,
    });
    expect(project).toMatchObject({
      arn: "arn:aws:codebuild:us-east-1:111122223333:project/my-project",
      encryptionKey: "arn:aws:kms:us-east-1:111122223333:alias/aws/s3",
      timeoutInMinutes: 60,
      queuedTimeoutInMinutes: 480,
      badge: { badgeEnabled: false },
      cache: { type: "NO_CACHE" },
      source: { insecureSsl: false },
      environment: { privilegedMode: false, imagePullCredentialsType: "CODEBUILD", environmentVariables: [] },
      artifacts: { namespaceType: "NONE", packaging: "NONE", name: "my-project", encryptionDisabled: false },
    });
  });

  it("refuses a role that does not exist or does not trust CodeBuild", async () => {
    await expect(account.makeProject(BUILDSPEC)).rejects.toMatchObject({
      code: "InvalidInputException",
      message:
        "CodeBuild is not authorized to perform: sts:AssumeRole on service role. Please verify that: 1) The provided service role exists, 2) The role name is case-sensitive and matches exactly, and 3) The role has the necessary trust policy configured.",
    });
  });

  it.each([
    [
      { artifacts: { type: "NO_ARTIFACTS", location: "b" } },
      "Invalid artifacts: artifact type NO_ARTIFACTS should have null location",
    ],
    [
      { artifacts: { type: "NO_ARTIFACTS", name: "n" } },
      "Invalid artifacts: artifact type NO_ARTIFACTS should have null output name",
    ],
    [{ artifacts: { type: "S3", location: "b/c" } }, "Invalid artifacts: location should not have a forward-slash"],
  ])("refuses %j", async (more, message) => {
    await account.makeRole([]);
    await expect(account.makeProject(BUILDSPEC, more)).rejects.toMatchObject({
      code: "InvalidInputException",
      message,
    });
  });

  it("needs iam:PassRole for the service role", async () => {
    await account.makeRole([]);
    const { User } = await account.root.call<{ User: { Arn: string; UserId: string } }>("iam", "CreateUser", {
      UserName: "dev",
    });
    await account.root.call("iam", "PutUserPolicy", {
      UserName: "dev",
      PolicyName: "builds",
      PolicyDocument: JSON.stringify({
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Action: "codebuild:*", Resource: "*" }],
      }),
    });
    const caller: UserPrincipal = {
      type: "User",
      arn: User.Arn,
      accountId: SCOPE.accountId,
      userId: User.UserId,
      userName: "dev",
    };
    const asUser = account.callerFor(caller);
    await expect(
      asUser.call("codebuild", "CreateProject", {
        name: "p2",
        source: { type: "NO_SOURCE", buildspec: BUILDSPEC },
        artifacts: { type: "NO_ARTIFACTS" },
        environment: {
          type: "LINUX_CONTAINER",
          image: "aws/codebuild/standard:7.0",
          computeType: "BUILD_GENERAL1_SMALL",
        },
        serviceRole: ROLE,
      }),
    ).rejects.toMatchObject({
      code: "AccessDeniedException",
      message: `User: ${caller.arn} is not authorized to perform: iam:PassRole on resource: ${ROLE} because no identity-based policy allows the iam:PassRole action`,
    });
  });
});
