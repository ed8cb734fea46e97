/** Batches through the API, with real builds on this machine: order, failures, shapes, retries, the batch role. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openTestAccount, ROLE, SCOPE, type TestAccount } from "../../../../test/support/codebuild-account.ts";
import { createHostEngine } from "../../../engines/index.ts";
import type { BuildBatch } from "../shapes.gen.ts";

const engine = createHostEngine({ graceMs: 100 });
const BATCH_ACTIONS = ["codebuild:StartBuild", "codebuild:StopBuild", "codebuild:RetryBuild"];
const PROJECT_ARN = `arn:aws:codebuild:us-east-1:${SCOPE.accountId}:project/my-project`;

const spec = (batch: string, command = "true"): string =>
  `version: 0.2\nbatch:\n${batch.replace(/^/gm, "  ")}\nphases:\n  build:\n    commands:\n      - ${JSON.stringify(command)}\n`;

describe("a batch", () => {
  let account: TestAccount;
  beforeEach(async () => {
    account = await openTestAccount([engine]);
  });
  afterEach(() => account.close());

  const makeProject = async (buildspec: string, more: object = {}, actions = BATCH_ACTIONS): Promise<void> => {
    await account.makeRole(actions);
    await account.makeProject(buildspec, { buildBatchConfig: { serviceRole: ROLE }, ...more });
  };
  const call = async (operation: string, input: object): Promise<BuildBatch> =>
    (await account.root.call<{ buildBatch: BuildBatch }>("codebuild", operation, input)).buildBatch;
  const get = async (id: string): Promise<BuildBatch> => {
    const { buildBatches } = await account.root.call<{ buildBatches: BuildBatch[] }>(
      "codebuild",
      "BatchGetBuildBatches",
      { ids: [id] },
    );
    return buildBatches[0] as BuildBatch;
  };
  const ended = async (id: string): Promise<BuildBatch> => {
    await account.service.batches.ended(id.split(":")[1] ?? "");
    return get(id);
  };
  const run = async (input: object = {}): Promise<BuildBatch> => {
    const { id = "" } = await call("StartBuildBatch", { projectName: "my-project", ...input });
    return ended(id);
  };
  const line = ({ phases = [] }: BuildBatch): string =>
    phases.map(({ phaseType, phaseStatus }) => `${phaseType}:${phaseStatus ?? "-"}`).join(" ");
  const groups = ({ buildGroups = [] }: BuildBatch): string =>
    buildGroups
      .map(({ identifier, currentBuildSummary }) => `${identifier}:${currentBuildSummary?.buildStatus ?? "-"}`)
      .join(" ");
  const logOf = async (arn: string | undefined): Promise<string[]> => {
    const texts: string[] = [];
    for await (const event of account.service.runner.events((arn ?? "").replace(/^.*:build\//, ""))) {
      if (event.type === "log" && event.kind === "output" && event.text !== "") texts.push(event.text);
    }
    return texts;
  };

  it("answers StartBuildBatch at once with AWS's first shape, then runs source and builds", async () => {
    await makeProject(
      spec(
        "build-graph:\n  - identifier: one\n  - identifier: two\n    depend-on: [one]\n    env:\n      variables: {WHO: task}",
        'echo "$CODEBUILD_BATCH_BUILD_IDENTIFIER $WHO $GIVEN"',
      ),
    );
    const first = await call("StartBuildBatch", {
      projectName: "my-project",
      environmentVariablesOverride: [{ name: "GIVEN", value: "override" }],
    });
    expect(first).toMatchObject({
      arn: `arn:aws:codebuild:us-east-1:${SCOPE.accountId}:build-batch/${first.id}`,
      currentPhase: "SUBMITTED",
      buildBatchStatus: "IN_PROGRESS",
      complete: false,
      buildBatchNumber: 1,
      initiator: "root",
      artifacts: { location: "" },
      buildBatchConfig: { serviceRole: ROLE, restrictions: { maximumBuildsAllowed: 100 }, timeoutInMins: 480 },
      buildTimeoutInMinutes: 60,
      queuedTimeoutInMinutes: 480,
    });
    expect(first.phases).toBeUndefined();
    expect(first.buildGroups).toBeUndefined();
    const done = await ended(first.id ?? "");
    expect(done).toMatchObject({ buildBatchStatus: "SUCCEEDED", complete: true, currentPhase: "SUCCEEDED" });
    expect(line(done)).toBe(
      "SUBMITTED:SUCCEEDED DOWNLOAD_BATCHSPEC:SUCCEEDED IN_PROGRESS:SUCCEEDED COMBINE_ARTIFACTS:SUCCEEDED SUCCEEDED:-",
    );
    expect(done.buildGroups?.[0]).toMatchObject({ identifier: "DOWNLOAD_SOURCE", ignoreFailure: false });
    expect(done.buildGroups?.[0]?.dependsOn).toBeUndefined();
    expect(done.buildGroups?.[2]).toMatchObject({
      identifier: "two",
      dependsOn: ["one"],
      ignoreFailure: false,
      currentBuildSummary: {
        buildStatus: "SUCCEEDED",
        primaryArtifact: { type: "no_artifacts", identifier: "two" },
        secondaryArtifacts: [],
      },
    });
    expect(await logOf(done.buildGroups?.[2]?.currentBuildSummary?.arn)).toEqual(["two task override"]);
    const { builds } = await account.root.call<{ builds: Record<string, unknown>[] }>("codebuild", "BatchGetBuilds", {
      ids: done.buildGroups?.map(({ currentBuildSummary }) => currentBuildSummary?.arn),
    });
    expect(builds.map(({ buildBatchArn, buildNumber }) => [buildBatchArn, buildNumber])).toEqual([
      [first.arn, 1],
      [first.arn, 2],
      [first.arn, 3],
    ]);
  });

  it("stops what depends on a failed build, and lets the others finish", async () => {
    await makeProject(
      spec(
        `build-graph:
  - identifier: bad
  - identifier: after
    depend-on: [bad]
  - identifier: later
    depend-on: [after]
  - identifier: other
  - identifier: may
    ignore-failure: true
  - identifier: behind
    depend-on: [may]`,
        "case $CODEBUILD_BATCH_BUILD_IDENTIFIER in bad|may) exit 3 ;; esac",
      ),
    );
    const done = await run();
    expect(done.buildBatchStatus).toBe("FAILED");
    expect(groups(done)).toBe(
      "DOWNLOAD_SOURCE:SUCCEEDED bad:FAILED after:STOPPED later:STOPPED other:SUCCEEDED may:FAILED behind:SUCCEEDED",
    );
    expect(line(done)).toBe("SUBMITTED:SUCCEEDED DOWNLOAD_BATCHSPEC:SUCCEEDED IN_PROGRESS:FAILED FAILED:-");
    expect(done.phases?.[2]?.contexts).toEqual([
      { statusCode: "CLIENT_ERROR", message: "build groups that did not succeed: bad, after, later" },
    ]);
    expect(done.buildGroups?.[2]?.currentBuildSummary).toEqual({
      requestedOn: expect.any(Number),
      buildStatus: "STOPPED",
    });
  });

  it("stops running builds at once under fast-fail", async () => {
    await makeProject(
      spec(
        "fast-fail: true\nbuild-list:\n  - identifier: slow\n  - identifier: bad",
        'test "$CODEBUILD_BATCH_BUILD_IDENTIFIER" = slow && sleep 60; exit 1',
      ),
    );
    const done = await run();
    expect(groups(done)).toBe("DOWNLOAD_SOURCE:SUCCEEDED slow:STOPPED bad:FAILED");
    expect(done.buildBatchStatus).toBe("FAILED");
  });

  it("fails in DOWNLOAD_BATCHSPEC when the buildspec's batch is not one", async () => {
    await makeProject(
      spec("build-graph:\n  - identifier: a\n    depend-on: [b]\n  - identifier: b\n    depend-on: [a]"),
    );
    const done = await run();
    expect(line(done)).toBe("SUBMITTED:SUCCEEDED DOWNLOAD_BATCHSPEC:FAILED FAILED:-");
    expect(done.phases?.[1]?.contexts).toEqual([
      { statusCode: "YAML_FILE_ERROR", message: "the builds wait for each other: a -> b -> a" },
    ]);
    expect(groups(done)).toBe("DOWNLOAD_SOURCE:FAILED");
    const none = await run({ buildspecOverride: "version: 0.2\nphases:\n  build:\n    commands: [true]\n" });
    expect(none.phases?.[1]?.contexts?.[0]?.message).toBe("the buildspec has no batch section");
  });

  it("fails when the batch role may not start builds", async () => {
    await makeProject(spec("build-list:\n  - identifier: a"), {}, ["logs:*"]);
    const done = await run();
    const session = `arn:aws:sts::${SCOPE.accountId}:assumed-role/CodeBuildServiceRole/AWSCodeBuild-${done.id?.split(":")[1]}`;
    expect(line(done)).toBe("SUBMITTED:SUCCEEDED DOWNLOAD_BATCHSPEC:FAILED FAILED:-");
    expect(done.phases?.[1]?.contexts).toEqual([
      {
        statusCode: "ACCESS_DENIED",
        message: `User: ${session} is not authorized to perform: codebuild:StartBuild on resource: ${PROJECT_ARN} because no identity-based policy allows the codebuild:StartBuild action`,
      },
    ]);
  });

  it("starts its builds under the conditions that the role's policies make about the project", async () => {
    await makeProject(spec("build-list:\n  - identifier: one"), { tags: [{ key: "team", value: "blue" }] }, []);
    const statusFor = async (team: string) => {
      await account.root.call("iam", "PutRolePolicy", {
        ...{ RoleName: "CodeBuildServiceRole", PolicyName: "all" },
        PolicyDocument: JSON.stringify({
          Version: "2012-10-17",
          Statement: [
            {
              ...{ Effect: "Allow", Action: "codebuild:StartBuild", Resource: PROJECT_ARN },
              Condition: { StringEquals: { "aws:ResourceTag/team": team, "codebuild:projectArn": PROJECT_ARN } },
            },
          ],
        }),
      });
      return (await run()).buildBatchStatus;
    };
    expect([await statusFor("red"), await statusFor("blue")]).toEqual(["FAILED", "SUCCEEDED"]);
  });

  it("needs a buildBatchConfig with a role that trusts CodeBuild", async () => {
    await account.makeRole(BATCH_ACTIONS);
    await account.makeProject(spec("build-list:\n  - identifier: a"));
    await expect(run()).rejects.toMatchObject({
      code: "InvalidInputException",
      message: "Project my-project has no buildBatchConfig, and buildBatchConfigOverride names no serviceRole",
    });
    await expect(run({ buildBatchConfigOverride: { serviceRole: `${ROLE}x` } })).rejects.toMatchObject({
      code: "InvalidInputException",
    });
    await expect(
      account.root.call("codebuild", "UpdateProject", { name: "my-project", buildBatchConfig: { timeoutInMins: 10 } }),
    ).rejects.toMatchObject({ message: "Invalid buildBatchConfig: serviceRole must be set" });
    expect((await run({ buildBatchConfigOverride: { serviceRole: ROLE } })).buildBatchStatus).toBe("SUCCEEDED");
  });

  it("keeps the restrictions of the project", async () => {
    await makeProject(spec("build-fanout:\n  parallelism: 3"), {
      buildBatchConfig: { serviceRole: ROLE, restrictions: { maximumBuildsAllowed: 2 } },
    });
    const done = await run();
    expect(done.phases?.[1]?.contexts?.[0]).toEqual({
      statusCode: "YAML_FILE_ERROR",
      message: "the batch has 3 builds, and the project allows 2 (maximumBuildsAllowed)",
    });
  });

  it("stops with all its builds at any moment", async () => {
    await makeProject(
      spec("build-graph:\n  - identifier: a\n  - identifier: b\n    depend-on: [a]", "echo started; sleep 60"),
    );
    const { id = "" } = await call("StartBuildBatch", { projectName: "my-project" });
    let a: string | undefined;
    while (a === undefined) {
      await new Promise((resolve) => setImmediate(resolve));
      a = (await get(id)).buildGroups?.[1]?.currentBuildSummary?.arn;
    }
    for await (const event of account.service.runner.events(a.replace(/^.*:build\//, ""))) {
      if (event.type === "log" && event.text === "started") break;
    }
    const stopped = await call("StopBuildBatch", { id });
    expect(stopped).toMatchObject({ buildBatchStatus: "STOPPED", complete: true, currentPhase: "STOPPED" });
    expect(line(stopped)).toBe("SUBMITTED:SUCCEEDED DOWNLOAD_BATCHSPEC:SUCCEEDED IN_PROGRESS:STOPPED STOPPED:-");
    expect(groups(stopped)).toBe("DOWNLOAD_SOURCE:SUCCEEDED a:STOPPED b:STOPPED");
    expect(await call("StopBuildBatch", { id })).toEqual(stopped);
    const early = await call("StartBuildBatch", { projectName: "my-project" });
    expect(await call("StopBuildBatch", { id: early.arn })).toMatchObject({ buildBatchStatus: "STOPPED" });
  });

  it("retries failed builds under the same id, and keeps what was", async () => {
    await makeProject(
      spec(
        "build-graph:\n  - identifier: good\n  - identifier: bad\n  - identifier: after\n    depend-on: [bad]",
        '[ "$CODEBUILD_BATCH_BUILD_IDENTIFIER" != bad ] || [ -e "$FLAG" ]',
      ),
      {
        environment: {
          type: "LINUX_CONTAINER",
          image: "aws/codebuild/standard:7.0",
          computeType: "BUILD_GENERAL1_SMALL",
          environmentVariables: [{ name: "FLAG", value: "/nonexistent" }],
        },
      },
    );
    const failed = await run();
    expect(groups(failed)).toBe("DOWNLOAD_SOURCE:SUCCEEDED good:SUCCEEDED bad:FAILED after:STOPPED");
    const again = await call("RetryBuildBatch", { id: failed.id, retryType: "RETRY_FAILED_BUILDS" });
    expect(again).toMatchObject({
      id: failed.id,
      buildBatchStatus: "IN_PROGRESS",
      complete: false,
      currentPhase: "SUBMITTED",
    });
    expect(line(again)).toBe(
      "SUBMITTED:SUCCEEDED DOWNLOAD_BATCHSPEC:SUCCEEDED IN_PROGRESS:FAILED FAILED:RETRY SUBMITTED:-",
    );
    expect(again.endTime).toBeUndefined();
    const second = await ended(failed.id ?? "");
    expect(line(second)).toBe(
      "SUBMITTED:SUCCEEDED DOWNLOAD_BATCHSPEC:SUCCEEDED IN_PROGRESS:FAILED FAILED:RETRY SUBMITTED:SUCCEEDED IN_PROGRESS:FAILED FAILED:-",
    );
    const [source, good, bad] = second.buildGroups ?? [];
    expect(source?.currentBuildSummary).toEqual(failed.buildGroups?.[0]?.currentBuildSummary);
    expect(good?.currentBuildSummary).toEqual(failed.buildGroups?.[1]?.currentBuildSummary);
    expect(bad?.priorBuildSummaryList).toEqual([failed.buildGroups?.[2]?.currentBuildSummary]);
    const all = await call("RetryBuildBatch", { id: failed.id, retryType: "RETRY_ALL_BUILDS" });
    const third = await ended(all.id ?? "");
    expect(third.buildGroups?.map(({ priorBuildSummaryList }) => priorBuildSummaryList?.length ?? 0)).toEqual([
      1, 1, 2, 0,
    ]);
    expect(line(third).match(/DOWNLOAD_BATCHSPEC/g)).toHaveLength(2);
  });

  it("retries and stops only what can be", async () => {
    await makeProject(spec("build-list:\n  - identifier: a"));
    const done = await run();
    await expect(call("RetryBuildBatch", { id: done.id })).rejects.toMatchObject({
      code: "InvalidInputException",
      message: `Only batch builds that have failed can be retried: ${done.id} is SUCCEEDED`,
    });
    await expect(call("StopBuildBatch", { id: "my-project:nope" })).rejects.toMatchObject({
      code: "ResourceNotFoundException",
      message: "Build batch cannot be found: my-project:nope",
    });
    await expect(run({ projectName: "nope" })).rejects.toMatchObject({ code: "ResourceNotFoundException" });
  });

  it("makes one batch for one idempotency token", async () => {
    await makeProject(spec("build-list:\n  - identifier: a"));
    const first = await call("StartBuildBatch", { projectName: "my-project", idempotencyToken: "t" });
    const second = await call("StartBuildBatch", { projectName: "my-project", idempotencyToken: "t" });
    expect(second.id).toBe(first.id);
    await expect(
      call("StartBuildBatch", { projectName: "my-project", idempotencyToken: "t", sourceVersion: "x" }),
    ).rejects.toMatchObject({
      message: "The idempotency token was used with other parameters within the last five minutes",
    });
    await ended(first.id ?? "");
  });

  it("lists, filters, pages and deletes", async () => {
    await makeProject(spec("build-list:\n  - identifier: a", "exit $CODE"));
    const ids: string[] = [];
    for (const code of ["0", "1", "0"]) {
      const done = await run({ environmentVariablesOverride: [{ name: "CODE", value: code }] });
      ids.push(done.id ?? "");
    }
    const list = (operation: string, input: object) =>
      account.root.call<{ ids: string[]; nextToken?: string }>("codebuild", operation, input);
    expect((await list("ListBuildBatches", {})).ids).toEqual([...ids].reverse());
    expect((await list("ListBuildBatches", { filter: { status: "FAILED" } })).ids).toEqual([ids[1]]);
    const project = { projectName: "my-project", sortOrder: "ASCENDING", maxResults: 2 };
    const page = await list("ListBuildBatchesForProject", project);
    expect(page.ids).toEqual(ids.slice(0, 2));
    expect((await list("ListBuildBatchesForProject", { ...project, nextToken: page.nextToken })).ids).toEqual([ids[2]]);
    const batch = await get(ids[0] ?? "");
    const arns = batch.buildGroups?.map(({ currentBuildSummary }) => currentBuildSummary?.arn);
    expect(await account.root.call("codebuild", "DeleteBuildBatch", { id: ids[0] })).toEqual({
      statusCode: "BATCH_DELETED",
      buildsDeleted: arns,
      buildsNotDeleted: [],
    });
    expect(await account.root.call("codebuild", "BatchGetBuildBatches", { ids: [ids[0], ids[1]] })).toMatchObject({
      buildBatches: [{ id: ids[1] }],
      buildBatchesNotFound: [ids[0]],
    });
    expect(await account.root.call("codebuild", "BatchGetBuilds", { ids: arns })).toMatchObject({ builds: [] });
    await expect(account.root.call("codebuild", "DeleteBuildBatch", { id: ids[0] })).rejects.toMatchObject({
      message: `Build batch cannot be found: ${ids[0]}`,
    });
  });
});
