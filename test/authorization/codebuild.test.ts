import { iam } from "../../src/services/iam/index.ts";
import { sts } from "../../src/services/sts/index.ts";
import { arn, codebuildOf, EVERYTHING, makeRole, project, RUN, role, TAGS } from "./codebuild-fixture.ts";
import { describeAuthorization, type Step } from "./describe-authorization.ts";

/** An operation on the project `app`, which has tags. */
const onProject = (operation: string, input: object, fails?: string): Step => ({
  operation,
  input,
  asks: [`codebuild:${operation} project/app`],
  ...(fails !== undefined && { fails }),
});
const onGroup = (operation: string, input: object, fails?: string): Step => ({
  ...onProject(operation, input, fails),
  asks: [`codebuild:${operation} report-group/app-tests`],
});
const onSandbox = (operation: string, input: object): Step => ({
  operation,
  input: { sandboxId: `app:${RUN}`, ...input },
  asks: [`codebuild:${operation} sandbox/app:${RUN}`],
  fails: "ResourceNotFoundException",
});
const onAnything = (operation: string, input: object = {}, fails?: string): Step => ({
  operation,
  input,
  asks: [`codebuild:${operation} *`],
  ...(fails !== undefined && { fails }),
});
const batchGet = (operation: string, member: string, ...asks: string[]): Step => ({
  operation,
  input: { [member]: [`app:${RUN}`, `other:${RUN}`] },
  asks: asks.map((resource) => `codebuild:${operation} ${resource}`),
});

