/** Services as callers of resources that have policies: named by the policy or refused, bound to what they act for. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { servicePrincipal } from "../../src/identity/index.ts";
import { s3 } from "../../src/services/s3/index.ts";
import { documentText } from "../support/policy-documents.ts";
import { ecrOf } from "./ecr-fixture.ts";
import { ACCOUNT, codeOf, openStage, type Stage } from "./stage.ts";

const PROJECT = `arn:aws:codebuild:us-east-1:${ACCOUNT}:project/app`;
const codebuild = servicePrincipal("codebuild.amazonaws.com", PROJECT, { accountId: ACCOUNT });
let stage: Stage;
const root = (service: "s3" | "ecr", operation: string, input: object) =>
  stage.call("root", [], service, operation, input);
const asService = (service: "s3" | "ecr", operation: string, input: object) =>
  codeOf(stage.callAs(codebuild, [], service, operation, input));

beforeAll(async () => {
  stage = await openStage({ services: (outside) => [s3, ecrOf(outside)] });
  await root("s3", "CreateBucket", { Bucket: "docs" });
  await root("s3", "PutObject", { Bucket: "docs", Key: "k", Body: new Uint8Array(1) });
  await root("ecr", "CreateRepository", { repositoryName: "team/app" });
});
afterAll(() => stage.close());

describe("a service that calls", () => {
  it.each<[string, object | undefined, boolean]>([
    ["without a policy", undefined, false],
    ["by name", { Principal: { Service: "codebuild.amazonaws.com" } }, true],
    ["when another service is named", { Principal: { Service: "logs.amazonaws.com" } }, false],
    ["when its account is named", { Principal: { AWS: ACCOUNT } }, false],
    ...(
      [
        ["for its account", { StringEquals: { "aws:SourceAccount": ACCOUNT } }, true],
        ["for another account", { StringEquals: { "aws:SourceAccount": "444455556666" } }, false],
        ["for its project", { ArnLike: { "aws:SourceArn": PROJECT } }, true],
        ["for another project", { ArnLike: { "aws:SourceArn": `${PROJECT}-2` } }, false],
        ["as a service", { Bool: { "aws:PrincipalIsAWSService": "true" } }, true],
        [
          "under one of its names",
          { "ForAnyValue:StringLike": { "aws:PrincipalServiceNamesList": "codebuild.*" } },
          true,
        ],
      ] as const
    ).map(
      ([name, Condition, isAllowed]) =>
        [name, { Principal: { Service: "codebuild.amazonaws.com" }, Condition }, isAllowed] as [
          string,
          object,
          boolean,
        ],
    ),
  ])("%s", async (_name, grant, isAllowed) => {
    const statement = (more: object) => documentText({ Effect: "Allow", ...grant, ...more });
    if (grant) {
      const Policy = statement({ Action: "s3:GetObject", Resource: "arn:aws:s3:::docs/*" });
      await root("s3", "PutBucketPolicy", { Bucket: "docs", Policy });
      const policyText = statement({ Action: "ecr:ListImages" });
      await root("ecr", "SetRepositoryPolicy", { repositoryName: "team/app", policyText });
    }
    expect([
      await asService("s3", "GetObject", { Bucket: "docs", Key: "k" }),
      await asService("ecr", "ListImages", { repositoryName: "team/app" }),
    ]).toEqual(isAllowed ? ["no error", "no error"] : ["AccessDenied", "AccessDeniedException"]);
  });
});
