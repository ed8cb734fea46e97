/** Fleets, sandboxes, sharing and limits of CodeBuild over the wire, with the unmodified SDK client and aws CLIs. */
import * as CodeBuild from "@aws-sdk/client-codebuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sleep, systemClock } from "../../src/core/clock.ts";
import { findAwsClis, runAws } from "../support/aws-cli.ts";
import { makeBuildRole } from "../support/build-role.ts";
import { ACCOUNT, clientSettings, type StartedEndpoint, startEndpoint } from "../support/start-endpoint.ts";

const ROLE = `arn:aws:iam::${ACCOUNT}:role/CodeBuildServiceRole`;
const PROJECT = `arn:aws:codebuild:us-east-1:${ACCOUNT}:project/app`;

let kiln: StartedEndpoint;
let codebuild: CodeBuild.CodeBuild;

beforeAll(async () => {
  kiln = await startEndpoint();
  codebuild = new CodeBuild.CodeBuild(clientSettings(kiln.url));
  await makeBuildRole(kiln.url, ["logs:*"]);
  await codebuild.createProject({
    name: "app",
    source: {
      type: "NO_SOURCE",
      buildspec: JSON.stringify({ version: "0.2", phases: { build: { commands: ["true"] } } }),
    },
    artifacts: { type: "NO_ARTIFACTS" },
    environment: {
      type: "LINUX_CONTAINER",
      image: "aws/codebuild/standard:7.0",
      computeType: "BUILD_GENERAL1_SMALL",
    },
    serviceRole: ROLE,
  });
});

afterAll(async () => {
  codebuild.destroy();
  await kiln.close();
});

