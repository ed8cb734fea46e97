/**
 * Requests whose policies nearly match: patterns, principals and condition values are made from the request by changing
 * it a little. Everything is read off a tape of numbers, so that a shorter or smaller tape is a simpler request; an empty
 * one is the simplest.
 */
import type { EvaluationInput, NamedPolicy, PrincipalPolicies, RequestContext } from "../../src/authorize/index.ts";
import type { Principal } from "../../src/core/aws.ts";

/** Choices in the order of the tape; zeros after its end. */
export class Tape {
  readonly #numbers: ArrayLike<number>;
  #next = 0;
  constructor(numbers: ArrayLike<number>) {
    this.#numbers = numbers;
  }
  below(limit: number): number {
    return (this.#numbers[this.#next++] ?? 0) % limit;
  }
  pick<T>(...choices: readonly [T, ...T[]]): T {
    return choices[this.below(choices.length)] as T;
  }
  from<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }
  /** True once in `n` times; false on an empty tape. */
  onceIn(n: number): boolean {
    return this.below(n) === n - 1;
  }
  list<T>(least: number, most: number, one: () => T): T[] {
    return Array.from({ length: least + this.below(most - least + 1) }, one);
  }
}

const ACCOUNTS = ["111122223333", "444455556666"] as const;
const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  ssm: ["ssm:GetParameter", "ssm:GetParameters", "ssm:PutParameter"],
  s3: ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
  logs: ["logs:PutLogEvents", "logs:CreateLogStream"],
  kms: ["kms:Decrypt", "kms:DescribeKey"],
  secretsmanager: ["secretsmanager:GetSecretValue"],
  sts: ["sts:AssumeRole", "sts:GetCallerIdentity"],
};
const NAMES = ["a", "ann", "app/db", "a:b", "a*b", "a?", "$", "x${aws:username}", "é.+[", "ann\n", "\\", "😀", ""] as const;

/** Context keys with values that look like their type, mostly. */
const SINGLE_VALUES = {
  "aws:username": ["ann", "bob", "a*", "A", "", "a:b"],
  "aws:PrincipalTag/Team": ["red", "Red", "r?d", "${aws:username}", "", "x}y"],
  "aws:SourceIp": ["10.0.0.1", "10.0.1.255", "2001:db8::1", "::ffff:10.0.0.1", "::", "10.0.0.0/24", "10.0.0", "x"],
  "aws:CurrentTime": ["2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", "1767225600", "2026", "2026-02-30", "x"],
  "aws:SourceArn": [
    "arn:aws:ssm:us-east-1:111122223333:parameter/a",
    "arn:aws:s3:::b:c:d",
    "arn:aws:sns:us-east-2:999999999999:store/abc:111122223333:finance/x",
    "arn:aws:s3",
    "not-an-arn",
  ],
  "aws:SecureTransport": ["true", "false", "True", "yes", ""],
  "s3:max-keys": ["10", "10.0", "9.5", "-1", "+3", "1e1", "ten", "", "010"],
  "kms:Bytes": ["QUI=", "QUJD", "A", "", "!!!!"],
} as const satisfies Readonly<Record<string, readonly string[]>>;
const MULTIPLE_VALUES = {
  "aws:TagKeys": ["red", "Blue", "a*", "", "ann"],
  "aws:PrincipalOrgPaths": ["o-1/r-1/ou-1/", "o-1/r-1/", ""],
} as const satisfies Readonly<Record<string, readonly string[]>>;

const OPERATORS_OF: Readonly<Record<string, readonly string[]>> = {
  text: [
    ...["StringEquals", "StringLike", "StringNotEquals", "StringNotLike"],
    ...["StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"],
  ],
  number: ["", "Not", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"].map((relation) =>
    relation.includes("Than") ? `Numeric${relation}` : `Numeric${relation}Equals`,
  ),
  date: ["", "Not", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"].map((relation) =>
    relation.includes("Than") ? `Date${relation}` : `Date${relation}Equals`,
  ),
  address: ["IpAddress", "NotIpAddress"],
  arn: ["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"],
  boolean: ["Bool"],
  bytes: ["BinaryEquals"],
};
const TYPE_OF: Readonly<Record<string, keyof typeof OPERATORS_OF>> = {
  "aws:SourceIp": "address",
  "aws:CurrentTime": "date",
  "aws:SourceArn": "arn",
  "aws:SecureTransport": "boolean",
  "s3:max-keys": "number",
  "kms:Bytes": "bytes",
};
const ALL_OPERATORS = Object.values(OPERATORS_OF).flat();

