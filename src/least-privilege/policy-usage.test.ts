/** What the policies of a role grant and nobody needs, counted in AWS's own actions. */
import { expect, it } from "vitest";
import { policyFromRequirements, policyUsage } from "./index.ts";

const listed = [
  { name: "ssm:GetParameters", level: "Read" },
  { name: "ssm:GetParameter", level: "Read" },
  { name: "ssm:PutParameter", level: "Write" },
  { name: "ssm:DescribeParameters", level: "List" },
  { name: "kms:Decrypt", level: "Write" },
];
const needed = policyFromRequirements([
  { action: "ssm:GetParameters", resource: "arn:aws:ssm:us-east-1:111122223333:parameter/x" },
]);
const policy = (...statements: object[]) => ({ Version: "2012-10-17", Statement: statements });

it("counts wildcards over the list, by level, and names what has no list", () => {
  const document = policy({ Effect: "Allow", Action: ["ssm:*", "ec2messages:*", "logs:Put*"], Resource: "*" });
  expect(policyUsage(needed, [{ name: "full", arn: "arn:full", document }], listed)).toEqual([
    {
      policyName: "full",
      arn: "arn:full",
      granted: 4,
      used: ["ssm:GetParameters"],
      unused: [
        { level: "List", actions: ["ssm:DescribeParameters"] },
        { level: "Read", actions: ["ssm:GetParameter"] },
        { level: "Write", actions: ["ssm:PutParameter"] },
      ],
      unlisted: ["ec2messages:*", "logs:Put*"],
    },
  ]);
});

it("reads `*`, NotAction and Deny as IAM does", () => {
  const counted = (statement: object) => policyUsage(needed, [{ name: "p", document: policy(statement) }], listed)[0];
  expect(counted({ Effect: "Allow", Action: "*", Resource: "*" })).toMatchObject({ granted: 5 });
  expect(counted({ Effect: "Allow", NotAction: "SSM:getparameters", Resource: "*" })).toMatchObject({
    granted: 4,
    used: [],
  });
  expect(counted({ Effect: "Deny", Action: "ssm:*", Resource: "*" })).toMatchObject({ granted: 0, unused: [] });
});
