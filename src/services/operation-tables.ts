/**
 * Which operation a call means: the services' operations by name, each service's imported when it is first called.
 * Calls that come while a service is imported wait for the same import; afterwards an operation is found at once.
 * A failed import fails the calls that waited for it, and the next call tries again.
 */
import type { ServiceName } from "../core/aws.ts";
import type { AwsError } from "../core/errors.ts";
import { notOffered, notOfferedIn, unknownOperation } from "./common-errors.ts";
import { loadModel, type Shape } from "./model.ts";
import type { AnyOperation, Operations, ServiceDefinition } from "./service.ts";

/** An operation as looked up by name. */
export interface Target {
  readonly definition: AnyOperation;
  /** Of the input, once it was needed; null when the model has none. */
  shape: Shape | null | undefined;
}

/** Throws, or rejects with, AWS's error for an operation it does not have, and one with a text for one not offered. */
export type FindOperation = (service: ServiceName, operation: string) => Target | Promise<Target>;

export function createFindOperation(services: ReadonlyMap<ServiceName, ServiceDefinition>): FindOperation {
  const targets = new Map<ServiceName, ReadonlyMap<string, Target>>();
  const loading = new Map<ServiceName, Promise<Operations>>();

  async function load(service: ServiceDefinition): Promise<Operations> {
    const operations = await service.operations();
    const named = operations.map((definition): [string, Target] => [definition.name, { definition, shape: undefined }]);
    targets.set(service.name, new Map(named));
    return operations;
  }

  async function findIn(service: ServiceDefinition, operation: string): Promise<Target> {
    let operations = loading.get(service.name);
    if (!operations) {
      operations = load(service);
      loading.set(service.name, operations);
      operations.catch(() => loading.delete(service.name));
    }
    const offered = await operations;
    const target = targets.get(service.name)?.get(operation);
    if (target) return target;
    throw refusal(service, operation, offered);
  }

  return (name, operation) => {
    const target = targets.get(name)?.get(operation);
    if (target) return target;
    const service = services.get(name);
    if (!service) throw notOffered(name, `the services ${[...services.keys()].sort().join(", ")}`);
    return findIn(service, operation);
  };
}

function refusal({ name, title }: ServiceDefinition, operation: string, operations: Operations): AwsError {
  const model = loadModel(name);
  const isInScope = model.operations.has(operation);
  if (!isInScope && !model.outsideScope.has(operation)) return unknownOperation(name, operation, model.apiVersion);
  const offered = operations.map((definition) => definition.name).sort();
  return notOfferedIn(name, `${name}:${operation}`, `these operations of ${title}: ${offered.join(", ")}`, isInScope);
}
