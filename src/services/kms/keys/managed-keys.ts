/**
 * AWS managed keys: `alias/aws/ssm`, `alias/aws/secretsmanager`, `alias/aws/s3`. Made on first use, one per account and
 * region, with AWS's key policies: anyone in the account may use them, but only through their service, so that no IAM
 * policy needs to name them; nobody can change them.
 * Source: https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-cmk and the policies that
 * GetKeyPolicy answers for these keys.
 */
import type { AwsScope } from "../../../core/arn.ts";
import { globalArnIn } from "../../../core/arn.ts";
import type { PolicyDocument } from "../../../core/aws.ts";
import type { OperationContext } from "../../service.ts";
import { aliasesIn, type KeyRecord, keysIn, recordKey, recordKeyOf } from "../records.ts";
import { newKey } from "./new-key.ts";

interface ManagedKey {
  readonly description: string;
  readonly policy: (scope: AwsScope) => PolicyDocument;
}

/** By alias name. */
export const MANAGED_KEYS: ReadonlyMap<string, ManagedKey> = new Map([
  [
    "alias/aws/ssm",
    {
      description: "Default key that protects my SSM parameters when no other key is defined",
      policy: (scope) => ({
        Version: "2012-10-17",
        Id: "auto-ssm-1",
        Statement: [
          {
            Sid: "Allow access through SSM for all principals in the account that are authorized to use SSM",
            Effect: "Allow",
            Principal: { AWS: "*" },
            Action: [
              "kms:Encrypt",
              "kms:Decrypt",
              "kms:ReEncrypt*",
              "kms:GenerateDataKey*",
              "kms:CreateGrant",
              "kms:DescribeKey",
            ],
            Resource: "*",
            Condition: throughService(scope, "ssm"),
          },
          metadataForAccount(scope),
        ],
      }),
    },
  ],
  [
    "alias/aws/secretsmanager",
    {
      description: "Default key that protects my Secrets Manager data when no other key is defined",
      policy: (scope) => ({
        Version: "2012-10-17",
        Id: "auto-secretsmanager-2",
        Statement: [
          {
            Sid: SECRETS_MANAGER_SID,
            Effect: "Allow",
            Principal: { AWS: "*" },
            Action: ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:CreateGrant", "kms:DescribeKey"],
            Resource: "*",
            Condition: throughService(scope, "secretsmanager"),
          },
          {
            Sid: SECRETS_MANAGER_SID,
            Effect: "Allow",
            Principal: { AWS: "*" },
            Action: "kms:GenerateDataKey*",
            Resource: "*",
            Condition: {
              StringEquals: { "kms:CallerAccount": scope.accountId },
              StringLike: { "kms:ViaService": "secretsmanager.*.amazonaws.com" },
            },
          },
          metadataForAccount(scope),
        ],
      }),
    },
  ],
  [
    "alias/aws/s3",
    {
      description: "Default key that protects my S3 objects when no other key is defined",
      policy: (scope) => ({
        Version: "2012-10-17",
        Id: "auto-s3-2",
        Statement: [
          {
            Sid: "Allow access through S3 for all principals in the account that are authorized to use S3",
            Effect: "Allow",
            Principal: { AWS: "*" },
            Action: ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
            Resource: "*",
            Condition: throughService(scope, "s3"),
          },
          metadataForAccount(scope),
        ],
      }),
    },
  ],
]);

const SECRETS_MANAGER_SID =
  "Allow access through AWS Secrets Manager for all principals in the account that are authorized to use AWS Secrets Manager";

const throughService = (scope: AwsScope, service: string): object => ({
  StringEquals: {
    "kms:CallerAccount": scope.accountId,
    "kms:ViaService": `${service}.${scope.region}.amazonaws.com`,
  },
});

const metadataForAccount = (scope: AwsScope): object => ({
  Sid: "Allow direct access to key metadata to the account",
  Effect: "Allow",
  Principal: { AWS: globalArnIn(scope, "iam", "root") },
  Action: ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"],
  Resource: "*",
});

/** The AWS managed key behind `aliasName`, made if it is not there yet; undefined for other aliases. */
export async function ensureManagedKey(
  context: OperationContext,
  scope: AwsScope,
  aliasName: string,
): Promise<KeyRecord | undefined> {
  const managed = MANAGED_KEYS.get(aliasName);
  // Nobody makes keys in another account.
  if (!managed || scope.accountId !== context.scope.accountId) return undefined;
  const keys = keysIn(context.store);
  const aliases = aliasesIn(context.store);
  const find = (): KeyRecord | undefined => {
    const alias = aliases.get(recordKey(scope, aliasName));
    return alias && keys.get(recordKey(scope, alias.keyId));
  };
  return (
    find() ??
    (await context.store.write(() => {
      // Looked up again under the write lock: another process may have been first.
      const existing = find();
      if (existing) return existing;
      const key = newKey(context, scope, {
        description: managed.description,
        manager: "AWS",
        policy: managed.policy(scope),
        tags: {},
        aliasNames: [aliasName],
      });
      keys.put(recordKeyOf(key), key);
      aliases.put(recordKey(scope, aliasName), {
        name: aliasName,
        keyId: key.id,
        createdAtMs: key.createdAtMs,
        updatedAtMs: key.createdAtMs,
      });
      return key;
    }))
  );
}
