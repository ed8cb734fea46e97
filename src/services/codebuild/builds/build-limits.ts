/**
 * What stands in the way of one more build: the project's limit, the account's queue, a fleet that is not there.
 * AWS: a build beyond the project's `concurrentBuildLimit` is refused; one beyond the account's limit waits in a queue
 * that holds five times that limit.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/limits.html
 */
import type { AwsScope } from "../../../core/arn.ts";
import type { Store } from "../../../store/store.ts";
import { fleetNotFound, invalidInput, queueIsFull, tooManyBuilds } from "../errors.ts";
import { findFleet } from "../fleets/fleet-records.ts";
import { recordsIn } from "../records.ts";
import type { Project, ProjectEnvironment } from "../shapes.gen.ts";
import type { BuildContext } from "./build-context.ts";
import { countActive } from "./build-index.ts";

const QUEUE_PER_CONCURRENT_BUILD = 5;

/** Throws AccountLimitExceededException when the project or the account has no room for one more build. */
export function requireRoom(project: Project, { store, scope }: BuildContext, accountLimit: number): void {
  const records = recordsIn(store);
  const limit = project.concurrentBuildLimit;
  if (limit !== undefined && countActive(records, scope, project.name ?? "") >= limit) throw tooManyBuilds(limit);
  const places = QUEUE_PER_CONCURRENT_BUILD * accountLimit;
  if (countActive(records, scope) >= accountLimit + places) throw queueIsFull(places);
}

/**
 * How many more builds the project and the account can take; below 1: none. Builds of a batch wait for it, they are not
 * refused: a batch may have more builds than the queue has places.
 */
export function roomFor(
  projectName: string,
  projectLimit: number | undefined,
  { store, scope, accountLimit }: { readonly store: Store; readonly scope: AwsScope; readonly accountLimit: number },
): number {
  const records = recordsIn(store);
  const inAccount = accountLimit * (1 + QUEUE_PER_CONCURRENT_BUILD) - countActive(records, scope);
  if (projectLimit === undefined) return inAccount;
  return Math.min(inAccount, projectLimit - countActive(records, scope, projectName));
}

/** Throws when the environment names a fleet that is not there, or is not for such builds. */
export function requireUsableFleet(environment: ProjectEnvironment, { store, scope }: BuildContext): void {
  const arn = environment.fleet?.fleetArn;
  if (arn === undefined) return;
  const fleet = findFleet(recordsIn(store), scope, arn);
  if (!fleet) throw fleetNotFound(arn);
  if (fleet.environmentType !== environment.type) {
    throw invalidInput(
      `Invalid environment: fleet ${fleet.name} is of environment type ${fleet.environmentType}, not ${environment.type}`,
    );
  }
}
