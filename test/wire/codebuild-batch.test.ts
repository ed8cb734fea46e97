/** Batches over the wire, with the unmodified SDK client and unmodified aws CLIs. */
import * as CodeBuild from "@aws-sdk/client-codebuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findAwsClis, runAws } from "../support/aws-cli.ts";
import { makeBuildRole } from "../support/build-role.ts";
import { ACCOUNT, clientSettings, type StartedEndpoint, startEndpoint } from "../support/start-endpoint.ts";

const ROLE = `arn:aws:iam::${ACCOUNT}:role/CodeBuildServiceRole`;
const BATCH_ROLE = `arn:aws:iam::${ACCOUNT}:role/CodeBuildBatchRole`;
const buildspec = JSON.stringify({
  version: "0.2",
  batch: {
    "build-graph": [
      { identifier: "first", env: { variables: { CODE: "0" } } },
      { identifier: "second", "depend-on": ["first"] },
    ],
  },
  phases: { build: { commands: ['exit "$CODE"'] } },
});

let kiln: StartedEndpoint;
let codebuild: CodeBuild.CodeBuild;

beforeAll(async () => {
  kiln = await startEndpoint();
  codebuild = new CodeBuild.CodeBuild(clientSettings(kiln.url));
  await makeBuildRole(kiln.url, ["logs:*"]);
  await makeBuildRole(kiln.url, ["codebuild:*"], "CodeBuildBatchRole");
  await codebuild.createProject({
    name: "batches",
    source: { type: "NO_SOURCE", buildspec },
    artifacts: { type: "NO_ARTIFACTS" },
    environment: {
      type: "LINUX_CONTAINER",
      image: "aws/codebuild/standard:7.0",
      computeType: "BUILD_GENERAL1_SMALL",
      environmentVariables: [{ name: "CODE", value: "3" }],
    },
    serviceRole: ROLE,
    buildBatchConfig: { serviceRole: BATCH_ROLE, timeoutInMins: 30 },
  });
});

afterAll(async () => {
  codebuild.destroy();
  await kiln.close();
});

/** The batch once it is over, asked for as a client does: again and again. */
async function ended(id: string): Promise<CodeBuild.BuildBatch> {
  for (;;) {
    const { buildBatches = [] } = await codebuild.batchGetBuildBatches({ ids: [id] });
    if (buildBatches[0]?.complete) return buildBatches[0];
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe("the SDK client", () => {
  it("gets the project's batch configuration with AWS's defaults", async () => {
    const { projects = [] } = await codebuild.batchGetProjects({ names: ["batches"] });
    expect(projects[0]?.buildBatchConfig).toEqual({
      serviceRole: BATCH_ROLE,
      restrictions: { maximumBuildsAllowed: 100 },
      timeoutInMins: 30,
    });
  });

  it("starts, follows, lists, retries and deletes a batch", async () => {
    const { buildBatch } = await codebuild.startBuildBatch({ projectName: "batches" });
    expect(buildBatch).toMatchObject({ buildBatchStatus: "IN_PROGRESS", currentPhase: "SUBMITTED", complete: false });
    expect(buildBatch?.startTime).toBeInstanceOf(Date);
    const id = buildBatch?.id ?? "";
    const failed = await ended(id);
    expect(failed).toMatchObject({ buildBatchStatus: "FAILED", currentPhase: "FAILED", buildBatchNumber: 1 });
    expect(failed.buildGroups?.map((group) => [group.identifier, group.currentBuildSummary?.buildStatus])).toEqual([
      ["DOWNLOAD_SOURCE", "SUCCEEDED"],
      ["first", "SUCCEEDED"],
      ["second", "FAILED"],
    ]);
    expect(failed.buildGroups?.[1]?.currentBuildSummary?.requestedOn).toBeInstanceOf(Date);
    expect((await codebuild.listBuildBatches({})).ids).toEqual([id]);
    const { ids } = await codebuild.listBuildBatchesForProject({
      projectName: "batches",
      filter: { status: "SUCCEEDED" },
    });
    expect(ids).toEqual([]);
    const again = await codebuild.retryBuildBatch({ id, retryType: "RETRY_FAILED_BUILDS" });
    expect(again.buildBatch).toMatchObject({ id, complete: false });
    const second = await ended(id);
    expect(second.buildGroups?.[2]?.priorBuildSummaryList).toHaveLength(1);
    const gone = await codebuild.deleteBuildBatch({ id });
    expect(gone.statusCode).toBe("BATCH_DELETED");
    expect(gone.buildsDeleted).toHaveLength(4);
    expect((await codebuild.batchGetBuildBatches({ ids: [id] })).buildBatchesNotFound).toEqual([id]);
  });

  it("gets AWS's errors", async () => {
    await expect(codebuild.startBuildBatch({ projectName: "nope" })).rejects.toMatchObject({
      name: "ResourceNotFoundException",
    });
    await expect(codebuild.retryBuildBatch({ id: "batches:nope" })).rejects.toMatchObject({
      name: "ResourceNotFoundException",
    });
  });
});

describe.each(findAwsClis())("$version", (cli) => {
  it("starts a batch and stops it", async () => {
    const override = JSON.stringify({ version: "0.2", batch: { "build-fanout": { parallelism: 2 } }, phases: {} });
    const args = ["codebuild", "start-build-batch", "--project-name", "batches", "--buildspec-override", override];
    const started = await runAws(cli, kiln.url, args);
    expect(started.stderr).toBe("");
    const { buildBatch } = JSON.parse(started.stdout) as { buildBatch: { id: string } };
    await ended(buildBatch.id);
    const stopped = await runAws(cli, kiln.url, ["codebuild", "stop-build-batch", "--id", buildBatch.id]);
    expect(JSON.parse(stopped.stdout)).toMatchObject({ buildBatch: { id: buildBatch.id, complete: true } });
    const listed = await runAws(cli, kiln.url, [
      "codebuild",
      "list-build-batches-for-project",
      "--project-name",
      "batches",
    ]);
    expect(JSON.parse(listed.stdout)).toMatchObject({ ids: [buildBatch.id] });
  });
});
