/** Policy decisions a second with 10 policies x 20 statements with conditions, the explanation available. */
import { evaluate } from "../dist/authorize/index.js";
import { row } from "./report.mjs";

const ROLE = "arn:aws:iam::000000000000:role/Bench";

export function run({ smoke }) {
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
  const policies = { identity };
  const requests = Array.from({ length: 10 }, (_, n) => ({
    action: "ssm:GetParameters",
    resource: `arn:aws:ssm:us-east-1:000000000000:parameter/team-${n}-10/name`,
  }));
  const count = smoke ? 20_000 : 1_000_000;
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
    `${(perSecond / baseline).toFixed(2)} x baseline (bar 200000/s)`,
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
