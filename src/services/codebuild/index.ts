/**
 * CodeBuild: projects and builds. Builds run in the process that answers StartBuild (build-runner.ts); their records,
 * events and artifacts are in the state folder, visible to every process on it.
 *
 * Sources: https://docs.aws.amazon.com/codebuild/latest/APIReference/, the service model 2016-10-06, the CLI's samples.
 * Gaps: batch builds, reports, webhooks, fleets, sandboxes, source credentials, badges; S3 sources and artifacts (folders
 * of this machine stand in); VPC, EFS, Windows are refused. Differences by design: `file:///folder` is a source location;
 * `ssm:/name` values are resolved unless strict.
 */
import type { ServiceDefinition } from "../service.ts";
import { BuildRunner } from "./build-runner.ts";
import { buildOperations } from "./builds.ts";
import { imageOperations } from "./curated-images.ts";
import type { CodeBuildDependencies } from "./dependencies.ts";
import { projectOperations } from "./projects.ts";
import { startOperations } from "./start-build.ts";

export { BuildRunner } from "./build-runner.ts";
export { type CredentialsRoute, credentialsRoute } from "./credentials-route.ts";
export type { CodeBuildDependencies } from "./dependencies.ts";
export type { Build, CreateProjectInput, Project, StartBuildInput } from "./shapes.gen.ts";

/** The service's table, and the runner behind it: call `runner.recover()` at the start and `runner.close()` at the end. */
export interface CodeBuildService extends ServiceDefinition {
  readonly runner: BuildRunner;
}

export function codebuildService(dependencies: CodeBuildDependencies): CodeBuildService {
  const runner = new BuildRunner(dependencies);
  return {
    name: "codebuild",
    title: "CodeBuild",
    protocol: "awsJson1_1",
    targetPrefix: "CodeBuild_20161006",
    operations: [
      ...projectOperations(runner),
      ...startOperations(runner),
      ...buildOperations(runner),
      ...imageOperations,
    ],
    runner,
  };
}
