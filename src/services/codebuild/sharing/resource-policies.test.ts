import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openTestAccount, SCOPE, type TestAccount } from "../../../../test/support/codebuild-account.ts";
import type { AwsCaller, UserPrincipal } from "../../../core/aws.ts";
import { createFakeEngine } from "../../../engines/index.ts";

const SPEC = "version: 0.2\nphases: {build: {commands: ['true']}}\n";
const PROJECT = "arn:aws:codebuild:us-east-1:111122223333:project/my-project";
const OTHER = { ...SCOPE, accountId: "444455556666" };

const policy = (actions: readonly string[], more: object = {}): string =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { AWS: OTHER.accountId }, Action: actions, Resource: PROJECT, ...more }],
  });

describe("a shared project", () => {
  let account: TestAccount;
  /** The root user of the other account. */
  let other: AwsCaller;
  beforeEach(async () => {
    account = await openTestAccount([createFakeEngine()]);
    await account.makeRole([]);
    await account.makeProject(SPEC);
    const arn = `arn:aws:iam::${OTHER.accountId}:root`;
    other = account.callerIn({ type: "Root", arn, accountId: OTHER.accountId, userId: OTHER.accountId }, OTHER);
  });
  afterEach(() => account.close());

  const put = (text: string, resourceArn = PROJECT) =>
    account.root.call("codebuild", "PutResourcePolicy", { resourceArn, policy: text });

  it("is read by the account it is shared with, and by no other way than shared", async () => {
    const build = await account.build();
    const read = (): Promise<unknown> => other.call("codebuild", "BatchGetProjects", { names: [PROJECT] });
    await expect(read()).rejects.toMatchObject({ code: "AccessDeniedException" });
    expect(await other.call("codebuild", "ListSharedProjects", {})).toEqual({ projects: [] });
    await put(policy(["codebuild:BatchGetProjects", "codebuild:BatchGetBuilds", "codebuild:ListBuildsForProject"]));
    expect(await read()).toMatchObject({ projects: [{ arn: PROJECT }], projectsNotFound: [] });
    expect(await other.call("codebuild", "ListBuildsForProject", { projectName: PROJECT })).toEqual({
      ids: [build["id"]],
    });
    expect(await other.call("codebuild", "BatchGetBuilds", { ids: [build["arn"]] })).toMatchObject({
      builds: [{ arn: build["arn"] }],
    });
    expect(await other.call("codebuild", "ListSharedProjects", { sortBy: "ARN" })).toEqual({ projects: [PROJECT] });
    expect(await other.call("codebuild", "ListSharedReportGroups", {})).toEqual({ reportGroups: [] });
    expect(await account.root.call("codebuild", "ListSharedProjects", {})).toEqual({ projects: [] });
    await expect(other.call("codebuild", "StartBuild", { projectName: PROJECT })).rejects.toMatchObject({
      code: "AccessDeniedException",
    });
    // The name alone is the caller's own project, which it does not have.
    expect(await other.call("codebuild", "BatchGetProjects", { names: ["my-project"] })).toEqual({
      projects: [],
      projectsNotFound: ["my-project"],
    });
    await account.root.call("codebuild", "DeleteResourcePolicy", { resourceArn: PROJECT });
    await expect(read()).rejects.toMatchObject({ code: "AccessDeniedException" });
  });

  it("gives its policy back as it was put, and none when there is none or the project was made anew", async () => {
    const none = { code: "ResourceNotFoundException", message: `Resource cannot be found: ${PROJECT}` };
    const get = (): Promise<unknown> => account.root.call("codebuild", "GetResourcePolicy", { resourceArn: PROJECT });
    await expect(get()).rejects.toMatchObject(none);
    const text = policy(["codebuild:BatchGetProjects"]);
    expect(await put(text)).toEqual({ resourceArn: PROJECT });
    expect(await get()).toEqual({ policy: text });
    await account.root.call("codebuild", "DeleteProject", { name: "my-project" });
    await account.makeProject(SPEC);
    await expect(get()).rejects.toMatchObject(none);
  });

  it("is shared for reading only", async () => {
    await expect(put(policy(["codebuild:StartBuild"]))).rejects.toMatchObject({
      code: "InvalidInputException",
      message:
        "Invalid resource policy: codebuild:StartBuild cannot be shared: expected codebuild:BatchGetProjects, codebuild:BatchGetBuilds, codebuild:BatchGetBuildBatches, codebuild:ListBuildsForProject, codebuild:ListBuildBatchesForProject",
    });
    await expect(put(policy(["codebuild:BatchGetProjects"], { Resource: "*" }))).rejects.toMatchObject({
      message: `Invalid resource policy: Resource must be ${PROJECT}`,
    });
    await expect(put("{}")).rejects.toMatchObject({
      message: "Invalid resource policy: it is not a valid IAM policy document",
    });
    const fleet = "arn:aws:codebuild:us-east-1:111122223333:fleet/f:1";
    await expect(put(policy([]), fleet)).rejects.toMatchObject({
      message: `Invalid resource ARN: a project or a report group can have a resource policy: ${fleet}`,
    });
    const nothing = "arn:aws:codebuild:us-east-1:111122223333:project/nothing";
    await expect(put(policy(["codebuild:BatchGetProjects"]), nothing)).rejects.toMatchObject({
      code: "ResourceNotFoundException",
      message: `Resource cannot be found: ${nothing}`,
    });
  });
});

