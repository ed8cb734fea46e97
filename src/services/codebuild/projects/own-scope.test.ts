import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openTestAccount, SCOPE, type TestAccount } from "../../../../test/support/codebuild-account.ts";
import type { AwsCaller, UserPrincipal } from "../../../core/aws.ts";
import { createFakeEngine } from "../../../engines/index.ts";

const SPEC = "version: 0.2\nphases: {build: {commands: ['true']}}\n";
const elsewhere = (resource: string): string => `arn:aws:codebuild:eu-west-1:${SCOPE.accountId}:${resource}`;
const PROJECT = elsewhere("project/my-project");

/** A decision is made about the resource an ARN names; what is then changed must be that resource. */
describe("an ARN of another region", () => {
  let account: TestAccount;
  /** May do everything in eu-west-1, nothing in us-east-1, where the calls go. */
  let user: AwsCaller;
  beforeEach(async () => {
    account = await openTestAccount([createFakeEngine()]);
    await account.makeRole([]);
    await account.makeProject(SPEC);
    const { User } = await account.root.call<{ User: { Arn: string; UserId: string } }>("iam", "CreateUser", {
      UserName: "dev",
    });
    const allowed = { Effect: "Allow", Action: "codebuild:*", Resource: elsewhere("*") };
    await account.root.call("iam", "PutUserPolicy", {
      UserName: "dev",
      PolicyName: "europe",
      PolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement: [allowed] }),
    });
    const principal: UserPrincipal = {
      type: "User",
      arn: User.Arn,
      accountId: SCOPE.accountId,
      userId: User.UserId,
      userName: "dev",
    };
    user = account.callerFor(principal);
  });
  afterEach(() => account.close());

  it("retries no build of this one", async () => {
    const build = await account.build();
    const id = String(build["id"]);
    await expect(user.call("codebuild", "RetryBuild", { id })).rejects.toMatchObject({ code: "AccessDeniedException" });
    await expect(user.call("codebuild", "RetryBuild", { id: elsewhere(`build/${id}`) })).rejects.toMatchObject({
      code: "ResourceNotFoundException",
    });
    const { ids } = await account.root.call<{ ids: string[] }>("codebuild", "ListBuilds", {});
    expect(ids).toEqual([id]);
  });

  it.each<[string, object]>([
    ["StartBuild", { projectName: PROJECT }],
    ["StartBuildBatch", { projectName: PROJECT }],
    ["RetryBuildBatch", { id: elsewhere("build-batch/my-project:1") }],
    ["StartSandbox", { projectName: PROJECT }],
    ["InvalidateProjectCache", { projectName: PROJECT }],
    ["UpdateProjectVisibility", { projectArn: PROJECT, projectVisibility: "PUBLIC_READ" }],
  ])("is nothing that %s here acts on", async (operation, input) => {
    const there = { ...SCOPE, region: "eu-west-1" };
    const root = `arn:aws:iam::${SCOPE.accountId}:root`;
    const other = account.callerIn(
      { type: "Root", arn: root, accountId: SCOPE.accountId, userId: SCOPE.accountId },
      there,
    );
    const { projects } = await account.root.call<{ projects: object[] }>("codebuild", "BatchGetProjects", {
      names: ["my-project"],
    });
    const { arn: _, created: _c, lastModified: _l, badge: _b, ...same } = projects[0] as Record<string, unknown>;
    await other.call("codebuild", "CreateProject", same);
    await expect(user.call("codebuild", operation, input)).rejects.toMatchObject({ code: "ResourceNotFoundException" });
  });
});
