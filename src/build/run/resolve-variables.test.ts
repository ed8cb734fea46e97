import { describe, expect, it } from "vitest";
import { denied, scriptedRole, TEST_UUID } from "../../../test/support/run-test-build.ts";
import type { PlannedVariable } from "../plan/index.ts";
import { parseSecretReference } from "../plan/index.ts";
import { resolveVariables } from "./resolve-variables.ts";

const parameter = (name: string, value: string, extension?: "ssm-reference"): PlannedVariable => ({
  name,
  type: "PARAMETER_STORE",
  value,
  source: "buildspec",
  line: 7,
  ...(extension ? { extension } : {}),
});

const storeOf = (values: Readonly<Record<string, string>>, calls: string[][] = []) =>
  scriptedRole({
    GetParameters: ({ Names }: { Names: string[] }) => {
      calls.push(Names);
      return {
        Parameters: Names.filter((name) => name in values).map((name) => ({ Name: name, Value: values[name] })),
        InvalidParameters: Names.filter((name) => !(name in values)),
      };
    },
  });

describe("variables of a build", () => {
  it("asks for at most ten parameters at a time, each once", async () => {
    const calls: string[][] = [];
    const names = Array.from({ length: 12 }, (_, index) => `p${index}`);
    const role = storeOf(Object.fromEntries(names.map((name) => [name, `value-${name}`])), calls);
    const result = await resolveVariables(
      [...names, "p0"].map((name, index) => parameter(`V${index}`, name)),
      role,
    );
    expect(calls.map((call) => call.length)).toEqual([10, 2]);
    expect(result.ok && result.value.resolved.at(-1)?.value).toBe("value-p0");
    expect(result.ok && result.value.secrets).toContain("value-p11");
  });

  it("names the parameter that does not exist", async () => {
    expect(await resolveVariables([parameter("USER", "my-app-user")], storeOf({}))).toEqual({
      ok: false,
      error: { statusCode: "Decrypted Variables Error", message: "parameter does not exist: my-app-user" },
    });
  });

  it("gives AWS's text, with status code and request id, when the role may not read", async () => {
    const resource = "arn:aws:ssm:us-east-1:111122223333:parameter/my_app";
    const role = scriptedRole({
      GetParameters: () => {
        throw denied("ssm:GetParameters", resource);
      },
    });
    expect(await resolveVariables([parameter("USER", "my_app")], role)).toEqual({
      ok: false,
      error: {
        statusCode: "Decrypted Variables Error",
        message: `AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/CodeBuildServiceRole/AWSCodeBuild-${TEST_UUID} is not authorized to perform: ssm:GetParameters on resource: ${resource} because no identity-based policy allows the ssm:GetParameters action\n\tstatus code: 400, request id: request-1`,
      },
    });
  });

  it("resolves `ssm:/name` with and without the slash, and says so", async () => {
    const result = await resolveVariables(
      [parameter("USER", "/my-user", "ssm-reference")],
      storeOf({ "my-user": "u" }),
    );
    expect(result.ok && result.value.resolved[0]?.value).toBe("u");
    expect(result.ok && result.value.notices).toEqual([
      "`USER: ssm:/my-user` (line 7) is read from Parameter Store here; AWS CodeBuild would leave the text as it is. Write it under `env.parameter-store`, or run `kiln check --fix`",
      "there is no parameter `/my-user`; `USER` is taken from `my-user`",
      "the value of `USER` is shorter than 3 characters and is not hidden in the log",
    ]);
  });

  it("does not try other spellings of names under env.parameter-store", async () => {
    const result = await resolveVariables([parameter("USER", "/my-user")], storeOf({ "my-user": "u" }));
    expect(result.ok).toBe(false);
  });

  it("reads secrets, whole or by JSON key", async () => {
    const asked: object[] = [];
    const role = scriptedRole({
      GetSecretValue: (input: object) => {
        asked.push(input);
        return { SecretString: '{"user":"admin","port":5432}' };
      },
    });
    const secret = (name: string, value: string): PlannedVariable => ({
      name,
      type: "SECRETS_MANAGER",
      value,
      source: "buildspec",
    });
    const result = await resolveVariables([secret("U", "db:user"), secret("P", "db:port"), secret("ALL", "db")], role);
    expect(result.ok && result.value.resolved.map((one) => one.value)).toEqual([
      "admin",
      "5432",
      '{"user":"admin","port":5432}',
    ]);
    expect(asked).toEqual([{ SecretId: "db" }]);
    expect(await resolveVariables([secret("X", "db:nope")], role)).toEqual({
      ok: false,
      error: { statusCode: "Secrets Manager Error", message: "the secret `db` has no JSON key `nope`" },
    });
  });

  it.each([
    ["name", { secretId: "name" }],
    ["name:key:AWSPREVIOUS", { secretId: "name", jsonKey: "key", versionStage: "AWSPREVIOUS" }],
    ["name::AWSPREVIOUS", { secretId: "name", versionStage: "AWSPREVIOUS" }],
    ["name:::id", { secretId: "name", versionId: "id" }],
    [
      "arn:aws:secretsmanager:us-east-1:1:secret:n-AbCdEf:key",
      { secretId: "arn:aws:secretsmanager:us-east-1:1:secret:n-AbCdEf", jsonKey: "key" },
    ],
  ])("reads the reference %s", (text, expected) => {
    expect(parseSecretReference(text)).toEqual(expected);
  });
});
