/** One decision explained: the reason, the statement to add and where it belongs, by the type of policy that is silent. */
import { describe, expect, it } from "vitest";
import type { PolicyType, StatementTrace } from "../authorize/decision.ts";
import { explainDecision, type RecordedDecision, renderDecision } from "./explain-decision.ts";

const ROLE = "arn:aws:sts::111122223333:assumed-role/Builder/s";
const ARN = "arn:aws:ssm:us-east-1:111122223333:parameter/app";

const denied = (policyType: PolicyType | "none", more: Partial<RecordedDecision> = {}): RecordedDecision => ({
  effect: "implicitDeny",
  action: "ssm:GetParameters",
  resource: ARN,
  policyType,
  message: "",
  trace: [],
  ...more,
});
const trace = (policyType: PolicyType, more: Partial<StatementTrace> = {}): StatementTrace => ({
  policyName: `a ${policyType} policy`,
  policyType,
  index: 0,
  effect: "Allow",
  matched: true,
  ...more,
});

describe("the fix", () => {
  const statement = { Sid: "ReadParameters", Effect: "Allow", Action: "ssm:GetParameters", Resource: ARN };
  it.each<[PolicyType | "none", string, object]>([
    ["identity", "add this statement to a policy of the role `Builder`", statement],
    ["none", "add this statement to a policy of the role `Builder`", statement],
    ["session", "add this statement to the session policy that is given when the session is opened", statement],
    ["scp", "add this statement to a service control policy of each level of the organisation", statement],
    [
      "resource",
      `add this statement to the policy of ${ARN}`,
      {
        Effect: "Allow",
        Principal: { AWS: "arn:aws:iam::111122223333:role/Builder" },
        Action: "ssm:GetParameters",
        Resource: ARN,
      },
    ],
    [
      "trust",
      "add this statement to the role's trust policy",
      { Effect: "Allow", Principal: { AWS: "arn:aws:iam::111122223333:role/Builder" }, Action: "ssm:GetParameters" },
    ],
  ])("of a silent %s policy", (policyType, text, added) => {
    expect(explainDecision(denied(policyType), ROLE).fix).toEqual({ text, statement: added });
  });

  it("of a boundary names the boundary", () => {
    const decision = denied("boundary", {
      trace: [trace("boundary", { policyName: "Limit", matched: false, failed: "Action" })],
    });
    expect(explainDecision(decision, ROLE).fix?.text).toBe(
      "add this statement to the permissions boundary Limit: it limits what other policies may allow",
    );
  });

  it("of a key policy has Resource `*`, as key policies do, and of another account says so", () => {
    const resource = "arn:aws:kms:us-east-1:444455556666:key/1";
    const decision = denied("resource", { action: "kms:Decrypt", resource, isCrossAccount: true });
    expect(explainDecision(decision, ROLE).fix).toMatchObject({
      text: `add this statement to the policy of ${resource} (in the account that owns it)`,
      statement: { Resource: "*" },
    });
  });

  it("of a grant that the caller may not retire is no statement: key policies have no say in it", () => {
    const key = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    const decision = denied("resource", { action: "kms:RetireGrant", resource: key });
    expect(explainDecision(decision, ROLE).fix).toEqual({
      text: "retire the grant as its retiring principal, as its grantee when it permits RetireGrant, or from the account that made it; or delete it with kms:RevokeGrant, which policies may allow",
    });
  });

  it("of a key that another service uses is limited to that service", () => {
    const decision = denied("identity", {
      action: "kms:Decrypt",
      resource: "arn:aws:kms:us-east-1:111122223333:key/1",
    });
    expect(explainDecision(decision, ROLE, "ssm.us-east-1.amazonaws.com").fix?.statement).toMatchObject({
      Condition: { StringEquals: { "kms:ViaService": "ssm.us-east-1.amazonaws.com" } },
    });
  });

  it("for a service is its name as principal", () => {
    expect(
      explainDecision(denied("trust", { action: "sts:AssumeRole" }), "codebuild.amazonaws.com").fix?.statement,
    ).toEqual({
      Effect: "Allow",
      Principal: { Service: "codebuild.amazonaws.com" },
      Action: "sts:AssumeRole",
    });
  });
});

it("takes the reason from AWS's sentence, and has its own where AWS gives none", () => {
  const message = "User: x is not authorized to perform: y on resource: z with an explicit deny in a session policy";
  const explicit = denied("session", { effect: "explicitDeny", message });
  expect(explainDecision(explicit, ROLE).because).toBe("with an explicit deny in a session policy");
  expect(explainDecision(denied("trust"), ROLE).because).toBe("because the role's trust policy does not allow it");
  expect(explainDecision(denied("none"), ROLE).because).toBe("because no policy allows it");
});

it("prints what each type says, with the level of service control policies", () => {
  const decision = denied("scp", {
    isCrossAccount: true,
    byType: [
      { policyType: "identity", effect: "allowed" },
      { policyType: "scp", effect: "implicitDeny", level: 2 },
      { policyType: "boundary", effect: "implicitDeny" },
      { policyType: "resource", effect: "explicitDeny" },
    ],
  });
  expect(renderDecision(decision, explainDecision(decision, ROLE)).slice(0, 9)).toEqual([
    `denied  ssm:GetParameters on ${ARN}`,
    "  because a level of the service control policies does not allow it",
    "  the caller and the resource are in two accounts: both sides must allow it",
    "  what each type of policy says by itself:",
    "    identity-based policies: allow",
    "    service control policies: say nothing at level 2",
    "    the permissions boundary: says nothing",
    "    the resource's policy: denies",
    "  no statement comes near",
  ]);
});

it("says why a call was allowed", () => {
  const allowed = denied("identity", {
    effect: "allowed",
    trace: [trace("identity", { sid: "Read" }), trace("boundary")],
  });
  expect(renderDecision(allowed, explainDecision(allowed, ROLE))).toEqual([
    `allowed ssm:GetParameters on ${ARN}`,
    "  because statement `Read` of a identity policy and statement 1 of a boundary policy allow it",
  ]);
  expect(explainDecision({ ...allowed, policyType: "none", trace: [] }, ROLE).because).toBe("it needs no permission");
});
