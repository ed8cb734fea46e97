/**
 * The policy simulator: the same engine that decides real calls, asked about actions and resources that are only named.
 * input (simulate-input.ts) → who and whose policies (simulate-subject.ts, simulate-exclusions.ts) → one decision for each
 * action and resource (simulate-evaluation.ts) → the answer (simulate-rendering.ts).
 * Sources: https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html,
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
 */
import { type AuthorizationRequest, contextKeysUsed } from "../../../authorize/index.ts";
import { findEntityByArn } from "../../../identity/index.ts";
import { type OperationContext, operation } from "../../service.ts";
import { entityTagKeys } from "../entities/entity-access.ts";
import { invalidInput, invalidMarker, noSuchEntity } from "../errors.ts";
import { pageOf } from "../pages.ts";
import type * as Shapes from "../shapes.gen.ts";
import { type Simulation, simulatorOf } from "./simulate-evaluation.ts";
import { remaining } from "./simulate-exclusions.ts";
import {
  actionsOf,
  boundaryOf,
  contextOf,
  inputPolicies,
  organizationLevelsOf,
  ownerOf,
  resourcePolicyOf,
  resourcesOf,
  type SimulatedPolicy,
  type SimulationInput,
} from "./simulate-input.ts";
import { rendererOf } from "./simulate-rendering.ts";
import { requireOwnEntity, requirePolicySource, type SimulatedCaller, simulatedCaller } from "./simulate-subject.ts";

const DOCS = "https://docs.aws.amazon.com/IAM/latest/APIReference";
const GAPS = ["ResourceHandlingOption is for EC2 and refused"];

export const simulateCustomPolicy = operation<Shapes.SimulateCustomPolicyRequest, Shapes.SimulatePolicyResponse>({
  name: "SimulateCustomPolicy",
  support: "partial",
  gaps: GAPS,
  source: `${DOCS}/API_SimulateCustomPolicy.html`,
  authorize: () => [{ action: "iam:SimulateCustomPolicy", resource: "*" }],
  errors: [invalidInput, invalidMarker],
  run(input, context) {
    return simulate(input, {
      caller: requireCaller(input, input.CallerArn, context),
      identity: inputPolicies("PolicyInputList", input.PolicyInputList),
      boundary: boundaryOf(input),
      organization: organizationLevelsOf(input.OrderedOrganizationPolicyInputList),
      ...simulatedRequest(input),
    });
  },
});

export const simulatePrincipalPolicy = operation<Shapes.SimulatePrincipalPolicyRequest, Shapes.SimulatePolicyResponse>({
  name: "SimulatePrincipalPolicy",
  support: "partial",
  gaps: GAPS,
  source: `${DOCS}/API_SimulatePrincipalPolicy.html`,
  authorize: (input, context) => [sourceAccess("SimulatePrincipalPolicy", input.PolicySourceArn, context)],
  errors: [invalidInput, invalidMarker, noSuchEntity],
  run(input, context) {
    const source = requirePolicySource(input.PolicySourceArn, context);
    const stays = remaining(input.PolicyExclusionList);
    const attached = source.boundary && stays(source.boundary) ? source.boundary : undefined;
    return simulate(input, {
      caller: requireCaller(input, input.CallerArn ?? source.entity.arn, context),
      identity: [...source.policies.filter(stays), ...inputPolicies("PolicyInputList", input.PolicyInputList)],
      // AWS: a boundary in the input takes the place of the entity's own.
      boundary: boundaryOf(input) ?? attached,
      organization: undefined,
      ...simulatedRequest(input),
    });
  },
});

export const getContextKeysForCustomPolicy = operation<
  Shapes.GetContextKeysForCustomPolicyRequest,
  Shapes.GetContextKeysForPolicyResponse
>({
  name: "GetContextKeysForCustomPolicy",
  support: "supported",
  source: `${DOCS}/API_GetContextKeysForCustomPolicy.html`,
  authorize: () => [{ action: "iam:GetContextKeysForCustomPolicy", resource: "*" }],
  errors: [invalidInput],
  run: (input) => ({ ContextKeyNames: contextKeysOf(inputPolicies("PolicyInputList", input.PolicyInputList)) }),
});

export const getContextKeysForPrincipalPolicy = operation<
  Shapes.GetContextKeysForPrincipalPolicyRequest,
  Shapes.GetContextKeysForPolicyResponse
