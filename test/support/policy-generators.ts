/**
 * Random requests with all that takes part in a decision, made of few parts so that they often meet: actions, resources,
 * conditions, variables, principals, every type of policy, both versions.
 */
import fc from "fast-check";
import type { EvaluationInput, NamedPolicy, RequestContext } from "../../src/authorize/index.ts";
import type { Principal } from "../../src/core/aws.ts";
import { principals } from "./decision-tables.ts";

export interface Statement {
  readonly Effect: "Allow" | "Deny";
  readonly Action?: readonly string[];
  readonly NotAction?: readonly string[];
  readonly Resource?: readonly string[];
  readonly NotResource?: readonly string[];
  readonly Principal?: unknown;
  readonly NotPrincipal?: unknown;
  readonly Condition?: Conditions;
}

type Conditions = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

const ACCOUNT = "111122223333";
const OTHER = "444455556666";
export const ACTIONS = ["ssm:GetParameter", "ssm:GetParameters", "ssm:PutParameter", "kms:Decrypt"] as const;
const NAMES = ["a", "a/b", "ann", "b:c"] as const;
export const arnOf = (name: string, account = ACCOUNT, region = "us-east-1"): string =>
  `arn:aws:ssm:${region}:${account}:parameter/${name}`;

export const action = fc.constantFrom(...ACTIONS);
const actionPattern = fc.constantFrom(
  ...ACTIONS,
  "*",
  "ssm:*",
  "ssm:Get*",
  "ssm:GetParameter?",
  "SSM:getparameter",
  "kms:D*",
);
const resourcePattern = fc.constantFrom(
  ...NAMES.map((name) => arnOf(name)),
  ...["a*", "*", "?", "*b", "${aws:username}", "${aws:nobody, 'a'}", "${aws:nobody}", "${*}"].map((name) =>
    arnOf(name),
  ),
  ...["*", arnOf("*", OTHER), arnOf("a", "*"), arnOf("*", "*", "*"), "arn:aws:ssm:*:parameter/a"],
);

const several = <T>(one: fc.Arbitrary<T>, maxLength = 3) => fc.array(one, { minLength: 1, maxLength });

/** Keys whose values are single, and `aws:TagKeys`, which is a set. */
const VALUES = {
  "aws:username": ["ann", "bob", "a*"],
  "aws:PrincipalTag/team": ["red", "blue", "*", ""],
  "aws:SourceIp": ["10.0.0.1", "10.1.0.0/16", "::1"],
  "aws:EpochTime": ["1577836800", "2020", "5"],
  "aws:SourceArn": [arnOf("a"), arnOf("*"), "*"],
  "aws:SecureTransport": ["true", "false"],
} as const;
export type Key = keyof typeof VALUES;
export const key = fc.constantFrom(...(Object.keys(VALUES) as Key[]));
export const valueFor = (name: Key): fc.Arbitrary<string> =>
  fc.constantFrom<string>(...VALUES[name], "${aws:username}");

/** Every operator that has a negated form, and that form. */
export const NEGATED = {
  StringEquals: "StringNotEquals",
  StringEqualsIgnoreCase: "StringNotEqualsIgnoreCase",
  StringLike: "StringNotLike",
  NumericEquals: "NumericNotEquals",
  DateEquals: "DateNotEquals",
  IpAddress: "NotIpAddress",
  ArnEquals: "ArnNotEquals",
  ArnLike: "ArnNotLike",
} as const;
export const OPERATORS = [
  ...Object.entries(NEGATED).flat(),
  ...["Bool", "BinaryEquals", "NumericLessThan", "NumericGreaterThanEquals", "DateLessThanEquals", "DateGreaterThan"],
];

const conditionEntry = key.chain((name) =>
  fc.record({
    operator: fc.oneof(
      fc
        .tuple(
          fc.constantFrom("", "ForAllValues:", "ForAnyValue:"),
          fc.constantFrom(...OPERATORS),
          fc.constantFrom("", "IfExists"),
        )
        .map((parts) => parts.join("")),
      fc.constantFrom("StringEquals", "StringNotLike", "Bool"),
    ),
    key: fc.constantFrom(name, name.toUpperCase(), "aws:TagKeys"),
    values: several(valueFor(name)),
  }),
);

const condition: fc.Arbitrary<Conditions | undefined> = fc.option(
  fc
    .array(conditionEntry, { maxLength: 2 })
    .map((entries) =>
      Object.fromEntries(entries.map(({ operator, key: name, values }) => [operator, { [name]: values }])),
    ),
  { nil: undefined, freq: 2 },
);

const effect = fc.constantFrom("Allow" as const, "Allow" as const, "Deny" as const);

const FULL: Statement = { Effect: "Allow", Action: ["*"], Resource: ["*"] };

