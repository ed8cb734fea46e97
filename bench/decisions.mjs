/**
 * Policy decisions a second: the bar's row (10 policies x 20 statements with conditions, the explanation available), then
 * how the cost grows with policies, statements, conditions and resources (each row against the smallest of its kind, in
 * the same run), what the explanation costs when it is built, what compiling saves, and what a hostile policy can do.
 */
import { readFileSync } from "node:fs";
import { evaluate } from "../dist/authorize/index.js";
import { row } from "./report.mjs";

const ROLE = "arn:aws:iam::000000000000:role/Bench";
const BAR_PER_SECOND = 200_000;
const principal = {
  type: "AssumedRole",
  arn: "arn:aws:sts::000000000000:assumed-role/Bench/session",
  accountId: "000000000000",
  userId: "AROAAAAAAAAAAAAAAAAAA:session",
  roleArn: ROLE,
  roleName: "Bench",
  sessionName: "session",
  sessionPolicies: [],
  sessionTags: {},
  tokenIssuedAtMs: 0,
};
const context = { "aws:RequestedRegion": "us-east-1", "aws:SecureTransport": "false", "aws:PrincipalArn": ROLE };
const parameter = (name) => `arn:aws:ssm:us-east-1:000000000000:parameter/${name}`;

export function run({ smoke }) {
  const measureMs = smoke ? 20 : 300;
  bar(smoke ? 20_000 : 1_000_000);
  const perSecond = (input, options) => rate(input, { measureMs, ...options });
  curve("policies", [1, 10, 100], (n) => perSecond(inputOf({ policies: n })));
  curve("statements of one policy", [1, 10, 100, 1_000], (n) => perSecond(inputOf({ statements: n })));
  curve("conditions of one statement", [0, 1, 4, 16], (n) => perSecond(inputOf({ conditions: n })));
  curve("resources of one statement", [1, 10, 100, 1_000], (n) => perSecond(inputOf({ resources: n })));
  withExplanation(perSecond);
  whatCompilingSaves(perSecond);
  hostile(perSecond);
}

/** The row that PRODUCT names, beside plain string comparisons. */
function bar(count) {
  const identity = Array.from({ length: 10 }, (_, policy) => ({
    name: `policy ${policy}`,
    document: {
      Version: "2012-10-17",
      Statement: Array.from({ length: 20 }, (_, statement) => ({
        Effect: statement === 19 ? "Deny" : "Allow",
        Action: [`ssm:Get${policy}${statement}*`, statement === 10 ? "ssm:GetParameters" : "ssm:Describe*"],
        Resource: `arn:aws:ssm:*:*:parameter/team-${policy}-${statement}/*`,
        Condition: {
          StringEquals: { "aws:RequestedRegion": ["us-east-1", "eu-west-1"] },
          Bool: { "aws:SecureTransport": "false" },
        },
      })),
    },
  }));
  const policies = { identity };
  const requests = Array.from({ length: 10 }, (_, n) => ({
    action: "ssm:GetParameters",
    resource: parameter(`team-${n}-10/name`),
  }));
  const decide = () => {
    let allowed = 0;
    const startedMs = performance.now();
    for (let n = 0; n < count; n++) {
      if (evaluate({ principal, policies, request: requests[n % 10], context }).effect === "allowed") allowed++;
    }
    if (allowed !== count) throw new Error(`${allowed} of ${count} decisions allowed, expected all`);
    return count / ((performance.now() - startedMs) / 1000);
  };
  decide();
  const perSecond = decide();
  const baseline = compare(count);
  row("200 string comparisons (baseline)", `${Math.round(baseline)}/s`);
  row(
    "policy decisions",
    `${Math.round(perSecond)}/s`,
    `${(perSecond / baseline).toFixed(2)} x baseline (bar ${BAR_PER_SECOND}/s)`,
  );
}

function compare(count) {
  const names = Array.from({ length: 200 }, (_, n) => `ssm:GetParameter${n}`);
  let hits = 0;
  const startedMs = performance.now();
  for (let n = 0; n < count; n++) {
    const wanted = names[n % 200];
    for (const name of names) if (name === wanted) hits++;
  }
  return hits / ((performance.now() - startedMs) / 1000);
}

const SLICES = 5;

/** Decisions a second in the best of a few slices of time, so that other work on the machine shows less. */
function rate(input, { measureMs, each = (one) => one, read = () => {} }) {
  let best = 0;
  for (let slice = 0; slice < SLICES; slice++) {
    let count = 0;
    let elapsedMs = 0;
    const startedMs = performance.now();
    do {
      for (let n = 0; n < 10; n++, count++) read(evaluate(each(input)));
      elapsedMs = performance.now() - startedMs;
    } while (elapsedMs < measureMs / SLICES);
    best = Math.max(best, count / (elapsedMs / 1000));
  }
  return best;
}

