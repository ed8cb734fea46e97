/** Decisions at the edges of the algorithm that tables cannot say: levels, traces, defects, verdicts of each type. */
import { describe, expect, it } from "vitest";
import { principals } from "../../test/support/decision-tables.ts";
import type { AssumedRolePrincipal, Principal } from "../core/aws.ts";
import { type Decision, evaluate, type PrincipalPolicies } from "./index.ts";

const ALLOW_ALL = { Effect: "Allow", Action: "*", Resource: "*" };
const documentOf = (...statements: readonly unknown[]) => ({ Version: "2012-10-17", Statement: statements });
const named = (name: string, ...statements: readonly unknown[]) => ({ name, document: documentOf(...statements) });
const request = { action: "s3:GetObject", resource: "arn:aws:s3:::b/k" };
const inAccount = { action: "ssm:GetParameter", resource: "arn:aws:ssm:us-east-1:111122223333:parameter/p" };
const everything = named("everything", ALLOW_ALL);

const decide = (principal: Principal, policies: PrincipalPolicies, about: typeof request = request): Decision =>
  evaluate({ principal, policies, request: about, context: {} });

describe("service control policies", () => {
  const onlyLogs = named("only logs", { Effect: "Allow", Action: "logs:*", Resource: "*" });

  it("limit the root user too", () => {
    const policies = { identity: [], organization: [[onlyLogs]] };
    expect(decide(principals.root, policies, inAccount)).toMatchObject({ effect: "implicitDeny", policyType: "scp" });
    expect(decide(principals.root, { identity: [], organization: [[everything]] }, inAccount).effect).toBe("allowed");
  });

  it("do not limit roles that are linked to services", () => {
    const linked: AssumedRolePrincipal = {
      ...principals.role,
      roleArn: "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
    };
    const policies = { identity: [everything], organization: [[onlyLogs]] };
    expect(decide(linked, policies).effect).toBe("allowed");
    expect(decide(principals.role, policies).effect).toBe("implicitDeny");
    expect(decide(linked, policies).byType()).toEqual([{ policyType: "identity", effect: "allowed" }]);
  });

  it("name the level that is silent or denies", () => {
    const policies = { identity: [everything], organization: [[everything], [onlyLogs], [onlyLogs]] };
    const silent = decide(principals.role, policies);
    expect(silent.byType()[0]).toEqual({ policyType: "scp", effect: "implicitDeny", level: 2 });
    expect(silent.explain().map(({ policyName, level }) => [policyName, level])).toEqual([
      ["everything", 1],
      ["only logs", 2],
      ["only logs", 3],
      ["everything", undefined],
    ]);
    const denied = decide(principals.role, {
      ...policies,
      organization: [[everything], [everything, named("no", { ...ALLOW_ALL, Effect: "Deny" })]],
    });
    expect(denied.decidedBy).toEqual([
      { policyName: "no", policyType: "scp", level: 2, index: 0, effect: "Deny", matched: true },
    ]);
    expect(denied.byType()[0]).toEqual({ policyType: "scp", effect: "explicitDeny", level: 2 });
  });

  it("deny everything at a level without policies", () => {
    expect(decide(principals.user, { identity: [everything], organization: [[]] }).policyType).toBe("scp");
  });
});

