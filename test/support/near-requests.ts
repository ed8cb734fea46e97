/**
 * Requests whose policies nearly match: patterns, principals and condition values are made from the request by changing
 * it a little. All kinds of callers, in two accounts, with every type of policy; read off a tape (near-conditions.ts).
 */
import type { EvaluationInput, NamedPolicy, PrincipalPolicies, RequestContext } from "../../src/authorize/index.ts";
import type { Principal } from "../../src/core/aws.ts";
import { conditionOf, contextOf, near, oneOrMany, type Tape } from "./near-conditions.ts";

const ACCOUNTS = ["111122223333", "444455556666"] as const;
const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  ssm: ["ssm:GetParameter", "ssm:GetParameters", "ssm:PutParameter"],
  s3: ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
  logs: ["logs:PutLogEvents", "logs:CreateLogStream"],
  kms: ["kms:Decrypt", "kms:DescribeKey"],
  secretsmanager: ["secretsmanager:GetSecretValue"],
  sts: ["sts:AssumeRole", "sts:GetCallerIdentity"],
};
const NAMES = [
  "a",
  "ann",
  "app/db",
  "a:b",
  "a*b",
  "a?",
  "$",
  "x${aws:username}",
  "é.+[",
  "ann\n",
  "\\",
  "😀",
  "",
] as const;

function principalOf(tape: Tape): Principal {
  const accountId = tape.pick(...ACCOUNTS);
  const arn = (service: string, rest: string) => `arn:aws:${service}::${accountId}:${rest}`;
  const root = { type: "Root", arn: arn("iam", "root"), accountId, userId: accountId } as const;
  const user = {
    type: "User",
    arn: arn("iam", "user/team/ann"),
    accountId,
    userId: "AIDAANN",
    userName: "ann",
  } as const;
  const session = { sessionPolicies: [], sessionTags: {}, tokenIssuedAtMs: 0 };
  const roleIn = (path: string): Principal => ({
    ...{ type: "AssumedRole", accountId, ...session, roleName: "Builder", sessionName: "s" },
    arn: arn("sts", "assumed-role/Builder/s"),
    roleArn: arn("iam", `role/${path}/Builder`),
    userId: "AROABUILDER:s",
  });
  const role = roleIn(tape.onceIn(12) ? "aws-service-role" : "build");
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
    ...("roleArn" in caller ? [caller.roleArn] : []),
    ...("issuer" in caller ? [caller.issuer.arn] : []),
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

/** What KMS makes of a grant: operations of the key for one principal, seldom with a condition. */
function grantOf(tape: Tape, { action, context }: Asked, caller: Principal): NamedPolicy {
  const statement = {
    ...{ Effect: "Allow", Action: [tape.pick(action, action, "kms:Encrypt")], Resource: "*" },
    Principal: principalElement(tape, caller),
    ...(tape.onceIn(4) && { Condition: conditionOf(tape, context) }),
  };
  return { name: "grant", document: { Version: "2012-10-17", Statement: [statement] } };
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
  // Some keys are the request's own; it may have a key of the caller, too, and then its value counts.
  const keys = Object.entries(asked.context);
  const isOwn = keys.map(() => tape.onceIn(3));
  const isHidden = keys.map(() => tape.onceIn(8));
  const ofRequest = keys.filter((_, i) => isOwn[i]);
  const ofCaller = keys.flatMap(([key, value], i) =>
    isOwn[i] ? (isHidden[i] ? [[key.toLowerCase(), "hidden"]] : []) : [[key, value]],
  );
  return {
    principal,
    policies,
    context: Object.fromEntries(ofCaller),
    request: {
      context: Object.fromEntries(ofRequest),
      action: tape.onceIn(8) ? action.toUpperCase() : action,
      resource: asked.resource,
      ...(service === "kms" && { grants: tape.list(0, 2, () => grantOf(tape, asked, principal)) }),
      ...(tape.onceIn(2) ? { resourcePolicy } : tape.onceIn(3) && { resourceAccountId: ofArn }),
    },
  };
}