/** A statement of an identity policy, boundary, session policy or service control policy. */
export const statement: fc.Arbitrary<Statement> = fc
  .record({
    Effect: effect,
    actions: several(actionPattern),
    resources: several(resourcePattern),
    isNotAction: fc.nat(5),
    isNotResource: fc.nat(5),
    condition,
  })
  .map(({ Effect, actions, resources, isNotAction, isNotResource, condition: Condition }) => ({
    Effect,
    ...(isNotAction === 0 ? { NotAction: actions } : { Action: actions }),
    ...(isNotResource === 0 ? { NotResource: resources } : { Resource: resources }),
    ...(Condition && { Condition }),
  }));

const { role, user, service, federated } = principals;
const principal: fc.Arbitrary<Principal> = fc.constantFrom(
  ...[role, role, role, user, user, user, federated, federated],
  ...[service, principals.root, principals.federatedByRoot],
);
const IDS = Object.values(principals).flatMap((one) => [one.arn, ...("roleArn" in one ? [one.roleArn] : [])]);
const principalElement = fc.oneof(
  fc.constant("*"),
  several(fc.constantFrom(...IDS, ACCOUNT, `arn:aws:iam::${OTHER}:root`, "*")).map((AWS) => ({ AWS })),
  fc.constant({ Service: "codebuild.amazonaws.com" }),
);

/** A statement of a resource's policy; often about everything. */
export const resourceStatement: fc.Arbitrary<Statement> = fc
  .tuple(fc.oneof(fc.constant(FULL), statement, statement), principalElement, fc.nat(6))
  .map(([one, element, kind]) => ({ ...one, ...(kind === 0 ? { NotPrincipal: element } : { Principal: element }) }));

export const documentOf = (Statement: readonly Statement[], Version = "2012-10-17") => ({ Version, Statement });

const policyOf = (one: fc.Arbitrary<Statement>): fc.Arbitrary<NamedPolicy> =>
  fc
    .tuple(fc.array(one, { maxLength: 3 }), fc.constantFrom("2012-10-17", "2012-10-17", "2008-10-17"))
    .map(([statements, version]) => ({ name: "p", document: documentOf(statements, version) }));
export const policy = policyOf(statement);

export const context: fc.Arbitrary<RequestContext> = fc
  .record(
    {
      ...Object.fromEntries(Object.entries(VALUES).map(([name, values]) => [name, fc.constantFrom(...values)])),
      "aws:TagKeys": fc.array(fc.constantFrom("red", "blue", "ann", "10.0.0.1"), { maxLength: 2 }),
    },
    { requiredKeys: [] },
  )
  .map((keys) => keys as RequestContext);

export const fullAccess: NamedPolicy = { name: "full access", document: documentOf([FULL]) };
/** Often allows everything, so that the other types of policy get to speak. */
const limit = fc.oneof(fc.constant(fullAccess), fc.constant(fullAccess), policy);
/** Given every other time, or twice out of three. */
const HALF = { nil: undefined, freq: 2 } as const;
const OFTEN = { nil: undefined, freq: 3 } as const;

/** Everything that `evaluate` is asked. */
export const input: fc.Arbitrary<EvaluationInput> = fc
  .record({
    principal,
    context,
    action,
    name: fc.constantFrom(...NAMES),
    account: fc.constantFrom(ACCOUNT, ACCOUNT, OTHER),
    isWholeService: fc.nat(7).map((n) => n === 0),
    identity: fc.array(limit, { maxLength: 2 }),
    boundary: fc.option(limit, HALF),
    session: fc.option(fc.array(limit, { maxLength: 2 }), HALF),
    organization: fc.option(fc.array(fc.array(limit, { minLength: 1, maxLength: 2 }), { maxLength: 2 }), HALF),
    resourcePolicy: fc.option(fc.tuple(policyOf(resourceStatement), fc.boolean()), OFTEN),
  })
  .map((it) => ({
    principal: it.principal,
    context: it.context,
    policies: {
      identity: it.identity,
      ...(it.boundary && { boundary: it.boundary }),
      ...(it.session && { session: it.session }),
      ...(it.organization && { organization: it.organization }),
    },
    request: {
      action: it.action,
      resource: it.isWholeService ? "*" : arnOf(it.name, it.account),
      ...(it.resourcePolicy && {
        resourcePolicy: { ...it.resourcePolicy[0], accountId: it.account, mandatory: it.resourcePolicy[1] },
      }),
    },
  }));

/** The same input with every policy's statements changed; `change` gets the place of each policy. */
export function mapStatements(
  { policies, request, ...rest }: EvaluationInput,
  change: (statements: readonly Statement[]) => readonly Statement[],
): EvaluationInput {
  const changed = <P extends { readonly document: Readonly<Record<string, unknown>> }>(one: P): P => {
    const { document } = one;
    return { ...one, document: { ...document, Statement: change(document["Statement"] as readonly Statement[]) } };
  };
  return {
    ...rest,
    policies: {
      identity: policies.identity.map(changed),
      ...(policies.boundary && { boundary: changed(policies.boundary) }),
      ...(policies.session && { session: policies.session.map(changed) }),
      ...(policies.organization && { organization: policies.organization.map((level) => level.map(changed)) }),
    },
    request: { ...request, ...(request.resourcePolicy && { resourcePolicy: changed(request.resourcePolicy) }) },
  };
}