describe("a statement that cannot be read", () => {
  it.each([
    ["a Condition that is a text", { ...ALLOW_ALL, Condition: "none" }, "the statement's Condition cannot be read"],
    ["a Condition that is a list", { ...ALLOW_ALL, Condition: [] }, "the statement's Condition cannot be read"],
    [
      "an operator that is a list",
      { ...ALLOW_ALL, Condition: { Bool: [] } },
      "the statement's Condition cannot be read",
    ],
    [
      "a NotAction without actions",
      { Effect: "Allow", NotAction: [], Resource: "*" },
      "the statement's NotAction names no action",
    ],
    [
      "a NotResource without resources",
      { Effect: "Allow", Action: "*", NotResource: 7 },
      "the statement's NotResource names no resource",
    ],
    ["no Resource", { Effect: "Allow", Action: "*" }, "the statement has no Resource"],
  ])("never applies: %s", (_name, statement, detail) => {
    const decision = decide(principals.user, { identity: [named("p", statement)] });
    expect(decision.effect).toBe("implicitDeny");
    expect(decision.explain()[0]).toMatchObject({ matched: false, detail });
  });

  it("leaves the others as they are", () => {
    expect(decide(principals.user, { identity: [named("p", null, 7, { Effect: "allow" }, ALLOW_ALL)] })).toMatchObject({
      effect: "allowed",
      decidedBy: [{ index: 3 }],
    });
  });

  it("does not take members from the object's prototype", () => {
    const statement = Object.assign(Object.create({ Action: "*", Resource: "*" }), { Effect: "Allow" });
    expect(decide(principals.user, { identity: [named("p", statement)] }).effect).toBe("implicitDeny");
  });
});

describe("an action without a colon", () => {
  it("is no action: only `*` allows it", () => {
    const policies = {
      identity: [named("p", { Effect: "Allow", Action: ["GetObject", ":GetObject", ":*"], Resource: "*" })],
    };
    expect(decide(principals.user, policies, { ...request, action: "GetObject" }).effect).toBe("implicitDeny");
    expect(decide(principals.user, { identity: [everything] }, { ...request, action: "GetObject" }).effect).toBe(
      "allowed",
    );
  });
});

describe("the statements that decided", () => {
  it("are the first of the document that match", () => {
    const statements = ["s3:Get*", "*", "s3:GetObject"].map((Action) => ({ ...ALLOW_ALL, Action }));
    expect(decide(principals.user, { identity: [named("p", ...statements)] }).decidedBy).toMatchObject([{ index: 0 }]);
  });
});

describe("verdicts by type", () => {
  it("say of root that it may do everything", () => {
    expect(decide(principals.root, { identity: [] }, inAccount).byType()).toEqual([
      { policyType: "identity", effect: "allowed" },
    ]);
    expect(decide(principals.federatedByRoot, { identity: [], session: [everything] }).byType()).toEqual([
      { policyType: "identity", effect: "allowed" },
      { policyType: "session", effect: "allowed" },
    ]);
  });
});

describe("NotPrincipal in an explanation", () => {
  it("names those who are excluded", () => {
    const { arn, accountId } = principals.user;
    const resourcePolicy = {
      name: "bucket policy",
      accountId,
      mandatory: false,
      document: documentOf({ ...ALLOW_ALL, NotPrincipal: { AWS: arn } }),
    };
    const about = { ...request, resourcePolicy };
    expect(
      evaluate({ principal: principals.user, policies: { identity: [] }, request: about, context: {} }).explain(),
    ).toMatchObject([{ failed: "Principal", detail: `\`${arn}\` is excluded by NotPrincipal \`{"AWS":"${arn}"}\`` }]);
  });

  it("knows the unique ids of users and roles; sessions have none", () => {
    const spared = (principal: Principal, ...AWS: readonly string[]) => {
      const document = documentOf({ ...ALLOW_ALL, Effect: "Deny", NotPrincipal: { AWS } });
      const resourcePolicy = { name: "r", accountId: "111122223333", mandatory: false, document };
      const about = { request: { ...request, resourcePolicy }, context: {} };
      return evaluate({ principal, policies: { identity: [everything] }, ...about }).effect;
    };
    const { role, user } = principals;
    expect(spared(role, role.arn, "AROAEXAMPLEBUILDER", "111122223333")).toBe("allowed");
    expect(spared(role, "AROAEXAMPLEBUILDER:session-1", "AROAEXAMPLEBUILDER", "111122223333")).toBe("explicitDeny");
    expect(spared(user, "AIDAEXAMPLEANN", "111122223333")).toBe("allowed");
    expect(spared(user, "AROAEXAMPLEBUILDER", "111122223333")).toBe("explicitDeny");
  });
});
