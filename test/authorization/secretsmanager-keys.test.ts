import { kms } from "../../src/services/kms/index.ts";
import { secretsmanager } from "../../src/services/secretsmanager/index.ts";
import { describeConditionKeys, type KeyedCall } from "./describe-condition-keys.ts";

const TAGS = [{ Key: "class", Value: "open" }];
const TOKEN = "11111111-2222-4333-8444-555555555555";
const FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:rotate";
const ROTATION_ROLE = "arn:aws:iam::000000000000:role/rotate";
const REQUEST: KeyedCall["keys"] = [
  ["aws:RequestTag/class", "open", "secret"],
  ["aws:TagKeys", "class", "team"],
];
const SECRET: KeyedCall["keys"] = [
  ["aws:ResourceTag/team", "blue", "red"],
  ["secretsmanager:ResourceTag/team", "blue", "red"],
  ["secretsmanager:SecretId", "{arn}", "arn:aws:secretsmanager:us-east-1:{account}:secret:other-abcdef"],
  ["secretsmanager:SecretPrimaryRegion", "us-east-1", "eu-west-1"],
  ["aws:ResourceAccount", "{account}", "444455556666"],
];

const onSecret = (operation: string, input: object = {}, keys: KeyedCall["keys"] = []): KeyedCall => ({
  action: `secretsmanager:${operation}`,
  operation,
  input: { SecretId: "app", ...input },
  keys: [...SECRET, ...keys],
});

const created = {
  ...{ Name: "new", Description: "d", KmsKeyId: "{keyId}", Tags: TAGS, ClientRequestToken: TOKEN, SecretString: "1" },
  ...{ AddReplicaRegions: [{ Region: "eu-west-1" }], ForceOverwriteReplicaSecret: true, Type: "app" },
};

describeConditionKeys({
  service: "secretsmanager",
  services: () => [secretsmanager, kms],
  preparations: [
    {
      service: "kms",
      operation: "CreateKey",
      input: {},
      keep: { keyId: "KeyMetadata.KeyId", keyArn: "KeyMetadata.Arn" },
    },
    {
      service: "secretsmanager",
      operation: "CreateSecret",
      input: { Name: "app", SecretString: "1", ClientRequestToken: TOKEN, Tags: [{ Key: "team", Value: "blue" }] },
      keep: { arn: "ARN", versionId: "VersionId" },
    },
    {
      service: "secretsmanager",
      operation: "CreateSecret",
      input: { Name: "rotated", ClientRequestToken: TOKEN },
    },
    {
      service: "secretsmanager",
      operation: "RotateSecret",
      input: {
        ...{ SecretId: "rotated", ClientRequestToken: TOKEN, RotationLambdaARN: FUNCTION },
        RotateImmediately: false,
      },
    },
  ],
  calls: [
    {
      action: "secretsmanager:CreateSecret",
      operation: "CreateSecret",
      input: created,
      keys: [
        ...REQUEST,
        ["secretsmanager:Name", "new", "old"],
        ["secretsmanager:Description", "d", "e"],
        ["secretsmanager:KmsKeyId", "{keyId}", "other"],
        ["secretsmanager:KmsKeyArn", "{keyArn}", "arn:aws:kms:us-east-1:{account}:key/other"],
        ["secretsmanager:AddReplicaRegions", "eu-west-1", "eu-west-2"],
        ["secretsmanager:ForceOverwriteReplicaSecret", "true", "false"],
        ["secretsmanager:Type", "app", "other"],
      ],
    },
    { action: "secretsmanager:TagResource", operation: "CreateSecret", input: created, keys: REQUEST },
    onSecret("GetSecretValue", { VersionStage: "AWSCURRENT" }, [
      ["secretsmanager:VersionStage", "AWSCURRENT", "AWSPREVIOUS"],
    ]),
    onSecret("GetSecretValue", { VersionId: "{versionId}" }, [["secretsmanager:VersionId", "{versionId}", "other"]]),
    onSecret("GetSecretValue", { SecretId: "{arn}", VersionStage: "AWSPREVIOUS" }, [
      ["secretsmanager:VersionStage", "AWSPREVIOUS", "AWSCURRENT"],
    ]),
    onSecret("PutSecretValue", { SecretString: "1", ClientRequestToken: TOKEN }),
    onSecret("UpdateSecret", { Description: "d", KmsKeyId: "{keyArn}", Type: "app", ClientRequestToken: TOKEN }, [
      ["secretsmanager:Description", "d", "e"],
      ["secretsmanager:KmsKeyId", "{keyArn}", "other"],
      ["secretsmanager:KmsKeyArn", "{keyArn}", "arn:aws:kms:us-east-1:{account}:key/other"],
      ["secretsmanager:Type", "app", "other"],
    ]),
    onSecret("UpdateSecretVersionStage", { VersionStage: "X", MoveToVersionId: "{versionId}" }, [
      ["secretsmanager:VersionStage", "X", "Y"],
    ]),
    onSecret("DescribeSecret"),
    onSecret("ListSecretVersionIds"),
    onSecret("GetResourcePolicy"),
    onSecret("DeleteResourcePolicy"),
    onSecret("PutResourcePolicy", { ResourcePolicy: "{}", BlockPublicPolicy: true }, [
      ["secretsmanager:BlockPublicPolicy", "true", "false"],
    ]),
    onSecret("ValidateResourcePolicy", { ResourcePolicy: "{}" }),
    onSecret("RotateSecret", { RotationLambdaARN: FUNCTION, RotationRules: { AutomaticallyAfterDays: 1 } }, [
      ["secretsmanager:RotationLambdaARN", FUNCTION, `${FUNCTION}2`],
      ["secretsmanager:ModifyRotationRules", "true", "false"],
      ["secretsmanager:RotateImmediately", "true", "false"],
    ]),
    onSecret("RotateSecret", { RotateImmediately: false, ExternalSecretRotationRoleArn: ROTATION_ROLE }, [
      ["secretsmanager:ModifyRotationRules", "false", "true"],
      ["secretsmanager:RotateImmediately", "false", "true"],
      ["secretsmanager:ExternalSecretRotationRoleArn", ROTATION_ROLE, `${ROTATION_ROLE}2`],
    ]),
    {
      action: "secretsmanager:CancelRotateSecret",
      operation: "CancelRotateSecret",
      input: { SecretId: "rotated" },
      keys: [["secretsmanager:resource/AllowRotationLambdaArn", FUNCTION, `${FUNCTION}2`]],
    },
    onSecret("TagResource", { Tags: TAGS }, REQUEST),
    onSecret("UntagResource", { TagKeys: ["class"] }, [["aws:TagKeys", "class", "team"]]),
    // Refused for its values, so that the secret stays.
    onSecret("DeleteSecret", { RecoveryWindowInDays: 3 }, [["secretsmanager:RecoveryWindowInDays", "3", "30"]]),
    onSecret("DeleteSecret", { RecoveryWindowInDays: 7, ForceDeleteWithoutRecovery: true }, [
      ["secretsmanager:ForceDeleteWithoutRecovery", "true", "false"],
    ]),
    onSecret("RestoreSecret"),
  ],
});
