/** Calls to AWS that a command of the build makes, and the kinds of policy that can refuse what a build needs. */
import { describe, expect, it } from "vitest";
import { factsOf } from "../../../test/support/build-facts.ts";
import { explains, make, s3Denial } from "../../../test/support/explain-cases.ts";
import type { Decision, StatementTrace, TypeVerdict } from "../../authorize/decision.ts";
import { explainBuild, renderDiagnosis } from "../index.ts";

const SESSION = "arn:aws:sts::000000000000:assumed-role/CodeBuildServiceRole/AWSCodeBuild-1";
const PARAMETER = "arn:aws:ssm:us-east-1:000000000000:parameter/app/out";
const BOUNDARY = "arn:aws:iam::000000000000:policy/limits";

const said = (action: string, resource: string, reason: string, by = SESSION): string =>
  `User: ${by} is not authorized to perform: ${action}${resource}${reason}`;
const because = (what: string, action = "ssm:PutParameter"): string =>
  ` because no ${what} allows the ${action} action`;
const cli = (sentence: string): string[] => [
  "",
  `An error occurred (AccessDeniedException) when calling the PutParameter operation: ${sentence}`,
];
const putDenied = (reason: string): string => said("ssm:PutParameter", ` on resource: ${PARAMETER}`, reason);

const trace = (policyType: StatementTrace["policyType"], rest: Partial<StatementTrace> = {}): StatementTrace => ({
  policyName: policyType === "boundary" ? BOUNDARY : "inline policy p of role CodeBuildServiceRole",
  policyType,
  index: 0,
  effect: "Allow",
  matched: false,
  failed: "Action",
  detail: "`ssm:GetParameter` is not `ssm:PutParameter`",
  ...rest,
});

function decided(
  policyType: Decision["policyType"],
  rest: {
    readonly message?: string;
    readonly action?: string;
    readonly resource?: string;
    readonly trace?: readonly StatementTrace[];
    readonly byType?: readonly TypeVerdict[];
  } = {},
) {
  const { message = "", action = "ssm:PutParameter", resource = PARAMETER, ...more } = rest;
  const decision = { effect: "implicitDeny" as const, action, resource, policyType, message, trace: [], ...more };
  return [{ requestId: "r", atMs: 0, service: "ssm", operation: "O", principalArn: SESSION, decisions: [decision] }];
}

describe("causes: a denied call of a command", () => {
  explains([
    {
      ...make,
      output: cli(putDenied(because("identity-based policy"))),
      code: "iam/call-denied",
      line: 8,
      cause: `the service role \`CodeBuildServiceRole\` may not make the call of this command: no policy allows \`ssm:PutParameter\` on \`${PARAMETER}\``,
      fix: "allow `ssm:PutParameter` on this resource, and nothing else",
      allows: [`ssm:PutParameter on ${PARAMETER}`],
    },
    {
      ...make,
      output: [s3Denial("s3:ListBucket", "arn:aws:s3:::b").split("\n", 1)[0] ?? "", "a later line"],
      code: "iam/call-denied",
      cause:
        "the service role `CodeBuildServiceRole` may not make the call of this command: no policy allows `s3:ListBucket` on `arn:aws:s3:::b`",
      allows: ["s3:ListBucket on arn:aws:s3:::b"],
    },
    {
      ...make,
      output: cli(said("iam:GetRole", " on resource: role app", because("identity-based policy", "iam:GetRole"))),
      code: "iam/call-denied",
      cause:
        "the service role `CodeBuildServiceRole` may not make the call of this command: no policy allows `iam:GetRole` on `arn:aws:iam::000000000000:role/app`",
      allows: ["iam:GetRole on arn:aws:iam::000000000000:role/app"],
    },
    {
      ...make,
      output: cli(
        said(
          "iam:GetRole",
          " on resource: role app",
          " with an explicit deny in an identity-based policy",
          "arn:aws:iam::000000000000:user/ci",
        ),
      ),
      code: "iam/call-denied",
      cause:
        "`arn:aws:iam::000000000000:user/ci` may not make the call of this command: a policy denies `iam:GetRole` on `arn:aws:iam::000000000000:role/app`",
      next: "remove the Deny, or narrow it: an Allow does not outweigh it",
    },
    {
      ...make,
      output: cli(said("sts:AssumeRole", " on resource: arn:aws:iam::111122223333:role/deploy", "")),
      decisions: decided("trust", { action: "sts:AssumeRole", resource: "arn:aws:iam::111122223333:role/deploy" }),
      code: "iam/call-denied",
      cause:
        "the service role `CodeBuildServiceRole` may not make the call of this command: the role's trust policy does not allow `sts:AssumeRole` on `arn:aws:iam::111122223333:role/deploy`",
      next: "let the trust policy of `arn:aws:iam::111122223333:role/deploy` name the role, and allow `sts:AssumeRole`",
    },
    {
      ...make,
      output: cli(
        said(
          "kms:Decrypt",
          " on this resource",
          " because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access",
          "arn:aws:sts::000000000000:assumed-role/Other/s",
        ),
      ),
      code: "iam/call-denied",
      cause:
        "the role `Other` may not make the call of this command: the resource's own policy does not allow `kms:Decrypt` on `*`",
    },
  ]);

  it("takes the last denial: a command goes on after one that it can do without", () => {
    const first = said(
      "s3:ListBucket",
      ' on resource: "arn:aws:s3:::b"',
      because("identity-based policy", "s3:ListBucket"),
    );
    const output = [...cli(first), ...cli(putDenied(because("identity-based policy")))];
    const { evidence } = explainBuild(
      factsOf({ ...make, output, decisions: decided("identity", { trace: [trace("identity")] }) }),
    );
    expect(evidence).toEqual([
      cli(putDenied(because("identity-based policy")))[1],
      "statement 1 of inline policy p of role CodeBuildServiceRole does not match: `ssm:GetParameter` is not `ssm:PutParameter`",
    ]);
  });
});

