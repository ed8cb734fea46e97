/** Runs the decision tables in cases/*.json: data in, decision out. Each file names its source. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { PolicyDocument, Principal } from "../core/aws.ts";
import { evaluate, type NamedPolicy, type RequestContext } from "./index.ts";

interface Case {
  readonly name: string;
  readonly principal?: "role" | "user" | "root" | "service";
  readonly action?: string;
  readonly resource?: string;
  readonly resourceText?: string;
  readonly context?: RequestContext;
  readonly version?: string;
  readonly identity?: readonly object[];
  readonly managed?: readonly string[];
  readonly boundary?: readonly object[];
  readonly session?: readonly object[];
  readonly resourcePolicy?: { statements: readonly object[]; accountId: string; mandatory: boolean };
  readonly expect?: { effect: string; policyType?: string; message?: string; failed?: string; detail?: string };
  /** Shorthand: one Allow of everything with this condition. */
  readonly condition?: object;
  readonly holds?: boolean;
  readonly detail?: string;
}

const accountId = "111122223333";
const principals: Record<NonNullable<Case["principal"]>, Principal> = {
  root: { type: "Root", arn: `arn:aws:iam::${accountId}:root`, accountId, userId: accountId },
  user: {
    type: "User",
    arn: `arn:aws:iam::${accountId}:user/team/ann`,
    accountId,
    userId: "AIDAEXAMPLEANN",
    userName: "ann",
  },
  role: {
    type: "AssumedRole",
    arn: `arn:aws:sts::${accountId}:assumed-role/Builder/session-1`,
    accountId,
    userId: "AROAEXAMPLEBUILDER:session-1",
    roleArn: `arn:aws:iam::${accountId}:role/build/Builder`,
    roleName: "Builder",
    sessionName: "session-1",
    sessionPolicies: [],
    sessionTags: {},
    tokenIssuedAtMs: 0,
  },
  service: {
    type: "AWSService",
    serviceName: "codebuild.amazonaws.com",
    arn: "codebuild.amazonaws.com",
    accountId,
    userId: "codebuild.amazonaws.com",
    sourceArn: `arn:aws:codebuild:us-east-1:${accountId}:project/p`,
  },
};

const managedTable = JSON.parse(readFileSync(new URL("../../data/managed-policies.json", import.meta.url), "utf8")) as {
  policies: { name: string; arn: string; document: PolicyDocument }[];
};

function decide(test: Case) {
  const document = (Statement: readonly object[] = []) => ({ Version: test.version ?? "2012-10-17", Statement });
  const identity: NamedPolicy[] = [{ name: "identity", document: document(test.identity) }];
  if (test.condition) {
    const statement = { Effect: "Allow", Action: "*", Resource: "*", Condition: test.condition };
    identity.push({ name: "condition", document: document([statement]) });
  }
  for (const name of test.managed ?? []) {
    const policy = managedTable.policies.find((one) => one.name === name);
    if (!policy) throw new Error(`no managed policy ${name}`);
    identity.push(policy);
  }
  return evaluate({
    principal: principals[test.principal ?? "role"],
    policies: {
      identity,
      ...(test.boundary && { boundary: { name: "boundary", document: document(test.boundary) } }),
      ...(test.session && { session: [{ name: "session", document: document(test.session) }] }),
    },
    request: {
      action: test.action ?? "s3:GetObject",
      resource: test.resource ?? "arn:aws:s3:::b/k",
      ...(test.resourceText !== undefined && { resourceText: test.resourceText }),
      ...(test.resourcePolicy && {
        resourcePolicy: {
          name: "resource policy",
          document: document(test.resourcePolicy.statements),
          accountId: test.resourcePolicy.accountId,
          mandatory: test.resourcePolicy.mandatory,
        },
      }),
    },
    context: test.context ?? {},
  });
}

const folder = new URL("./cases/", import.meta.url);
for (const file of readdirSync(folder).sort()) {
  const table = JSON.parse(readFileSync(new URL(file, folder), "utf8")) as { source: string; cases: Case[] };
  describe(file.replace(".json", ""), () => {
    for (const test of table.cases) {
      it(test.name, () => {
        const decision = decide(test);
        const expected = test.expect ?? { effect: test.holds ? "allowed" : "implicitDeny", detail: test.detail };
        expect(decision.effect).toBe(expected.effect);
        expect(decision.message === "").toBe(decision.effect === "allowed");
        if ("policyType" in expected) expect(decision.policyType).toBe(expected.policyType);
        if ("message" in expected) expect(decision.message).toBe(expected.message);
        const failures = decision.explain().filter((trace) => !trace.matched);
        if ("failed" in expected) expect(failures.map((trace) => trace.failed)).toContain(expected.failed);
        if (expected.detail !== undefined) expect(failures.map((trace) => trace.detail)).toContain(expected.detail);
        // What decided is found again in the full explanation.
        for (const trace of decision.decidedBy) expect(decision.explain()).toContainEqual(trace);
      });
    }
  });
}
