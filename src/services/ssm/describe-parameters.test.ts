import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failureOf, openServices, type ServicesFixture } from "../../../test/support/services-fixture.ts";
import { kms } from "../kms/index.ts";
import { ssm } from "./index.ts";

let services: ServicesFixture;
const call = <O = Record<string, unknown>>(operation: string, input: object): Promise<O> =>
  services.root.call<O>("ssm", operation, input);
const names = async (operation: string, input: object): Promise<string[]> =>
  (await call<{ Parameters: { Name: string }[] }>(operation, input)).Parameters.map((parameter) => parameter.Name);
const byPath = (Path: string, input: object = {}) => names("GetParametersByPath", { Path, ...input });
const describeBy = (...ParameterFilters: object[]) => names("DescribeParameters", { ParameterFilters, MaxResults: 50 });

beforeEach(async () => {
  services = await openServices([ssm, kms]);
  for (const [Name, Type] of [
    ["plain", "String"],
    ["/app/url", "String"],
    ["/app/list", "StringList"],
    ["/app/db/password", "SecureString"],
    ["/apple", "String"],
  ]) {
    const Tags = Name === "/apple" ? [{ Key: "team", Value: "fruit" }] : [];
    await call("PutParameter", { Name, Type, Value: "v", Tags });
  }
});
afterEach(() => services.close());

describe("GetParametersByPath", () => {
  it("finds children, or all descendants, and never the path itself", async () => {
    expect(await byPath("/app")).toEqual(["/app/list", "/app/url"]);
    expect(await byPath("/app/")).toEqual(["/app/list", "/app/url"]);
    expect(await byPath("/app", { Recursive: true })).toEqual(["/app/db/password", "/app/list", "/app/url"]);
    expect(await byPath("/app/url")).toEqual([]);
    expect(await byPath("/none")).toEqual([]);
    expect((await byPath("/")).sort()).toEqual(["/apple", "plain"]);
    expect(await byPath("/", { Recursive: true })).toHaveLength(5);
  });

  it("pages without gaps", async () => {
    const found: string[] = [];
    let token: string | undefined;
    do {
      const page = await call<{ Parameters: { Name: string }[]; NextToken?: string }>("GetParametersByPath", {
        Path: "/",
        Recursive: true,
        MaxResults: 2,
        ...(token !== undefined && { NextToken: token }),
      });
      found.push(...page.Parameters.map((parameter) => parameter.Name));
      token = page.NextToken;
    } while (token !== undefined);
    expect(new Set(found).size).toBe(5);
    expect(found).toHaveLength(5);
  });

  it("filters by type, key and label, and answers the labelled version", async () => {
    const filter = (Key: string, ...Values: string[]) => ({ ParameterFilters: [{ Key, Values }] });
    expect(await byPath("/app", filter("Type", "StringList"))).toEqual(["/app/list"]);
    expect(await byPath("/app", { Recursive: true, ...filter("KeyId", "alias/aws/ssm") })).toEqual([
      "/app/db/password",
    ]);
    await call("LabelParameterVersion", { Name: "/app/url", Labels: ["prod"] });
    await call("PutParameter", { Name: "/app/url", Value: "newer", Overwrite: true });
    expect(await call("GetParametersByPath", { Path: "/app", ...filter("Label", "prod") })).toMatchObject({
      Parameters: [{ Name: "/app/url", Value: "v", Version: 1 }],
    });
    expect(await failureOf(byPath("/app", filter("Name", "x")))).toBe(
      "InvalidFilterKey: The following filter key is not valid: Name. Valid filter keys include: [Type, KeyId].",
    );
  });

  it("authorises the path as sent", async () => {
    const arn = "arn:aws:ssm:us-east-1:000000000000:parameter";
    const below = services.role("Below", [
      { Effect: "Allow", Action: "ssm:GetParametersByPath", Resource: `${arn}/app/*` },
    ]);
    await below.call("ssm", "GetParametersByPath", { Path: "/app/" });
    expect(await failureOf(below.call("ssm", "GetParametersByPath", { Path: "/app" }))).toContain(
      `ssm:GetParametersByPath on resource: ${arn}/app because`,
    );
  });

  it.each(["app", "/a b", "/ssm/x", "/aws/x"])("refuses the path %s", async (path) => {
    expect(await failureOf(byPath(path))).toBe(
      "ValidationException: The parameter doesn't meet the parameter name requirements. The parameter name must begin " +
        'with a forward slash "/". It can\'t be prefixed with \\"aws\\" or \\"ssm\\" (case-insensitive). It must use ' +
        "only letters, numbers, or the following symbols: . (period), - (hyphen), _ (underscore). Special characters " +
        'are not allowed. All sub-paths, if specified, must use the forward slash symbol "/". Valid example: ' +
        "/get/parameters2-/by1./path0_.",
    );
  });
});

