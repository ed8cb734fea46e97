/**
 * PutResourcePolicy, GetResourcePolicies, DeleteResourcePolicy: what shares a parameter with other accounts, who then read
 * it by ARN. Only the advanced tier can be shared, and a SecureString only under a customer's key that is shared too.
 * Sources: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutResourcePolicy.html and
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-shared-parameters.html
 * Gaps: OpsItemGroup; Resource Access Manager; the number of policies AWS allows a parameter is not known, here it is one.
 */
import { createHash } from "node:crypto";
import { validatePolicy } from "../../authorize/index.ts";
import { type AwsScope, parseArn } from "../../core/arn.ts";
import { type OperationContext, operation } from "../service.ts";
import {
  invalidNextToken,
  invalidResourcePolicyParameter,
  malformedResourcePolicy,
  resourceNotFound,
  resourcePolicyConflict,
  resourcePolicyLimitExceeded,
  resourcePolicyNotFound,
} from "./errors.ts";
import { findParameter, isReachable } from "./find-parameter.ts";
import { accessTo } from "./parameter-access.ts";
import { parseReference } from "./parameter-name.ts";
import { type ParameterRecord, type ParameterResourcePolicy, parameterKey, parametersIn } from "./records.ts";
import type {
  DeleteResourcePolicyRequest,
  DeleteResourcePolicyResponse,
  GetResourcePoliciesRequest,
  GetResourcePoliciesResponse,
  PutResourcePolicyRequest,
  PutResourcePolicyResponse,
} from "./shapes.gen.ts";

const MAX_BYTES = 1_024;
const MAX_POLICIES = 1;

const errors = [invalidResourcePolicyParameter, resourceNotFound];
const changeErrors = [...errors, resourcePolicyConflict, resourcePolicyNotFound];
const gaps = ["only parameters: OpsItemGroup is refused with ResourcePolicyInvalidParameterException"];

interface Target {
  readonly ResourceArn: string;
}

/** AWS: permission is asked on the ARN as it is; that it is a parameter's is checked first. */
const access =
  (action: string) =>
  ({ ResourceArn }: Target, context: OperationContext) => {
    requireParameterArn(ResourceArn);
    return accessTo(context, `ssm:${action}`, ResourceArn);
  };

export const putResourcePolicy = operation<PutResourcePolicyRequest, PutResourcePolicyResponse>({
  name: "PutResourcePolicy",
  support: "partial",
  gaps: [...gaps, "whether a named principal exists is not checked", "one policy a parameter"],
  source: "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutResourcePolicy.html",
  authorize: access("PutResourcePolicy"),
  errors: [...changeErrors, malformedResourcePolicy, resourcePolicyLimitExceeded],
  async run(input, context) {
    const { Policy: text, PolicyId: id } = input;
    if (Buffer.byteLength(text) > MAX_BYTES) throw resourcePolicyLimitExceeded(MAX_BYTES, "PolicySize");
    const policy = validatePolicy(text, "resource");
    if (!policy.ok) throw malformedResourcePolicy(policy.error);
    const saved = await change(context, input, (record) => {
      if (record.latest.tier !== "Advanced") {
        throw invalidResourcePolicyParameter(
          ["ResourceArn"],
          "To share a parameter, it must be in the advanced parameter tier.",
        );
      }
      if (id !== undefined) requireCurrent(record, id, input.PolicyHash);
      else if (record.resourcePolicy) throw resourcePolicyLimitExceeded(MAX_POLICIES, "PolicyCount");
      return { id: id ?? context.ids.uuid(), hash: createHash("sha256").update(text).digest("hex"), text };
    });
    return saved ? { PolicyId: saved.id, PolicyHash: saved.hash } : {};
  },
});

export const getResourcePolicies = operation<GetResourcePoliciesRequest, GetResourcePoliciesResponse>({
  name: "GetResourcePolicies",
  support: "partial",
  gaps,
  source: "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetResourcePolicies.html",
  authorize: access("GetResourcePolicies"),
  errors: [...errors, invalidNextToken],
  run(input, context) {
    const { resourcePolicy } = requireParameter(context, input);
    // The one policy fits every page: no token was ever given.
    if (input.NextToken?.trim()) throw invalidNextToken();
    const policies = resourcePolicy ? [resourcePolicy] : [];
    return { Policies: policies.map(({ id, hash, text: Policy }) => ({ PolicyId: id, PolicyHash: hash, Policy })) };
  },
});

export const deleteResourcePolicy = operation<DeleteResourcePolicyRequest, DeleteResourcePolicyResponse>({
  name: "DeleteResourcePolicy",
  support: "partial",
  gaps,
  source: "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DeleteResourcePolicy.html",
  authorize: access("DeleteResourcePolicy"),
  errors: changeErrors,
  async run(input, context) {
    await change(context, input, (record) => {
      requireCurrent(record, input.PolicyId, input.PolicyHash);
      return undefined;
    });
    return {};
  },
});

function requireParameterArn(arn: string): void {
  const parsed = parseArn(arn);
  if (parsed?.service === "ssm" && parsed.resource.startsWith("parameter/")) return;
  throw invalidResourcePolicyParameter(["ResourceArn"], `The resource ARN ${arn} is not the ARN of a parameter.`);
}

/** Changes the policy of a parameter under the write lock. */
function change(
  context: OperationContext,
  target: Target,
  to: (record: ParameterRecord) => ParameterResourcePolicy | undefined,
): Promise<ParameterResourcePolicy | undefined> {
  const { scope, name } = parseReference(context.scope, target.ResourceArn);
  return context.store.write(() => {
    const record = requireParameter(context, target);
    const policy = to(record);
    const { resourcePolicy: _, ...rest } = record;
    parametersIn(context.store).put(parameterKey(scope, name), { ...rest, ...(policy && { resourcePolicy: policy }) });
    return policy;
  });
}

/** AWS: only the owner shares. Whoever else may read the parameter finds none to share. */
function requireParameter(context: OperationContext, { ResourceArn }: Target): ParameterRecord {
  const { scope, name } = parseReference(context.scope, ResourceArn);
  const record = isOwn(context, scope) ? findParameter(context, scope, name) : undefined;
  if (!record) throw resourceNotFound(ResourceArn);
  return record;
}

const isOwn = (context: OperationContext, scope: AwsScope): boolean =>
  isReachable(context, scope) && scope.accountId === context.scope.accountId;

/** The caller must have seen the policy as it is. */
function requireCurrent({ resourcePolicy }: ParameterRecord, id: string, hash: string | undefined): void {
  if (resourcePolicy?.id !== id) throw resourcePolicyNotFound(id);
  if (hash === undefined) {
    throw invalidResourcePolicyParameter(["PolicyHash"], "To update a policy, specify its PolicyId and PolicyHash.");
  }
  if (resourcePolicy.hash !== hash) throw resourcePolicyConflict();
}
