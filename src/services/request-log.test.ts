/** The request log: what is kept of each kind, for how long, and which records a filter finds. */
import { beforeEach, describe, expect, it } from "vitest";
import type { DecisionRecord, Effect } from "../authorize/decision.ts";
import { callerOf, outcomeOf } from "../authorize/decision-record.ts";
import { TestClock } from "../core/clock.ts";
import { systemIds } from "../core/ids.ts";
import { openStore, type Store } from "../store/index.ts";
import type { DecisionFilter } from "./request-filter.ts";
import { createRequestLog, type RequestLog } from "./request-log.ts";

const ROLE = "arn:aws:sts::111122223333:assumed-role/Builder/AWSCodeBuild-1";
const USER = "arn:aws:iam::111122223333:user/team/ann";
const PARAMETER = "arn:aws:ssm:us-east-1:111122223333:parameter/app";
const clock = new TestClock();
let store: Store;
let log: RequestLog;

beforeEach(async () => {
  store = await openStore({ ids: systemIds });
  log = createRequestLog({ store, clock, maxRecords: 3 });
});

interface Given extends Partial<Omit<DecisionRecord, "decisions">> {
  readonly effect?: Effect;
  readonly action?: string;
  readonly resource?: string;
}

function record(requestId: string, given: Given = {}): DecisionRecord {
  const { effect = "allowed", action = "ssm:GetParameter", resource = `${PARAMETER}/a`, ...more } = given;
  const decision = { effect, action, resource, policyType: "identity" as const, message: "", trace: [] };
  const about = { service: "ssm", operation: "GetParameter", principalArn: ROLE, atMs: clock.nowMs() };
  return { requestId, ...about, decisions: [decision], ...more };
}

const found = (filter: DecisionFilter, from: RequestLog = log) => from.find(filter).map(({ requestId }) => requestId);

describe("what is kept", () => {
  it("is written behind the answers, and read before it is written", async () => {
    log.recordSoon(record("one"));
    log.recordSoon(record("two", { principalArn: USER }));
    const elsewhere = createRequestLog({ store, clock });
    expect([found({}), found({}, elsewhere)]).toEqual([["one", "two"], []]);
    clock.advance(200);
    await log.flush();
    expect([found({}), found({}, elsewhere)]).toEqual([
      ["one", "two"],
      ["one", "two"],
    ]);
  });

  it("is the newest of each kind: other calls push out no denial and no call of a role", async () => {
    await log.recordNow(record("denied", { effect: "implicitDeny", atMs: 1 }));
    log.recordSoon(record("role", { atMs: 2 }));
    for (let i = 0; i < 9; i++) {
      log.recordSoon(record(`user ${i}`, { principalArn: USER, atMs: 3 + i }));
      await log.flush();
    }
    expect(found({})).toEqual(["denied", "role", "user 6", "user 7", "user 8"]);
  });

  it("drops whole batches, and keeps at least the newest records", async () => {
    for (const batch of [
      ["a", "b"],
      ["c", "d"],
      ["e", "f"],
    ]) {
      for (const id of batch) log.recordSoon(record(id));
      await log.flush();
    }
    expect(found({})).toEqual(["c", "d", "e", "f"]);
    log.recordSoon(record("g"));
    await log.flush();
    expect(found({})).toEqual(["e", "f", "g"]);
  });

  it("is no more than fits, however many calls come between two writes", async () => {
    for (let i = 0; i < 9_000; i++) log.recordSoon(record(String(i)));
    await log.flush();
    expect(found({}).slice(-3)).toEqual(["8997", "8998", "8999"]);
    expect(found({}).length).toBeLessThan(1_010);
  });

  it("is the newest of each kind also between two writes: a flood of one kind pushes out no other", async () => {
    log.recordSoon(record("role", { atMs: 1 }));
    log.recordSoon(record("denied", { atMs: 2, effect: "implicitDeny" }));
    for (let i = 0; i < 3_000; i++) log.recordSoon(record(`user ${i}`, { principalArn: USER, atMs: 3 + i }));
    expect(found({ limit: 1 })).toEqual(["user 2999"]);
    expect(found({ untilMs: 3 })).toEqual(["role", "denied"]);
    await log.flush();
    expect(found({}, createRequestLog({ store, clock })).slice(0, 2)).toEqual(["role", "denied"]);
  });

  it("tells calls apart that differ in one thing, and keeps the id and time of those that do not", async () => {
    const given: Given[] = [
      {},
      {},
      { action: "ssm:PutParameter" },
      { resource: "*" },
      { errorCode: "X" },
      { principalArn: USER },
    ];
    for (const [i, one] of given.entries()) log.recordSoon(record(String(i), { atMs: i, ...one }));
    log.recordSoon(record("6", { atMs: 6, calledVia: "s3.amazonaws.com" }));
    const before = log.find({});
    await log.flush();
    expect(createRequestLog({ store, clock }).find({})).toEqual(before);
    expect(before.slice(0, -1)).toMatchObject(given.map((one, i) => record(String(i), { atMs: i, ...one })));
  });

  it("survives many batches without growing", async () => {
    const big = createRequestLog({ store, clock, maxRecords: 50 });
    for (let i = 0; i < 200; i++) {
      for (let j = 0; j <= i % 7; j++) big.recordSoon(record(`${i}.${j}`, { atMs: i }));
      await big.flush();
    }
    const ids = found({}, big);
    expect(ids.length).toBeGreaterThanOrEqual(50);
    expect(ids.length).toBeLessThan(57);
    expect(ids.at(-1)).toBe("199.3");
  });
});

