/**
 * CreateFleet, UpdateFleet, DeleteFleet, BatchGetFleets, ListFleets: local capacity groups. A fleet runs as many builds
 * at once as it has capacity (build-queue.ts); nothing is provisioned, so it is ACTIVE at once.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CreateFleet.html,
 * https://docs.aws.amazon.com/codebuild/latest/userguide/fleets.html
 */
import type { AuthorizationRequest, RequestContext } from "../../../authorize/decision.ts";
import { type OperationContext, type OperationDefinition, operation } from "../../service.ts";
import type { BuildRunner } from "../builds/build-runner.ts";
import { fleetAlreadyExists, fleetNotFound, invalidInput, notOffered } from "../errors.ts";
import { page } from "../pages.ts";
import { contextOf, under } from "../projects/condition-keys.ts";
import { onAnything, passRole, requestTags, tagKeys } from "../projects/project-access.ts";
import { withoutUndefined } from "../projects/project-settings.ts";
import { checkComputeConfiguration, checkTags } from "../projects/setting-checks.ts";
import { recordsIn, scopeOf } from "../records.ts";
import type {
  BatchGetFleetsInput,
  BatchGetFleetsOutput,
  CreateFleetInput,
  CreateFleetOutput,
  DeleteFleetInput,
  Fleet,
  ListFleetsInput,
  ListFleetsOutput,
  ScalingConfigurationInput,
  UpdateFleetInput,
  UpdateFleetOutput,
} from "../shapes.gen.ts";
import { findFleet, fleetArn, fleetKey, parseFleetName } from "./fleet-records.ts";

const API = "https://docs.aws.amazon.com/codebuild/latest/APIReference/";
const GAPS = [
  "Windows and macOS fleets are refused",
  "imageId, vpcConfig and proxyConfiguration are kept and have no effect: builds run on this machine, in its network",
  "a scaling configuration grows the fleet to its maxCapacity as soon as a build waits; the target value is not watched",
  "each Kiln process counts the builds that it runs itself",
];

// biome-ignore lint/suspicious/noExplicitAny: each operation has its own input type
export const fleetOperations = (runner: BuildRunner): readonly OperationDefinition<any, object>[] => [
  operation<CreateFleetInput, CreateFleetOutput>({
    name: "CreateFleet",
    support: "partial",
    gaps: GAPS,
    source: `${API}API_CreateFleet.html`,
    authorize: (input, context) => settingFleet(onFleet(context, "CreateFleet", input.name, keysOf(input)), input),
    errors: [invalidInput, notOffered, fleetAlreadyExists],
    async run(input, { store, scope, clock, ids }) {
      checkFleet(input);
      const { fleets } = recordsIn(store);
      const key = fleetKey(scope, input.name);
      const id = ids.uuid();
      const nowMs = clock.nowMs();
      const fleet = withoutUndefined<Fleet>({
        arn: fleetArn(scope, input.name, id),
        name: input.name,
        id,
        created: nowMs,
        lastModified: nowMs,
        status: { statusCode: "ACTIVE" },
        overflowBehavior: "QUEUE",
        ...settingsOf(input),
        baseCapacity: input.baseCapacity,
        environmentType: input.environmentType,
        computeType: input.computeType,
        tags: input.tags ?? [],
      });
      await store.write(() => {
        if (fleets.has(key)) throw fleetAlreadyExists(input.name);
        fleets.put(key, fleet);
      });
      return { fleet };
    },
  }),

  operation<UpdateFleetInput, UpdateFleetOutput>({
    name: "UpdateFleet",
    support: "partial",
    gaps: GAPS,
    source: `${API}API_UpdateFleet.html`,
    authorize: (input, context) => settingFleet(onFleet(context, "UpdateFleet", input.arn, keysOf(input)), input),
    errors: [invalidInput, notOffered, fleetNotFound],
    async run(input, { store, scope, clock }) {
      const records = recordsIn(store);
      const fleet = await store.write((): Fleet => {
        const old = findFleet(records, scope, input.arn);
        if (!old?.name) throw fleetNotFound(input.arn);
        const { arn: _, ...given } = withoutUndefined(input);
        const merged = { ...(old as CreateFleetInput), ...given } as CreateFleetInput;
        checkFleet(merged);
        const changed = withoutUndefined<Fleet>({
          ...old,
          ...given,
          ...settingsOf(merged),
          lastModified: clock.nowMs(),
        });
        records.fleets.put(fleetKey(scope, old.name), changed);
        return changed;
      });
      runner.wakeQueue();
      return { fleet };
    },
  }),

  operation<DeleteFleetInput, object>({
    name: "DeleteFleet",
    support: "partial",
    gaps: ["builds that wait for the fleet go on as on-demand builds"],
    source: `${API}API_DeleteFleet.html`,
    authorize: (input, context) => [onFleet(context, "DeleteFleet", input.arn)],
    errors: [invalidInput],
    // AWS: an unknown fleet is no error here.
    async run(input, { store, scope }) {
      const records = recordsIn(store);
      const fleet = findFleet(records, scope, input.arn);
      if (fleet?.name) await store.write(() => records.fleets.delete(fleetKey(scope, fleet.name ?? "")));
      runner.wakeQueue();
      return {};
    },
  }),

  operation<BatchGetFleetsInput, BatchGetFleetsOutput>({
    name: "BatchGetFleets",
    support: "supported",
    source: `${API}API_BatchGetFleets.html`,
    authorize: (input, context) => input.names.map((name) => onFleet(context, "BatchGetFleets", name)),
    errors: [invalidInput],
    run(input, { store, scope }) {
      const names = [...new Set(input.names)];
      const find = (name: string): Fleet | undefined => findFleet(recordsIn(store), scope, name);
      return {
        fleets: names.flatMap((name) => find(name) ?? []),
        fleetsNotFound: names.filter((name) => !find(name)),
      };
    },
  }),

  operation<ListFleetsInput, ListFleetsOutput>({
    name: "ListFleets",
    support: "supported",
    source: `${API}API_ListFleets.html`,
    authorize: () => [onAnything("ListFleets")],
    errors: [invalidInput],
    run(input, { store, scope }) {
      const fleets = recordsIn(store)
        .fleets.list([scope.accountId, scope.region])
        .map(({ value }) => value);
      const order = ({ created = 0, lastModified = 0 }: Fleet): number =>
        input.sortBy === "CREATED_TIME" ? created : input.sortBy === "LAST_MODIFIED_TIME" ? lastModified : 0;
      fleets.sort((a, b) => order(a) - order(b) || ((a.name ?? "") < (b.name ?? "") ? -1 : 1));
      if (input.sortOrder === "DESCENDING") fleets.reverse();
      const { items, ...more } = page(
        fleets.map((fleet) => fleet.arn ?? ""),
        input.nextToken,
        input.maxResults,
      );
      return { fleets: items, ...more };
    },
  }),
];