describe("a user without permissions", () => {
  it.each<[string, object, string]>([
    [
      "CreateFleet",
      { name: "f1", baseCapacity: 1, environmentType: "LINUX_CONTAINER", computeType: "BUILD_GENERAL1_SMALL" },
      "arn:aws:codebuild:us-east-1:111122223333:fleet/f1:*",
    ],
    ["BatchGetFleets", { names: ["f1"] }, "arn:aws:codebuild:us-east-1:111122223333:fleet/f1:*"],
    ["ListFleets", {}, "*"],
    [
      "UpdateFleet",
      { arn: "arn:aws:codebuild:us-east-1:111122223333:fleet/f1:1" },
      "arn:aws:codebuild:us-east-1:111122223333:fleet/f1:1",
    ],
    [
      "DeleteFleet",
      { arn: "arn:aws:codebuild:us-east-1:111122223333:fleet/f1:1" },
      "arn:aws:codebuild:us-east-1:111122223333:fleet/f1:1",
    ],
    ["StartSandbox", { projectName: "my-project" }, PROJECT],
    ["StopSandbox", { id: "my-project:1" }, PROJECT],
    ["BatchGetSandboxes", { ids: ["my-project:1"] }, PROJECT],
    ["ListSandboxes", {}, "*"],
    ["ListSandboxesForProject", { projectName: "my-project" }, PROJECT],
    [
      "StartCommandExecution",
      { sandboxId: "my-project:1", command: "true" },
      "arn:aws:codebuild:us-east-1:111122223333:sandbox/my-project:1",
    ],
    [
      "BatchGetCommandExecutions",
      { sandboxId: "my-project:1", commandExecutionIds: ["1"] },
      "arn:aws:codebuild:us-east-1:111122223333:sandbox/my-project:1",
    ],
    [
      "ListCommandExecutionsForSandbox",
      { sandboxId: "my-project:1" },
      "arn:aws:codebuild:us-east-1:111122223333:sandbox/my-project:1",
    ],
    ["PutResourcePolicy", { resourceArn: PROJECT, policy: "{}" }, PROJECT],
    ["GetResourcePolicy", { resourceArn: PROJECT }, PROJECT],
    ["DeleteResourcePolicy", { resourceArn: PROJECT }, PROJECT],
    ["ListSharedProjects", {}, "*"],
    ["ListSharedReportGroups", {}, "*"],
    ["UpdateProjectVisibility", { projectArn: PROJECT, projectVisibility: "PRIVATE" }, PROJECT],
  ])("is denied %s", async (operation, input, resource) => {
    const account = await openTestAccount([createFakeEngine()]);
    try {
      const { User } = await account.root.call<{ User: { Arn: string; UserId: string } }>("iam", "CreateUser", {
        UserName: "dev",
      });
      const principal: UserPrincipal = {
        type: "User",
        arn: User.Arn,
        accountId: SCOPE.accountId,
        userId: User.UserId,
        userName: "dev",
      };
      await expect(account.callerFor(principal).call("codebuild", operation, input)).rejects.toMatchObject({
        code: "AccessDeniedException",
        message: `User: ${User.Arn} is not authorized to perform: codebuild:${operation} on resource: ${resource} because no identity-based policy allows the codebuild:${operation} action`,
      });
    } finally {
      await account.close();
    }
  });
});