>({
  name: "GetContextKeysForPrincipalPolicy",
  support: "supported",
  source: `${DOCS}/API_GetContextKeysForPrincipalPolicy.html`,
  authorize: (input, context) => [sourceAccess("GetContextKeysForPrincipalPolicy", input.PolicySourceArn, context)],
  errors: [invalidInput, noSuchEntity],
  run(input, context) {
    const { policies } = requirePolicySource(input.PolicySourceArn, context);
    const more = inputPolicies("PolicyInputList", input.PolicyInputList);
    return { ContextKeyNames: contextKeysOf([...policies, ...more]) };
  },
});

/** AWS: a denial prints the entity's ARN, not `role NAME` as other operations on entities do. */
function sourceAccess(action: string, arn: string, context: OperationContext): AuthorizationRequest {
  const { record } = findEntityByArn(context.store, requireOwnEntity(arn, context).arn) ?? {};
  return { action: `iam:${action}`, resource: record?.arn ?? arn, context: entityTagKeys(record?.tags) };
}

/** A resource's policy needs somebody for its Principal elements, and groups are no principals. */
function requireCaller(input: SimulationInput, arn: string | undefined, context: OperationContext): SimulatedCaller {
  const caller = simulatedCaller(arn, context);
  if (input.ResourcePolicy === undefined) return caller;
  if (!caller.entity)
    throw invalidInput("CallerArn is needed with ResourcePolicy, for the policy's Principal elements");
  // AWS: the text was seen, in 2025 for roles too; in 2026 roles were seen to be simulated.
  if (caller.entity.word === "group") {
    throw invalidInput("Invalid caller - Caller must be an IAM user in this context.");
  }
  return caller;
}

const simulatedRequest = (input: SimulationInput): Pick<Simulation, "resourcePolicy" | "context" | "owner"> => ({
  resourcePolicy: resourcePolicyOf(input),
  context: contextOf(input),
  owner: ownerOf(input),
});

/**
 * What one answer takes on, at most, so that its cost is bounded: calls, and statements over all calls. Of more the answer
 * holds fewer results than asked for (at least one), which AWS leaves to itself too.
 */
const MAX_CALLS = 20_000;
const MAX_STATEMENTS = 500_000;
/** Above this even one result would take too long. */
const MAX_STATEMENTS_OF_RESULT = 5_000_000;
const DEFAULT_MAX_ITEMS = 100;

function simulate(input: SimulationInput, simulation: Simulation): Shapes.SimulatePolicyResponse {
  const actions = actionsOf(input).map((action, index) => ({ action, index }));
  const named = resourcesOf(input);
  const resources = named ?? ["*"];
  const { identity, boundary, resourcePolicy, organization } = simulation;
  const policies = [...identity, ...(boundary ? [boundary] : []), ...(resourcePolicy ? [resourcePolicy] : [])];
  const statements = statementCount([...policies.map(({ document }) => document), ...(organization?.flat() ?? [])]);
  if (resources.length * statements > MAX_STATEMENTS_OF_RESULT) {
    throw invalidInput(`${resources.length} resources are too many for policies of ${statements} statements together`);
  }
  const calls = Math.min(MAX_CALLS, MAX_STATEMENTS / Math.max(1, statements));
  const fitting = Math.max(1, Math.floor(calls / resources.length));
  const page = pageOf(
    actions,
    { Marker: input.Marker, MaxItems: Math.min(input.MaxItems ?? DEFAULT_MAX_ITEMS, fitting) },
    ({ index }) => [index],
  );
  const given = new Set([simulation.context, simulation.caller.context].flatMap((keys) => Object.keys(keys).map(fold)));
  const missingKeys = contextKeysOf(policies).filter((key) => !given.has(fold(key)));
  const decide = simulatorOf(simulation);
  const render = rendererOf({ hasNamedResources: named !== undefined, missingKeys });
  const results = page.items.map(({ action }) =>
    render(
      action,
      resources.map((resource) => decide(action, resource)),
    ),
  );
  return { EvaluationResults: results, ...page.members };
}

const statementCount = (documents: readonly Readonly<Record<string, unknown>>[]): number =>
  documents.reduce((sum, { Statement: list }) => sum + (Array.isArray(list) ? list.length : 1), 0);

const fold = (key: string): string => key.toLowerCase();

/** AWS: every key that the documents read, also in statements about other actions. */
function contextKeysOf(policies: readonly SimulatedPolicy[]): string[] {
  const keys = new Map<string, string>();
  for (const { document } of policies) {
    for (const key of contextKeysUsed(document)) if (!keys.has(fold(key))) keys.set(fold(key), key);
  }
  return [...keys.values()].sort();
}
