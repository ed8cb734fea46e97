import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failureOf, openServices, type ServicesFixture } from "../../../test/support/services-fixture.ts";
import { kms } from "../kms/index.ts";
import { ssm } from "./index.ts";

let services: ServicesFixture;
const put = (input: object) => services.root.call("ssm", "PutParameter", input);
const get = async (Name: string, input: object = {}) =>
  (await services.root.call<{ Parameter: Record<string, unknown> }>("ssm", "GetParameter", { Name, ...input }))
    .Parameter;

beforeEach(async () => {
  services = await openServices([ssm, kms]);
});
afterEach(() => services.close());

const BAD_NAME =
  'ValidationException: Parameter name: can\'t be prefixed with "ssm" (case-insensitive). If formed as a path, it can ' +
  "consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the " +
  "following 3 symbols .-_";

describe("PutParameter", () => {
  it("creates version 1 and counts up with every overwrite", async () => {
    expect(await put({ Name: "/a/b", Value: "1", Type: "String" })).toEqual({ Version: 1, Tier: "Standard" });
    expect(await put({ Name: "/a/b", Value: "2", Overwrite: true })).toEqual({ Version: 2, Tier: "Standard" });
    expect(await get("/a/b")).toEqual({
      Name: "/a/b",
      Type: "String",
      Value: "2",
      Version: 2,
      LastModifiedDate: services.clock.nowMs(),
      ARN: "arn:aws:ssm:us-east-1:000000000000:parameter/a/b",
      DataType: "text",
    });
  });

  it("gives concurrent overwrites different versions", async () => {
    await put({ Name: "x", Value: "0", Type: "SecureString" });
    const answers = await Promise.all(["1", "2", "3"].map((Value) => put({ Name: "x", Value, Overwrite: true })));
    expect(answers.map((answer) => answer["Version"]).sort()).toEqual([2, 3, 4]);
  });

  it("refuses to replace without Overwrite", async () => {
    await put({ Name: "x", Value: "1", Type: "String" });
    const failure =
      "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.";
    expect(await failureOf(put({ Name: "x", Value: "2", Type: "String" }))).toBe(`ParameterAlreadyExists: ${failure}`);
    expect(await failureOf(put({ Name: "/x", Value: "2", Type: "String" }))).toBe(`ParameterAlreadyExists: ${failure}`);
  });

  it.each([
    ["a/b", "ValidationException: Parameter name must be a fully qualified name."],
    ["/a b", BAD_NAME],
    ["/a//b", BAD_NAME],
    ["/a/", "ValidationException: Parameter name must not end with slash."],
    ["SSM-x", BAD_NAME],
    ["/ssm/x", BAD_NAME],
    ["arn:aws:ssm:us-east-1:000000000000:parameter/x", BAD_NAME],
    ["awslimits", "AccessDeniedException: No access to reserved parameter name: awslimits."],
    ["/AWS/test", "AccessDeniedException: No access to reserved parameter name: AWS/test."],
    [`/${"a/".repeat(15)}b`, /^HierarchyLevelLimitExceededException: A hierarchy can have a maximum of 15 levels\./],
    [
      "x".repeat(967),
      /^AccessDeniedException: User: arn:aws:iam::000000000000:root is not authorized to perform: ssm:PutParameter on resource: arn:aws:ssm:us-east-1:000000000000:parameter\/x{967} because no identity-based policy allows the ssm:PutParameter action$/,
    ],
  ])("refuses the name %s", async (Name, expected) => {
    const failure = await failureOf(put({ Name, Value: "1", Type: "String" }));
    if (typeof expected === "string") expect(failure).toBe(expected);
    else expect(failure).toMatch(expected);
  });

  it("trims spaces around the name", async () => {
    await put({ Name: "  x ", Value: "1", Type: "String" });
    expect(await get("x")).toMatchObject({ Name: "x" });
  });

  it.each([
    [{ Value: "1" }, "ValidationException: A parameter type is required when you create a parameter."],
    [
      { Value: "", Type: "String" },
      "ValidationException: 1 validation error detected: Value at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1",
    ],
    [
      { Value: "v".repeat(40_000), Type: "String" },
      "ValidationException: 1 validation error detected: Value at 'value' failed to satisfy constraint: Member must have length less than or equal to 32768",
    ],
    [
      { Value: "a {{other}} b", Type: "String" },
      "ValidationException: Parameter value: 'a {{other}} b' failed to satisfy constraint: Parameter value can't nest " +
        'another parameter. Do not use "{{}}" in the value.',
    ],
    [
      { Value: "a {{other}} b", Type: "SecureString" },
      'ValidationException: Parameter value can\'t nest another parameter. Do not use "{{}}" in the value.',
    ],
    [
      { Value: "1", Type: "String", DataType: "Text" },
      "ValidationException: The following data type is not supported: Text (Data type names are all lowercase.)",
    ],
    [
      { Value: "abc", Type: "String", AllowedPattern: "\\d+" },
      "ParameterPatternMismatchException: Parameter value, cannot be validated against allowedPattern: \\d+",
    ],
    [
      { Value: "1", Type: "String", AllowedPattern: "(" },
      "InvalidAllowedPatternException: The request does not meet the regular expression requirement: (",
    ],
    [
      { Value: "abc1", Type: "String", AllowedPattern: "[a-z]+" },
      "ParameterPatternMismatchException: Parameter value, cannot be validated against allowedPattern: [a-z]+",
    ],
    [
      { Value: "a".repeat(40), Type: "String", AllowedPattern: "(a+)+b" },
      "ParameterPatternMismatchException: Parameter value, cannot be validated against allowedPattern: (a+)+b",
    ],
    [
      { Value: "1", Type: "String", KeyId: "alias/aws/ssm" },
      "ValidationException: KeyId is required for SecureString type parameter only.",
    ],
    [
      { Value: "ami-0123,ami-4567", Type: "StringList", DataType: "aws:ec2:image" },
      "ValidationException: The aws:ec2:image data type is not supported for the following input type: StringList",
    ],
    [
      { Value: "1", Type: "String", Tags: [{ Key: "aws:x", Value: "b" }] },
      "ValidationException: aws: prefixed tag key names are not allowed for external use.",
    ],
    [
      { Value: "1", Type: "String", Overwrite: true, Tags: [{ Key: "a", Value: "b" }] },
      "ValidationException: Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.",
    ],
  ])("refuses %j", async (input, expected) => {
    const failure = await failureOf(put({ Name: "x", ...input }));
    if (typeof expected === "string") expect(failure).toBe(expected);
    else expect(failure).toMatch(expected);
  });

  it("keeps what an overwrite leaves out, and the allowed pattern still counts", async () => {
    await put({ Name: "x", Value: "1", Type: "String", Description: "number", AllowedPattern: "\\d+" });
    expect(await failureOf(put({ Name: "x", Value: "no", Overwrite: true }))).toMatch(/^ParameterPatternMismatch/);
    await put({ Name: "x", Value: "22", Overwrite: true });
    expect(await services.root.call("ssm", "DescribeParameters", {})).toMatchObject({
      Parameters: [{ Name: "x", Description: "number", AllowedPattern: "\\d+", Version: 2 }],
    });
  });

  it("asks each item of a list for the allowed pattern, but not empty ones at the end", async () => {
    await put({ Name: "x", Value: "a,b,,", Type: "StringList", AllowedPattern: "[a-z]" });
    for (const Value of ["a,bb", "a,,b", ",a"]) {
      expect(await failureOf(put({ Name: "x", Value, Overwrite: true }))).toMatch(/^ParameterPatternMismatch/);
    }
  });

  it("reads allowed patterns as Java does", async () => {
    await put({ Name: "x", Value: "ABC", Type: "String", AllowedPattern: "(?i)[a-z]+|\\Qa.b\\E" });
    await put({ Name: "x", Value: "a.b", Overwrite: true });
    expect(await failureOf(put({ Name: "x", Value: "aXb1", Overwrite: true }))).toMatch(/^ParameterPatternMismatch/);
    await put({ Name: "image", Value: "ami-0123456789abcdef0", Type: "String", DataType: "aws:ec2:image" });
    expect(await get("image")).toMatchObject({ DataType: "aws:ec2:image" });
  });

  it("refuses to change the type", async () => {
    await put({ Name: "x", Value: "1", Type: "String" });
    expect(await failureOf(put({ Name: "x", Value: "1", Type: "SecureString", Overwrite: true }))).toMatch(
      /^HierarchyTypeMismatchException: Parameter Store does not support changing a parameter type/,
    );
  });

  it("does not change the data type", async () => {
    await put({ Name: "x", Value: "ami-0123456789abcdef0", Type: "String" });
    const overwrite = { Name: "x", Value: "ami-0123456789abcdef0", Overwrite: true };
    expect(await failureOf(put({ ...overwrite, DataType: "aws:ec2:image" }))).toBe(
      "ValidationException: The data type of an existing parameter can't be changed: it is text, the request has " +
        "aws:ec2:image. Delete the parameter and create it again with the new data type.",
    );
    expect(await put({ ...overwrite, DataType: "text" })).toMatchObject({ Version: 2 });
  });

  it("keeps a hundred versions and refuses to drop a labelled one", async () => {
    await put({ Name: "x", Value: "1", Type: "String" });
    for (let n = 2; n <= 101; n++) await put({ Name: "x", Value: String(n), Overwrite: true });
    expect(await failureOf(services.root.call("ssm", "GetParameter", { Name: "x:1" }))).toBe(
      "ParameterVersionNotFound: Systems Manager could not find version 1 of x. Verify the version and try again.",
    );
    expect(await get("x:2")).toMatchObject({ Value: "2" });
    await services.root.call("ssm", "LabelParameterVersion", { Name: "x", ParameterVersion: 2, Labels: ["old"] });
    expect(await failureOf(put({ Name: "x", Value: "102", Overwrite: true }))).toBe(
      "ParameterMaxVersionLimitExceeded: You attempted to create a new version of x by calling the PutParameter API " +
        "with the overwrite flag. Version 2, the oldest version, can't be deleted because it has a label associated " +
        "with it. Move the label to another version of the parameter, and try again.",
    );
  });
});

