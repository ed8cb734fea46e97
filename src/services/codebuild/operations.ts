/** The operations of CodeBuild, imported when the service is first called (index.ts). */
import type { Operations } from "../service.ts";
import type { BatchRunner } from "./batches/batch-runner.ts";
import { batchOperations } from "./batches/build-batches.ts";
import type { BuildRunner } from "./builds/build-runner.ts";
import { buildOperations } from "./builds/builds.ts";
import { startOperations } from "./builds/start-build.ts";
import type { CodeBuildDependencies } from "./dependencies.ts";
import { fleetOperations } from "./fleets/fleets.ts";
import { imageOperations } from "./projects/curated-images.ts";
import { projectOperations } from "./projects/projects.ts";
import { sourceCredentialOperations } from "./projects/source-credentials.ts";
import { visibilityOperations } from "./projects/visibility.ts";
import { allReportOperations, findGroup } from "./reports/index.ts";
import { commandExecutionOperations } from "./sandboxes/command-executions.ts";
import { sandboxOperations } from "./sandboxes/sandboxes.ts";
import { resourcePolicyOperations } from "./sharing/resource-policies.ts";
import { sharedResourceOperations } from "./sharing/shared-resources.ts";
import { webhookOperations } from "./webhooks/webhook-operations.ts";

export const operations = (
  dependencies: CodeBuildDependencies,
  runner: BuildRunner,
  batches: BatchRunner,
): Operations => [
  ...projectOperations(runner),
  ...webhookOperations(() => dependencies.endpointUrl()),
  ...sourceCredentialOperations,
  ...startOperations(runner),
  ...buildOperations(runner),
  ...batchOperations(runner, batches),
  ...imageOperations,
  ...fleetOperations(runner),
  ...sandboxOperations(runner),
  ...commandExecutionOperations(runner),
  ...visibilityOperations(runner),
  ...resourcePolicyOperations(({ store }, arn) => findGroup(store, arn)),
  ...allReportOperations,
  ...sharedResourceOperations,
];
