/** ARN patterns: what a `*` may run over, in Resource and in conditions. */
import { describe, expect, it } from "vitest";
import { arnPartsOf, compileArnPattern } from "./resource-pattern.ts";

const context: Readonly<Record<string, string>> = { "aws:username": "ann", "aws:role": "arn:aws:iam::1:role/a:b" };
const matches = (pattern: string, value: string, isCondition = false) =>
  compileArnPattern(pattern, { variables: true, isCondition }).matches(value, arnPartsOf(value), (key) => context[key]);

const parameter = "arn:aws:ssm:us-east-1:111122223333:parameter/app";
const secret = "arn:aws:secretsmanager:us-east-1:111122223333:secret:app-AbCdEf";

describe("a `*` that ends the region or the account", () => {
  it.each([
    ["arn:aws:ssm:*:parameter/app", parameter],
    ["arn:aws:ssm:us-*:parameter/app", parameter],
    ["arn:aws:ssm:*:parameter/*", parameter],
    ["arn:aws:secretsmanager:*:secret:app-??????", secret],
    ["arn:aws:secretsmanager:us-east-1:*:app-*", secret],
    ["arn:aws:secretsmanager:us-east-1:1111*:app-*", secret],
    ["arn:aws:secretsmanager:*:*:app-*", secret],
    ["arn:aws:secretsmanager:*:secret:app-AbCdEf", secret],
    ["arn:aws:secretsmanager:*:s*t:app-AbCdEf", secret],
    ["arn:aws:secretsmanager:*:?ecre*:AbC${*}Ef", secret.replace("app-AbCdEf", "x:AbC*Ef")],
    ["arn:aws:ssm:*:app", `${parameter}:app:b`],
    ["arn:aws:s3::*:b/${aws:username}", "arn:aws:s3:::x:b/ann"],
  ])("runs on past the colon: %s", (pattern, value) => {
    expect(matches(pattern, value)).toBe(true);
    expect(matches(pattern, value, true)).toBe(false);
  });

  it.each([
    ["inside the region", "arn:aws:ssm:us-*-1:parameter/app", parameter],
    ["in the service", "arn:aws:*:parameter/app", parameter],
    ["in the partition", "arn:*:ssm:parameter/app", parameter],
    ["over nothing but the colon it ends at", "arn:aws:ssm:us-*:parameter/app", "arn:aws:ssm:us-east-1:parameter/app"],
    ["that an account's own wildcard would have to share", "arn:aws:ssm:*:1*3:app", "arn:aws:ssm:r:a:1:3:app"],
    ["where the last part fits nothing", "arn:aws:ssm:*:1*3:app", "arn:aws:ssm:r:a:1x3:apps"],
    ["before an account that would have to begin later", "arn:aws:secretsmanager:us-east-1:s*:app-AbCdEf", secret],
    ["before a last part that would have to begin later", "arn:aws:ssm:*:parameter/app:b", `${parameter}:a:b`],
    ["where a question mark would have to be the colon", "arn:aws:ssm:*:111122223333?parameter/app", parameter],
    ["where it is none but a variable's", "arn:aws:secretsmanager:*:s?cret:app-${*}", secret],
  ])("and none %s", (_name, pattern, value) => expect(matches(pattern, value)).toBe(false));
});

describe("an ARN pattern", () => {
  it("with missing parts takes any", () => {
    expect(matches("arn:aws:ssm", parameter)).toBe(true);
    expect(matches("arn:aws:ssm:us-east-1", parameter)).toBe(true);
    expect(matches("arn:aws:ssm:eu-west-1", parameter)).toBe(false);
  });

  it("takes variables in the sixth part only", () => {
    expect(matches("arn:aws:iam::1:user/${aws:username}", "arn:aws:iam::1:user/ann")).toBe(true);
    expect(matches("arn:aws:iam::${aws:username}:user/x", "arn:aws:iam::ann:user/x")).toBe(false);
  });

  it("takes variables everywhere in a condition, and one for a whole ARN", () => {
    expect(matches("arn:aws:iam::${aws:username}:user/x", "arn:aws:iam::ann:user/x", true)).toBe(true);
    expect(matches("${aws:role}", "arn:aws:iam::1:role/a:b", true)).toBe(true);
    expect(matches("arn:aws:iam::1:${aws:username}:x:y", "arn:aws:iam::1:ann:x:y", true)).toBe(true);
    expect(matches("arn:aws:iam::1:${aws:username}:*", "arn:aws:iam::1:ann:x:y", true)).toBe(true);
    expect(matches("${aws:role}/*", "arn:aws:iam::1:role/a:b/c", true)).toBe(true);
    expect(matches("${aws:role}", "arn:aws:iam::1:role/a", true)).toBe(false);
  });

  it("takes what a variable holds in a condition for text", () => {
    for (const [value, arn] of [
      ["*", "arn:aws:s3:::b"],
      ["?", "arn:aws:s3:::b"],
      ["${aws:username}", "arn:aws:s3:::ann"],
      ["'}", "arn:aws:s3:::${a'ann"],
    ] as const) {
      const lookup = (key: string) => (key === "aws:value" ? value : context[key]);
      for (const pattern of ["arn:aws:s3:::${aws:value}", "arn:aws:s3:::${a'${aws:value}"]) {
        const { matches } = compileArnPattern(pattern, { variables: true, isCondition: true });
        const literal = pattern.replace("${aws:value}", () => value);
        expect([pattern, value, matches(arn, arnPartsOf(arn), lookup)]).toEqual([pattern, value, false]);
        expect([pattern, value, matches(literal, arnPartsOf(literal), lookup)]).toEqual([pattern, value, true]);
      }
    }
  });

  it("matches no text that is no ARN", () => {
    for (const text of ["*", "", "arn:aws:s3", "bucket/key"]) expect(matches("arn:*", text)).toBe(false);
  });
});
