/** What aws commands ask for, as far as their words tell. */
import { describe, expect, it } from "vitest";
import { parseBuildspec } from "../../build/buildspec/index.ts";
import { lineIndex } from "../line-index.ts";
import { readCommands } from "../shell/read-commands.ts";
import { awsCalls } from "./aws-calls.ts";

function calls(...commands: string[]): string[] {
  const text = JSON.stringify({ version: 0.2, phases: { build: { commands } } });
  const buildspec = parseBuildspec(text, "buildspec.yml").buildspec;
  if (!buildspec) throw new Error("not a buildspec");
  const shell = readCommands({
    buildspec,
    project: {},
    parameters: undefined,
    spanOf: lineIndex("buildspec.yml", text).spanOf,
    isFolder: () => false,
    readText: () => undefined,
  });
  return awsCalls(shell).map(({ action, resource }) => `${action} ${resource}`);
}

describe("aws commands", () => {
  it.each([
    ["aws s3 cp a.zip s3://b/k/a.zip", ["s3:PutObject arn:*:s3:::b/k/a.zip"]],
    ["aws s3 cp s3://b/k a --region eu-west-1", ["s3:GetObject arn:*:s3:::b/k"]],
    [
      "aws s3 cp dir s3://b/k/ --recursive --acl public-read",
      ["s3:PutObject arn:*:s3:::b/k/*", "s3:PutObjectAcl arn:*:s3:::b/k/*"],
    ],
    [
      "aws s3 sync --delete dist s3://b",
      ["s3:PutObject arn:*:s3:::b/*", "s3:ListBucket arn:*:s3:::b", "s3:DeleteObject arn:*:s3:::b/*"],
    ],
    [
      "aws s3 mv s3://a/x s3://b/y",
      ["s3:GetObject arn:*:s3:::a/x", "s3:DeleteObject arn:*:s3:::a/x", "s3:PutObject arn:*:s3:::b/y"],
    ],
    ["aws s3 ls", ["s3:ListAllMyBuckets *"]],
    ["aws s3 cp $FROM $TO", []],
    ["aws --region eu-west-1 ecr get-login-password", ["ecr:GetAuthorizationToken *"]],
    [
      "aws ssm get-parameter --name /app/x --with-decryption",
      ["ssm:GetParameter arn:*:ssm:REGION:ACCOUNT:parameter/app/x"],
    ],
    [
      "aws ssm get-parameters --names /a b:3 --region eu-west-1",
      [
        "ssm:GetParameters arn:*:ssm:eu-west-1:ACCOUNT:parameter/a",
        "ssm:GetParameters arn:*:ssm:eu-west-1:ACCOUNT:parameter/b",
      ],
    ],
    ["aws ssm get-parameters-by-path --path=/app/", ["ssm:GetParametersByPath arn:*:ssm:REGION:ACCOUNT:parameter/app"]],
    [
      "aws lambda update-function-code --function-name $NAME --zip-file fileb://a.zip",
      ["lambda:UpdateFunctionCode arn:*:lambda:REGION:ACCOUNT:function:*"],
    ],
    [
      "aws ecs update-service --cluster c --service web --force-new-deployment",
      ["ecs:UpdateService arn:*:ecs:REGION:ACCOUNT:service/c/web"],
    ],
    [
      "aws cloudfront create-invalidation --distribution-id E1 --paths '/*'",
      ["cloudfront:CreateInvalidation arn:*:cloudfront::ACCOUNT:distribution/E1"],
    ],
    ["aws ec2 describe-instances", ["ec2:DescribeInstances *"]],
    ["aws sts get-caller-identity", []],
    ["aws cloudformation wait stack-create-complete --stack-name s", []],
    ["aws someservice do-it", []],
    ["aws s3 ls s3://b --no-sign-request", []],
    ["aws s3 cp a s3://b/k || true", []],
  ])("%s", (command, expected) => {
    expect(calls(command)).toEqual(expected);
  });

  it("count until the commands become somebody else", () => {
    expect(
      calls("aws s3 ls", "export AWS_ACCESS_KEY_ID=$KEY AWS_SECRET_ACCESS_KEY=$SECRET", "aws s3 ls s3://b"),
    ).toEqual(["s3:ListAllMyBuckets *"]);
    expect(calls("aws configure set role_arn arn:aws:iam::1:role/r", "aws s3 ls")).toEqual([]);
  });
});