describe("tiers", () => {
  const long = "v".repeat(4097);

  it("limit the value, by the tier asked for or by what fits", async () => {
    expect(await failureOf(put({ Name: "x", Value: long, Type: "String" }))).toBe(
      "ValidationException: Standard tier parameters support a maximum parameter value of 4096 characters. To create a " +
        "larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see " +
        "https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html",
    );
    expect(await put({ Name: "x", Value: long, Type: "String", Tier: "Intelligent-Tiering" })).toMatchObject({
      Tier: "Advanced",
    });
    expect(await put({ Name: "y", Value: "v", Type: "String", Tier: "Intelligent-Tiering" })).toMatchObject({
      Tier: "Standard",
    });
    expect(await failureOf(put({ Name: "z", Value: long + long, Type: "String", Tier: "Advanced" }))).toBe(
      "ValidationException: The specified parameter value is too large. Advanced-tier parameters support a maximum " +
        "parameter value of 8192 characters.",
    );
    expect(await failureOf(put({ Name: "x", Value: "v", Overwrite: true, Tier: "Standard" }))).toContain(
      "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter tier " +
        "to the standard-parameter tier. If necessary, you can delete the advanced parameter and recreate it as a " +
        "standard parameter. Be aware that standard parameters have a value limit of 4096 characters.",
    );
    expect(await put({ Name: "x", Value: "v", Overwrite: true })).toEqual({ Version: 2, Tier: "Advanced" });
  });

  it("default to the account's service setting", async () => {
    const SettingId = "/ssm/parameter-store/default-parameter-tier";
    const setting = async () =>
      (await services.root.call<{ ServiceSetting: object }>("ssm", "GetServiceSetting", { SettingId })).ServiceSetting;
    expect(await setting()).toEqual({
      SettingId,
      SettingValue: "Standard",
      LastModifiedDate: 1_555_532_818_578,
      LastModifiedUser: "System",
      ARN: `arn:aws:ssm:us-east-1:000000000000:servicesetting${SettingId}`,
      Status: "Default",
    });
    await services.root.call("ssm", "UpdateServiceSetting", { SettingId, SettingValue: "Advanced" });
    expect(await setting()).toMatchObject({ SettingValue: "Advanced", Status: "Customized" });
    expect(await put({ Name: "x", Value: "v", Type: "String" })).toMatchObject({ Tier: "Advanced" });
    await services.root.call("ssm", "ResetServiceSetting", { SettingId });
    expect(await put({ Name: "y", Value: "v", Type: "String" })).toMatchObject({ Tier: "Standard" });
    expect(await failureOf(services.root.call("ssm", "GetServiceSetting", { SettingId: "/ssm/other" }))).toMatch(
      /^ServiceSettingNotFound: /,
    );
  });
});
