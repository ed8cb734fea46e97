/** What explanations say of policy variables: the value that a pattern was tested with. */
import { expect, it } from "vitest";
import type { UserPrincipal } from "../core/aws.ts";
import { evaluate } from "./index.ts";

const ann: UserPrincipal = {
  type: "User",
  arn: "arn:aws:iam::111122223333:user/ann",
  accountId: "111122223333",
  userId: "AIDAEXAMPLE",
  userName: "ann",
};
const home = "arn:aws:ssm:*:*:parameter/home/";

function detailOf(
  statement: object,
  context: Record<string, string> = {},
  version = "2012-10-17",
  secretKeys: readonly string[] = [],
) {
  const document = { Version: version, Statement: { Effect: "Allow", Action: "*", Resource: "*", ...statement } };
  const request = {
    action: "ssm:GetParameter",
    resource: "arn:aws:ssm:us-east-1:111122223333:parameter/home/bob/x",
    secretKeys,
  };
  const policies = { identity: [{ name: "p", document }] };
  const decision = evaluate({ principal: ann, policies, request, context });
  expect(decision.effect).toBe("implicitDeny");
  return decision.explain()[0]?.detail;
}

it("names the value of a variable in a resource", () => {
  expect(detailOf({ Resource: `${home}\${aws:username}/*` }, { "aws:username": "ann" })).toBe(
    `\`${home}\${aws:username}/*\` does not match \`arn:aws:ssm:us-east-1:111122223333:parameter/home/bob/x\` (\`\${aws:username}\` is \`ann\`)`,
  );
});

it("names the value of a variable in a condition, and one that is absent", () => {
  const Condition = {
    StringEquals: {
      "aws:ResourceTag/team": ["${aws:PrincipalTag/team}", "${aws:PrincipalTag/old, 'none'}", "${s3:x}"],
    },
  };
  const tags = { "aws:PrincipalTag/team": "red", "aws:ResourceTag/team": "blue" };
  expect(detailOf({ Condition }, tags)).toBe(
    "StringEquals aws:ResourceTag/team `${aws:PrincipalTag/team}`, `${aws:PrincipalTag/old, 'none'}`, `${s3:x}`: the request has `blue` (`${aws:PrincipalTag/team}` is `red`, `${aws:PrincipalTag/old, 'none'}` is `none`, `${s3:x}` has no value here)",
  );
});

it("says that an older policy has no variables", () => {
  expect(detailOf({ Resource: `${home}\${aws:username}/*` }, { "aws:username": "bob" }, "2008-10-17")).toContain(
    " (plain text: variables need Version 2012-10-17)",
  );
});

it("has nothing to add about characters written as variables, and about keys that hold a secret", () => {
  expect(detailOf({ Resource: `${home}\${*}` })).not.toContain(" (");
  const Condition = { StringEquals: { "aws:username": "${codebuild:token}" } };
  const given = { "aws:username": "ann", "codebuild:token": "s3cret" };
  expect(detailOf({ Condition }, given, "2012-10-17", ["codebuild:token"])).toBe(
    "StringEquals aws:username `${codebuild:token}`: the request has `ann`",
  );
});

it("has nothing to add about variables that are never replaced", () => {
  const Resource = "arn:aws:ssm:${aws:RequestedRegion}:*:parameter/home/*";
  expect(detailOf({ Resource }, { "aws:RequestedRegion": "us-east-1" })).not.toContain(" (");
  const Condition = { NumericEquals: { "s3:max-keys": "${aws:username}" } };
  expect(detailOf({ Condition }, { "aws:username": "ann", "s3:max-keys": "1" })).not.toContain(" (");
});
