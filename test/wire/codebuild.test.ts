/** CodeBuild over the wire, with the unmodified SDK client and unmodified aws CLIs: projects, builds, their ends. */
import * as CodeBuild from "@aws-sdk/client-codebuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findAwsClis, runAws } from "../support/aws-cli.ts";
import { makeBuildRole } from "../support/build-role.ts";
import { ACCOUNT, clientSettings, type StartedEndpoint, startEndpoint } from "../support/start-endpoint.ts";

const ROLE = `arn:aws:iam::${ACCOUNT}:role/CodeBuildServiceRole`;
const ENVIRONMENT = {
  type: "LINUX_CONTAINER",
  image: "aws/codebuild/standard:7.0",
  computeType: "BUILD_GENERAL1_SMALL",
} as const;
const buildspec = (...commands: string[]): string =>
  JSON.stringify({ version: "0.2", phases: { build: { commands } } });

let kiln: StartedEndpoint;
let codebuild: CodeBuild.CodeBuild;

beforeAll(async () => {
  kiln = await startEndpoint();
  codebuild = new CodeBuild.CodeBuild(clientSettings(kiln.url));
  await makeBuildRole(kiln.url, ["logs:*"]);
});

afterAll(async () => {
  codebuild.destroy();
  await kiln.close();
});

/** The build once it has ended, asked for as a client does: again and again. */
async function ended(id: string): Promise<CodeBuild.Build> {
  for await (const event of kiln.events(id)) void event;
  const { builds = [], buildsNotFound } = await codebuild.batchGetBuilds({ ids: [id] });
  expect(buildsNotFound).toEqual([]);
  return builds[0] as CodeBuild.Build;
}

describe("the SDK client", () => {
  it("makes, gets and lists projects", async () => {
    const { project } = await codebuild.createProject({
      name: "app",
      description: "a & b",
      source: { type: "NO_SOURCE", buildspec: buildspec("echo hello") },
      artifacts: { type: "NO_ARTIFACTS" },
      environment: ENVIRONMENT,
      serviceRole: ROLE,
    });
    expect(project).toMatchObject({
      name: "app",
      arn: `arn:aws:codebuild:us-east-1:${ACCOUNT}:project/app`,
      timeoutInMinutes: 60,
      queuedTimeoutInMinutes: 480,
    });
    expect(project?.created).toBeInstanceOf(Date);
    const got = await codebuild.batchGetProjects({ names: ["app", "nothing"] });
    expect(got.projects).toEqual([project]);
    expect(got.projectsNotFound).toEqual(["nothing"]);
    expect((await codebuild.listProjects({})).projects).toEqual(["app"]);
  });

  it("runs a build to its end and shows its phases", async () => {
    const { build } = await codebuild.startBuild({
      projectName: "app",
      environmentVariablesOverride: [{ name: "WHO", value: "wire" }],
      buildspecOverride: buildspec('test "$WHO" = wire'),
    });
    expect(build).toMatchObject({
      projectName: "app",
      buildStatus: "IN_PROGRESS",
      buildComplete: false,
      buildNumber: 1,
    });
    const done = await ended(build?.id ?? "");
    expect(done).toMatchObject({ buildStatus: "SUCCEEDED", buildComplete: true, currentPhase: "COMPLETED" });
    expect(done.endTime).toBeInstanceOf(Date);
    expect(done.phases?.map((phase) => phase.phaseType)).toEqual([
      "SUBMITTED",
      "QUEUED",
      "PROVISIONING",
      "DOWNLOAD_SOURCE",
      "INSTALL",
      "PRE_BUILD",
      "BUILD",
      "POST_BUILD",
      "UPLOAD_ARTIFACTS",
      "FINALIZING",
      "COMPLETED",
    ]);
    expect((await codebuild.listBuildsForProject({ projectName: "app" })).ids).toEqual([build?.id]);
  });

  it("shows the failing command", async () => {
    const { build } = await codebuild.startBuild({ projectName: "app", buildspecOverride: buildspec("exit 7") });
    const done = await ended(build?.id ?? "");
    expect(done.buildStatus).toBe("FAILED");
    const phase = done.phases?.find(({ phaseType }) => phaseType === "BUILD");
    expect(phase).toMatchObject({
      phaseStatus: "FAILED",
      contexts: [
        {
          statusCode: "COMMAND_EXECUTION_ERROR",
          message: "Error while executing command: exit 7. Reason: exit status 7",
        },
      ],
    });
  });

  it("stops a sleeping build", async () => {
    const { build } = await codebuild.startBuild({ projectName: "app", buildspecOverride: buildspec("sleep 60") });
    const id = build?.id ?? "";
    for await (const event of kiln.events(id)) if (event.type === "command-started") break;
    await codebuild.stopBuild({ id });
    const done = await ended(id);
    expect(done).toMatchObject({ buildStatus: "STOPPED", buildComplete: true });
    expect((await codebuild.listBuilds({})).ids).toContain(id);
  });

  it("answers with CodeBuild's own error types", async () => {
    const missing = codebuild.startBuild({ projectName: "nothing" });
    await expect(missing).rejects.toBeInstanceOf(CodeBuild.ResourceNotFoundException);
    const again = codebuild.createProject({
      name: "app",
      source: { type: "NO_SOURCE", buildspec: buildspec("true") },
      artifacts: { type: "NO_ARTIFACTS" },
      environment: ENVIRONMENT,
      serviceRole: ROLE,
    });
    await expect(again).rejects.toBeInstanceOf(CodeBuild.ResourceAlreadyExistsException);
  });
});

const clis = findAwsClis();

describe.skipIf(clis.length === 0).each(clis)("$version", (cli) => {
  async function aws(...args: string[]) {
    const result = await runAws(cli, kiln.url, ["codebuild", ...args]);
    expect(result.stderr).toBe("");
    expect(result.exitCode).toBe(0);
    return JSON.parse(result.stdout);
  }

  it("makes a project, runs, watches, stops and lists builds", async () => {
    const name = `cli-${cli.major}`;
    const created = await aws(
      "create-project",
      "--name",
      name,
      "--source",
      JSON.stringify({ type: "NO_SOURCE", buildspec: buildspec("echo $((6 * 7))") }),
      "--artifacts",
      "type=NO_ARTIFACTS",
      "--environment",
      Object.entries(ENVIRONMENT)
        .map(([key, value]) => `${key}=${value}`)
        .join(","),
      "--service-role",
      ROLE,
    );
    expect(created.project.arn).toBe(`arn:aws:codebuild:us-east-1:${ACCOUNT}:project/${name}`);
    expect((await aws("batch-get-projects", "--names", name)).projects[0].serviceRole).toBe(ROLE);
    expect((await aws("list-projects")).projects).toContain(name);

    const { id } = (await aws("start-build", "--project-name", name)).build;
    let status = "IN_PROGRESS";
    while (status === "IN_PROGRESS") status = (await aws("batch-get-builds", "--ids", id)).builds[0].buildStatus;
    expect(status).toBe("SUCCEEDED");

    const slow = await aws("start-build", "--project-name", name, "--buildspec-override", buildspec("sleep 60"));
    await aws("stop-build", "--id", slow.build.id);
    expect((await ended(slow.build.id)).buildStatus).toBe("STOPPED");
    expect((await aws("list-builds")).ids).toEqual(expect.arrayContaining([id, slow.build.id]));
    const failed = await runAws(cli, kiln.url, ["codebuild", "start-build", "--project-name", "nothing"]);
    expect(failed.stderr).toContain(
      "An error occurred (ResourceNotFoundException) when calling the StartBuild operation:",
    );
  });
});
