/** The whole life of parameters over HTTP: the unmodified SDK v3 client, and aws CLIs where there are any. */
import * as Ssm from "@aws-sdk/client-ssm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findAwsClis, runAws } from "../support/aws-cli.ts";
import { ACCOUNT, clientSettings, rootArn, type StartedEndpoint, startEndpoint } from "../support/start-endpoint.ts";

const ARN = `arn:aws:ssm:us-east-1:${ACCOUNT}:parameter`;

let kiln: StartedEndpoint;
let ssm: Ssm.SSM;
beforeAll(async () => {
  kiln = await startEndpoint();
  ssm = new Ssm.SSM(clientSettings(kiln.url));
});
afterAll(async () => {
  ssm.destroy();
  await kiln.close();
});

/** Code and text of a refusal, as the client has them. */
async function refusal(call: Promise<unknown>): Promise<string> {
  const error = (await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )) as Ssm.SSMServiceException | undefined;
  expect(error?.$metadata.httpStatusCode).toBe(400);
  return `${error?.name}: ${error?.message}`;
}

describe("the SDK", () => {
  it("creates, changes, labels, selects and deletes", async () => {
    const Name = "/life/db/password";
    const created = await ssm.putParameter({
      ...{ Name, Value: "one", Type: "SecureString", Description: "of the database", AllowedPattern: "[a-z]+" },
      Tags: [{ Key: "team", Value: "a" }],
    });
    expect(created).toMatchObject({ Version: 1, Tier: "Standard" });
    expect(await ssm.putParameter({ Name, Value: "two", Overwrite: true })).toMatchObject({ Version: 2 });
    expect(await ssm.labelParameterVersion({ Name, ParameterVersion: 1, Labels: ["prod", "1st"] })).toMatchObject({
      InvalidLabels: ["1st"],
      ParameterVersion: 1,
    });
    for (const reference of [`${Name}:prod`, `${Name}:1`, `${ARN}${Name}:1`]) {
      const { Parameter } = await ssm.getParameter({ Name: reference, WithDecryption: true });
      expect(Parameter).toEqual({
        ...{ Name, Type: "SecureString", Value: "one", Version: 1, DataType: "text", ARN: `${ARN}${Name}` },
        Selector: reference.endsWith("prod") ? ":prod" : ":1",
        LastModifiedDate: expect.any(Date),
      });
    }
    await ssm.labelParameterVersion({ Name, Labels: ["prod"] });
    const { Parameters: history } = await ssm.getParameterHistory({ Name, WithDecryption: true });
    expect(history?.map(({ Version, Value, Labels, KeyId }) => [Version, Value, Labels, KeyId])).toEqual([
      [1, "one", [], "alias/aws/ssm"],
      [2, "two", ["prod"], "alias/aws/ssm"],
    ]);
    expect(await ssm.unlabelParameterVersion({ Name, ParameterVersion: 2, Labels: ["prod"] })).toMatchObject({
      RemovedLabels: ["prod"],
      InvalidLabels: [],
    });
    await ssm.addTagsToResource({ ResourceType: "Parameter", ResourceId: Name, Tags: [{ Key: "app", Value: "x" }] });
    await ssm.removeTagsFromResource({ ResourceType: "Parameter", ResourceId: Name, TagKeys: ["team"] });
    expect((await ssm.listTagsForResource({ ResourceType: "Parameter", ResourceId: Name })).TagList).toEqual([
      { Key: "app", Value: "x" },
    ]);
    expect((await ssm.describeParameters({ ParameterFilters: [{ Key: "tag:app" }] })).Parameters).toEqual([
      {
        ...{ Name, ARN: `${ARN}${Name}`, Type: "SecureString", KeyId: "alias/aws/ssm", LastModifiedUser: rootArn },
        ...{ Description: "of the database", AllowedPattern: "[a-z]+", Version: 2, Tier: "Standard", Policies: [] },
        ...{ DataType: "text", LastModifiedDate: expect.any(Date) },
      },
    ]);
    expect(await ssm.deleteParameters({ Names: [Name, "/life/none"] })).toMatchObject({
      DeletedParameters: [Name],
      InvalidParameters: ["/life/none"],
    });
    await expect(ssm.getParameterHistory({ Name })).rejects.toThrow(Ssm.ParameterNotFound);
  });

  it("has its exceptions, with AWS's texts", async () => {
    await ssm.putParameter({ Name: "/e/x", Value: "1", Type: "String" });
    const again = ssm.putParameter({ Name: "/e/x", Value: "1", Type: "String" });
    await expect(again).rejects.toThrow(Ssm.ParameterAlreadyExists);
    await expect(ssm.getParameter({ Name: "/e/x:9" })).rejects.toThrow(Ssm.ParameterVersionNotFound);
    await expect(ssm.describeParameters({ NextToken: "no token" })).rejects.toThrow(Ssm.InvalidNextToken);
    await expect(ssm.getServiceSetting({ SettingId: "/ssm/none" })).rejects.toThrow(Ssm.ServiceSettingNotFound);
    const noParameter = { ResourceType: "Parameter", ResourceId: "/e/none" } as const;
    await expect(ssm.listTagsForResource(noParameter)).rejects.toThrow(Ssm.InvalidResourceId);
    const tooDeep = ssm.putParameter({ Name: `/e${"/x".repeat(15)}`, Value: "1", Type: "String" });
    await expect(tooDeep).rejects.toThrow(Ssm.HierarchyLevelLimitExceededException);
    expect(await refusal(ssm.putParameter({ Name: "/e/y", Value: "a", Type: "String", AllowedPattern: "\\d" }))).toBe(
      "ParameterPatternMismatchException: Parameter value, cannot be validated against allowedPattern: \\d",
    );
    expect(await refusal(ssm.putParameter({ Name: "e/y", Value: "a", Type: "String" }))).toBe(
      "ValidationException: Parameter name must be a fully qualified name.",
    );
    expect(await refusal(ssm.putParameter({ Name: "/e/y", Value: "", Type: "String" }))).toBe(
      "ValidationException: 1 validation error detected: Value at 'value' failed to satisfy constraint: Member must " +
        "have length greater than or equal to 1",
    );
    const names = Array.from({ length: 11 }, (_, n) => `n${n}`);
    expect(await refusal(ssm.getParameters({ Names: names }))).toBe(
      `ValidationException: 1 validation error detected: Value '[${names.join(", ")}]' at 'names' failed to satisfy ` +
        "constraint: Member must have length less than or equal to 10",
    );
    expect(await refusal(ssm.getParametersByPath({ Path: "/e", ParameterFilters: [{ Key: "Tier" }] }))).toBe(
      "InvalidFilterKey: The following filter key is not valid: Tier. Valid filter keys include: [Type, KeyId].",
    );
  });

  it("pages through everything with its paginators", async () => {
    for (let n = 0; n < 13; n++) await ssm.putParameter({ Name: `/page/p${n}/leaf`, Value: `${n}`, Type: "String" });
    const byPath: (string | undefined)[] = [];
    for await (const page of Ssm.paginateGetParametersByPath(
      { client: ssm, pageSize: 4 },
      { Path: "/page", Recursive: true },
    )) {
      byPath.push(...(page.Parameters ?? []).map(({ Value }) => Value));
    }
    expect(byPath.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 13 }, (_, n) => n));
    const described: (string | undefined)[] = [];
    const ParameterFilters = [{ Key: "Path", Option: "Recursive", Values: ["/page"] }];
    for await (const page of Ssm.paginateDescribeParameters({ client: ssm, pageSize: 5 }, { ParameterFilters })) {
      described.push(...(page.Parameters ?? []).map(({ Name }) => Name));
    }
    expect(new Set(described).size).toBe(13);
  });

  it("shares an advanced parameter and sets what the account's tier is", async () => {
    const ARN_OF_SHARED = `${ARN}/shared/x`;
    await ssm.putParameter({ Name: "/shared/x", Value: "v", Type: "String", Tier: "Advanced" });
    const Policy = JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        {
          ...{ Effect: "Allow", Principal: { AWS: "111122223333" }, Resource: ARN_OF_SHARED },
          Action: ["ssm:GetParameter", "ssm:GetParameters", "ssm:DescribeParameters"],
        },
      ],
    });
    const put = await ssm.putResourcePolicy({ ResourceArn: ARN_OF_SHARED, Policy });
    const { Policies } = await ssm.getResourcePolicies({ ResourceArn: ARN_OF_SHARED });
    expect(Policies).toEqual([{ PolicyId: put.PolicyId, PolicyHash: put.PolicyHash, Policy }]);
    const ids = { PolicyId: put.PolicyId as string, PolicyHash: put.PolicyHash as string };
    await ssm.deleteResourcePolicy({ ResourceArn: ARN_OF_SHARED, ...ids });
    const SettingId = "/ssm/parameter-store/high-throughput-enabled";
    await ssm.updateServiceSetting({ SettingId, SettingValue: "true" });
    expect((await ssm.getServiceSetting({ SettingId })).ServiceSetting).toMatchObject({
      ...{ SettingId, SettingValue: "true", Status: "Customized", LastModifiedUser: rootArn },
      LastModifiedDate: expect.any(Date),
    });
    expect((await ssm.resetServiceSetting({ SettingId })).ServiceSetting).toMatchObject({
      ...{ SettingValue: "false", Status: "Default", LastModifiedUser: "System" },
    });
  });
});

