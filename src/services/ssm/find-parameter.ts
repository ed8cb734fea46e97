/** From a reference to a parameter and one of its versions. */
import type { AwsScope } from "../../core/arn.ts";
import type { OperationContext } from "../service.ts";
import { parameterNotFound, parameterVersionNotFound } from "./errors.ts";
import { isLive } from "./expiration.ts";
import type { ParameterReference } from "./parameter-name.ts";
import { findPublicParameter, isPublic } from "./public-parameters.ts";
import {
  type ParameterRecord,
  type ParameterVersion,
  parameterKey,
  parametersIn,
  versionKey,
  versionsIn,
} from "./records.ts";

/** The parameter of this name in either slash form, unless it has expired. */
export function findParameter(context: OperationContext, scope: AwsScope, name: string): ParameterRecord | undefined {
  const record = findStored(context, scope, name);
  return record && isLive(context, record) ? record : undefined;
}

/** The same, also when it has expired. */
export const findStored = (context: OperationContext, scope: AwsScope, name: string): ParameterRecord | undefined =>
  isPublic(scope)
    ? findPublicParameter(context.store, name)
    : parametersIn(context.store).get(parameterKey(scope, name));

export interface FoundParameter {
  readonly record: ParameterRecord;
  readonly version: ParameterVersion;
}

/** The version a reference selects, or ParameterNotFound, or ParameterVersionNotFound. */
export function requireVersion(context: OperationContext, reference: ParameterReference): FoundParameter {
  const { name, selector, scope } = reference;
  const record = isReachable(context, scope) ? findParameter(context, scope, name) : undefined;
  if (!record) throw parameterNotFound();
  if (selector === "") return { record, version: record.latest };
  const wanted = selector.slice(1);
  const isNumber = /^\d+$/.test(wanted);
  const number = isNumber ? Number(wanted) : labelled(record, wanted);
  const version = number === undefined ? undefined : findVersion(context, record, number, scope);
  if (!version) throw parameterVersionNotFound(isNumber ? "version" : "label", wanted, name);
  return { record, version };
}

const labelled = (record: ParameterRecord, label: string): number | undefined =>
  Object.hasOwn(record.labels, label) ? record.labels[label] : undefined;

export function findVersion(
  context: OperationContext,
  record: ParameterRecord,
  version: number,
  scope: AwsScope = context.scope,
): ParameterVersion | undefined {
  if (version === record.latest.version) return record.latest;
  return versionsIn(context.store).get(versionKey(scope, record.name, version));
}

/** Parameters of other accounts are read by ARN (their resource policy has allowed it), those of other regions are not. */
export const isReachable = (context: OperationContext, scope: AwsScope): boolean =>
  scope.region === context.scope.region && scope.partition === context.scope.partition;
