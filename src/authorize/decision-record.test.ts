import { describe, expect, it } from "vitest";
import type { DecisionRecord } from "./decision.ts";
import { callerOf, outcomeOf, recordIdentity } from "./decision-record.ts";

const decision = (resource: string, effect: "allowed" | "implicitDeny" = "implicitDeny") => ({
  ...{ effect, action: "secretsmanager:GetSecretValue", resource, policyType: "identity" as const },
  ...{ message: "", trace: [] },
});
const record = (...decisions: DecisionRecord["decisions"]): DecisionRecord => ({
  ...{ requestId: "r", atMs: 1, service: "secretsmanager", operation: "BatchGetSecretValue" },
  ...{ principalArn: "arn:aws:sts::111122223333:assumed-role/R/s", decisions },
});

describe("a kept decision", () => {
  it("is told apart from the other refused items of its batch", () => {
    expect(recordIdentity(record(decision("a")))).toBe(recordIdentity(record(decision("a"))));
    expect(recordIdentity(record(decision("a")))).not.toBe(recordIdentity(record(decision("b"))));
  });

  it.each([
    ["allowed", record(decision("a", "allowed"))],
    ["denied", record(decision("a", "allowed"), decision("b"))],
    ["error", { ...record(decision("a", "allowed")), errorCode: "ResourceNotFoundException" }],
  ] as const)("comes out as %s", (outcome, kept) => {
    expect(outcomeOf(kept)).toBe(outcome);
  });

  it.each([
    ["arn:aws:sts::111122223333:assumed-role/R/a/b", { role: "R", session: "a/b" }],
    ["arn:aws:iam::111122223333:user/team/ann", { user: "ann" }],
    ["arn:aws:sts::111122223333:federated-user/guest", { user: "guest" }],
    ["arn:aws:iam::111122223333:root", {}],
    ["codebuild.amazonaws.com", {}],
  ])("names who is in %s", (arn, names) => {
    expect(callerOf(arn)).toEqual(names);
  });
});