/** All statements are about the action; only the last resource of the last one matches. */
function inputOf({ policies = 1, statements = 1, conditions = 1, resources = 1 }) {
  const last = { policy: policies - 1, statement: statements - 1, resource: resources - 1 };
  const isLast = (at) => Object.entries(last).every(([kind, index]) => at[kind] === index);
  const keys = Array.from({ length: conditions }, (_, n) => `aws:PrincipalTag/team${n}`);
  const Condition = { StringLike: Object.fromEntries(keys.map((key) => [key, ["red*", "blue*"]])) };
  const identity = Array.from({ length: policies }, (_, policy) => ({
    name: `policy ${policy}`,
    document: {
      Version: "2012-10-17",
      Statement: Array.from({ length: statements }, (_, statement) => ({
        Effect: "Allow",
        Action: "ssm:GetParameters",
        Resource: Array.from({ length: resources }, (_, resource) =>
          parameter(isLast({ policy, statement, resource }) ? "app/*" : `other-${policy}-${statement}-${resource}/*`),
        ),
        Condition,
      })),
    },
  }));
  return {
    principal,
    policies: { identity },
    request: { action: "ssm:GetParameters", resource: parameter("app/db") },
    context: { ...context, ...Object.fromEntries(keys.map((key) => [key, "blue-green"])) },
  };
}

function curve(what, sizes, perSecondOf) {
  let first;
  for (const size of sizes) {
    const perSecond = perSecondOf(size);
    first ??= perSecond;
    row(
      `${what}: ${size}`,
      `${Math.round(perSecond)}/s`,
      `${(first / perSecond).toFixed(1)} x the cost of ${sizes[0]}`,
    );
  }
}

function withExplanation(perSecond) {
  const input = { ...inputOf({ policies: 10, statements: 20 }) };
  const denied = { ...input, request: { ...input.request, resource: parameter("nothing") } };
  const plain = perSecond(denied);
  row("denied by 200 statements (baseline)", `${Math.round(plain)}/s`);
  const explained = perSecond(denied, { read: (decision) => decision.explain() });
  row("  with every statement explained", `${Math.round(explained)}/s`, `${(plain / explained).toFixed(1)} x the cost`);
}

/** A new text each time, so that neither the object nor the text is known. */
function whatCompilingSaves(perSecond) {
  const readOnly = managedPolicy("ReadOnlyAccess");
  const cases = [
    ["20 statements", inputOf({ statements: 20 })],
    [
      `ReadOnlyAccess (${Math.round(JSON.stringify(readOnly).length / 1024)} kB)`,
      { ...inputOf({}), policies: { identity: [{ name: "ReadOnlyAccess", document: readOnly }] } },
    ],
  ];
  for (const [name, input] of cases) {
    const compiled = perSecond(input);
    row(`${name}, compiled once (baseline)`, `${Math.round(compiled)}/s`);
    let serial = 0;
    const anew = perSecond(input, {
      each: (one) => ({
        ...one,
        policies: {
          identity: one.policies.identity.map(({ name, document }) => ({
            name,
            document: { ...document, Id: String(serial++) },
          })),
        },
      }),
    });
    row("  compiled for each decision", `${Math.round(anew)}/s`, `${(compiled / anew).toFixed(0)} x the cost`);
  }
}

function managedPolicy(name) {
  const { policies } = JSON.parse(readFileSync(new URL("../data/managed-policies.json", import.meta.url), "utf8"));
  return policies.find((policy) => policy.name === name).document;
}

/** An inline policy as large as a role can have, filled with what is slow to match, against the longest key of S3. */
function hostile(perSecond) {
  const MAX_POLICY_LENGTH = 10_240;
  const resource = `arn:aws:s3:::bucket/${"a".repeat(1_024)}`;
  const fillings = {
    "stars and letters": `${"*a".repeat(250)}b`,
    "question marks": `*${"?a".repeat(250)}b*`,
    "long runs": `*b${"a".repeat(500)}*`,
    variables: "${aws:PrincipalArn}*".repeat(25),
  };
  const plain = inputOf({});
  row("one statement (baseline)", `${Math.round(perSecond(plain))}/s`);
  for (const [name, filling] of Object.entries(fillings)) {
    const Resource = Array.from(
      { length: Math.floor(MAX_POLICY_LENGTH / filling.length) },
      () => `arn:aws:s3:::bucket/${filling}`,
    );
    const document = { Version: "2012-10-17", Statement: { Effect: "Allow", Action: "s3:*", Resource } };
    const request = { action: "s3:GetObject", resource };
    const attacked = perSecond({ ...plain, policies: { identity: [{ name, document }] }, request });
    row(`  10 kB of ${name}`, `${Math.round(attacked)}/s`, `${(1000 / attacked).toFixed(3)} ms a decision`);
  }
}
