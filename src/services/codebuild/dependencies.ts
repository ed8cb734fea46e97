/** What CodeBuild needs from outside; app.ts gives it. */

import type { AuthorizationRequest } from "../../authorize/decision.ts";
import type { BuildDocker, BuildDockerRequest, Engine, EngineName, SuppliedImage } from "../../build/run/index.ts";
import type { AwsScope } from "../../core/arn.ts";
import type { AwsCaller } from "../../core/aws.ts";
import type { Clock } from "../../core/clock.ts";
import type { Ids } from "../../core/ids.ts";
import type { Store } from "../../store/store.ts";
import type { ReaderCheck } from "./events/events-route.ts";

export interface BuildImages {
  mapped(image: string): string | undefined;
  /** With these credentials, else as Kiln itself. Throws an error with docker's words. */
  find(
    image: string,
    credentials: { readonly username: string; readonly password: string } | undefined,
  ): Promise<SuppliedImage | undefined>;
}

export interface CodeBuildDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  /**
   * Calls as a service principal, e.g. `codebuild.amazonaws.com`, on behalf of `sourceArn` (the project's ARN). Sessions
   * that it opens have the condition keys `sessionKeys`.
   */
  callerForService(
    serviceName: string,
    sourceArn: string,
    scope: AwsScope,
    sessionKeys?: Readonly<Record<string, string>>,
  ): AwsCaller;
  /** Calls as the owner of an access key (a role session's). */
  callerForAccessKey(accessKeyId: string, scope: AwsScope): AwsCaller;
  /**
   * Decides requests as the owner of an access key, for actions that are no API operation (`codebuild:CreateReport`).
   * Throws AccessDeniedException; the decision is recorded.
   */
  authorizeAccessKey(
    accessKeyId: string,
    scope: AwsScope,
    requests: readonly AuthorizationRequest[],
    about: { readonly service: string; readonly operation: string; readonly requestId: string },
  ): void;
  /** Base URL of the endpoint that builds of this process talk to, e.g. `http://127.0.0.1:4566`. Asked when a build starts. */
  endpointUrl(): string;
  readonly engines: readonly Engine[];
  /** Default `auto`. */
  readonly engine?: EngineName | "auto";
  /** Images of Kiln's registry, and which image the user has stand for another; absent: there are none. */
  readonly images?: BuildImages;
  /** Opens the docker side of a build; absent: builds have none. */
  openDocker?(request: BuildDockerRequest & { readonly scope: AwsScope }): Promise<BuildDocker>;
  /** Removes what the docker of builds whose process died left in an engine. Never throws. */
  reclaimDocker?(): Promise<void>;
  /** Folder in which each running build gets a folder; keep the path short (sockets live below). Default: the system's temporary folder. */
  readonly workRoot?: string;
  /** The state folder, which builds cannot see; undefined in memory. Events and artifacts are in the store's folders. */
  readonly stateDir: string | undefined;
  /** AWS's grammar only. */
  readonly strict?: boolean;
  /**
   * The account's quota of concurrent builds; the queue holds five times as many. Given, it also is how many builds this
   * process runs at once; else that is the number of processors, and the quota is AWS's usual 60.
   */
  readonly concurrentBuilds?: number;
  /** Builds at the same time in this process, whatever the quota. */
  readonly maxConcurrentBuilds?: number;
  /** Builds of one batch at the same time; default as many as this process runs at once. */
  readonly batchParallelism?: number;
  /** Who may read the stream of events, by the Authorization header; default everybody who reaches the endpoint. */
  readonly mayReadEvents?: ReaderCheck;
  /** The machine's environment; default `process.env`. */
  readonly machine?: Readonly<Record<string, string | undefined>>;
}
