import { expect, it } from "vitest";
import type { UserPrincipal } from "../core/aws.ts";
import { evaluate } from "./evaluate.ts";

const user: UserPrincipal = {
  ...{ type: "User", arn: "arn:aws:iam::111122223333:user/dev", accountId: "111122223333" },
  ...{ userId: "AIDADEV", userName: "dev" },
};

it.each([
  ["codebuild:token", "ImportSourceCredentials"],
  ["codebuild:environment.environmentVariables.value", "StartBuild"],
  ["codebuild:environment.environmentVariables/PASSWORD.value", "StartBuild"],
])("an explanation does not show the value of %s", (key, action) => {
  const statement = {
    ...{ Effect: "Allow", Action: "codebuild:*", Resource: "*" },
    Condition: { StringEquals: { [key]: "expected" } },
  };
  const decision = evaluate({
    principal: user,
    policies: { identity: [{ name: "p", document: { Version: "2012-10-17", Statement: [statement] } }] },
    request: {
      action: `codebuild:${action}`,
      resource: `arn:aws:codebuild:us-east-1:${user.accountId}:project/app`,
      context: { [key]: "hunter2" },
    },
    context: {},
  });
  expect(decision.effect).toBe("implicitDeny");
  expect(decision.explain()[0]?.detail).toBe(
    `StringEquals ${key} \`expected\`: the request has another value, which is not shown`,
  );
});