it("allows at once what the build asked of the same action: the policy takes the place of an earlier one", () => {
  const other = PARAMETER.replace("out", "in");
  const decisions = [...decided("identity", { resource: other }), ...decided("identity")];
  const { fix } = explainBuild(
    factsOf({ ...make, output: cli(putDenied(because("identity-based policy"))), decisions }),
  );
  expect(fix).toMatchObject({
    title: "allow `ssm:PutParameter` on the 2 resources this build asks for, and nothing else",
    policy: { Statement: [{ Resource: [other, PARAMETER] }] },
    commands: [expect.stringContaining("--policy-name kiln-allow-ssm-PutParameter ")],
  });
});

describe("causes: what helps depends on the policy that refused", () => {
  const boundary = putDenied(because("permissions boundary"));
  const refused = (byType: readonly TypeVerdict[]) =>
    explainBuild(
      factsOf({
        ...make,
        output: cli(boundary),
        decisions: decided("boundary", { trace: [trace("identity"), trace("boundary")], byType }),
      }),
    );

  it("a boundary: the same statement there, and no command that would change the role", () => {
    const diagnosis = refused([{ policyType: "identity", effect: "allowed" }]);
    expect(diagnosis.cause).toBe(
      `the service role \`CodeBuildServiceRole\` may not make the call of this command: the permissions boundary does not allow \`ssm:PutParameter\` on \`${PARAMETER}\``,
    );
    expect(diagnosis.fix).toEqual({
      kind: "policy",
      title: `allow the same in the permissions boundary \`${BOUNDARY}\`: it limits what the role's policies may allow`,
      policy: {
        Version: "2012-10-17",
        Statement: [{ Sid: "SsmResources", Effect: "Allow", Action: ["ssm:PutParameter"], Resource: [PARAMETER] }],
      },
      commands: [],
    });
    expect(diagnosis.next).toBeUndefined();
    expect(renderDiagnosis(diagnosis)).not.toContain("put-role-policy");
  });

  it("a boundary, and the role's own policies as well", () => {
    expect(refused([{ policyType: "identity", effect: "implicitDeny" }]).next).toBe(
      "the role's own policies do not allow it either: add the same statements to one of them",
    );
  });

  const SECRET = "arn:aws:secretsmanager:us-east-1:000000000000:secret:db-AbCdEf";
  const reading = (reason: string) =>
    explainBuild(
      factsOf({
        phase: "DOWNLOAD_SOURCE",
        statusCode: "Secrets Manager Error",
        message: `AccessDeniedException: ${said("secretsmanager:GetSecretValue", ` on resource: ${SECRET}`, reason)}\n\tstatus code: 400, request id: r`,
      }),
    );

  it("a secret's own policy", () => {
    const diagnosis = reading(because("resource-based policy", "secretsmanager:GetSecretValue"));
    expect([diagnosis.cause, diagnosis.fix, diagnosis.next]).toEqual([
      `the service role \`CodeBuildServiceRole\` may not read the secret \`${SECRET}\`: the resource's own policy does not allow \`secretsmanager:GetSecretValue\` on it`,
      undefined,
      `let the policy of \`${SECRET}\` allow \`secretsmanager:GetSecretValue\` to the role or its account; in another account both sides must allow it`,
    ]);
  });

  it.each([
    [
      " because no session policy allows the x action",
      "allow it in the session policy that is given when the session is opened",
    ],
    [
      " because no service control policy allows the x action",
      "allow it in a service control policy of each level of the organisation",
    ],
    [
      " with an explicit deny in a permissions boundary: arn:aws:iam::000000000000:policy/limits",
      "remove the Deny, or narrow it: an Allow does not outweigh it",
    ],
  ])("%s", (reason, next) => {
    const diagnosis = reading(reason);
    expect([diagnosis.fix, diagnosis.next]).toEqual([undefined, next]);
  });
});