function principalOf(tape: Tape): Principal {
  const accountId = tape.pick(...ACCOUNTS);
  const arn = (service: string, rest: string) => `arn:aws:${service}::${accountId}:${rest}`;
  const root = { type: "Root", arn: arn("iam", "root"), accountId, userId: accountId } as const;
  const user = { type: "User", arn: arn("iam", "user/team/ann"), accountId, userId: "AIDAANN", userName: "ann" } as const;
  const session = { sessionPolicies: [], sessionTags: {}, tokenIssuedAtMs: 0 };
  const role: Principal = {
    ...{ type: "AssumedRole", accountId, ...session, roleName: "Builder", sessionName: "s" },
    arn: arn("sts", "assumed-role/Builder/s"),
    roleArn: arn("iam", "role/build/Builder"),
    userId: "AROABUILDER:s",
  };
  const federated = (issuer: typeof user | typeof root): Principal => ({
    ...{ type: "FederatedUser", accountId, ...session, name: "guest", issuer },
    arn: arn("sts", "federated-user/guest"),
    userId: `${accountId}:guest`,
  });
  const serviceName = "codebuild.amazonaws.com";
  const service: Principal = {
    ...{ type: "AWSService", serviceName, arn: serviceName, accountId, userId: serviceName },
    sourceArn: `arn:aws:codebuild:us-east-1:${accountId}:project/p`,
  };
  return tape.pick<Principal>(role, user, role, user, federated(user), root, federated(root), service);
}

function resourceOf(tape: Tape, service: string): string {
  if (tape.onceIn(8)) return "*";
  const accountId = tape.pick(...ACCOUNTS);
  const regional = `arn:aws:${service}:us-east-1:${accountId}:`;
  const name = () => tape.pick(...NAMES);
  switch (service) {
    case "s3":
      return `arn:aws:s3:::bucket/${name()}`;
    case "logs":
      return `${regional}log-group:/aws/${name()}:log-stream:${name()}`;
    case "kms":
      return `${regional}key/${name()}`;
    case "secretsmanager":
      return `${regional}secret:${name()}-AbCdEf`;
    case "sts":
      return `arn:aws:iam::${accountId}:role/build/${tape.pick("Builder", ...NAMES)}`;
    default:
      return `${regional}parameter/${name()}`;
  }
}

function contextOf(tape: Tape): RequestContext {
  const context: Record<string, string | readonly string[]> = {};
  for (const [key, values] of Object.entries(SINGLE_VALUES)) {
    if (!tape.onceIn(4)) context[tape.onceIn(6) ? key.toUpperCase() : key] = tape.from<string>(values);
  }
  for (const [key, values] of Object.entries(MULTIPLE_VALUES)) {
    if (!tape.onceIn(3)) context[key] = tape.list(0, 3, () => tape.from<string>(values));
  }
  return context;
}

const replaced = (text: string, from: number, to: number, by: string) => text.slice(0, from) + by + text.slice(to);

/** A text that is, or nearly is, a pattern of `text`. */
function near(tape: Tape, text: string): string {
  let pattern = text;
  for (let changes = tape.below(4); changes > 0; changes--) {
    const at = tape.below(pattern.length + 1);
    const to = Math.min(pattern.length, at + tape.below(8));
    const colon = pattern.indexOf(":", at);
    switch (tape.below(13)) {
      case 0:
        pattern = `${pattern.slice(0, at)}*`;
        break;
      case 1:
        pattern = replaced(pattern, at, to, "*");
        break;
      case 2:
        pattern = replaced(pattern, at, at + 1, "?");
        break;
      case 3:
        pattern = replaced(pattern, at, at, tape.pick("*", "?", ":", "/", "a"));
        break;
      case 4:
        pattern = replaced(pattern, at, to, "");
        break;
      case 5:
        pattern = replaced(pattern, at, to, pattern.slice(at, to).toUpperCase());
        break;
      case 6: // one part between colons, or several
        pattern = pattern
          .split(":")
          .map((part, index) => (index >= 3 && tape.onceIn(3) ? "*" : part))
          .join(":");
        break;
      case 7:
        if (colon >= 0) pattern = replaced(pattern, at, colon, "*");
        break;
      case 8:
        if (colon >= 0) pattern = pattern.slice(0, colon);
        break;
      case 9:
        pattern = replaced(pattern, at, to, variable(tape, pattern.slice(at, to)));
        break;
      case 10: {
        const [key, values] = tape.from(Object.entries<readonly string[]>(SINGLE_VALUES));
        const value = values.find((one) => one !== "" && pattern.includes(one));
        if (value !== undefined) pattern = pattern.replace(value, () => `\${${key}}`);
        break;
      }
      case 11:
        pattern = pattern.replace(/[*?$]/, (char) => `\${${char}}`);
        break;
      default:
        pattern = tape.pick("*", "", "**", "arn:*", pattern);
    }
  }
  return pattern;
}

