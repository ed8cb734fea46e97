/** Builds that follow a failed one by themselves, through the service. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openTestAccount, ROLE, type TestAccount } from "../../../../test/support/codebuild-account.ts";
import type { BuildEvent } from "../../../build/run/index.ts";
import { createFakeEngine, type FakeCommand } from "../../../engines/index.ts";

const spec = (onFailure?: string): string =>
  `version: 0.2\nphases:\n  build:\n${onFailure === undefined ? "" : `    on-failure: ${onFailure}\n`}    commands: [do-build]\n`;

interface Shape {
  readonly id: string;
  readonly arn: string;
  readonly buildNumber: number;
  readonly buildStatus: string;
  readonly initiator: string;
  readonly autoRetryConfig?: Record<string, unknown>;
}

describe("a failed build", () => {
  let account: TestAccount;
  let rule: FakeCommand;
  beforeEach(async () => {
    rule = { match: "do-build", outcome: { kind: "exited", exitCode: 1 } };
    account = await openTestAccount([
      createFakeEngine([
        {
          match: "do-build",
          effect: () => {},
          get outcome() {
            return rule.outcome ?? ({ kind: "exited", exitCode: 0 } as const);
          },
        },
      ]),
    ]);
  });
  afterEach(() => account.close());

  /** Follows each build of the chain to its end, from the first on. */
  async function chain(more: object = {}): Promise<{ builds: Shape[]; notices: string[] }> {
    const started = await account.root.call<{ build: Shape }>("codebuild", "StartBuild", {
      projectName: "my-project",
      ...more,
    });
    const builds: Shape[] = [];
    const notices: string[] = [];
    for (let id: string | undefined = started.build.id; id !== undefined; ) {
      for await (const event of account.service.runner.events(id) as AsyncIterable<BuildEvent>) {
        if (event.type === "notice") notices.push(event.text);
      }
      const answer: { builds: Shape[] } = await account.root.call("codebuild", "BatchGetBuilds", { ids: [id] });
      const build = answer.builds[0];
      if (!build) break;
      builds.push(build);
      const next = build.autoRetryConfig?.["nextAutoRetry"] as string | undefined;
      id = next?.slice(next.indexOf(":build/") + ":build/".length);
    }
    return { builds, notices };
  }

  it("is followed by others up to the project's limit, linked both ways", async () => {
    await account.makeRole(["codebuild:RetryBuild"]);
    await account.makeProject(spec(), { autoRetryLimit: 2 });
    const { builds, notices } = await chain();
    expect(builds.map(({ buildNumber, buildStatus }) => [buildNumber, buildStatus])).toEqual([
      [1, "FAILED"],
      [2, "FAILED"],
      [3, "FAILED"],
    ]);
    const [first, second, third] = builds as [Shape, Shape, Shape];
    expect(builds.map((build) => build.autoRetryConfig)).toEqual([
      { autoRetryLimit: 2, autoRetryNumber: 0, nextAutoRetry: second.arn },
      { autoRetryLimit: 2, autoRetryNumber: 1, previousAutoRetry: first.arn, nextAutoRetry: third.arn },
      { autoRetryLimit: 2, autoRetryNumber: 2, previousAutoRetry: second.arn },
    ]);
    expect(second.initiator).toBe(`CodeBuildServiceRole/AWSCodeBuild-${first.id.split(":")[1]}`);
    expect(notices).toEqual([
      `the build failed and is started again as \`${second.id}\` (retry 1 of 2)`,
      `the build failed and is started again as \`${third.id}\` (retry 2 of 2)`,
      "the build is not started again: retry 2 of 2 failed, too",
    ]);
  });

  it("is followed by others under on-failure: RETRY when its message matches", async () => {
    await account.makeRole(["codebuild:RetryBuild"]);
    await account.makeProject(spec("RETRY-1-exit status 1"));
    const { builds } = await chain();
    expect(builds.map((build) => build.autoRetryConfig?.["autoRetryNumber"])).toEqual([0, 1]);
    expect(builds[0]?.autoRetryConfig).toEqual({
      autoRetryLimit: 1,
      autoRetryNumber: 0,
      nextAutoRetry: builds[1]?.arn,
    });
  });

  it("is not followed by another when its message does not match", async () => {
    await account.makeRole(["codebuild:RetryBuild"]);
    await account.makeProject(spec("RETRY-1-exit status 9"));
    const { builds } = await chain();
    expect(builds).toHaveLength(1);
    expect(builds[0]).not.toHaveProperty("autoRetryConfig");
  });

  it("ends the chain with the first that succeeds", async () => {
    await account.makeRole(["codebuild:RetryBuild"]);
    await account.makeProject(spec("RETRY"));
    let runs = 0;
    Object.defineProperty(rule, "outcome", { get: () => ({ kind: "exited", exitCode: ++runs < 2 ? 1 : 0 }) });
    const { builds } = await chain();
    expect(builds.map(({ buildStatus }) => buildStatus)).toEqual(["FAILED", "SUCCEEDED"]);
  });

  it("stays alone when the role may not call RetryBuild, and says so", async () => {
    await account.makeRole([]);
    await account.makeProject(spec(), { autoRetryLimit: 2 });
    const { builds, notices } = await chain();
    expect(builds).toHaveLength(1);
    const uuid = builds[0]?.id.split(":")[1];
    expect(notices).toEqual([
      `the build is not started again: AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/CodeBuildServiceRole/AWSCodeBuild-${uuid} is not authorized to perform: codebuild:RetryBuild on resource: arn:aws:codebuild:us-east-1:111122223333:project/my-project because no identity-based policy allows the codebuild:RetryBuild action; allow \`codebuild:RetryBuild\` on the project to the service role ${ROLE}`,
    ]);
  });

  it("starts a new chain when a person retries it", async () => {
    await account.makeRole(["codebuild:RetryBuild"]);
    await account.makeProject(spec(), { autoRetryLimit: 1 });
    const { builds } = await chain();
    const { build } = await account.root.call<{ build: Shape }>("codebuild", "RetryBuild", { id: builds[1]?.id });
    expect(build.autoRetryConfig).toEqual({ autoRetryLimit: 1, autoRetryNumber: 0 });
    for await (const event of account.service.runner.events(build.id)) void event;
  });

  it("is not followed by another when it was stopped", async () => {
    await account.makeRole(["codebuild:RetryBuild"]);
    await account.close();
    account = await openTestAccount([createFakeEngine([{ match: "do-build", output: ["up\n"], hangs: true }])]);
    await account.makeRole(["codebuild:RetryBuild"]);
    await account.makeProject(spec("RETRY"), { autoRetryLimit: 2 });
    const { build } = await account.root.call<{ build: Shape }>("codebuild", "StartBuild", {
      projectName: "my-project",
    });
    for await (const event of account.service.runner.events(build.id)) {
      if (event.type === "log" && event.text === "up") break;
    }
    await account.root.call("codebuild", "StopBuild", { id: build.id });
    const { ids } = await account.root.call<{ ids: string[] }>("codebuild", "ListBuilds", {});
    expect(ids).toEqual([build.id]);
  });
});
