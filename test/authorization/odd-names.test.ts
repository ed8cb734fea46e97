/** Names that cannot be: every service answers with an error of the caller, none fails. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ServiceName } from "../../src/core/aws.ts";
import { AwsError } from "../../src/core/errors.ts";
import { iam } from "../../src/services/iam/index.ts";
import { kms } from "../../src/services/kms/index.ts";
import { logs } from "../../src/services/logs/index.ts";
import { secretsmanager } from "../../src/services/secretsmanager/index.ts";
import { ssm } from "../../src/services/ssm/index.ts";
import { sts } from "../../src/services/sts/index.ts";
import { openStage, type Stage } from "./stage.ts";

const BLOB = { Plaintext: Buffer.from("x") };

/** Operations with what names a thing as the text that is tried. */
const CALLS: readonly (readonly [ServiceName, string, (name: string) => object])[] = [
  ["ssm", "GetParameter", (Name) => ({ Name })],
  ["ssm", "GetParameterHistory", (Name) => ({ Name })],
  ["ssm", "DeleteParameter", (Name) => ({ Name })],
  ["ssm", "GetParametersByPath", (Path) => ({ Path })],
  ["ssm", "PutParameter", (Name) => ({ Name, Value: "1", Type: "String" })],
  ["ssm", "LabelParameterVersion", (Name) => ({ Name, Labels: ["a"] })],
  ["ssm", "ListTagsForResource", (ResourceId) => ({ ResourceType: "Parameter", ResourceId })],
  ["ssm", "GetServiceSetting", (SettingId) => ({ SettingId })],
  ["kms", "DescribeKey", (KeyId) => ({ KeyId })],
  ["kms", "Encrypt", (KeyId) => ({ KeyId, ...BLOB })],
  ["kms", "GetKeyPolicy", (KeyId) => ({ KeyId })],
  ["kms", "DeleteAlias", (name) => ({ AliasName: `alias/${name}` })],
  ["kms", "DescribeKey", (name) => ({ KeyId: `alias/${name}` })],
  ["kms", "DescribeKey", (name) => ({ KeyId: `arn:aws:kms:us-east-1:${name}:key/x` })],
  ["secretsmanager", "GetSecretValue", (SecretId) => ({ SecretId })],
  ["secretsmanager", "DescribeSecret", (name) => ({ SecretId: `arn:aws:secretsmanager:us-east-1:${name}:secret:a` })],
  ["logs", "DeleteLogGroup", (logGroupName) => ({ logGroupName })],
  ["logs", "GetLogEvents", (logStreamName) => ({ logGroupName: "/none", logStreamName })],
  ["logs", "ListTagsForResource", (name) => ({ resourceArn: `arn:aws:logs:us-east-1:1:log-group:${name}` })],
  ["iam", "GetRole", (RoleName) => ({ RoleName })],
  ["iam", "GetPolicy", (name) => ({ PolicyArn: `arn:aws:iam::111122223333:policy/${name}` })],
  ["iam", "GetPolicy", (PolicyArn) => ({ PolicyArn })],
  ["sts", "AssumeRole", (name) => ({ RoleArn: `arn:aws:iam::111122223333:role/${name}`, RoleSessionName: "one" })],
  ["sts", "GetAccessKeyInfo", (AccessKeyId) => ({ AccessKeyId })],
];
const NAMES = [
  "nul \u0000 inside",
  "\u0000",
  "\u0001\u0000\u0001",
  "lone \ud800",
  "__proto__",
  "constructor",
  "..",
  "%",
];

describe("a name that cannot be", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage({ services: () => [iam, kms, logs, secretsmanager, ssm, sts] });
  });
  afterAll(() => stage.close());

  it.each(CALLS.map((call) => [`${call[0]}:${call[1]}`, call] as const))(
    "is the caller's mistake in %s",
    async (_name, [service, operation, inputOf]) => {
      const allowed = { Effect: "Allow", Action: "*", Resource: "*" };
      for (const name of NAMES) {
        for (const statements of [[allowed], []]) {
          const error = await stage.call("role", statements, service, operation, inputOf(name)).catch((e) => e);
          if (!(error instanceof AwsError)) continue;
          expect([name, error.code, error.fault, error.cause]).toEqual([name, error.code, "client", undefined]);
        }
      }
    },
  );
});