describe("DescribeParameters", () => {
  it("shows metadata and no value", async () => {
    const { Parameters } = await call<{ Parameters: object[] }>("DescribeParameters", {
      ParameterFilters: [{ Key: "Name", Values: ["/app/db/password"] }],
    });
    expect(Parameters).toEqual([
      {
        Name: "/app/db/password",
        ARN: "arn:aws:ssm:us-east-1:000000000000:parameter/app/db/password",
        Type: "SecureString",
        KeyId: "alias/aws/ssm",
        LastModifiedDate: services.clock.nowMs(),
        LastModifiedUser: "arn:aws:iam::000000000000:root",
        Version: 1,
        Tier: "Standard",
        Policies: [],
        DataType: "text",
      },
    ]);
  });

  it("filters", async () => {
    expect(await describeBy({ Key: "Name", Values: ["apple"] })).toEqual(["/apple"]);
    expect(await describeBy({ Key: "Name", Option: "BeginsWith", Values: ["/app"] })).toHaveLength(4);
    expect(await describeBy({ Key: "Name", Option: "Contains", Values: ["pass"] })).toEqual(["/app/db/password"]);
    expect(await describeBy({ Key: "Path", Values: ["/app"] })).toEqual(["/app/list", "/app/url"]);
    expect(await describeBy({ Key: "Path", Option: "Recursive", Values: ["/app"] })).toHaveLength(3);
    expect(await describeBy({ Key: "Type", Values: ["String"] })).toHaveLength(3);
    expect(await describeBy({ Key: "tag:team" })).toEqual(["/apple"]);
    expect(await describeBy({ Key: "tag:team", Values: ["other"] })).toEqual([]);
    expect(await describeBy({ Key: "tag:constructor" })).toEqual([]);
    expect(await describeBy({ Key: "Type", Values: ["String"] }, { Key: "Path", Values: ["/app"] })).toEqual([
      "/app/url",
    ]);
    expect(await names("DescribeParameters", { Filters: [{ Key: "Name", Values: ["/app/"] }] })).toHaveLength(3);
  });

  it.each([
    [
      [{ Key: "Label", Values: ["x"] }],
      "InvalidFilterKey: The following filter key is not valid: Label. Valid filter keys include: [Path, Name, Type, KeyId, Tier].",
    ],
    [
      [
        { Key: "Name", Values: ["x"] },
        { Key: "Name", Values: ["y"] },
      ],
      "InvalidFilterKey: The following filter is duplicated in the request: Name. A request can contain only one occurrence of a specific filter.",
    ],
    [
      [{ Key: "Type", Option: "Foo", Values: ["String"] }],
      "InvalidFilterOption: The following filter option is not valid: Foo. Valid options include: [BeginsWith, Equals].",
    ],
    [
      [{ Key: "Path", Option: "Foo", Values: ["/x"] }],
      "InvalidFilterOption: The following filter option is not valid: Foo. Valid options include: [Recursive, OneLevel].",
    ],
    [
      [{ Key: "Type", Values: ["X"] }],
      "InvalidFilterOption: The following filter value is not valid: X. Valid values include: [String, StringList, SecureString].",
    ],
    [[{ Key: "Name" }], "InvalidFilterValue: The following filter values are missing : null for filter key Name."],
    [
      [{ Key: "Name", Values: ["aws-x"] }],
      'ValidationException: Filters for common parameters can\'t be prefixed with "aws" or "ssm" (case-insensitive). When using global parameters, please specify within a global namespace.',
    ],
  ])("refuses the filters %j", async (filters, expected) => {
    expect(await failureOf(describeBy(...filters))).toBe(expected);
  });

  it("takes one form of filters only", async () => {
    const both = {
      Filters: [{ Key: "Type", Values: ["String"] }],
      ParameterFilters: [{ Key: "Type", Values: ["String"] }],
    };
    expect(await failureOf(call("DescribeParameters", both))).toBe(
      "ValidationException: You can use either Filters or ParameterFilters in a single request.",
    );
  });

  it("needs permission on everything", async () => {
    const reader = services.role("Reader", [
      {
        Effect: "Allow",
        Action: "ssm:DescribeParameters",
        Resource: "arn:aws:ssm:us-east-1:000000000000:parameter/app/*",
      },
    ]);
    expect(await failureOf(reader.call("ssm", "DescribeParameters", {}))).toContain(
      "ssm:DescribeParameters on resource: arn:aws:ssm:us-east-1:000000000000:* because",
    );
  });
});
