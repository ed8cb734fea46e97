/** Which parameters and secrets are encrypted with keys that customers manage: those a role must be allowed to use. */
import type { RoleSettings } from "../../build/plan/index.ts";
import { type AwsScope, arnIn } from "../../core/arn.ts";
import type { AwsCaller } from "../../core/aws.ts";
import { listParameters, unlessCode } from "../params/parameters.ts";

/** ARNs of the keys by ARN of the parameter, and by ARN pattern of the secret (`…-??????`). */
export async function customerKeys(
  aws: AwsCaller,
  scope: AwsScope,
): Promise<Required<Pick<RoleSettings, "parameterKeys" | "secretKeys">>> {
  const arns = new Map<string, Promise<string | undefined>>();
  const arnOf = (keyId: string | undefined): Promise<string | undefined> | undefined => {
    if (keyId === undefined || keyId.startsWith("alias/aws/")) return undefined;
    const known = arns.get(keyId) ?? describe(aws, keyId);
    arns.set(keyId, known);
    return known;
  };
  const parameterKeys = new Map<string, string>();
  for (const { name, keyId } of await listParameters(aws)) {
    const key = await arnOf(keyId);
    if (key !== undefined) parameterKeys.set(arnIn(scope, "ssm", `parameter/${name.replace(/^\//, "")}`), key);
  }
  const secretKeys = new Map<string, string>();
  let token: string | undefined;
  do {
    const page: { SecretList?: { Name?: string; KmsKeyId?: string }[]; NextToken?: string } = await aws.call(
      "secretsmanager",
      "ListSecrets",
      { MaxResults: 100, ...(token === undefined ? {} : { NextToken: token }) },
    );
    for (const { Name = "", KmsKeyId } of page.SecretList ?? []) {
      const key = await arnOf(KmsKeyId);
      if (key !== undefined) secretKeys.set(arnIn(scope, "secretsmanager", `secret:${Name}-??????`), key);
    }
    token = page.NextToken;
  } while (token !== undefined);
  return { parameterKeys, secretKeys };
}

/** The key's ARN; undefined when AWS manages it or it is not there (any more). */
async function describe(aws: AwsCaller, KeyId: string): Promise<string | undefined> {
  const found = await unlessCode(
    ["NotFoundException"],
    aws.call<{ KeyMetadata?: { Arn?: string; KeyManager?: string } }>("kms", "DescribeKey", { KeyId }),
  );
  const { Arn, KeyManager } = found?.KeyMetadata ?? {};
  return KeyManager === "AWS" ? undefined : Arn;
}
