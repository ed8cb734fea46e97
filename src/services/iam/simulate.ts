/**
 * The policy simulator: the same engine that decides real calls, asked about actions and resources that are only named.
 * Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html; shape of the results as
 * recorded on AWS in April 2025.
 */
import {
  contextKeysUsed,
  type Decision,
  evaluate,
  type NamedPolicy,
  principalContext,
  type RequestContext,
} from "../../authorize/index.ts";
import { parseArn } from "../../core/arn.ts";
import type { AssumedRolePrincipal, Principal, UserPrincipal } from "../../core/aws.ts";
import {
  defaultDocumentText,
  type EntityRecord,
  findManagedPolicy,
  parsedDocument,
  tagMap,
} from "../../identity/index.ts";
import { type OperationContext, operation } from "../service.ts";
import { requireValidDocument } from "./documents.ts";
import { entityAccess, findEntity, GROUP, ROLE, USER } from "./entities.ts";
import { invalidInput, invalidMarker, malformedPolicyDocument, noSuchEntity } from "./errors.ts";
import { pageOf } from "./paging.ts";
import type * as Shapes from "./shapes.gen.ts";
import { statementPositions } from "./statement-positions.ts";

const DOCS = "https://docs.aws.amazon.com/IAM/latest/APIReference";
const GAPS = [
  "EvalDecisionDetails is empty: per-type decisions across accounts are not reported",
  "ResourceHandlingOption is for EC2 and refused",
];

/** A policy that takes part, with the name the answer gives it. */
interface Source {
  readonly id: string;
  readonly text: string;
}

interface Simulation {
  readonly principal: Principal;
  readonly tags: Readonly<Record<string, string>>;
  readonly sources: readonly Source[];
  readonly boundary: Source | undefined;
}

type SimulationInput = Omit<Shapes.SimulateCustomPolicyRequest, "PolicyInputList">;

export const simulateCustomPolicy = operation<Shapes.SimulateCustomPolicyRequest, Shapes.SimulatePolicyResponse>({
  name: "SimulateCustomPolicy",
  support: "partial",
  gaps: GAPS,
  source: `${DOCS}/API_SimulateCustomPolicy.html`,
  authorize: () => [{ action: "iam:SimulateCustomPolicy", resource: "*" }],
  errors: [invalidInput, invalidMarker],
  run: (input, context) =>
    simulate(input, context, {
      principal: callerOf(input.CallerArn, context) ?? anonymousUser(context),
      tags: {},
      sources: inputSources(input.PolicyInputList),
      boundary: boundaryOfInput(input),
    }),
});