describeAuthorization({
  service: "codebuild",
  services: (outside) => [iam, sts, codebuildOf(outside)],
  preparations: [
    ...["build", "gone", "batch", "other"].map(makeRole),
    {
      service: "codebuild",
      operation: "CreateProject",
      input: project("app", { serviceRole: role("gone"), tags: TAGS, buildBatchConfig: { serviceRole: role("gone") } }),
    },
    // Nothing is started here: a project without its role cannot.
    { service: "iam", operation: "DeleteRole", input: { RoleName: "gone" } },
    {
      service: "codebuild",
      operation: "CreateReportGroup",
      input: { name: "app-tests", type: "TEST", exportConfig: { exportConfigType: "NO_EXPORT" }, tags: TAGS },
    },
  ],
  surprises: ["UpdateFleet", "DeleteFleet", "BatchGetFleets"].map((action) => ({
    action: `codebuild:${action}`,
    key: "aws:ResourceTag/team",
    why: "fleets have tags, and policies about tags are written for them; the table gives their type no key",
  })),
  steps: [
    {
      operation: "CreateProject",
      input: project("new"),
      asks: ["codebuild:CreateProject project/new", `iam:PassRole ${role("build")}`],
    },
    {
      operation: "CreateProject",
      about: "with every condition key",
      input: project("all", EVERYTHING),
      asks: ["codebuild:CreateProject project/all", `iam:PassRole ${role("build")}`, `iam:PassRole ${role("batch")}`],
      fails: "InvalidInputException",
    },
    {
      operation: "UpdateProject",
      about: "which keeps its role",
      input: { name: "app", description: "x" },
      asks: ["codebuild:UpdateProject project/app", `iam:PassRole ${role("gone")}`],
    },
    {
      operation: "UpdateProject",
      about: "with another role",
      input: { name: "new", serviceRole: role("other"), tags: TAGS },
      asks: ["codebuild:UpdateProject project/new", `iam:PassRole ${role("other")}`],
    },
    {
      operation: "UpdateProjectVisibility",
      input: { projectArn: arn("project/app"), projectVisibility: "PUBLIC_READ", resourceAccessRole: role("other") },
      asks: ["codebuild:UpdateProjectVisibility project/app", `iam:PassRole ${role("other")}`],
    },
    {
      operation: "BatchGetProjects",
      input: { names: ["app", "nothing"] },
      asks: ["codebuild:BatchGetProjects project/app", "codebuild:BatchGetProjects project/nothing"],
    },
    onAnything("ListProjects"),
    onProject("InvalidateProjectCache", { projectName: "app" }),
    {
      operation: "StartBuild",
      input: { projectName: "app" },
      asks: ["codebuild:StartBuild project/app"],
      fails: "InvalidInputException",
    },
    {
      operation: "StartBuild",
      about: "with overrides and another role",
      input: {
        ...{ projectName: "app", serviceRoleOverride: role("gone"), imageOverride: "alpine" },
        ...{ environmentVariablesOverride: [{ name: "A", value: "1" }], privilegedModeOverride: true },
        ...{ buildspecOverride: "x.yml", encryptionKeyOverride: "k", autoRetryLimitOverride: 1 },
      },
      asks: ["codebuild:StartBuild project/app", `iam:PassRole ${role("gone")}`],
      fails: "InvalidInputException",
    },
    onProject("RetryBuild", { id: `app:${RUN}` }, "ResourceNotFoundException"),
    onProject("StopBuild", { id: `app:${RUN}` }, "ResourceNotFoundException"),
    batchGet("BatchGetBuilds", "ids", "project/app", "project/other"),
    batchGet("BatchDeleteBuilds", "ids", "project/app", "project/other"),
    onAnything("ListBuilds"),
    onProject("ListBuildsForProject", { projectName: "app" }),
    {
      operation: "StartBuildBatch",
      input: { projectName: "app", buildBatchConfigOverride: { serviceRole: role("gone"), restrictions: {} } },
      asks: ["codebuild:StartBuildBatch project/app", `iam:PassRole ${role("gone")}`],
      fails: "InvalidInputException",
    },
    onProject("RetryBuildBatch", { id: `app:${RUN}` }, "ResourceNotFoundException"),
    onProject("StopBuildBatch", { id: `app:${RUN}` }, "ResourceNotFoundException"),
    onProject("DeleteBuildBatch", { id: `app:${RUN}` }, "InvalidInputException"),
    batchGet("BatchGetBuildBatches", "ids", "project/app", "project/other"),
    onAnything("ListBuildBatches"),
    onProject("ListBuildBatchesForProject", { projectName: "app" }),
    onAnything("ListCuratedEnvironmentImages"),
    {
      operation: "CreateWebhook",
      input: {
        ...{ projectName: "app", buildType: "BUILD", manualCreation: true },
        scopeConfiguration: { scope: "GITHUB_ORGANIZATION", name: "o", domain: "d" },
      },
      asks: ["codebuild:CreateWebhook project/app"],
      fails: "InvalidInputException",
    },
    onProject("UpdateWebhook", { projectName: "app", buildType: "BUILD_BATCH" }, "ResourceNotFoundException"),
    onProject("DeleteWebhook", { projectName: "app" }, "ResourceNotFoundException"),
    onAnything("ImportSourceCredentials", {
      ...{ authType: "BASIC_AUTH", serverType: "BITBUCKET", username: "u", token: "t", shouldOverwrite: true },
    }),
    onAnything("ListSourceCredentials"),
    onAnything("DeleteSourceCredentials", { arn: arn("token/bitbucket") }),
    {
      operation: "CreateFleet",
      input: {
        ...{ name: "fleet", baseCapacity: 1, environmentType: "LINUX_CONTAINER", computeType: "BUILD_GENERAL1_SMALL" },
        ...{ fleetServiceRole: role("build"), imageId: "ami-1", tags: TAGS },
        vpcConfig: { vpcId: "vpc-1", subnets: ["s"], securityGroupIds: ["g"] },
      },
      asks: ["codebuild:CreateFleet fleet/fleet:*", `iam:PassRole ${role("build")}`],
      keep: { fleet: "fleet.arn", fleetId: "fleet.id" },
    },
    {
      operation: "UpdateFleet",
      input: { arn: "{fleet}", baseCapacity: 2, fleetServiceRole: role("build") },
      asks: ["codebuild:UpdateFleet fleet/fleet:{fleetId}", `iam:PassRole ${role("build")}`],
    },
    {
      operation: "BatchGetFleets",
      input: { names: ["fleet"] },
      asks: ["codebuild:BatchGetFleets fleet/fleet:{fleetId}"],
    },
    onAnything("ListFleets"),
    { operation: "DeleteFleet", input: { arn: "{fleet}" }, asks: ["codebuild:DeleteFleet fleet/fleet:{fleetId}"] },
    onProject("StartSandbox", { projectName: "app" }, "InvalidInputException"),
    onProject("StopSandbox", { id: `app:${RUN}` }, "ResourceNotFoundException"),
    batchGet("BatchGetSandboxes", "ids", "project/app", "project/other"),
    onAnything("ListSandboxes"),
    onProject("ListSandboxesForProject", { projectName: "app" }),
    onSandbox("StartCommandExecution", { command: "true" }),
    onSandbox("BatchGetCommandExecutions", { commandExecutionIds: [RUN] }),
    onSandbox("ListCommandExecutionsForSandbox", {}),
    ...["PutResourcePolicy", "GetResourcePolicy", "DeleteResourcePolicy"].map((operation) =>
      onProject(operation, {
        resourceArn: arn("project/app"),
        ...(operation === "PutResourcePolicy" && { policy: sharePolicy("project/app", "BatchGetProjects") }),
      }),
    ),
    {
      ...onGroup("PutResourcePolicy", {
        resourceArn: arn("report-group/app-tests"),
        policy: sharePolicy("report-group/app-tests", "BatchGetReportGroups"),
      }),
      about: "of a report group",
    },
    {
      operation: "CreateReportGroup",
      input: {
        ...{ name: "new", type: "TEST", tags: TAGS },
        exportConfig: {
          exportConfigType: "S3",
          s3Destination: {
            bucket: "b",
            bucketOwner: "{account}",
            path: "p",
            packaging: "NONE",
            encryptionDisabled: true,
          },
        },
      },
      asks: ["codebuild:CreateReportGroup report-group/new"],
    },
    onGroup("UpdateReportGroup", { arn: arn("report-group/app-tests"), tags: TAGS }),
    onGroup("BatchGetReportGroups", { reportGroupArns: [arn("report-group/app-tests")] }),
    onAnything("ListReportGroups"),
    onAnything("ListReports"),
    onGroup("ListReportsForReportGroup", { reportGroupArn: arn("report-group/app-tests") }),
    onGroup("BatchGetReports", { reportArns: [arn("report/app-tests:1")] }),
    onGroup("DescribeTestCases", { reportArn: arn("report/app-tests:1") }, "ResourceNotFoundException"),
    onGroup("DescribeCodeCoverages", { reportArn: arn("report/app-tests:1") }, "InvalidInputException"),
    onGroup("GetReportGroupTrend", { reportGroupArn: arn("report-group/app-tests"), trendField: "DURATION" }),
    onGroup("DeleteReport", { arn: arn("report/app-tests:1") }),
    onGroup("DeleteReportGroup", { arn: arn("report-group/app-tests") }),
    onAnything("ListSharedProjects"),
    onAnything("ListSharedReportGroups"),
    onProject("DeleteProject", { name: "app" }),
  ],
});

function sharePolicy(resource: string, action: string): string {
  const Statement = [
    { Effect: "Allow", Principal: { AWS: "444455556666" }, Action: `codebuild:${action}`, Resource: arn(resource) },
  ];
  return JSON.stringify({ Version: "2012-10-17", Statement });
}
