import { expect, it } from "vitest";
import { statementPositions } from "./statement-positions.ts";

/** `line:column-line:column` of each statement. */
const positions = (text: string): string[] =>
  statementPositions(text).map(({ start, end }) => `${start.Line}:${start.Column}-${end.Line}:${end.Column}`);

/** As AWS keeps AdministratorAccess. */
const INDENTED = `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "*",
      "Resource": "*"
    }
  ]
}`;

it("gives the positions that were recorded on AWS for one statement", () => {
  const statement = '{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:b"}';
  expect(positions(`{"Version": "2012-10-17", "Statement": ${statement}}`)).toEqual(["1:41-1:113"]);
  const published =
    '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}}}';
  expect(positions(published)).toEqual(["1:38-1:167"]);
});

it("starts a listed statement behind the bracket or behind the one before, as recorded", () => {
  expect(positions(INDENTED)).toEqual(["3:17-8:6"]);
  expect(positions(INDENTED.replaceAll("\n", "\r\n"))).toEqual(["3:17-8:6"]);
  const two = `{"Version":"2012-10-17","Statement":[{"Sid":"A"},{"Sid":"B"}]}`;
  expect(positions(two)).toEqual(["1:38-1:49", "1:49-1:61"]);
});

it("is not misled by what strings hold, by other members or by inner braces", () => {
  const text = JSON.stringify({ Id: "Statement", Statement: [{ Sid: 'a}"{[' }, { Condition: { Bool: { k: "v" } } }] });
  expect(positions(text)).toHaveLength(2);
  expect(positions(`{"Statement":[{"a":{"Statement":[{}]}}]}`)).toHaveLength(1);
  expect(positions(`{"S\\u0074atement":{"a":1}}`)).toEqual(["1:20-1:26"]);
  expect(positions(`{"Statement":{"a":1},"Statement":[{"b":1},{"c":1}]}`)).toHaveLength(2);
});

it("takes one pass over a document of the largest size", () => {
  const one = '{"Sid":"","Effect":"Allow","Action":"s3:*","Resource":"*"}\n';
  const text = `{"Version":"2012-10-17","Statement":[${Array.from({ length: 2_200 }, () => one).join(",")}]}`;
  expect(text.length).toBeGreaterThan(131_000);
  const found = statementPositions(text);
  expect(found).toHaveLength(2_200);
  expect(found.at(-1)?.end).toEqual({ Line: 2_200, Column: 60 });
});