describe("a filter", () => {
  beforeEach(async () => {
    log = createRequestLog({ store, clock });
    await log.recordNow(record("1", { atMs: 1_000, effect: "explicitDeny", resource: `${PARAMETER}/secret` }));
    log.recordSoon(record("2", { atMs: 2_000 }));
    log.recordSoon(record("3", { atMs: 3_000, principalArn: USER, errorCode: "ParameterNotFound" }));
    log.recordSoon(record("4", { atMs: 4_000, service: "kms", operation: "Decrypt", action: "kms:Decrypt" }));
    log.recordSoon(
      record("5", { atMs: 5_000, principalArn: "arn:aws:sts::111122223333:federated-user/bo", resource: "*" }),
    );
    await log.flush();
  });

  it.each<[DecisionFilter, string[]]>([
    [{}, ["1", "2", "3", "4", "5"]],
    [{ outcome: "denied" }, ["1"]],
    [{ outcome: "error" }, ["3"]],
    [{ outcome: "allowed" }, ["2", "4", "5"]],
    [{ role: "Builder" }, ["1", "2", "4"]],
    [{ role: "arn:aws:iam::111122223333:role/path/Builder" }, ["1", "2", "4"]],
    [{ role: "Build" }, []],
    [{ user: "ann" }, ["3"]],
    [{ user: "bo" }, ["5"]],
    [{ sessionName: "AWSCodeBuild-1" }, ["1", "2", "4"]],
    [{ principal: "user/*" }, []],
    [{ principal: "*:user/*" }, ["3"]],
    [{ principal: "111122223333" }, ["1", "2", "3", "4", "5"]],
    [{ service: "KMS" }, ["4"]],
    [{ operation: "getparameter" }, ["1", "2", "3", "5"]],
    [{ action: "SSM:get*" }, ["1", "2", "3", "5"]],
    [{ action: "crypt" }, ["4"]],
    [{ resource: "parameter/app/secret" }, ["1"]],
    [{ resource: "arn:*:parameter/app/?" }, ["2", "3", "4"]],
    [{ requestId: "4" }, ["4"]],
    [{ requestId: "nope" }, []],
    [{ sinceMs: 3_000 }, ["3", "4", "5"]],
    [{ untilMs: 3_000 }, ["1", "2"]],
    [{ sinceMs: 2_000, untilMs: 5_000, role: "Builder" }, ["2", "4"]],
    [{ limit: 2 }, ["4", "5"]],
    [{ limit: 1, role: "Builder", service: "ssm" }, ["2"]],
    [{ limit: 0 }, []],
  ])("%j finds %j", (filter, ids) => expect(found(filter)).toEqual(ids));
});

it.each([
  [ROLE, { role: "Builder", session: "AWSCodeBuild-1" }],
  [USER, { user: "ann" }],
  ["arn:aws:sts::111122223333:federated-user/bo", { user: "bo" }],
  ["arn:aws:iam::111122223333:root", {}],
  ["codebuild.amazonaws.com", {}],
])("the names in %s are %j", (arn, names) => expect(callerOf(arn)).toEqual(names));

it("a call that was allowed and failed is an error, a denied one is denied whatever its code", () => {
  expect(outcomeOf(record("a", { errorCode: "ParameterNotFound" }))).toBe("error");
  expect(outcomeOf(record("a", { errorCode: "AccessDeniedException", effect: "implicitDeny" }))).toBe("denied");
  expect(outcomeOf(record("a"))).toBe("allowed");
});
