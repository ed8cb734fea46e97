/**
 * The simulator and the enforcement always agree: random policies are put on a real user (in a group) and a real role, with
 * and without a boundary; then what SimulatePrincipalPolicy says of an action on a resource is what the real call comes to.
 * The simulator is given the condition keys that a real request has.
 */
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { AwsCaller } from "../src/core/aws.ts";
import { TestClock } from "../src/core/clock.ts";
import { AwsError } from "../src/core/errors.ts";
import { systemIds } from "../src/core/ids.ts";
import { createIdentity } from "../src/identity/index.ts";
import { createDispatcher } from "../src/services/dispatcher.ts";
import { iam } from "../src/services/iam/index.ts";
import { kms } from "../src/services/kms/index.ts";
import { secretsmanager } from "../src/services/secretsmanager/index.ts";
import { ssm } from "../src/services/ssm/index.ts";
import { sts } from "../src/services/sts/index.ts";
import { openStore } from "../src/store/index.ts";
import { type Answer, accountId, scope } from "./support/identity-fixture.ts";
import { documentText, trusting } from "./support/policy-documents.ts";

const arnOf = (resource: string) => `arn:aws:iam::${accountId}:${resource}`;
const parameter = (name: string) => `arn:aws:ssm:us-east-1:${accountId}:parameter/${name}`;

interface Call {
  readonly action: string;
  readonly resource: string;
  readonly operation: readonly ["ssm" | "secretsmanager" | "kms" | "iam" | "sts", string, object];
  /** Condition keys of this resource. */
  readonly tags?: Readonly<Record<string, string>>;
  readonly resourcePolicy?: string;
}

let root: AwsCaller;
let callers: readonly { readonly arn: string; readonly caller: AwsCaller }[];
let calls: readonly Call[];
let boundaries = 0;
let close: () => Promise<void>;

