/**
 * What must be allowed to touch a parameter: the action on its ARN, selector left out, whether or not it exists.
 * Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html
 */
import type { AuthorizationRequest, RequestContext, ResourcePolicy } from "../../authorize/decision.ts";
import { type AwsScope, arnIn } from "../../core/arn.ts";
import type { PolicyDocument } from "../../core/aws.ts";
import type { OperationContext } from "../service.ts";
import { isLive, removeExpired } from "./expiration.ts";
import { findStored } from "./find-parameter.ts";
import { isWellFormed, parameterArn, parseReference } from "./parameter-name.ts";
import type { ParameterRecord, ParameterResourcePolicy } from "./records.ts";

const NO_KEYS: RequestContext = {};

type Requests = readonly AuthorizationRequest[];

/**
 * One action on one parameter, named in any form that reading accepts. A promise only where the parameter has expired:
 * every operation that names one passes here, so this is where it goes.
 */
export function accessTo(
  context: OperationContext,
  action: string,
  written: string,
  conditionKeys: RequestContext = NO_KEYS,
): Requests | Promise<Requests> {
  const { name, scope } = parseReference(context.scope, written);
  // AWS: a name that cannot be part of an ARN is authorised on `*`, and refused for its form only afterwards.
  if (!isWellFormed(name)) return [anyResource(context.scope, action, conditionKeys)];
  const resource = parameterArn(scope, name);
  const record = findStored(context, scope, name);
  if (record && !isLive(context, record)) {
    return removeExpired(context, scope, [name]).then(() => [{ action, resource, context: conditionKeys }]);
  }
  return [
    {
      action,
      resource,
      context: withTags(record?.tags, conditionKeys),
      ...(record?.resourcePolicy && { resourcePolicy: sharingPolicy(resource, scope, record.resourcePolicy) }),
    },
  ];
}

/** The same for several. */
export async function accessToEach(
  context: OperationContext,
  action: string,
  names: readonly string[],
): Promise<Requests> {
  const requests: AuthorizationRequest[] = [];
  for (const name of names) requests.push(...(await accessTo(context, action, name)));
  return requests;
}

function sharingPolicy(arn: string, { accountId }: AwsScope, { text }: ParameterResourcePolicy): ResourcePolicy {
  return {
    name: `resource policy of ${arn}`,
    document: JSON.parse(text) as PolicyDocument,
    accountId,
    mandatory: false,
  };
}

function withTags(tags: ParameterRecord["tags"] | undefined, conditionKeys: RequestContext): RequestContext {
  let values: Record<string, string | readonly string[]> | undefined;
  for (const key in tags) {
    values ??= { ...conditionKeys };
    values[`aws:ResourceTag/${key}`] = tags[key] as string;
    // AWS: the service's own name of the key, from before the global one; the guide to Parameter Store still uses it.
    values[`ssm:resourceTag/${key}`] = tags[key] as string;
  }
  return values ?? conditionKeys;
}

/** Actions without a resource; the denial shows `arn:aws:ssm:<region>:<account>:*`. */
export const anyResource = (
  scope: AwsScope,
  action: string,
  conditionKeys: RequestContext = {},
): AuthorizationRequest => ({ action, resource: arnIn(scope, "ssm", "*"), context: conditionKeys });