function variable(tape: Tape, text: string): string {
  const key = tape.from([...Object.keys(SINGLE_VALUES), ...Object.keys(MULTIPLE_VALUES), "aws:nobody", "AWS:USERNAME"]);
  const safe = text.replace(/[*?'}${]/g, "");
  return tape.pick(`\${${key}}`, `\${${key}, '${safe}'}`, `\${aws:nobody, '${safe}'}`, `\${${key}`);
}

const oneOrMany = <T>(tape: Tape, values: T[]): T | T[] =>
  values.length === 1 && tape.onceIn(2) ? (values[0] as T) : values;

function conditionOf(tape: Tape, context: RequestContext): object {
  const condition: Record<string, Record<string, unknown>> = {};
  for (let entries = 1 + tape.below(3); entries > 0; entries--) {
    const key = tape.from([...Object.keys(SINGLE_VALUES), ...Object.keys(MULTIPLE_VALUES), "aws:nobody"]);
    const isMultiple = key in MULTIPLE_VALUES;
    const asWritten = tape.onceIn(5) ? key.toLowerCase() : key;
    if (tape.onceIn(10)) {
      condition["Null"] = { ...condition["Null"], [asWritten]: tape.pick<unknown>("true", "false", false, "TRUE", []) };
      continue;
    }
    const base = tape.from(tape.onceIn(5) ? ALL_OPERATORS : (OPERATORS_OF[TYPE_OF[key] ?? "text"] ?? ALL_OPERATORS));
    const prefix = isMultiple !== tape.onceIn(5) ? tape.pick("ForAllValues:", "ForAnyValue:") : "";
    const operator = `${prefix}${base}${tape.onceIn(4) ? "IfExists" : ""}`;
    const actual = Object.entries(context).find(([name]) => name.toLowerCase() === key.toLowerCase())?.[1];
    const others: readonly string[] = { ...SINGLE_VALUES, ...MULTIPLE_VALUES, "aws:nobody": ["x"] }[key] ?? [];
    const one = (): unknown => {
      const value = tape.onceIn(3) || actual === undefined ? tape.from(others) : tape.from([actual].flat());
      return valueNear(tape, TYPE_OF[key], value ?? "");
    };
    const values = tape.list(tape.onceIn(20) ? 0 : 1, 3, one);
    condition[operator] = { ...condition[operator], [asWritten]: oneOrMany(tape, values) };
  }
  return condition;
}

/** A value of a policy for a value of the request. */
function valueNear(tape: Tape, type: string | undefined, value: string): unknown {
  switch (type) {
    case "address":
      return tape.pick(value, ...(["10.0.0.0/8", "10.0.0.0/24", "10.0.0.9/31", "0.0.0.0/0", "::/0"] as const),
        ...(["2001:DB8::/32", "2001:db8:0:0::1", "::ffff:a00:1", "::ffff:0:0/96", "10.0.0.1/33", "10.0.0.1/", "x"] as const));
    case "date":
      return tape.pick<unknown>(value, "2026-01-01", "2026-01", "2025-12-31T23:59:59.999Z", "2026-01-01T00:00Z",
        1767225600, "1767225601", "2026-01-01T00:00:00", "2026-13-01", "2026-01-01T00:00:00.001Z");
    case "number":
      return tape.pick<unknown>(value, "10", 10, "9", "11", "9.50", "-1", "x", "");
    case "boolean":
      return tape.pick<unknown>(value, "true", true, false, "FALSE", "${aws:SecureTransport}", "");
    case "bytes":
      return tape.pick(value, "QUI=", "QUJD", "", "QUI");
    default:
      return near(tape, value);
  }
}

function statementOf(tape: Tape, { action, resource, context }: Asked): Record<string, unknown> {
  const statement: Record<string, unknown> = { Effect: tape.onceIn(4) ? "Deny" : "Allow" };
  const actions = tape.list(1, 3, () => (tape.onceIn(3) ? "*" : near(tape, action)));
  statement[tape.onceIn(6) ? "NotAction" : "Action"] = oneOrMany(tape, actions);
  const resources = tape.list(1, 3, () => (tape.onceIn(4) ? "*" : near(tape, resource)));
  statement[tape.onceIn(6) ? "NotResource" : "Resource"] = oneOrMany(tape, resources);
  if (tape.onceIn(2)) statement["Condition"] = conditionOf(tape, context);
  return statement;
}

/** Names that the caller has in policies, names of others, and some that are nobody's. */
function principalElement(tape: Tape, caller: Principal): unknown {
  if (tape.onceIn(6)) return "*";
  const own = [
    caller.arn,
    `arn:aws:iam::${caller.accountId}:root`,
    caller.accountId,
    ..."roleArn" in caller ? [caller.roleArn] : [],
    ..."issuer" in caller ? [caller.issuer.arn] : [],
    caller.userId.split(":")[0] ?? "",
  ];
  const one = () => {
    const name = tape.from(own);
    return tape.pick(name, name, name, name, "*", "arn:aws:iam::444455556666:root", near(tape, name));
  };
  const AWS = () => oneOrMany(tape, tape.list(1, 4, one));
  const Service = () => tape.pick<unknown>("codebuild.amazonaws.com", ["s3.amazonaws.com"], "CodeBuild.amazonaws.com");
  const isService = caller.type === "AWSService";
  if (tape.onceIn(6)) return { AWS: AWS(), Service: Service() };
  return isService !== tape.onceIn(6) ? { Service: Service() } : { AWS: AWS() };
}

function resourceStatementOf(tape: Tape, asked: Asked, caller: Principal): Record<string, unknown> {
  const statement = statementOf(tape, asked);
  statement[tape.onceIn(5) ? "NotPrincipal" : "Principal"] = principalElement(tape, caller);
  if (tape.onceIn(3)) {
    delete statement["Resource"];
    delete statement["NotResource"];
  }
  return statement;
}

function documentOf(tape: Tape, least: number, statement: () => Record<string, unknown>): Record<string, unknown> {
  const Version = tape.pick("2012-10-17", "2012-10-17", "2008-10-17", undefined);
  return { ...(Version && { Version }), Statement: oneOrMany(tape, tape.list(least, 4, statement)) };
}

interface Asked {
  readonly action: string;
  readonly resource: string;
  readonly context: RequestContext;
}

const FULL = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };

/** Everything that a decision is made from. */
export function nearRequest(tape: Tape): EvaluationInput {
  const principal = principalOf(tape);
  const service = tape.from(Object.keys(ACTIONS));
  const action = tape.from(ACTIONS[service] ?? []);
  const asked = { action, resource: resourceOf(tape, service), context: contextOf(tape) };
  const policy = (least = 0): NamedPolicy => ({
    name: "p",
    document: documentOf(tape, least, () => statementOf(tape, asked)),
  });
  /** Often allows everything, so that the other types of policy get to speak. */
  const limit = (): NamedPolicy => (tape.onceIn(3) ? policy() : { name: "full", document: FULL });
  const hasSession = principal.type === "FederatedUser" || (principal.type === "AssumedRole" && tape.onceIn(3));
  const policies: PrincipalPolicies = {
    identity: tape.list(0, 2, () => (tape.onceIn(4) ? limit() : policy(1))),
    ...(tape.onceIn(3) && { boundary: limit() }),
    ...(hasSession && { session: tape.list(0, 2, limit) }),
    ...(tape.onceIn(4) && { organization: tape.list(1, 3, () => tape.list(1, 2, limit)) }),
  };
  const owner = tape.pick(principal.accountId, ...ACCOUNTS);
  const ofArn = asked.resource.split(":")[4] || owner;
  const resourcePolicy = {
    name: "resource policy",
    document: documentOf(tape, 1, () => resourceStatementOf(tape, asked, principal)),
    accountId: ofArn,
    mandatory: service === "kms" || service === "sts" || tape.onceIn(8),
  };
  return {
    principal,
    policies,
    context: asked.context,
    request: {
      action: tape.onceIn(8) ? action.toUpperCase() : action,
      resource: asked.resource,
      ...(tape.onceIn(2) ? { resourcePolicy } : tape.onceIn(3) && { resourceAccountId: ofArn }),
    },
  };
}
