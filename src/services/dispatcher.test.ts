import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AuthorizationRequest, RequestContext } from "../authorize/decision.ts";
import type { AssumedRolePrincipal, PolicyDocument, RootPrincipal } from "../core/aws.ts";
import { TestClock } from "../core/clock.ts";
import { TestIds } from "../core/ids.ts";
import { openStore, type Store } from "../store/index.ts";
import { createDispatcher, createRequestLog, type Dispatcher } from "./index.ts";
import { operation, type ServiceDefinition } from "./service.ts";

const SCOPE = { partition: "aws", region: "eu-west-1", accountId: "111122223333" };
const ROOT: RootPrincipal = {
  type: "Root",
  arn: "arn:aws:iam::111122223333:root",
  accountId: SCOPE.accountId,
  userId: SCOPE.accountId,
};
const SESSION: AssumedRolePrincipal = {
  type: "AssumedRole",
  arn: "arn:aws:sts::111122223333:assumed-role/Builder/build-1",
  accountId: SCOPE.accountId,
  userId: "AROA:build-1",
  roleArn: "arn:aws:iam::111122223333:role/path/Builder",
  roleName: "Builder",
  sessionName: "build-1",
  sessionPolicies: [],
  sessionTags: {},
  tokenIssuedAtMs: 0,
};

let store: Store;
let clock: TestClock;
let dispatcher: Dispatcher;
let policy: PolicyDocument;

const listAliases = operation<object, object>({
  name: "ListAliases",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_ListAliases.html",
  authorize: (): AuthorizationRequest[] => [{ action: "kms:ListAliases", resource: "*" }],
  errors: [],
  run: () => ({ Aliases: [] }),
});
const getParameter = operation<{ Name: string }, object>({
  name: "GetParameter",
  support: "supported",
  source: "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html",
  authorize: () => [],
  errors: [],
  run: ({ Name }, { aws }) => {
    if (Name === "bug") throw new TypeError("a bug");
    return aws.call("kms", "ListAliases", {});
  },
});
const SERVICES: ServiceDefinition[] = [
  { name: "ssm", title: "Parameter Store", protocol: "awsJson1_1", operations: async () => [getParameter] },
  { name: "kms", title: "Keys", protocol: "awsJson1_1", operations: async () => [listAliases] },
];

beforeEach(async () => {
  store = await openStore({ ids: new TestIds() });
  clock = new TestClock();
  policy = {};
  const identity = { policiesOf: () => ({ identity: [{ name: "p", document: policy }] }), tagsOf: () => ({}) };
  dispatcher = createDispatcher({ services: SERVICES, identity, store, clock, ids: new TestIds() });
});

afterEach(() => store.close());

const asSession = (operationName = "ListAliases", service: "kms" | "ssm" = "kms", input: object = {}) =>
  dispatcher.callerFor(SESSION, SCOPE).call(service, operationName, input);

const allowIf = (Condition: object): void => {
  policy = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "kms:*", Resource: "*", Condition }] };
};

describe("condition keys", () => {
  it.each<[string, RequestContext]>([
    ["aws:PrincipalArn", { "aws:PrincipalArn": "arn:aws:iam::111122223333:role/path/Builder" }],
    ["the time", { "aws:CurrentTime": "2026-01-02T03:04:05Z" }],
    ["the region", { "aws:RequestedRegion": "eu-west-1" }],
    ["no service between", { "aws:ViaAWSService": "false" }],
    ["the account of the resource", { "aws:ResourceAccount": "111122223333" }],
  ])("carry %s", async (_what, keys) => {
    allowIf({ StringEquals: keys });
    await expect(asSession()).resolves.toEqual({ Aliases: [] });
  });

  it("name the service that calls on behalf of the principal", async () => {
    const via = { "kms:ViaService": "ssm.eu-west-1.amazonaws.com", "aws:CalledViaLast": "ssm.amazonaws.com" };
    allowIf({ StringEquals: via, Bool: { "aws:ViaAWSService": "true" } });
    await expect(asSession("GetParameter", "ssm", { Name: "a" })).resolves.toEqual({ Aliases: [] });
    await expect(asSession()).rejects.toMatchObject({ code: "AccessDeniedException" });
  });
});

describe("what is refused", () => {
  it("denies in AWS's words, with the request id, and keeps the decision", async () => {
    const error = await asSession().catch((e) => e);
    expect(error).toMatchObject({
      code: "AccessDeniedException",
      status: 400,
      messageMember: "Message",
      message:
        "User: arn:aws:sts::111122223333:assumed-role/Builder/build-1 is not authorized to perform: kms:ListAliases on resource: * because no identity-based policy allows the kms:ListAliases action",
    });
    // Another process reads the same store.
    const elsewhere = createRequestLog({ store, clock });
    expect(elsewhere.find({ requestId: error.requestId })).toMatchObject([
      {
        service: "kms",
        operation: "ListAliases",
        errorCode: "AccessDeniedException",
        decisions: [{ effect: "implicitDeny" }],
      },
    ]);
  });

  it("makes an InternalFailure of a bug, without its text", async () => {
    await expect(asSession("GetParameter", "ssm", { Name: "bug" })).rejects.toMatchObject({
      code: "InternalFailure",
      status: 500,
      message: "The request processing has failed because of an unknown error, exception or failure.",
    });
  });

  it("names a service that is not there", async () => {
    const call = dispatcher.callerFor(ROOT, SCOPE).call("s3", "ListBuckets", {});
    await expect(call).rejects.toMatchObject({
      message: "kiln does not offer `s3`; it offers the services kms, ssm (docs/coverage.md)",
    });
  });
});

describe("the request log", () => {
  it("keeps calls of role sessions by session name, and none of root's", async () => {
    allowIf({});
    await dispatcher.callerFor(ROOT, SCOPE).call("kms", "ListAliases", {});
    await asSession();
    expect(dispatcher.decisions({ sessionName: "build-1" })).toHaveLength(1);
    await dispatcher.flush();
    expect(createRequestLog({ store, clock }).find({})).toMatchObject([{ decisions: [{ effect: "allowed" }] }]);
  });

  it("keeps the newest records only", async () => {
    const log = createRequestLog({ store, clock, maxRecords: 3 });
    for (let i = 0; i < 5; i++) {
      const about = { service: "kms", operation: "ListAliases", principalArn: SESSION.arn, decisions: [] };
      await log.recordNow({ requestId: `r${i}`, atMs: i, ...about });
    }
    expect(log.find({}).map((record) => record.requestId)).toEqual(["r2", "r3", "r4"]);
    expect(log.find({ requestId: "r0" })).toEqual([]);
    expect(log.find({ sessionName: "build-1" })).toHaveLength(3);
  });
});
