import { describe, expect, it } from "vitest";
import type { ServiceName } from "../core/aws.ts";
import { AwsError } from "../core/errors.ts";
import { loadModel } from "./model.ts";
import { validateInput } from "./validate.ts";

/** `Code: message` of the refusal, or undefined when the input is fine. */
function refusal(service: ServiceName, operation: string, input: object): string | undefined {
  try {
    validateInput(service, operation, loadModel(service).operation(operation)?.input, input);
    return undefined;
  } catch (error) {
    if (error instanceof AwsError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

describe("validation messages", () => {
  it("say nothing about an input that is fine", () => {
    expect(refusal("ssm", "GetParameter", { Name: "/a" })).toBeUndefined();
  });

  it("name a missing member", () => {
    expect(refusal("ssm", "GetParameter", {})).toBe(
      "ValidationException: 1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null",
    );
  });

  it("print a list with its items", () => {
    expect(refusal("ssm", "GetParameters", { Names: "abcdefghijk".split("") })).toBe(
      "ValidationException: 1 validation error detected: Value '[a, b, c, d, e, f, g, h, i, j, k]' at 'names' failed to satisfy constraint: Member must have length less than or equal to 10",
    );
  });

  it("give all constraints of a list's items at once", () => {
    const label = "x".repeat(101);
    expect(refusal("ssm", "LabelParameterVersion", { Name: "/a", Labels: [label] })).toBe(
      `ValidationException: 1 validation error detected: Value '[${label}]' at 'labels' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 100, Member must have length greater than or equal to 1]`,
    );
  });

  it("number structures in a list from one", () => {
    expect(refusal("kms", "TagResource", { KeyId: "k", Tags: [{ TagKey: "", TagValue: "v" }] })).toBe(
      "ValidationException: 1 validation error detected: Value '' at 'tags.1.member.tagKey' failed to satisfy constraint: Member must have length greater than or equal to 1",
    );
  });

  it("never repeat a sensitive value", () => {
    expect(refusal("kms", "Encrypt", { KeyId: "k", Plaintext: new Uint8Array(4097) })).toBe(
      "ValidationException: 1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length less than or equal to 4096",
    );
  });

  it("have words of IAM for names and paths", () => {
    expect(refusal("iam", "CreateUser", { UserName: "a b", Path: "x" })).toBe(
      "ValidationError: The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.",
    );
    expect(refusal("iam", "GetRole", { RoleName: "arn:aws:iam::000000000000:role/r" })).toBe(
      "ValidationError: The specified value for roleName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-",
    );
    expect(refusal("iam", "PutUserPolicy", { UserName: "a", PolicyName: "p", PolicyDocument: "\u20ac" })).toBe(
      "ValidationError: The specified value for policyDocument is invalid. It must contain only printable ASCII characters.",
    );
    const tooLong = `${"x".repeat(64)}!`;
    expect(refusal("iam", "GetRole", { RoleName: tooLong })).toBe(
      `ValidationError: 1 validation error detected: Value '${tooLong}' at 'roleName' failed to satisfy constraint: Member must have length less than or equal to 64`,
    );
  });

  it("use STS's code and quote the pattern", () => {
    const input = { RoleArn: "arn:aws:iam::000000000000:role/r", RoleSessionName: "Session1:2" };
    expect(refusal("sts", "AssumeRole", input)).toBe(
      "ValidationError: 1 validation error detected: Value 'Session1:2' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*",
    );
  });

  it.each<[ServiceName, string, object, string]>([
    ["ssm", "PutParameter", { Name: "/a", Value: "v", Type: "Text" }, "[SecureString, StringList, String]"],
    [
      ...(["secretsmanager", "ListSecrets", { Filters: [{ Key: "x", Values: ["a"] }] }] as const),
      "[all, owning-service, name, tag-key, description, tag-value, primary-region]",
    ],
  ])("name the values of an enum in AWS's order, in %s %s", (service, operation, input, set) => {
    expect(refusal(service, operation, input)).toContain(`Member must satisfy enum value set: ${set}`);
  });

  it("name the key specs in the order that KMS was seen to name them", () => {
    // In 2022, before there were others: https://github.com/boto/boto3/issues/3428
    const seen =
      "RSA_2048, ECC_NIST_P384, ECC_NIST_P256, ECC_NIST_P521, HMAC_384, RSA_3072, ECC_SECG_P256K1, RSA_4096, SYMMETRIC_DEFAULT, HMAC_256, HMAC_224, HMAC_512";
    const [, set = ""] = /\[(.*)\]$/.exec(refusal("kms", "CreateKey", { KeySpec: "AES-256" }) ?? "") ?? [];
    const known = set.split(", ").filter((value) => seen.split(", ").includes(value));
    expect(known.join(", ")).toBe(seen);
  });

  it("leave out value and set of IAM's enums", () => {
    expect(refusal("iam", "UpdateAccessKey", { AccessKeyId: "A".repeat(20), Status: "On" })).toBe(
      "ValidationError: 1 validation error detected: Value at 'status' failed to satisfy constraint: Member must satisfy enum value set",
    );
  });

  it("take ECR's own form", () => {
    expect(refusal("ecr", "CreateRepository", { repositoryName: "Bad Name" })).toMatch(
      /^InvalidParameterException: Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular expression '.*''$/,
    );
  });

  it("take Logs' old code for old operations and the new one for new", () => {
    expect(refusal("logs", "CreateLogGroup", {})).toMatch(/^InvalidParameterException: 1 validation error detected: /);
    expect(refusal("logs", "ListTagsForResource", {})).toMatch(/^ValidationException: 1 validation error detected: /);
  });
});

describe("wrong types", () => {
  it.each<[ServiceName, string, object, string]>([
    ["ssm", "GetParameter", { Name: 1 }, "NUMBER_VALUE can not be converted to a String"],
    ["ssm", "GetParameter", { Name: 1.5 }, "NUMBER_VALUE can not be converted to a String"],
    ["ssm", "GetParameter", { Name: true }, "TRUE_VALUE can not be converted to a String"],
    ["ssm", "GetParameter", { Name: ["a"] }, "Start of list found where not expected"],
    ["ssm", "GetParameter", { Name: {} }, "Start of structure or map found where not expected."],
    ["ssm", "GetParameter", { Name: "a", WithDecryption: "yes" }, "STRING_VALUE can not be converted to a Boolean"],
    ["ssm", "GetParameter", { Name: "a", WithDecryption: 1 }, "NUMBER_VALUE can not be converted to a Boolean"],
    ["ssm", "GetParameters", { Names: "a" }, "Expected list or null"],
    ["ssm", "GetParameters", { Names: { a: 1 } }, "Start of structure or map found where not expected."],
    ["ssm", "GetParameters", { Names: [false] }, "FALSE_VALUE can not be converted to a String"],
    ["ssm", "AddTagsToResource", { ResourceId: "a", Tags: ["a"] }, "Expected null"],
    ["kms", "Encrypt", { EncryptionContext: "a" }, "Expected map or null"],
    ["logs", "GetLogEvents", { limit: "ten" }, "STRING_VALUE can not be converted to an Integer"],
    ["logs", "GetLogEvents", { startTime: "ten" }, "STRING_VALUE can not be converted to a Long"],
    ["kms", "ImportKeyMaterial", { ValidTo: "2026" }, "STRING_VALUE can not be converted to milliseconds since epoch"],
    ["kms", "ImportKeyMaterial", { ValidTo: 1e300 }, ""],
    ["kms", "Encrypt", { Plaintext: 1 }, ""],
    ["logs", "GetLogEvents", { limit: 3e9 }, ""],
    ["logs", "GetLogEvents", { startTime: 1e19 }, ""],
  ])("%s:%s %j", (service, operation, input, message) => {
    expect(refusal(service, operation, input)).toBe(`SerializationException: ${message}`);
  });
});

describe("unusual values", () => {
  it("are printed as the services print them", () => {
    const tags = [{ Key: "", Value: "v" }, null];
    expect(refusal("ssm", "AddTagsToResource", { ResourceType: "Parameter", ResourceId: "a", Tags: tags })).toBe(
      "ValidationException: 2 validation errors detected: Value '' at 'tags.1.member.key' failed to satisfy constraint: Member must have length greater than or equal to 1; Value null at 'tags.2.member' failed to satisfy constraint: Member must not be null",
    );
    expect(refusal("codebuild", "DescribeCodeCoverages", { reportArn: "r", minLineCoveragePercentage: 101 })).toBe(
      "ValidationException: 1 validation error detected: Value '101.0' at 'minLineCoveragePercentage' failed to satisfy constraint: Member must have value less than or equal to 100.0",
    );
    expect(refusal("logs", "GetLogEvents", { logStreamName: "s", startTime: -(2 ** 63) })).toBe(
      "InvalidParameterException: 1 validation error detected: Value '-9223372036854775808' at 'startTime' failed to satisfy constraint: Member must have value greater than or equal to 0",
    );
  });

  it("are told once for the keys and once for the values of a map", () => {
    const tags = { "": "x".repeat(257), b: "c" };
    const pattern = (end: string): string =>
      `Member must satisfy regular expression pattern: ^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]${end})$`;
    expect(refusal("logs", "CreateLogGroup", { logGroupName: "g", tags })).toBe(
      `InvalidParameterException: 2 validation errors detected: Value '{=${tags[""]}, b=c}' at 'tags' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1, ${pattern("+")}]; Value '{=${tags[""]}, b=c}' at 'tags' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 256, ${pattern("*")}]`,
    );
  });

  it("leave out the texts, and say long names of Logs, as Logs does", () => {
    expect(refusal("logs", "CreateLogGroup", { logGroupName: "a b" })).toBe(
      "InvalidParameterException: 1 validation error detected: Value at 'logGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+",
    );
    expect(refusal("logs", "CreateLogGroup", { logGroupName: "a".repeat(513) })).toBe(
      "InvalidParameterException: Invalid LogGroup or LogStream, both must have length less than or equal to 512.",
    );
  });

  it("are not told by the million", () => {
    const tags = Array.from({ length: 100_000 }, () => ({}));
    const message = refusal("ssm", "AddTagsToResource", { ResourceType: "Parameter", ResourceId: "a", Tags: tags });
    expect(message).toMatch(/^ValidationException: 1000 validation errors detected: /);
    expect(message?.length).toBeLessThan(1_000_000);
  });

  it("take no time to match, however they are made", () => {
    const filter = `${"a".repeat(200)}!`;
    const rules = [{ scanFrequency: "MANUAL", repositoryFilters: [{ filter, filterType: "WILDCARD" }] }];
    expect(refusal("ecr", "PutRegistryScanningConfiguration", { rules })).toMatch(/must satisfy regular expression/);
  });

  it("may have several lines in a policy", () => {
    expect(refusal("ssm", "PutResourcePolicy", { ResourceArn: "a".repeat(30), Policy: "{\n}" })).toBeUndefined();
    expect(refusal("ssm", "PutResourcePolicy", { ResourceArn: "a".repeat(30), Policy: " \n" })).toMatch(/pattern/);
  });
});

describe("the model tables", () => {
  it.each<ServiceName>(["ssm", "kms", "secretsmanager", "iam", "sts", "codebuild", "logs", "ecr"])(
    "%s: every pattern compiles",
    (service) => {
      for (const { input, output } of loadModel(service).operations.values()) {
        for (const shape of [input, output]) for (const member of shape?.members ?? []) member.shape.matches("x");
      }
    },
  );
});