describe("the SDK client", () => {
  it("makes, changes, lists and deletes fleets, and runs a build on one", async () => {
    const { fleet } = await codebuild.createFleet({
      name: "fleet",
      baseCapacity: 1,
      environmentType: "LINUX_CONTAINER",
      computeType: "BUILD_GENERAL1_SMALL",
    });
    const arn = fleet?.arn ?? "";
    expect(fleet?.status).toEqual({ statusCode: "ACTIVE" });
    expect(fleet?.created).toBeInstanceOf(Date);
    expect((await codebuild.listFleets({})).fleets).toEqual([arn]);
    expect((await codebuild.updateFleet({ arn, baseCapacity: 2 })).fleet?.baseCapacity).toBe(2);
    const { build } = await codebuild.startBuild({ projectName: "app", fleetOverride: { fleetArn: arn } });
    for await (const event of kiln.events(build?.id ?? "")) void event;
    const { builds } = await codebuild.batchGetBuilds({ ids: [build?.id ?? ""] });
    expect(builds?.[0]).toMatchObject({ buildStatus: "SUCCEEDED", environment: { fleet: { fleetArn: arn } } });
    await codebuild.deleteFleet({ arn });
    expect((await codebuild.batchGetFleets({ names: ["fleet"] })).fleetsNotFound).toEqual(["fleet"]);
    await expect(codebuild.updateFleet({ arn })).rejects.toBeInstanceOf(CodeBuild.ResourceNotFoundException);
  });

  it("runs a command in a sandbox", async () => {
    const { sandbox } = await codebuild.startSandbox({ projectName: "app" });
    const id = sandbox?.id ?? "";
    const started = await codebuild.startCommandExecution({ sandboxId: id, command: "echo out; echo err >&2; exit 4" });
    const commandExecutionIds = [started.commandExecution?.id ?? ""];
    let done: CodeBuild.CommandExecution | undefined;
    while (done?.endTime === undefined) {
      await sleep(systemClock, 10);
      const answer = await codebuild.batchGetCommandExecutions({ sandboxId: id, commandExecutionIds });
      done = answer.commandExecutions?.[0];
    }
    expect(done).toMatchObject({
      status: "FAILED",
      exitCode: "4",
      standardOutputContent: "out\n",
      standardErrContent: "err\n",
    });
    const { sandboxes } = await codebuild.batchGetSandboxes({ ids: [sandbox?.arn ?? ""] });
    expect(sandboxes?.[0]?.currentSession?.logs?.groupName).toBe("/aws/codebuild/app");
    expect((await codebuild.stopSandbox({ id })).sandbox?.status).toBe("STOPPED");
    expect((await codebuild.listSandboxesForProject({ projectName: "app" })).ids).toEqual([id]);
    await expect(codebuild.startSandboxConnection({ sandboxId: id })).rejects.toThrow(/StartSandboxConnection/);
  });

  it("shares a project and answers with CodeBuild's error types", async () => {
    const policy = JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Principal: { AWS: "444455556666" },
          Action: "codebuild:BatchGetProjects",
          Resource: PROJECT,
        },
      ],
    });
    expect((await codebuild.putResourcePolicy({ resourceArn: PROJECT, policy })).resourceArn).toBe(PROJECT);
    expect((await codebuild.getResourcePolicy({ resourceArn: PROJECT })).policy).toBe(policy);
    await codebuild.deleteResourcePolicy({ resourceArn: PROJECT });
    await expect(codebuild.getResourcePolicy({ resourceArn: PROJECT })).rejects.toBeInstanceOf(
      CodeBuild.ResourceNotFoundException,
    );
    expect((await codebuild.listSharedProjects({})).projects).toEqual([]);
    expect((await codebuild.listSharedReportGroups({})).reportGroups).toEqual([]);
    const open = await codebuild.updateProjectVisibility({ projectArn: PROJECT, projectVisibility: "PUBLIC_READ" });
    expect(open.publicProjectAlias).toMatch(/^\w{32}$/);
  });

  it("refuses a second build of a project with a limit of one", async () => {
    await codebuild.updateProject({ name: "app", concurrentBuildLimit: 1 });
    const buildspecOverride = JSON.stringify({ version: "0.2", phases: { build: { commands: ["sleep 60"] } } });
    const { build } = await codebuild.startBuild({ projectName: "app", buildspecOverride });
    await expect(codebuild.startBuild({ projectName: "app" })).rejects.toBeInstanceOf(
      CodeBuild.AccountLimitExceededException,
    );
    await codebuild.stopBuild({ id: build?.id ?? "" });
    await codebuild.updateProject({ name: "app", concurrentBuildLimit: -1 });
  });

  it("lists the curated images", async () => {
    const { platforms = [] } = await codebuild.listCuratedEnvironmentImages({});
    const names = platforms.flatMap(({ languages = [] }) => languages.flatMap(({ images = [] }) => images));
    expect(names.map(({ name }) => name)).toContain("aws/codebuild/standard:8.0");
  });
});

const clis = findAwsClis();

describe.skipIf(clis.length === 0).each(clis)("$version", (cli) => {
  const hasSandboxes = cli.major >= 2;
  async function aws(...args: string[]) {
    const result = await runAws(cli, kiln.url, ["codebuild", ...args]);
    expect(result.stderr).toBe("");
    expect(result.exitCode).toBe(0);
    return result.stdout === "" ? undefined : JSON.parse(result.stdout);
  }

  it("lists projects by name and shares them", async () => {
    expect((await aws("list-projects", "--sort-by", "NAME")).projects).toContain("app");
    expect((await aws("list-shared-projects")).projects).toEqual([]);
    expect((await aws("list-builds-for-project", "--project-name", PROJECT)).ids.length).toBeGreaterThan(0);
  });

  it.skipIf(!hasSandboxes)("makes a fleet", async () => {
    const name = `cli-${cli.major}`;
    const made = await runAws(cli, kiln.url, [
      "codebuild",
      "create-fleet",
      "--name",
      name,
      "--base-capacity",
      "1",
      "--environment-type",
      "LINUX_CONTAINER",
      "--compute-type",
      "BUILD_GENERAL1_SMALL",
    ]);
    // Older CLIs do not know the operation.
    if (made.stderr.includes("Invalid choice")) return;
    expect(JSON.parse(made.stdout).fleet.name).toBe(name);
  });
});
