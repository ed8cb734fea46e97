/** What IAM accepts and refuses, as data (validation-cases/*.json, format in its README.md), and that no text is too much. */
import { readdirSync, readFileSync } from "node:fs";
import { assert, json, property, string } from "fast-check";
import { describe, expect, it } from "vitest";
import { type PolicyKind, policySize, validatePolicy } from "./index.ts";

interface Case {
  readonly name: string;
  readonly source: string;
  readonly kind: PolicyKind;
  readonly text?: string;
  readonly document?: unknown;
  /** Changes to a good statement of the kind; null takes a member out. */
  readonly statement?: Readonly<Record<string, unknown>>;
  /** AWS's text; accepted without. */
  readonly message?: string;
}

const everything = { Effect: "Allow", Action: "ssm:GetParameters", Resource: "*" };
const ofRoot = {
  Effect: "Allow",
  Principal: { AWS: "arn:aws:iam::111122223333:root" },
  Action: "kms:*",
  Resource: "*",
};
const GOOD: Readonly<Record<PolicyKind, object>> = {
  identity: everything,
  inline: everything,
  simulated: everything,
  trust: { Effect: "Allow", Principal: { Service: "codebuild.amazonaws.com" }, Action: "sts:AssumeRole" },
  key: ofRoot,
  resource: ofRoot,
};

const folder = new URL("./validation-cases/", import.meta.url);
const files = readdirSync(folder).filter((file) => file.endsWith(".json"));
const tables = files.sort().map((file) => {
  const { groups } = JSON.parse(readFileSync(new URL(file, folder), "utf8")) as {
    groups: readonly (Pick<Case, "source" | "kind"> & { cases: readonly Case[] })[];
  };
  return { file, cases: groups.flatMap(({ cases, ...given }) => cases.map((test) => ({ ...given, ...test }))) };
});

function textOf({ text, document, statement = {}, kind }: Case): string {
  if (text !== undefined) return text;
  if (document !== undefined) return JSON.stringify(document);
  const members = Object.entries({ ...GOOD[kind], ...statement }).filter(([, value]) => value !== null);
  return JSON.stringify({ Version: "2012-10-17", Statement: Object.fromEntries(members) });
}

describe.each(tables)("$file", ({ cases }) => {
  it.each(cases.map((test) => [test.name, test] as const))("%s", (_name, test) => {
    const result = validatePolicy(textOf(test), test.kind);
    expect(result.ok ? undefined : result.error).toBe(test.message);
  });
});

it("each case has a source and a name of its own", () => {
  const all = tables.flatMap(({ cases }) => cases);
  expect(all.filter((test) => !/^(https:|recorded answer: )/.test(test.source))).toEqual([]);
  const names = all.map((test) => test.name);
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
});

describe("any text", () => {
  const kinds = Object.keys(GOOD) as PolicyKind[];
  const isAnswered = (text: string) => kinds.every((kind) => typeof validatePolicy(text, kind).ok === "boolean");

  const around = (inner: string) => `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Condition":${inner}}}`;

  it("is answered", () => assert(property(string({ unit: "binary" }), isAnswered)));
  it("is answered when it is JSON", () => assert(property(json(), isAnswered)));
  it("is answered when it is a policy around any JSON", () =>
    assert(property(json(), (inner) => isAnswered(around(inner)) && isAnswered(`{"Statement":[${inner}]}`))));

  it("costs no more than its length, deep or long", () => {
    const depth = 100_000;
    expect(isAnswered("[".repeat(depth) + "]".repeat(depth))).toBe(true);
    expect(isAnswered(`{"Statement":${'{"Condition":'.repeat(depth)}1${"}".repeat(depth)}}`)).toBe(true);
    const actions = JSON.stringify(Array.from({ length: depth }, (_, i) => `s3:Get${i}`));
    const long = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":${actions},"Resource":"*"}}`;
    expect(validatePolicy(long, "identity").ok).toBe(true);
    const date = `{"DateEquals":{"aws:x":"${"1".repeat(depth)}-"}}`;
    expect(isAnswered(long.replace('"Resource"', `"Condition":${date},"Resource"`))).toBe(true);
  });

  it("keeps the last of two members of one name", () => {
    const text = '{"Version":"2012-10-17","Statement":{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}}';
    expect(validatePolicy(text, "identity")).toMatchObject({ ok: true, value: { Statement: { Effect: "Allow" } } });
  });
});

it("white space does not count towards the size", () => {
  expect(policySize('{ "a":\n\t"b" }\r\n')).toBe('{"a":"b"}'.length);
});
