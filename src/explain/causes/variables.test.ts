/** Parameters, secrets and keys that variables are read from. */
import { describe } from "vitest";
import { denialMessage, FLASK_BUILDSPEC } from "../../../test/support/build-facts.ts";
import { downloading, explains } from "../../../test/support/explain-cases.ts";

const parameter = (name: string) => ({ name, version: 1, type: "SecureString", lastModifiedMs: 0 });
const SECRET_ARN = "arn:aws:secretsmanager:us-east-1:000000000000:secret:prod/db";
const secret = {
  ...downloading,
  buildspec:
    "version: 0.2\nenv:\n  secrets-manager:\n    DB: prod/db:password\nphases:\n  build:\n    commands:\n      - true\n",
  statusCode: "Secrets Manager Error",
};

describe("causes: variables", () => {
  explains([
    {
      ...downloading,
      buildspec: FLASK_BUILDSPEC,
      statusCode: "Decrypted Variables Error",
      message: "parameter does not exist: my_app_Docker_registry_URL",
      parameters: [parameter("/my_app_Docker_registry_URL")],
      code: "ssm/parameter-not-found",
      line: 5,
      cause:
        "the parameter `my_app_Docker_registry_URL` does not exist; `/my_app_Docker_registry_URL` does: the leading slash is part of a parameter's name",
    },
    {
      ...downloading,
      statusCode: "Decrypted Variables Error",
      message: "parameter does not exist: my_app_pasword",
      parameters: [parameter("my_app_password"), parameter("other")],
      code: "ssm/parameter-not-found",
      cause: "the parameter `my_app_pasword` does not exist; the nearest name is `my_app_password`",
    },
    {
      ...downloading,
      statusCode: "Decrypted Variables Error",
      message: "parameter does not exist: x-y-z",
      code: "ssm/parameter-not-found",
      cause: "the parameter `x-y-z` does not exist",
    },
    {
      ...downloading,
      statusCode: "Decrypted Variables Error",
      message: denialMessage("kms:Decrypt", "arn:aws:kms:us-east-1:000000000000:key/k1"),
      code: "iam/kms-decrypt-denied",
      cause:
        "the service role `CodeBuildServiceRole` may read the value but not decrypt it: no policy allows `kms:Decrypt` on the key `arn:aws:kms:us-east-1:000000000000:key/k1`",
    },
    {
      ...secret,
      message: denialMessage("secretsmanager:GetSecretValue", `${SECRET_ARN}-AbCdEf`),
      code: "iam/secret-read-denied",
      line: 4,
      cause: `the service role \`CodeBuildServiceRole\` may not read the secret \`${SECRET_ARN}-AbCdEf\`: no policy allows \`secretsmanager:GetSecretValue\` on it`,
    },
    {
      ...secret,
      message: denialMessage("secretsmanager:GetSecretValue", "prod/db"),
      code: "secretsmanager/secret-not-found",
      line: 4,
      cause:
        "there is no secret `prod/db`: a name that AWS does not find is denied, unless a policy allows `secretsmanager:GetSecretValue` on `*`",
    },
    {
      ...secret,
      message: "ResourceNotFoundException: Secrets Manager can't find the specified secret.",
      code: "secretsmanager/secret-not-found",
      line: 4,
      cause: "the secret `prod/db` does not exist",
    },
    {
      ...secret,
      message:
        "ResourceNotFoundException: Secrets Manager can't find the specified secret value for staging label: AWSPREVIOUS",
      code: "secretsmanager/version-not-found",
      line: 4,
      cause: "the secret `prod/db` has no version with the staging label `AWSPREVIOUS`",
      next: '`aws secretsmanager list-secret-version-ids --secret-id "prod/db"` lists the versions with their labels',
    },
    {
      ...secret,
      message: "the secret `prod/db` has no JSON key `password`",
      code: "secretsmanager/json-key-not-found",
      line: 4,
      cause: "the secret `prod/db` has no JSON key `password`",
      next: '`aws secretsmanager get-secret-value --secret-id "prod/db"` shows the value',
    },
    {
      ...secret,
      message: "AccessDeniedException: Access to KMS is not allowed\n\tstatus code: 400, request id: r",
      code: "iam/secret-decrypt-denied",
      line: 4,
      cause:
        "the service role `CodeBuildServiceRole` may read the secret but not decrypt it: no policy allows `kms:Decrypt` on its key",
    },
  ]);
});
