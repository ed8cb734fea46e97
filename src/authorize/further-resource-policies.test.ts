/** A resource with more than one policy of its own: an ECR repository and its registry. */
import { describe, expect, it } from "vitest";
import type { UserPrincipal } from "../core/aws.ts";
import { evaluate } from "./evaluate.ts";

const principal: UserPrincipal = {
  type: "User",
  arn: "arn:aws:iam::111122223333:user/dev",
  accountId: "111122223333",
  userId: "AIDADEV",
  userName: "dev",
};
const resource = "arn:aws:ecr:us-east-1:111122223333:repository/app";
const statement = (Effect: "Allow" | "Deny") => ({
  Version: "2012-10-17",
  Statement: [{ Effect, Principal: { AWS: principal.arn }, Action: "ecr:ListImages", Resource: "*" }],
});
const decide = (own: "Allow" | "Deny" | "nothing", further: "Allow" | "Deny") =>
  evaluate({
    principal,
    policies: { identity: [] },
    context: {},
    request: {
      action: "ecr:ListImages",
      resource,
      resourcePolicy: {
        name: "repository policy",
        document: own === "nothing" ? { Version: "2012-10-17", Statement: [] } : statement(own),
        accountId: "111122223333",
        mandatory: false,
      },
      furtherResourcePolicies: [{ name: "registry policy", document: statement(further) }],
    },
  });

describe("further policies of a resource", () => {
  it.each([
    ["nothing", "Allow", "allowed", ["registry policy"]],
    ["Allow", "Deny", "explicitDeny", ["registry policy"]],
    ["Deny", "Allow", "explicitDeny", ["repository policy"]],
  ] as const)("own %s and further %s: %s, by the one that says so", (own, further, effect, names) => {
    const decision = decide(own, further);
    expect(decision.effect).toBe(effect);
    expect(decision.decidedBy.map(({ policyName }) => policyName)).toEqual(names);
    expect(decision.policyType).toBe("resource");
    expect(decision.byType()).toContainEqual({ policyType: "resource", effect });
  });

  it("are explained by their names", () => {
    expect(
      decide("Allow", "Deny")
        .explain()
        .map((trace) => [trace.policyName, trace.effect]),
    ).toEqual([
      ["repository policy", "Allow"],
      ["registry policy", "Deny"],
    ]);
  });
});
