/** How fleets are kept and found, and what the queue must know of them. ARN: `…:fleet/<name>:<uuid>`. */
import { type AwsScope, arnIn, parseArn } from "../../../core/arn.ts";
import type { Key } from "../../../store/store.ts";
import type { FleetPlaces } from "../builds/build-queue.ts";
import type { CodeBuildRecords } from "../records.ts";
import type { Fleet } from "../shapes.gen.ts";

export const fleetKey = (scope: Pick<AwsScope, "accountId" | "region">, name: string): Key => [
  scope.accountId,
  scope.region,
  name,
];

export const fleetArn = (scope: AwsScope, name: string, id: string): string =>
  arnIn(scope, "codebuild", `fleet/${name}:${id}`);

/** Name and, where given, id of a fleet named by name or ARN. */
export function parseFleetName(nameOrArn: string): { readonly name: string; readonly id?: string } {
  const resource = parseArn(nameOrArn)?.resource;
  if (!resource?.startsWith("fleet/")) return { name: nameOrArn };
  const [name = "", id] = resource.slice("fleet/".length).split(":");
  return id === undefined ? { name } : { name, id };
}

/** The fleet of a name or ARN in the caller's account. A fleet made anew under the name has another ARN. */
export function findFleet(records: CodeBuildRecords, scope: AwsScope, nameOrArn: string): Fleet | undefined {
  const arn = parseArn(nameOrArn);
  if (arn && (arn.accountId !== scope.accountId || arn.region !== scope.region)) return undefined;
  const { name, id } = parseFleetName(nameOrArn);
  const fleet = records.fleets.get(fleetKey(scope, name));
  return fleet && (id === undefined || fleet.id === id) ? fleet : undefined;
}

/** AWS: a fleet with a scaling configuration grows to its `maxCapacity`; here at once, when a build waits. */
export function fleetPlaces(records: CodeBuildRecords, arn: string): FleetPlaces | undefined {
  const parsed = parseArn(arn);
  if (!parsed) return undefined;
  const { name, id } = parseFleetName(arn);
  const fleet = records.fleets.get(fleetKey(parsed, name));
  if (!fleet || fleet.id !== id) return undefined;
  return {
    capacity: Math.max(fleet.baseCapacity ?? 0, fleet.scalingConfiguration?.maxCapacity ?? 0),
    overflowsOnDemand: fleet.overflowBehavior === "ON_DEMAND",
  };
}