describe.skipIf(findAwsClis().length === 0).each(findAwsClis())("$version", (cli) => {
  const aws = async (...args: string[]) => runAws(cli, kiln.url, ["ssm", ...args]);

  it("reads public parameters, policies and refusals", async () => {
    const region = await aws("get-parameter", "--name", "/aws/service/global-infrastructure/regions/us-east-1");
    expect(JSON.parse(region.stdout).Parameter).toMatchObject({
      Value: "us-east-1",
      ARN: "arn:aws:ssm:us-east-1::parameter/aws/service/global-infrastructure/regions/us-east-1",
    });
    const policies = '[{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"2099-01-01T00:00:00.000Z"}}]';
    const name = `/cli${cli.major}/x`;
    const tier = ["--tier", "Advanced", "--policies", policies];
    await aws("put-parameter", "--name", name, "--value", "v", "--type", "String", ...tier);
    const described = await aws("describe-parameters", "--parameter-filters", `Key=Name,Values=${name}`);
    expect(JSON.parse(described.stdout).Parameters[0]).toMatchObject({
      Policies: [{ PolicyText: policies.slice(1, -1), PolicyType: "Expiration", PolicyStatus: "Pending" }],
    });
    const missing = await aws("get-parameter", "--name", `${name}:7`);
    expect(missing.stderr.trim()).toBe(
      "An error occurred (ParameterVersionNotFound) when calling the GetParameter operation: Systems Manager could not " +
        `find version 7 of ${name}. Verify the version and try again.`,
    );
  });
});