/** One action on one fleet. AWS: before it exists, its id is not known and stands as `*`. */
function onFleet(
  { store, scope }: OperationContext,
  action: string,
  nameOrArn: string,
  conditionKeys: RequestContext = {},
): AuthorizationRequest {
  const fleet = findFleet(recordsIn(store), scope, nameOrArn);
  const { name, id = "*" } = parseFleetName(nameOrArn);
  return {
    action: `codebuild:${action}`,
    resource: fleet?.arn ?? fleetArn(scopeOf(nameOrArn, scope), name, id),
    context: { ...tagKeys(fleet?.tags), ...conditionKeys },
  };
}

/** Members that a fleet may have or lack. An empty structure takes the old one away. */
function settingsOf(input: CreateFleetInput): Partial<Fleet> {
  const { proxyConfiguration, vpcConfig } = input;
  return {
    computeConfiguration: input.computeConfiguration,
    scalingConfiguration: scalingOf(input.scalingConfiguration, input.baseCapacity),
    ...(input.overflowBehavior === undefined ? {} : { overflowBehavior: input.overflowBehavior }),
    vpcConfig: vpcConfig?.vpcId ? vpcConfig : undefined,
    proxyConfiguration: proxyConfiguration?.defaultBehavior ? proxyConfiguration : undefined,
    imageId: input.imageId,
    fleetServiceRole: input.fleetServiceRole,
  };
}

/** AWS: tells besides how many machines the fleet wants now; here always the ones it keeps. */
const scalingOf = (
  scaling: ScalingConfigurationInput | undefined,
  baseCapacity: number,
): Fleet["scalingConfiguration"] =>
  scaling?.maxCapacity === undefined ? undefined : { ...scaling, desiredCapacity: baseCapacity };

function checkFleet(input: CreateFleetInput): void {
  const { environmentType, computeType, baseCapacity, scalingConfiguration } = input;
  if (environmentType.startsWith("WINDOWS") || environmentType === "MAC_ARM") {
    throw notOffered(`fleets of environment type ${environmentType}`);
  }
  if (environmentType.includes("LAMBDA") || computeType.startsWith("BUILD_LAMBDA_")) {
    throw invalidInput("Invalid fleet: Lambda compute cannot be reserved");
  }
  if (baseCapacity < 0) throw invalidInput("Invalid fleet: baseCapacity must be 0 or more");
  const max = scalingConfiguration?.maxCapacity;
  if (max !== undefined && max < baseCapacity) {
    throw invalidInput("Invalid fleet: maxCapacity must not be below baseCapacity");
  }
  checkComputeConfiguration(input);
  checkTags(input.tags);
}

/** The action on the fleet, and passing the role that it is given. */
const settingFleet = (
  request: AuthorizationRequest,
  { fleetServiceRole: role }: CreateFleetInput | UpdateFleetInput,
) => (role === undefined ? [request] : [request, passRole(role, request.resource)]);

function keysOf(input: CreateFleetInput | UpdateFleetInput): RequestContext {
  const { computeConfiguration: compute, vpcConfig: vpc } = input;
  return {
    ...requestTags(input.tags),
    ...contextOf({
      environmentType: input.environmentType,
      computeType: input.computeType,
      imageId: input.imageId,
      fleetServiceRole: input.fleetServiceRole,
      ...under("computeConfiguration", compute, {
        vCpu: compute?.vCpu,
        memory: compute?.memory,
        disk: compute?.disk,
        machineType: compute?.machineType,
        instanceType: compute?.instanceType,
      }),
      ...under("vpcConfig", vpc, {
        vpcId: vpc?.vpcId,
        subnets: vpc?.subnets,
        securityGroupIds: vpc?.securityGroupIds,
      }),
    }),
  };
}
