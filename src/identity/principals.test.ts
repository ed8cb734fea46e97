import { expect, it } from "vitest";
import { roleSession, rootPrincipal, servicePrincipal } from "./principals.ts";

it("a session's ARN has the role's name without its path", () => {
  const role = { arn: "arn:aws-cn:iam::111122223333:role/build/Builder", name: "Builder", id: "AROAEXAMPLE" };
  expect(roleSession(role, "s", 5)).toEqual({
    type: "AssumedRole",
    arn: "arn:aws-cn:sts::111122223333:assumed-role/Builder/s",
    accountId: "111122223333",
    userId: "AROAEXAMPLE:s",
    roleArn: role.arn,
    roleName: "Builder",
    sessionName: "s",
    sessionPolicies: [],
    sessionTags: {},
    tokenIssuedAtMs: 5,
  });
});

it("root has its account's id for its own", () => {
  expect(rootPrincipal({ partition: "aws", region: "eu-west-1", accountId: "111122223333" })).toEqual({
    ...{ type: "Root", arn: "arn:aws:iam::111122223333:root" },
    ...{ accountId: "111122223333", userId: "111122223333" },
  });
});

it("a service has its name for ARN and id", () => {
  const service = servicePrincipal("codebuild.amazonaws.com", "arn:of:project", { accountId: "111122223333" });
  expect(service).toEqual({
    ...{ type: "AWSService", serviceName: "codebuild.amazonaws.com", arn: "codebuild.amazonaws.com" },
    ...{ accountId: "111122223333", userId: "codebuild.amazonaws.com", sourceArn: "arn:of:project" },
  });
});
