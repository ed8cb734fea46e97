import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failureOf, openServices, type ServicesFixture } from "../../../test/support/services-fixture.ts";
import { kms } from "../kms/index.ts";
import { secretsmanager } from "../secretsmanager/index.ts";
import { ssm } from "./index.ts";

let services: ServicesFixture;
let arn: string;
const VersionId = "11111111-2222-4333-8444-555555555555";
const NAME = "/aws/reference/secretsmanager/app/db";
const REFERENCING =
  "An error occurred (ParameterNotFound) when referencing Secrets Manager: Secret aws/reference/secretsmanager/";

beforeEach(async () => {
  services = await openServices([ssm, kms, secretsmanager]);
  const secret = { Name: "app/db", SecretString: '{"user":"me"}', ClientRequestToken: VersionId };
  arn = (await services.root.call<{ ARN: string }>("secretsmanager", "CreateSecret", secret)).ARN;
});
afterEach(() => services.close());

const get = (input: object = {}, caller = services.root) =>
  caller.call<{ Parameter: Record<string, unknown> & { SourceResult: string } }>("ssm", "GetParameter", {
    Name: NAME,
    WithDecryption: true,
    ...input,
  });

describe("/aws/reference/secretsmanager", () => {
  it("reads a secret as a SecureString", async () => {
    const { Parameter } = await get();
    expect(Parameter).toEqual({
      ...{ Name: NAME, Type: "SecureString", Value: '{"user":"me"}', Version: 0, ARN: arn },
      LastModifiedDate: services.clock.nowMs(),
      SourceResult: JSON.stringify({
        ...{ ARN: arn, name: "app/db", versionId: VersionId, secretString: '{"user":"me"}' },
        versionStages: ["AWSCURRENT"],
        createdDate: "Jan 2, 2026, 3:04:05 AM",
      }),
    });
  });

  it("takes a stage or a version id as selector", async () => {
    expect((await get({ Name: `${NAME}:AWSCURRENT` })).Parameter).toMatchObject({ Selector: ":AWSCURRENT" });
    expect((await get({ Name: `${NAME}:${VersionId}` })).Parameter).toMatchObject({ Value: '{"user":"me"}' });
  });

  it("needs decryption and the secret", async () => {
    expect(await failureOf(get({ WithDecryption: false }))).toBe(
      "ValidationException: WithDecryption flag must be True for retrieving a Secret Manager secret.",
    );
    expect(await failureOf(get({ Name: "/aws/reference/secretsmanager/none" }))).toBe(
      `ParameterNotFound: ${REFERENCING}nonenull not found.`,
    );
    expect(await failureOf(get({ Name: `${NAME}:AWSPREVIOUS` }))).toBe(
      `ParameterNotFound: ${REFERENCING}app/db:AWSPREVIOUS not found.`,
    );
    const Names = [NAME, "/aws/reference/secretsmanager/none"];
    const several = await services.root.call("ssm", "GetParameters", { Names, WithDecryption: true });
    expect(several).toMatchObject({
      Parameters: [{ Name: NAME }],
      InvalidParameters: ["/aws/reference/secretsmanager/none"],
    });
  });

  it("does not find a secret that is being deleted, and still answers what else was asked for", async () => {
    await services.root.call("ssm", "PutParameter", { Name: "/x", Value: "1", Type: "String" });
    await services.root.call("secretsmanager", "DeleteSecret", { SecretId: "app/db" });
    expect(await failureOf(get())).toBe(`ParameterNotFound: ${REFERENCING}app/dbnull not found.`);
    const several = await services.root.call("ssm", "GetParameters", { Names: [NAME, "/x"], WithDecryption: true });
    expect(several).toMatchObject({ Parameters: [{ Name: "/x" }], InvalidParameters: [NAME] });
  });

  it("needs permission in both services", async () => {
    const onParameter = { Effect: "Allow", Action: "ssm:GetParameter", Resource: "*" };
    const onSecret = { Effect: "Allow", Action: "secretsmanager:GetSecretValue", Resource: arn };
    expect(await failureOf(get({}, services.role("One", [onParameter])))).toContain(
      `is not authorized to perform: secretsmanager:GetSecretValue on resource: ${arn} because no identity-based policy`,
    );
    expect((await get({}, services.role("Both", [onParameter, onSecret]))).Parameter).toMatchObject({ Name: NAME });
  });
});
