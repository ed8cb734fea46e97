/**
 * CodeBuild: projects and builds. Builds run in the process that answers StartBuild (build-runner.ts); their records,
 * events and artifacts are in the state folder, visible to every process on it.
 *
 * Sources: https://docs.aws.amazon.com/codebuild/latest/APIReference/, the service model 2016-10-06, the CLI's samples.
 * Gaps: StartSandboxConnection (needs Session Manager); EFS, docker servers, Windows and macOS are refused; a VPC is kept
 * without effect. Differences by design: `file:///folder` is a source location;
 * `ssm:/name` values are resolved unless strict.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ServiceDefinition } from "../service.ts";
import { BatchRunner } from "./batches/batch-runner.ts";
import { BuildRunner } from "./builds/build-runner.ts";
import type { CodeBuildDependencies } from "./dependencies.ts";
import { EventFeed } from "./events/event-feed.ts";
import { eventsRoute } from "./events/events-route.ts";
import { badgeRoutes } from "./projects/badge.ts";
import type { DeliveryDependencies } from "./webhooks/deliver.ts";
import { type LocalWebhooks, localWebhooks } from "./webhooks/local-webhooks.ts";
import { webhookRoutes } from "./webhooks/webhook-route.ts";

export { BuildRunner } from "./builds/build-runner.ts";
export { type CredentialsRoute, credentialsRoute } from "./builds/credentials-route.ts";
export type { CodeBuildDependencies } from "./dependencies.ts";
export type { FeedRequest } from "./events/event-feed.ts";
export { type EventTarget, eventTargetUrl, startEventTarget } from "./events/event-target.ts";
export { createReaderCheck } from "./events/reader-check.ts";
export type { LoggedEvent } from "./events/state-change-log.ts";
export type { Build, CreateProjectInput, Project, StartBuildInput } from "./shapes.gen.ts";
export type { LocalWebhooks } from "./webhooks/local-webhooks.ts";
export type { DeliveryOutcome, DeliveryRecord } from "./webhooks/webhook-records.ts";

/** The service's table, and the runner behind it: call `runner.recover()` at the start and `runner.close()` at the end. */
export interface CodeBuildService extends ServiceDefinition {
  readonly runner: BuildRunner;
  /** Call `batches.recover()` after the runner's, and `batches.close()` before it. */
  readonly batches: BatchRunner;
  /** Events of builds, in order; call `feed.close()` at the end. */
  readonly feed: EventFeed;
  /** For this machine's own commands. */
  readonly webhooks: LocalWebhooks;
  /** Deliveries of webhooks, the stream of events, badges. */
  readonly routes: readonly {
    readonly prefix: string;
    accepts?(request: IncomingMessage): boolean;
    handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  }[];
}

export function codebuildService(dependencies: CodeBuildDependencies): CodeBuildService {
  const runner = new BuildRunner(dependencies);
  const batches = new BatchRunner(dependencies, runner);
  const feed = new EventFeed(dependencies.store, dependencies.clock);
  const deliveries: DeliveryDependencies = { outside: dependencies, runner, batches };
  return {
    name: "codebuild",
    title: "CodeBuild",
    protocol: "awsJson1_1",
    targetPrefix: "CodeBuild_20161006",
    operations: async () => (await import("./operations.ts")).operations(dependencies, runner, batches),
    runner,
    batches,
    feed,
    webhooks: localWebhooks(deliveries),
    routes: [
      ...webhookRoutes(deliveries),
      eventsRoute(feed, dependencies.clock, dependencies.mayReadEvents ?? (() => undefined)),
      ...badgeRoutes(dependencies.store),
    ],
  };
}
