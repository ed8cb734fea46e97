import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openTestAccount, ROLE, type TestAccount } from "../../../../test/support/codebuild-account.ts";
import { createFakeEngine } from "../../../engines/index.ts";
import type { Build, Project } from "../shapes.gen.ts";

const SPEC = "version: 0.2\nphases: {build: {commands: ['true']}}\n";
const ENVIRONMENT = {
  type: "LINUX_CONTAINER",
  image: "aws/codebuild/standard:7.0",
  computeType: "BUILD_GENERAL1_SMALL",
};
const S3 = { type: "S3", location: "bucket" };
const GIT = { type: "GITHUB", location: "https://github.com/o/r" };

describe("a project", () => {
  let account: TestAccount;
  beforeEach(async () => {
    account = await openTestAccount([createFakeEngine()]);
    await account.makeRole([]);
  });
  afterEach(() => account.close());

  const call = <O>(operation: string, input: object): Promise<O> => account.root.call<O>("codebuild", operation, input);
  const update = async (more: object): Promise<Project> =>
    (await call<{ project: Project }>("UpdateProject", { name: "my-project", ...more })).project;
  const start = async (more: object = {}): Promise<Build> =>
    (await call<{ build: Build }>("StartBuild", { projectName: "my-project", ...more })).build;

  it.each<[object, string]>([
    [
      { secondarySources: [{ ...GIT, sourceIdentifier: "a-b" }] },
      "Invalid input: identifier must contain only alphanumeric characters and underscores and be less than 128 characters in length",
    ],
    [{ secondarySources: [GIT] }, "Invalid secondary source: sourceIdentifier must be set"],
    [
      {
        secondarySources: [
          { ...GIT, sourceIdentifier: "a" },
          { ...GIT, sourceIdentifier: "a" },
        ],
      },
      "Invalid secondary source: duplicate sourceIdentifier: a",
    ],
    [
      { secondarySources: [{ type: "CODEPIPELINE", sourceIdentifier: "a" }] },
      "Invalid secondary source: source type CODEPIPELINE needs a primary source of type CODEPIPELINE, not NO_SOURCE",
    ],
    [
      { secondarySources: [{ type: "NO_SOURCE", sourceIdentifier: "a" }] },
      "Invalid secondary source: source type NO_SOURCE is not supported for secondary sources",
    ],
    [
      { secondarySourceVersions: [{ sourceIdentifier: "a", sourceVersion: "main" }] },
      "Invalid secondary source version: there is no secondary source with sourceIdentifier: a",
    ],
    [{ secondaryArtifacts: [S3] }, "Invalid secondary artifacts: artifactIdentifier must be set"],
    [
      {
        secondaryArtifacts: [
          { ...S3, artifactIdentifier: "a" },
          { ...S3, artifactIdentifier: "a" },
        ],
      },
      "Invalid secondary artifacts: duplicate artifactIdentifier: a",
    ],
    [
      { secondaryArtifacts: [{ type: "CODEPIPELINE", artifactIdentifier: "a" }] },
      "Invalid secondary artifacts: artifact type CODEPIPELINE is not supported",
    ],
    [
      { artifacts: { type: "CODEPIPELINE" } },
      "Invalid input: when using CodePipeline both sourceType, and artifactType must be set to: CODEPIPELINE",
    ],
    [{ source: { type: "GITHUB" } }, "Invalid project source: location must be set for source type GITHUB"],
    [
      { source: { ...GIT, auth: { type: "CODECONNECTIONS" } } },
      "Invalid project source: auth type CODECONNECTIONS requires a resource",
    ],
    [
      { source: { type: "S3", location: "b/k.zip", reportBuildStatus: true } },
      "Invalid project source: reportBuildStatus is not supported for source type S3",
    ],
    [{ source: { type: "NO_SOURCE" } }, "Invalid project source: source type NO_SOURCE requires a buildspec"],
    [
      { artifacts: { type: "NO_ARTIFACTS", encryptionDisabled: true } },
      "Invalid artifacts: encryptionDisabled can only be set for artifact type S3",
    ],
    [{ artifacts: { type: "S3" } }, "Invalid artifacts: location must be set for artifact type S3"],
    [{ cache: { type: "S3" } }, "Invalid cache: location must be set for cache type S3"],
    [
      { cache: { type: "LOCAL", modes: ["LOCAL_DOCKER_LAYER_CACHE"] } },
      "Invalid cache: LOCAL_DOCKER_LAYER_CACHE needs privilegedMode",
    ],
    [
      { environment: { ...ENVIRONMENT, imagePullCredentialsType: "SERVICE_ROLE" } },
      "Invalid environment: curated images need imagePullCredentialsType CODEBUILD",
    ],
    [
      {
        environment: { ...ENVIRONMENT, registryCredential: { credential: "s", credentialProvider: "SECRETS_MANAGER" } },
      },
      "Invalid environment: registryCredential needs imagePullCredentialsType SERVICE_ROLE and an image that is not curated",
    ],
    [
      { environment: { ...ENVIRONMENT, computeType: "BUILD_LAMBDA_1GB" } },
      "Invalid environment: compute type BUILD_LAMBDA_1GB is not supported for environment type LINUX_CONTAINER",
    ],
    [
      {
        environment: {
          ...ENVIRONMENT,
          type: "LINUX_LAMBDA_CONTAINER",
          computeType: "BUILD_LAMBDA_1GB",
          privilegedMode: true,
        },
      },
      "Invalid environment: privilegedMode is not supported for environment type LINUX_LAMBDA_CONTAINER",
    ],
    [
      { environment: { ...ENVIRONMENT, type: "WINDOWS_SERVER_2022_CONTAINER" } },
      "kiln does not offer environments of type WINDOWS_SERVER_2022_CONTAINER (docs/coverage.md)",
    ],
    [
      { environment: { ...ENVIRONMENT, dockerServer: { computeType: "BUILD_GENERAL1_SMALL" } } },
      "kiln does not offer docker servers beside a build: set privilegedMode instead (docs/coverage.md)",
    ],
    [
      { environment: { ...ENVIRONMENT, computeType: "CUSTOM_INSTANCE_TYPE" } },
      "Invalid instance type: InstanceType should be a valid EC2 instance type",
    ],
    [
      { environment: { ...ENVIRONMENT, computeType: "ATTRIBUTE_BASED_COMPUTE" } },
      "Invalid compute type: ATTRIBUTE_BASED_COMPUTE needs a computeConfiguration",
    ],
    [{ vpcConfig: { vpcId: "vpc-1" } }, "Invalid vpcConfig: vpcId, subnets and securityGroupIds must be set together"],
    [{ logsConfig: { s3Logs: { status: "ENABLED" } } }, "Invalid logsConfig: location must be set for S3 logs"],
    [{ tags: [{ key: "aws:x", value: "" }] }, "Invalid tags: keys that start with aws: are reserved: aws:x"],
    [
      {
        tags: [
          { key: "a", value: "" },
          { key: "a", value: "" },
        ],
      },
      "Invalid tags: duplicate key: a",
    ],
    [{ concurrentBuildLimit: 0 }, "Invalid concurrent build limit: it must be 1 or more"],
    [
      { concurrentBuildLimit: 61 },
      "Project-level concurrent build limit cannot exceed the account-level concurrent build limit of 60",
    ],
    [{ autoRetryLimit: 11 }, "Invalid auto-retry limit: it must be from 0 to 10"],
    [
      { fileSystemLocations: [{ type: "EFS", identifier: "efs" }] },
      "kiln does not offer EFS file systems (docs/coverage.md)",
    ],
  ])("refuses %j", async (more, message) => {
    await expect(account.makeProject(SPEC, more)).rejects.toMatchObject({ code: "InvalidInputException", message });
  });

  it("is changed member by member: a given one replaces, an empty list clears, -1 takes the limit away", async () => {
    await account.makeProject(SPEC, {
      description: "first",
      source: { ...GIT, gitCloneDepth: 1 },
      secondarySources: [{ ...GIT, sourceIdentifier: "a" }],
      secondarySourceVersions: [{ sourceIdentifier: "a", sourceVersion: "main" }],
      tags: [{ key: "team", value: "a" }],
      vpcConfig: { vpcId: "vpc-1", subnets: ["s"], securityGroupIds: ["g"] },
      concurrentBuildLimit: 2,
      timeoutInMinutes: 5,
    });
    await call("UpdateProjectVisibility", {
      projectArn: "arn:aws:codebuild:us-east-1:111122223333:project/my-project",
      projectVisibility: "PUBLIC_READ",
    });
    const changed = await update({ source: { ...GIT, buildspec: "ci.yml" }, description: "" });
    expect(changed).toMatchObject({
      description: "",
      timeoutInMinutes: 5,
      concurrentBuildLimit: 2,
      tags: [{ key: "team", value: "a" }],
      secondarySources: [{ sourceIdentifier: "a" }],
      projectVisibility: "PUBLIC_READ",
      publicProjectAlias: expect.stringMatching(/^\w{32}$/),
    });
    expect(changed.source).toEqual({ ...GIT, buildspec: "ci.yml", insecureSsl: false });
    const cleared = await update({ secondarySources: [], tags: [], vpcConfig: {}, concurrentBuildLimit: -1 });
    expect(cleared).toMatchObject({ secondarySources: [], secondarySourceVersions: [], tags: [] });
    expect([cleared.vpcConfig, cleared.concurrentBuildLimit]).toEqual([undefined, undefined]);
    expect(cleared.created).toBe(changed.created);
  });

  it("is published with an alias that stays, and made private again", async () => {
    await account.makeProject(SPEC);
    const projectArn = "arn:aws:codebuild:us-east-1:111122223333:project/my-project";
    const open = await call<{ publicProjectAlias: string }>("UpdateProjectVisibility", {
      projectArn,
      projectVisibility: "PUBLIC_READ",
      resourceAccessRole: ROLE,
    });
    expect(open).toEqual({ projectArn, projectVisibility: "PUBLIC_READ", publicProjectAlias: open.publicProjectAlias });
    expect(await call("UpdateProjectVisibility", { projectArn, projectVisibility: "PRIVATE" })).toEqual({
      projectArn,
      projectVisibility: "PRIVATE",
      publicProjectAlias: open.publicProjectAlias,
    });
  });

  it("is listed by name, time of creation or of change, and gone after two deletions", async () => {
    for (const name of ["bb", "aa", "cc"]) await account.makeProject(SPEC, { name });
    expect(await call("ListProjects", { sortBy: "NAME" })).toEqual({ projects: ["aa", "bb", "cc"] });
    expect(await call("ListProjects", { sortBy: "NAME", sortOrder: "DESCENDING" })).toEqual({
      projects: ["cc", "bb", "aa"],
    });
    await call("DeleteProject", { name: "arn:aws:codebuild:us-east-1:111122223333:project/bb" });
    await call("DeleteProject", { name: "bb" });
    expect(await call("ListProjects", {})).toEqual({ projects: ["aa", "cc"] });
  });

  it("says in the build which settings have no effect here", async () => {
    await account.makeProject(SPEC, { vpcConfig: { vpcId: "vpc-1", subnets: ["s"], securityGroupIds: ["g"] } });
    const build = await start({ debugSessionEnabled: true });
    expect(build).toMatchObject({ vpcConfig: { vpcId: "vpc-1" }, debugSession: { sessionEnabled: true } });
    const notices: string[] = [];
    for await (const event of account.service.runner.events(build.id ?? "")) {
      if (event.type === "notice") notices.push(event.text);
    }
    expect(notices).toEqual(
      expect.arrayContaining([
        "vpcConfig has no effect: the build runs in this machine's network, not in vpc-1",
        "debugSessionEnabled has no effect: there is no Session Manager, and `codebuild-breakpoint` does not pause the build; try commands in the build's environment with `kiln sandbox`",
      ]),
    );
  });

  it("shows a build with the merged variables and every override", async () => {
    await account.makeProject(SPEC, {
      environment: {
        ...ENVIRONMENT,
        environmentVariables: [
          { name: "A", value: "project" },
          { name: "P", value: "/parameter", type: "PARAMETER_STORE" },
        ],
      },
      secondarySources: [{ ...GIT, sourceIdentifier: "a" }],
      secondarySourceVersions: [{ sourceIdentifier: "a", sourceVersion: "main" }],
    });
    const build = await start({
      environmentVariablesOverride: [{ name: "A", value: "override" }],
      secondarySourcesOverride: [{ ...GIT, sourceIdentifier: "b" }],
      timeoutInMinutesOverride: 7,
      queuedTimeoutInMinutesOverride: 8,
      computeTypeOverride: "BUILD_GENERAL1_LARGE",
      logsConfigOverride: { cloudWatchLogs: { status: "DISABLED" }, s3Logs: { status: "DISABLED" } },
    });
    expect(build).toMatchObject({
      timeoutInMinutes: 7,
      queuedTimeoutInMinutes: 8,
      environment: {
        computeType: "BUILD_GENERAL1_LARGE",
        environmentVariables: [
          { name: "A", value: "override", type: "PLAINTEXT" },
          { name: "P", value: "/parameter", type: "PARAMETER_STORE" },
        ],
      },
      secondarySources: [{ sourceIdentifier: "b" }],
      secondarySourceVersions: [],
    });
    await expect(start({ autoRetryLimitOverride: -1 })).rejects.toMatchObject({
      message: "Invalid auto-retry limit: it must be from 0 to 10",
    });
  });

  it("retries the same build once for the same token", async () => {
    await account.makeProject(SPEC);
    const first = await account.build();
    const retry = () => call<{ build: Build }>("RetryBuild", { id: first["arn"], idempotencyToken: "t" });
    const [one, two] = await Promise.all([retry(), retry()]);
    expect(one.build.id).toBe(two.build.id);
    expect(one.build.buildNumber).toBe(2);
    await expect(call("RetryBuild", {})).rejects.toMatchObject({ message: "Invalid input: id must be set" });
  });
});
