import { expect, it } from "vitest";
import { isArnOfAccount } from "./arn.ts";

it.each([
  ["arn:aws:ssm:us-east-1:111122223333:parameter/a", true],
  ["arn:aws:iam::111122223333:role/r", true],
  ["arn:aws:ssm:us-east-1:1111222233334:parameter/a", false],
  ["arn:aws:ssm:us-east-1:444455556666:parameter/111122223333", false],
  ["arn:aws:s3:::b/arn:111122223333:", false],
  ["arn:aws:ssm", false],
  ["x:aws:ssm:us-east-1:111122223333:parameter/a", false],
  ["*", false],
])("%s is of account 111122223333: %s", (arn, expected) => {
  expect(isArnOfAccount(arn, "111122223333")).toBe(expected);
});