export const simulatePrincipalPolicy = operation<Shapes.SimulatePrincipalPolicyRequest, Shapes.SimulatePolicyResponse>({
  name: "SimulatePrincipalPolicy",
  support: "partial",
  gaps: GAPS,
  source: `${DOCS}/API_SimulatePrincipalPolicy.html`,
  authorize: (input, context) => principalAccess("SimulatePrincipalPolicy", input.PolicySourceArn, context),
  errors: [invalidInput, invalidMarker, noSuchEntity],
  run(input, context) {
    const subject = requireSubject(input.PolicySourceArn, context);
    const own = subject.record.boundaryArn;
    return simulate(input, context, {
      principal: callerOf(input.CallerArn, context) ?? subject.principal,
      tags: tagMap(subject.record.tags),
      sources: [...subject.sources, ...inputSources(input.PolicyInputList)],
      boundary: boundaryOfInput(input) ?? (own === undefined ? undefined : managedSource(own, context)),
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
  run: (input) => ({ ContextKeyNames: contextKeysOf(inputSources(input.PolicyInputList)) }),
});

export const getContextKeysForPrincipalPolicy = operation<
  Shapes.GetContextKeysForPrincipalPolicyRequest,
  Shapes.GetContextKeysForPolicyResponse
>({
  name: "GetContextKeysForPrincipalPolicy",
  support: "supported",
  source: `${DOCS}/API_GetContextKeysForPrincipalPolicy.html`,
  authorize: (input, context) => principalAccess("GetContextKeysForPrincipalPolicy", input.PolicySourceArn, context),
  errors: [invalidInput, noSuchEntity],
  run(input, context) {
    const { sources } = requireSubject(input.PolicySourceArn, context);
    return { ContextKeyNames: contextKeysOf([...sources, ...inputSources(input.PolicyInputList)]) };
  },
});

function simulate(
  input: SimulationInput,
  context: OperationContext,
  simulation: Simulation,
): Shapes.SimulatePolicyResponse {
  if (input.ResourceHandlingOption !== undefined) throw invalidInput("ResourceHandlingOption is not offered");
  const wildcard = input.ActionNames.find((name) => !/^[A-Za-z0-9-]+:[A-Za-z0-9]+$/.test(name));
  if (wildcard !== undefined) throw invalidInput(`Invalid Action Name: ${wildcard}`);
  const resources = input.ResourceArns ?? ["*"];
  const pairs = input.ActionNames.flatMap((action) => resources.map((resource) => ({ action, resource })));
  const page = pageOf(pairs, input, ({ action, resource }) => `${action} ${resource}`);
  const judge = judgeOf(input, context, simulation);
  return { EvaluationResults: page.items.map(judge), ...page.members };
}

/** Decides one action on one resource and renders the answer. */
function judgeOf(input: SimulationInput, context: OperationContext, simulation: Simulation) {
  const { principal } = simulation;
  if (input.ResourcePolicy !== undefined && input.CallerArn === undefined) {
    throw invalidInput("CallerArn is required when ResourcePolicy is given");
  }
  const resourcePolicy =
    input.ResourcePolicy === undefined
      ? undefined
      : { id: "ResourcePolicy", text: requireDocument(input.ResourcePolicy, "resource") };
  const owner = parseArn(input.ResourceOwner ?? "")?.accountId ?? principal.accountId;
  const requestContext = contextOf(input.ContextEntries ?? []);
  const globalContext = {
    "aws:RequestedRegion": context.scope.region,
    ...principalContext(principal, simulation.tags),
  };
  // invariant: policies are named by their position, because ids of sources may repeat.
  const sources = [...simulation.sources, ...(simulation.boundary ? [simulation.boundary] : [])];
  const named = sources.map((source, i): NamedPolicy => ({ name: String(i), document: parsedDocument(source.text) }));
  const identity = named.slice(0, simulation.sources.length);
  const boundary = simulation.boundary && (named.at(-1) as NamedPolicy);
  const all = resourcePolicy ? [...sources, resourcePolicy] : sources;
  const supplied = new Set([...Object.keys(requestContext), ...Object.keys(globalContext)].map(fold));
  const missing = contextKeysOf(all).filter((key) => !supplied.has(fold(key)));

  return ({ action, resource }: { action: string; resource: string }): Shapes.EvaluationResult => {
    const decision = evaluate({
      principal,
      policies: { identity, ...(boundary && { boundary }) },
      context: globalContext,
      request: {
        action,
        resource,
        context: requestContext,
        resourceAccountId: owner,
        ...(resourcePolicy && {
          resourcePolicy: {
            name: String(sources.length),
            document: parsedDocument(resourcePolicy.text),
            accountId: owner,
            mandatory: false,
          },
        }),
      },
    });
    const common = {
      MatchedStatements: matchedStatements(decision, all),
      MissingContextValues: missing,
      ...(boundary && {
        PermissionsBoundaryDecisionDetail: { AllowedByPermissionsBoundary: decision.policyType !== "boundary" },
      }),
    };
    const result = { EvalActionName: action, EvalResourceName: resource, EvalDecision: decision.effect, ...common };
    // AWS: per-resource results only when resources were named.
    if (input.ResourceArns === undefined) return result;
    return {
      ...result,
      EvalDecisionDetails: {},
      ResourceSpecificResults: [
        { EvalResourceName: resource, EvalResourceDecision: decision.effect, EvalDecisionDetails: {}, ...common },
      ],
    };
  };
}

/** The statements that decided: on an explicit deny the denying ones only, on an implicit deny none. */
function matchedStatements(decision: Decision, sources: readonly Source[]): Shapes.Statement[] {
  if (decision.effect === "implicitDeny") return [];
  const effect = decision.effect === "allowed" ? "Allow" : "Deny";
  return decision
    .explain()
    .filter((trace) => trace.matched && trace.effect === effect && trace.policyType !== "boundary")
    .map((trace) => {
      const source = sources[Number(trace.policyName)] as Source;
      const position = statementPositions(source.text)[trace.index];
      return {
        SourcePolicyId: source.id,
        // AWS: the recorded value is in none of the enumerations of the model.
        SourcePolicyType: "IAM Policy" as never,
        StartPosition: position?.start,
        EndPosition: position?.end,
      };
    });
}

/** `stringList` and the other list types make multi-valued keys. */
const contextOf = (entries: readonly Shapes.ContextEntry[]): RequestContext =>
  Object.fromEntries(
    entries.map((entry) => {
      const values = entry.ContextKeyValues ?? [];
      return [entry.ContextKeyName ?? "", entry.ContextKeyType?.endsWith("List") ? values : (values[0] ?? [])];
    }),
  );

const fold = (key: string): string => key.toLowerCase();

const contextKeysOf = (sources: readonly Source[]): string[] =>
  [...new Set(sources.flatMap((source) => contextKeysUsed(parsedDocument(source.text))))].sort();

const inputSources = (texts: readonly string[] = []): Source[] =>
  texts.map((text, i) => ({ id: `PolicyInputList.${i + 1}`, text: requireDocument(text, "identity") }));

function boundaryOfInput(input: SimulationInput): Source | undefined {
  const [text] = input.PermissionsBoundaryPolicyInputList ?? [];
  if (text === undefined) return undefined;
  return { id: "PermissionsBoundaryPolicyInputList.1", text: requireDocument(text, "identity") };
}

/** The text of a valid document. AWS: the simulator says InvalidInput where other operations say MalformedPolicyDocument. */
function requireDocument(text: string, kind: "identity" | "resource"): string {
  try {
    requireValidDocument(text, kind);
    return text;
  } catch (error) {
    if (error instanceof Error && (error as { code?: unknown }).code === malformedPolicyDocument.definition.code) {
      throw invalidInput(error.message);
    }
    throw error;
  }
}

interface Subject {
  readonly record: EntityRecord;
  readonly principal: Principal;
  readonly sources: readonly Source[];
}

/** The user, group or role of a PolicySourceArn with its policies. */
function requireSubject(arn: string, context: OperationContext): Subject {
  const { word, name } = entityInArn(arn);
  const kind = word === "role" ? ROLE : word === "group" ? GROUP : USER;
  const record = findEntity<EntityRecord>(kind as never, name, context) as EntityRecord | undefined;
  if (!record) throw noSuchEntity(word, name);
  const groups = word === "user" ? (findEntity(USER, name, context)?.groupNames ?? []) : [];
  const ofGroups = groups.map((group) => findEntity(GROUP, group, context)).filter((group) => group !== undefined);
  return {
    record,
    principal: word === "role" ? sessionOf(record, context) : userOf(record, context),
    sources: [record, ...ofGroups].flatMap((entity) => sourcesOf(entity, context)),
  };
}

function sourcesOf(entity: EntityRecord, context: OperationContext): Source[] {
  const managed = entity.attachedPolicyArns.map((arn) => managedSource(arn, context));
  const inline = Object.entries(entity.inlinePolicies).map(([id, text]) => ({ id, text }));
  return [...managed, ...inline];
}

function managedSource(arn: string, { store }: OperationContext): Source {
  const policy = findManagedPolicy(store, arn);
  return { id: policy?.name ?? arn, text: policy ? defaultDocumentText(policy) : "{}" };
}

function callerOf(arn: string | undefined, context: OperationContext): Principal | undefined {
  if (arn === undefined) return undefined;
  const { word, name } = entityInArn(arn);
  const accountId = parseArn(arn)?.accountId ?? context.scope.accountId;
  const record = { name, arn, id: findEntity(word === "role" ? (ROLE as never) : USER, name, context)?.id ?? name };
  const scope = { ...context.scope, accountId };
  return word === "role" ? sessionOf(record, { scope, clock: context.clock }) : userOf(record, { scope });
}

function entityInArn(arn: string): { readonly word: "user" | "role" | "group"; readonly name: string } {
  const match = /^(user|role|group)\/(?:.*\/)?([^/]+)$/.exec(parseArn(arn)?.resource ?? "");
  if (!match || parseArn(arn)?.service !== "iam") throw invalidInput(`Invalid Entity Arn: ${arn}`);
  return { word: match[1] as "user" | "role" | "group", name: match[2] as string };
}

const principalAccess = (action: string, arn: string, context: OperationContext) => {
  const { word, name } = entityInArn(arn);
  return [entityAccess((word === "role" ? ROLE : word === "group" ? GROUP : USER) as never, action, name, context)];
};

type Named = Pick<EntityRecord, "name" | "arn" | "id">;

const userOf = (record: Named, { scope }: Pick<OperationContext, "scope">): UserPrincipal => ({
  type: "User",
  arn: record.arn,
  accountId: scope.accountId,
  userId: record.id,
  userName: record.name,
});

const anonymousUser = ({ scope }: OperationContext): UserPrincipal =>
  userOf(
    { name: "simulation", id: "simulation", arn: `arn:${scope.partition}:iam::${scope.accountId}:user/simulation` },
    { scope },
  );

const sessionOf = (
  record: Named,
  { scope, clock }: Pick<OperationContext, "scope" | "clock">,
): AssumedRolePrincipal => ({
  type: "AssumedRole",
  arn: `arn:${scope.partition}:sts::${scope.accountId}:assumed-role/${record.name}/simulation`,
  accountId: scope.accountId,
  userId: `${record.id}:simulation`,
  roleArn: record.arn,
  roleName: record.name,
  sessionName: "simulation",
  sessionPolicies: [],
  sessionTags: {},
  tokenIssuedAtMs: clock.nowMs(),
});
