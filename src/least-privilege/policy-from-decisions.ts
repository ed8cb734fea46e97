/**
 * The policy for what a build really called: every decision the role's own policies had to make, allowed or denied.
 * Left out: what a resource's policy alone allowed (an AWS managed key), explicit denies (no Allow helps), calls that
 * need no permission, and decisions about other principals than roles.
 */
import type { DecisionRecord } from "../authorize/decision.ts";
import { parseArn } from "../core/arn.ts";
import { type LeastPrivilegePolicy, policyFromRequirements, type Requirement } from "./policy-from-requirements.ts";

const needsNoPermission = new Set(["sts:GetCallerIdentity", "sts:GetSessionToken"]);

/** Give the records of one role's sessions; records of other kinds of principals are ignored. */
export const policyFromDecisions = (records: readonly DecisionRecord[]): LeastPrivilegePolicy =>
  policyFromRequirements(requirementsOfDecisions(records));

/** `whyOf` tells in one line what made a call. */
export function requirementsOfDecisions(
  records: readonly DecisionRecord[],
  whyOf: (record: DecisionRecord) => string | undefined = () => undefined,
): Requirement[] {
  return records.filter(isRoleSession).flatMap((record) =>
    record.decisions.flatMap(({ effect, action, resource, policyType, purpose }): Requirement[] => {
      const isOwn =
        effect === "implicitDeny" || (effect === "allowed" && policyType !== "resource" && policyType !== "trust");
      if (!isOwn || needsNoPermission.has(action)) return [];
      const region = parseArn(resource)?.region;
      // A key is used through the service that asked for it, unless KMS was called itself.
      const service = record.calledVia?.split(".")[0] ?? record.service;
      const isThrough = action.startsWith("kms:") && service !== "kms" && region !== undefined;
      const why = whyOf(record);
      const called = {
        action,
        resource,
        ...(isThrough && { viaService: `${service}.${region}.amazonaws.com` }),
        ...(isThrough && purpose && { purpose }),
        ...(why !== undefined && { why }),
      };
      return [called, ...(action === "logs:CreateLogStream" ? firstOfItsGroup(called) : [])];
    }),
  );
}

/** AWS: the first build of a project makes the log group; a later one, which finds it there, asks for nothing. */
function firstOfItsGroup(called: Requirement): Requirement[] {
  const group = /^(arn:[^:]+:logs:[^:]*:[^:]*:log-group:[^:]+):/.exec(called.resource)?.[1];
  return group === undefined
    ? []
    : [group, `${group}:*`].map((resource) => ({ ...called, action: "logs:CreateLogGroup", resource }));
}

const isRoleSession = ({ principalArn }: DecisionRecord): boolean => /:sts:.*:assumed-role\//.test(principalArn);
