/** What a request declares to be secret is tested by policies, and in no explanation. */
import { describe, expect, it } from "vitest";
import { allow } from "../../test/support/policy-documents.ts";
import type { UserPrincipal } from "../core/aws.ts";
import { evaluate } from "./evaluate.ts";

const user: UserPrincipal = {
  ...{ type: "User", arn: "arn:aws:iam::111122223333:user/dev", accountId: "111122223333" },
  ...{ userId: "AIDADEV", userName: "dev" },
};
const KEY = "codebuild:environment.environmentVariables/PASSWORD.value";
const LIST = "codebuild:environment.environmentVariables.value";

function decisionOf(condition: object, secretKeys: readonly string[] = [KEY, LIST]) {
  const document = { Version: "2012-10-17", Statement: [allow("codebuild:*", "*", { Condition: condition })] };
  return evaluate({
    principal: user,
    policies: { identity: [{ name: "p", document }] },
    request: {
      action: "codebuild:StartBuild",
      resource: `arn:aws:codebuild:us-east-1:${user.accountId}:project/app`,
      context: { [KEY]: "hunter2", [LIST]: ["eu", "hunter2"], "codebuild:source.location": "here" },
      secretKeys,
    },
    context: {},
  });
}
const detailOf = (condition: object, secretKeys?: readonly string[]) =>
  decisionOf(condition, secretKeys).explain()[0]?.detail;

describe("the value of a key that the request declares secret", () => {
  it("decides", () => {
    expect(decisionOf({ StringEquals: { [KEY]: "hunter2" } }).effect).toBe("allowed");
    expect(decisionOf({ StringEquals: { [KEY]: "expected" } }).effect).toBe("implicitDeny");
  });

  it.each([KEY, KEY.toUpperCase(), LIST])("is not shown: %s", (key) => {
    expect(detailOf({ StringLike: { [key]: "expected" } })).toBe(
      `StringLike ${key} \`expected\`: the request has another value, which is not shown`,
    );
  });

  it("is not shown either where the policy has it too", () => {
    const hidden = (test: string) => `${test} does not hold for the request's value, which is not shown`;
    expect(detailOf({ StringNotEquals: { [KEY]: "hunter2" } })).toBe(hidden(`StringNotEquals ${KEY}`));
    expect(detailOf({ StringEquals: { [KEY]: "Hunter2" } })).toBe(hidden(`StringEquals ${KEY}`));
    expect(detailOf({ "ForAllValues:StringEquals": { [LIST]: ["hunter2"] } })).toBe(
      hidden(`ForAllValues:StringEquals ${LIST}`),
    );
  });

  it("is not shown as a variable of a pattern", () => {
    const text = detailOf({ StringEquals: { "codebuild:source.location": `\${${KEY}}` } });
    expect(text).toBe(`StringEquals codebuild:source.location \`\${${KEY}}\`: the request has \`here\``);
  });
});

it("shows the values of all other keys", () => {
  const condition = { StringEquals: { [KEY]: "expected" } };
  expect(detailOf(condition, [])).toBe(`StringEquals ${KEY} \`expected\`: the request has \`hunter2\``);
});