beforeAll(async () => {
  const clock = new TestClock();
  const store = await openStore({ ids: systemIds });
  const rootKey = { accessKeyId: "test", secretAccessKey: "test" };
  const identity = createIdentity({ store, clock, ids: systemIds, scope, rootKey });
  const services = [iam, sts, ssm, secretsmanager, kms];
  const dispatcher = createDispatcher({ services, identity, store, clock, ids: systemIds });
  const as = (accessKeyId: string): AwsCaller => {
    const key = identity.findAccessKey(accessKeyId);
    if (!key) throw new Error(`no access key ${accessKeyId}`);
    return dispatcher.callerFor(key.principal, scope);
  };
  close = async () => {
    await dispatcher.flush();
    await store.close();
  };
  root = as("test");
  const rootCall = (service: "iam" | "sts" | "ssm" | "kms" | "secretsmanager", operation: string, input: object) =>
    root.call<Answer>(service, operation, input);

  const Tags = [{ Key: "team", Value: "red" }];
  await rootCall("iam", "CreateRole", {
    RoleName: "R",
    Tags,
    AssumeRolePolicyDocument: trusting({ AWS: arnOf("root") }),
  });
  await rootCall("iam", "CreateGroup", { GroupName: "G" });
  await rootCall("iam", "CreateUser", { UserName: "ada", Path: "/people/", Tags });
  await rootCall("iam", "AddUserToGroup", { GroupName: "G", UserName: "ada" });
  const { AccessKey } = await rootCall("iam", "CreateAccessKey", { UserName: "ada" });
  // Root cannot assume roles; a user that may do nothing else can.
  await rootCall("iam", "CreateUser", { UserName: "opener" });
  const opener = await rootCall("iam", "CreateAccessKey", { UserName: "opener" });
  const PolicyDocument = documentText({ Effect: "Allow", Action: "sts:AssumeRole", Resource: "*" });
  await rootCall("iam", "PutUserPolicy", { UserName: "opener", PolicyName: "assume", PolicyDocument });
  const session = { RoleArn: arnOf("role/R"), RoleSessionName: "session" };
  const { Credentials } = await as(opener["AccessKey"].AccessKeyId).call<Answer>("sts", "AssumeRole", session);
  callers = [
    { arn: arnOf("user/people/ada"), caller: as(AccessKey.AccessKeyId) },
    { arn: arnOf("role/R"), caller: as(Credentials.AccessKeyId) },
  ];

  for (const [Name, tags] of [
    ["red/a", Tags],
    ["ada", undefined],
  ] as const) {
    await rootCall("ssm", "PutParameter", {
      Name: Name.includes("/") ? `/${Name}` : Name,
      Value: "v",
      Type: "String",
      Tags: tags,
    });
  }
  const secret = await rootCall("secretsmanager", "CreateSecret", {
    Name: "red",
    SecretString: "s",
    ClientRequestToken: systemIds.uuid(),
    Tags,
  });
  const { KeyMetadata } = await rootCall("kms", "CreateKey", {
    Tags: Tags.map(({ Key, Value }) => ({ TagKey: Key, TagValue: Value })),
  });
  const { Policy } = await rootCall("kms", "GetKeyPolicy", { KeyId: KeyMetadata.KeyId, PolicyName: "default" });
  const red = { "aws:ResourceTag/team": "red" };
  calls = [
    {
      action: "ssm:GetParameter",
      resource: parameter("red/a"),
      operation: ["ssm", "GetParameter", { Name: "/red/a" }],
      tags: red,
    },
    { action: "ssm:GetParameter", resource: parameter("ada"), operation: ["ssm", "GetParameter", { Name: "ada" }] },
    { action: "ssm:GetParameter", resource: parameter("none"), operation: ["ssm", "GetParameter", { Name: "none" }] },
    {
      action: "ssm:DeleteParameter",
      resource: parameter("none"),
      operation: ["ssm", "DeleteParameter", { Name: "none" }],
    },
    {
      // Not GetSecretValue: it asks KMS for the key too, which is a second action on a second resource.
      action: "secretsmanager:ListSecretVersionIds",
      resource: secret["ARN"],
      operation: ["secretsmanager", "ListSecretVersionIds", { SecretId: "red" }],
      tags: red,
    },
    {
      action: "secretsmanager:DescribeSecret",
      resource: secret["ARN"],
      operation: ["secretsmanager", "DescribeSecret", { SecretId: "red" }],
      tags: red,
    },
    {
      action: "kms:DescribeKey",
      resource: KeyMetadata.Arn,
      operation: ["kms", "DescribeKey", { KeyId: KeyMetadata.KeyId }],
      tags: red,
      resourcePolicy: Policy,
    },
    { action: "kms:ListKeys", resource: "*", operation: ["kms", "ListKeys", {}] },
    { action: "iam:GetRole", resource: arnOf("role/R"), operation: ["iam", "GetRole", { RoleName: "R" }], tags: red },
    { action: "iam:GetGroup", resource: arnOf("group/G"), operation: ["iam", "GetGroup", { GroupName: "G" }] },
    { action: "sts:GetCallerIdentity", resource: "*", operation: ["sts", "GetCallerIdentity", {}] },
  ];
});
afterAll(() => close());

const actions = fc.constantFrom(
  ...["*", "ssm:*", "ssm:GetParameter", "SSM:get*", "secretsmanager:*", "secretsmanager:Describe?ecret"],
  ...["kms:*", "kms:ListKeys", "iam:Get*", "sts:*", "ssm:Delete*"],
);
const resources = fc.constantFrom(
  ...["*", parameter("red/*"), parameter("${aws:PrincipalTag/team}/?"), parameter("${aws:username}"), parameter("*")],
  ...[
    "arn:aws:secretsmanager:*:*:secret:red-??????",
    `arn:aws:kms:us-east-1:${accountId}:key/*`,
    arnOf("*"),
    arnOf("role/R"),
  ],
);
const conditions = fc.constantFrom<(object | undefined)[]>(
  ...Array.from({ length: 6 }, () => undefined),
  { StringEquals: { "aws:RequestedRegion": "us-east-1" } },
  { StringNotEquals: { "aws:RequestedRegion": ["eu-west-1", "us-east-1"] } },
  { StringEquals: { "aws:PrincipalTag/team": "red" } },
  { StringEquals: { "aws:ResourceTag/team": "${aws:PrincipalTag/team}" } },
  { StringNotEqualsIfExists: { "aws:ResourceTag/team": "red" } },
  { Null: { "aws:username": "true" } },
  { ArnLike: { "aws:PrincipalArn": arnOf("user/*/ada") } },
  { StringEquals: { "aws:PrincipalType": "AssumedRole", "aws:PrincipalAccount": accountId } },
  { Bool: { "aws:ViaAWSService": "false" }, DateGreaterThan: { "aws:CurrentTime": "2020-01-01T00:00:00Z" } },
  { "ForAllValues:StringLike": { "aws:TagKeys": "x*" } },
);
const statement = fc
  .record({
    Effect: fc.constantFrom("Allow", "Allow", "Allow", "Deny"),
    action: fc.array(actions, { minLength: 1, maxLength: 2 }),
    resource: fc.array(resources, { minLength: 1, maxLength: 2 }),
    isNotAction: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
    isNotResource: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
    condition: conditions,
  })
  .map(({ Effect, action, resource, isNotAction, isNotResource, condition }) => ({
    Effect,
    [isNotAction ? "NotAction" : "Action"]: action,
    [isNotResource ? "NotResource" : "Resource"]: resource,
    ...(condition && { Condition: condition }),
  }));
