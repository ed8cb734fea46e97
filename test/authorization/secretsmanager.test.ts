import { kms } from "../../src/services/kms/index.ts";
import { secretsmanager } from "../../src/services/secretsmanager/index.ts";
import { describeAuthorization, type Step } from "./describe-authorization.ts";

const TAGS = [{ Key: "team", Value: "blue" }];
const TOKEN = "11111111-2222-4333-8444-555555555555";
const OTHER_TOKEN = "21111111-2222-4333-8444-555555555555";

/** On the secret alone. */
const onSecret = (operation: string, input: object = {}): Step => ({
  operation,
  input: { SecretId: "app", ...input },
  asks: [`secretsmanager:${operation} {arn}`],
});

describeAuthorization({
  service: "secretsmanager",
  services: () => [secretsmanager, kms],
  preparations: [
    { service: "kms", operation: "CreateKey", input: {}, keep: { keyId: "KeyMetadata.KeyId" } },
    {
      service: "secretsmanager",
      operation: "CreateSecret",
      input: { Name: "app", SecretString: "1", ClientRequestToken: TOKEN, Tags: TAGS },
      keep: { arn: "ARN", versionId: "VersionId" },
    },
  ],
  steps: [
    {
      operation: "CreateSecret",
      input: { Name: "new", SecretString: "1", ClientRequestToken: TOKEN, Description: "d" },
      asks: ["secretsmanager:CreateSecret secret:new-??????"],
    },
    {
      operation: "CreateSecret",
      about: "with tags, under a customer key",
      input: { Name: "tagged", SecretString: "1", ClientRequestToken: TOKEN, Tags: TAGS, KmsKeyId: "{keyId}" },
      asks: ["secretsmanager:CreateSecret secret:tagged-??????", "secretsmanager:TagResource secret:tagged-??????"],
      also: ["kms:GenerateDataKey", "kms:Decrypt"],
    },
    onSecret("GetSecretValue"),
    { ...onSecret("GetSecretValue", { SecretId: "{arn}" }), about: "by ARN" },
    {
      operation: "GetSecretValue",
      about: "that does not exist",
      input: { SecretId: "missing" },
      asks: ["secretsmanager:GetSecretValue missing"],
      fails: "ResourceNotFoundException",
    },
    {
      operation: "BatchGetSecretValue",
      about: "each of them by itself",
      input: { SecretIdList: ["app", "missing"] },
      asks: ["secretsmanager:BatchGetSecretValue *"],
    },
    {
      operation: "BatchGetSecretValue",
      about: "by filters",
      input: { Filters: [{ Key: "name", Values: ["app"] }] },
      asks: ["secretsmanager:BatchGetSecretValue *", "secretsmanager:ListSecrets *"],
    },
    onSecret("PutSecretValue", { SecretString: "2", ClientRequestToken: OTHER_TOKEN }),
    onSecret("UpdateSecret", { Description: "d", ClientRequestToken: TOKEN }),
    {
      ...onSecret("UpdateSecret", { KmsKeyId: "{keyId}", ClientRequestToken: TOKEN }),
      about: "with another key",
      also: ["kms:GenerateDataKey", "kms:Decrypt", "kms:Encrypt"],
    },
    {
      ...onSecret("UpdateSecretVersionStage", { VersionStage: "OLD", MoveToVersionId: "{versionId}" }),
    },
    onSecret("DescribeSecret"),
    { operation: "ListSecrets", asks: ["secretsmanager:ListSecrets *"] },
    onSecret("ListSecretVersionIds"),
    onSecret("DeleteSecret", { RecoveryWindowInDays: 7 }),
    onSecret("RestoreSecret"),
    { operation: "GetRandomPassword", asks: ["secretsmanager:GetRandomPassword *"] },
    onSecret("TagResource", { Tags: TAGS }),
    onSecret("UntagResource", { TagKeys: ["team"] }),
    onSecret("PutResourcePolicy", {
      ResourcePolicy: JSON.stringify({
        Version: "2012-10-17",
        Statement: {
          Effect: "Allow",
          Principal: { AWS: "444455556666" },
          Action: "secretsmanager:GetSecretValue",
          Resource: "*",
        },
      }),
      BlockPublicPolicy: true,
    }),
    {
      ...onSecret("ValidateResourcePolicy", {
        ResourcePolicy: JSON.stringify({ Version: "2012-10-17", Statement: [] }),
      }),
      asks: ["secretsmanager:ValidateResourcePolicy {arn}", "secretsmanager:PutResourcePolicy {arn}"],
      fails: "MalformedPolicyDocumentException",
    },
    {
      operation: "ValidateResourcePolicy",
      about: "of no secret",
      input: {
        ResourcePolicy: JSON.stringify({
          Version: "2012-10-17",
          Statement: { Effect: "Deny", Principal: "*", Action: "secretsmanager:DeleteSecret", Resource: "*" },
        }),
      },
      asks: ["secretsmanager:ValidateResourcePolicy secret:*", "secretsmanager:PutResourcePolicy secret:*"],
    },
    onSecret("RotateSecret", {
      ...{ RotationLambdaARN: "arn:aws:lambda:us-east-1:000000000000:function:f", ClientRequestToken: OTHER_TOKEN },
      ...{ RotationRules: { AutomaticallyAfterDays: 1 }, RotateImmediately: false },
    }),
    onSecret("CancelRotateSecret"),
    onSecret("GetResourcePolicy"),
    onSecret("DeleteResourcePolicy"),
  ],
  surprises: [
    {
      action: "secretsmanager:GetSecretValue",
      resource: /^missing$/,
      why: "a secret that does not exist is asked for by the name that was sent",
    },
  ],
});