const document = fc.array(statement, { minLength: 1, maxLength: 3 }).map((list) => documentText(...list));
const setting = fc.record({
  own: document,
  ofGroup: document,
  boundary: fc.option(document, { nil: undefined, freq: 1 }),
  isRole: fc.boolean(),
});

/** Puts the policies in place, those of the last run away. */
async function arrange({ own, ofGroup, boundary }: { own: string; ofGroup: string; boundary: string | undefined }) {
  const put = (operation: string, input: object) => root.call<Answer>("iam", operation, input);
  for (const [kind, name] of [
    ["User", "ada"],
    ["Role", "R"],
  ] as const) {
    await put(`Put${kind}Policy`, { [`${kind}Name`]: name, PolicyName: "own", PolicyDocument: own });
  }
  await put("PutGroupPolicy", { GroupName: "G", PolicyName: "ours", PolicyDocument: ofGroup });
  const named = [
    ["User", { UserName: "ada" }],
    ["Role", { RoleName: "R" }],
  ] as const;
  if (boundary === undefined) {
    if (boundaries > 0)
      for (const [kind, name] of named) await put(`Delete${kind}PermissionsBoundary`, name).catch(() => {});
    return;
  }
  boundaries++;
  const PolicyName = `boundary${boundaries}`;
  const { Policy } = await put("CreatePolicy", { PolicyName, PolicyDocument: boundary });
  for (const [kind, name] of named) {
    await put(`Put${kind}PermissionsBoundary`, { ...name, PermissionsBoundary: Policy.Arn });
  }
}

const entry = (ContextKeyName: string, value: string) => ({
  ContextKeyName,
  ContextKeyValues: [value],
  ContextKeyType: "string",
});
const REQUEST_KEYS = [
  entry("aws:RequestedRegion", "us-east-1"),
  entry("aws:ViaAWSService", "false"),
  entry("aws:CurrentTime", "2026-01-01T00:00:00Z"),
];

async function simulated(
  PolicySourceArn: string,
  { action, resource, tags = {}, resourcePolicy }: Call,
): Promise<string> {
  const { EvaluationResults } = await root.call<Answer>("iam", "SimulatePrincipalPolicy", {
    PolicySourceArn,
    ActionNames: [action],
    ResourceArns: [resource],
    ContextEntries: [...REQUEST_KEYS, ...Object.entries(tags).map(([key, value]) => entry(key, value))],
    ...(resourcePolicy && { ResourcePolicy: resourcePolicy }),
  });
  const [result] = EvaluationResults;
  expect(result.ResourceSpecificResults[0].EvalResourceDecision).toBe(result.EvalDecision);
  return result.EvalDecision;
}

async function enforced(caller: AwsCaller, { operation: [service, name, input] }: Call): Promise<string> {
  try {
    await caller.call(service, name, input);
    return "allowed";
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    if (!error.code.startsWith("AccessDenied")) return "allowed";
    return error.message.includes("explicit deny") ? "explicitDeny" : "implicitDeny";
  }
}

it("whatever the policies", async () => {
  const seen = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(setting, async ({ isRole, ...policies }) => {
      await arrange(policies);
      const { arn, caller } = callers[isRole ? 1 : 0] as (typeof callers)[number];
      for (const call of calls) {
        const decision = await enforced(caller, call);
        expect([call.action, call.resource, await simulated(arn, call)]).toEqual([
          call.action,
          call.resource,
          decision,
        ]);
        seen.set(decision, (seen.get(decision) ?? 0) + 1);
      }
    }),
    { numRuns: 150 },
  );
  // The policies are such that every decision comes up often.
  for (const decision of ["allowed", "implicitDeny", "explicitDeny"]) expect(seen.get(decision)).toBeGreaterThan(50);
});
