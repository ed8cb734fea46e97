/** `kiln requests`, `kiln explain <request id>` and `kiln iam`: what they print, refuse and end with. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { documentText, trusting } from "../../test/support/policy-documents.ts";
import { startKiln } from "../app.ts";
import { memoryIo } from "./io.ts";
import { runCli } from "./run-cli.ts";

const folder = mkdtempSync(join(tmpdir(), "kiln-requests-"));
const state = join(folder, "state");
const A = "000000000000";
const ARN = `arn:aws:ssm:us-east-1:${A}:parameter/app/url`;
const ids = { allowed: "", denied: "", failed: "", role: "" };

beforeAll(async () => {
  const kiln = await startKiln({ stateDir: state, port: 0 });
  try {
    const { root } = kiln;
    await root.call("iam", "CreateUser", { UserName: "ann" });
    const statement = { Sid: "Read", Effect: "Allow", Action: "ssm:GetParameters", Resource: `${ARN}/*` };
    const list = { Effect: "Allow", Action: "ssm:DescribeParameters", Resource: "*" };
    const deny = { Sid: "Never", Effect: "Deny", Action: "ssm:DeleteParameter", Resource: "*" };
    const PolicyDocument = documentText(statement, list, deny, { Effect: "Allow", Action: "kms:*", Resource: "*" });
    await root.call("iam", "PutUserPolicy", { UserName: "ann", PolicyName: "p", PolicyDocument });
    const made = await root.call<{ AccessKey: { AccessKeyId: string } }>("iam", "CreateAccessKey", { UserName: "ann" });
    const trust = trusting({ AWS: `arn:aws:iam::${A}:root` });
    await root.call("iam", "CreateRole", { RoleName: "Reader", AssumeRolePolicyDocument: trust });
    const as = async (
      accessKeyId: string,
      service: "ssm" | "kms",
      operation: string,
      input: object,
      requestId: string,
    ) => {
      const principal = kiln.identity.findAccessKey(accessKeyId)?.principal;
      if (!principal) throw new Error("no key");
      const call = { service, operation, input, principal, scope: kiln.scope, requestId };
      await kiln.dispatcher.invoke(call).catch(() => undefined);
      // The order of denied calls and others is told by the millisecond.
      for (const endedMs = Date.now(); Date.now() === endedMs; ) await new Promise((resolve) => setImmediate(resolve));
      return requestId;
    };
    const ann = made.AccessKey.AccessKeyId;
    ids.allowed = await as(ann, "ssm", "DescribeParameters", {}, "11111111-0000-0000-0000-000000000000");
    ids.denied = await as(ann, "ssm", "GetParameters", { Names: ["/app/url"] }, "22222222-0000-0000-0000-000000000000");
    ids.failed = await as(
      ann,
      "kms",
      "CreateAlias",
      { AliasName: "alias/aws/x", TargetKeyId: "none" },
      "33333333-0000-0000-0000-000000000000",
    );
    const session = await root.call<{ Credentials: { AccessKeyId: string } }>("sts", "AssumeRole", {
      RoleArn: `arn:aws:iam::${A}:role/Reader`,
      RoleSessionName: "one",
    });
    ids.role = await as(
      session.Credentials.AccessKeyId,
      "ssm",
      "GetParameter",
      { Name: "/app/url" },
      "44444444-0000-0000-0000-000000000000",
    );
    await as(ann, "ssm", "DeleteParameter", { Name: "/app/url" }, "55555555-0000-0000-0000-000000000000");
  } finally {
    await kiln.close();
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function cli(...argv: string[]) {
  const io = memoryIo({ cwd: folder });
  const exitCode = await runCli([...argv, "--state-dir", state], io);
  return { exitCode, out: io.written(), err: io.complained() };
}

const idsIn = async (...flags: string[]) => {
  const { out } = await cli("requests", "ls", "-o", "json", ...flags);
  return (JSON.parse(out) as { requests: { requestId: string }[] }).requests.map(({ requestId }) => requestId[0]);
};

describe("kiln requests ls", () => {
  it("prints a line a call, newest last, with outcome, caller, call, resource and request id", async () => {
    const { exitCode, out } = await cli("requests", "ls");
    expect(exitCode).toBe(0);
    const lines = out.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^TIME {17}OUTCOME +CALLER +CALL +RESOURCE +REQUEST$/);
    expect(lines[1]).toMatch(/^\S{19} {2}allowed +user ann +ssm:DescribeParameters +\S+ +11111111-\S+$/);
    expect(lines[2]).toMatch(
      new RegExp(`^\\S{19} {2}denied: AccessDeniedException +user ann +ssm:GetParameters +${ARN} +22222222-\\S+$`),
    );
    expect(lines[3]).toMatch(/ {2}allowed, then \w+ +user ann +kms:CreateAlias +/);
    expect(lines[4]).toMatch(/ {2}denied: AccessDeniedException +role Reader \(one\) +ssm:GetParameter +/);
    expect(lines).toHaveLength(6);
  });

  it.each([
    [["--denied"], ["2", "4", "5"]],
    [["--outcome", "error"], ["3"]],
    [["--outcome", "allowed"], ["1"]],
    [["--role", "Reader"], ["4"]],
    [
      ["--user", "ann", "--limit", "2"],
      ["3", "5"],
    ],
    [["--session", "one"], ["4"]],
    [["--service", "kms"], ["3"]],
    [
      ["--action", "ssm:Get*"],
      ["2", "4"],
    ],
    [
      ["--resource", "app/url"],
      ["2", "4", "5"],
    ],
    [["--resource", "*parameter/app/?rl", "--operation", "getparameters"], ["2"]],
    [
      ["--since", "1h"],
      ["1", "2", "3", "4", "5"],
    ],
    [["--until", "2020-01-01"], []],
    [["--since", "2020-01-01T00:00:00", "--user", "ann", "--limit", "1"], ["5"]],
  ])("%j finds %j", async (flags, found) => expect(await idsIn(...flags)).toEqual(found));

  it("says when nothing matches, and when nothing is there", async () => {
    expect(await cli("requests", "ls", "--user", "bo")).toEqual({
      exitCode: 0,
      out: "",
      err: "no call on record matches\n",
    });
    const io = memoryIo({ cwd: folder });
    expect(await runCli(["requests", "ls", "--state-dir", join(folder, "empty")], io)).toBe(0);
    expect(io.complained()).toBe(
      "no calls on record yet: roles, users and services make them; the root user's are not decided by policies\n",
    );
  });

  it.each([
    [["--since", "5x"], "`--since 5x` is not a time"],
    [["--limit", "0"], "`--limit 0` is not a count"],
    [["-f", "--until", "1h"], "`--follow` and `--until` exclude each other"],
    [["--denied", "--outcome", "error"], "`--denied` and `--outcome error` exclude each other"],
  ])("refuses %j", async (flags, message) => {
    const { exitCode, err } = await cli("requests", "ls", ...flags);
    expect([exitCode, err.split("\n")[0]]).toEqual([2, `error: ${message}`]);
  });
});

describe("kiln explain <request id>", () => {
  it("says who asked for what, what each type of policy said, what came nearest, and the fix", async () => {
    const { exitCode, out } = await cli("explain", ids.denied);
    expect(exitCode).toBe(0);
    const [head, ...rest] = out.split("\n\n");
    expect(head).toMatch(
      /^ssm:GetParameters by arn:aws:iam::0{12}:user\/ann\n {2}at \S+Z, request 22222222-\S+\n {2}denied: AccessDeniedException$/,
    );
    expect(rest.join("\n\n")).toBe(`denied  ssm:GetParameters on ${ARN}
  because no identity-based policy allows the ssm:GetParameters action
  what each type of policy says by itself:
    identity-based policies: say nothing
  nearest:
    statement \`Read\` of inline policy p of user ann: \`${ARN}/*\` does not match \`${ARN}\`
      \`${ARN}/*\` is what lies below: \`${ARN}\` itself needs its own entry
    statement 2 of inline policy p of user ann: \`ssm:DescribeParameters\` is not \`ssm:GetParameters\`
  fix: add this statement to a policy of the user \`ann\`
    {
      "Sid": "ReadParameters",
      "Effect": "Allow",
      "Action": "ssm:GetParameters",
      "Resource": "${ARN}"
    }
`);
  });

  it("names the Deny, which no Allow outweighs", async () => {
    const { out } = await cli("explain", "55555555-0000-0000-0000-000000000000");
    expect(out).toContain("  denied by statement `Never` of inline policy p of user ann\n");
    expect(out).toContain(
      "  fix: remove or narrow statement `Never` of inline policy p of user ann: an Allow does not outweigh a Deny\n",
    );
  });

  it("shows the same as `kiln requests show`, also as JSON", async () => {
    expect(await cli("requests", "show", ids.denied)).toEqual(await cli("explain", ids.denied));
    const { requests } = JSON.parse((await cli("explain", ids.role, "-o", "json")).out);
    expect(requests).toMatchObject([
      {
        requestId: ids.role,
        outcome: "denied",
        principalArn: `arn:aws:sts::${A}:assumed-role/Reader/one`,
        decisions: [
          {
            effect: "implicitDeny",
            byType: [{ policyType: "identity", effect: "implicitDeny" }],
            explanation: {
              because: "because no identity-based policy allows the ssm:GetParameter action",
              nearest: [],
              fix: { text: "add this statement to a policy of the role `Reader`", statement: { Resource: ARN } },
            },
          },
        ],
      },
    ]);
  });

  it("says which statement allowed a call", async () => {
    expect((await cli("explain", ids.allowed)).out).toContain(
      "\n  because statement 2 of inline policy p of user ann allows it\n",
    );
  });

  it("refuses an id that is not on record", async () => {
    expect((await cli("requests", "show", "nope")).err).toBe(
      "error: there is no request `nope` on record\n  why: calls of the root user are kept only when denied, and of each kind of call only the newest 5,000\n  fix: see the calls with `kiln requests ls`\n",
    );
  });
});

describe("kiln iam", () => {
  it("ends with 0 for what is allowed and says by which statement", async () => {
    const { exitCode, out, err } = await cli("iam", "can", "ann", "ssm:GetParameters", "/app/url/x");
    expect(exitCode).toBe(0);
    expect(out).toBe(
      `user ann: allowed ssm:GetParameters on ${ARN}/x\n  because statement \`Read\` of inline policy p of user ann allows it\n  asked:\n    inline policy p of user ann (identity-based policies)\n`,
    );
    expect(err).toBe(`\`/app/url/x\` is asked about as \`${ARN}/x\`\n`);
  });

  it("ends with 1 when one resource of several is denied", async () => {
    const { exitCode, out } = await cli("iam", "can", "user/ann", "ssm:GetParameters", "/app/url/x", "/app/url", "-q");
    expect(exitCode).toBe(1);
    expect(out).toContain(`user ann: allowed ssm:GetParameters on ${ARN}/x\n`);
    expect(out).toContain(`user ann: denied ssm:GetParameters on ${ARN}\n`);
  });

  it("answers as JSON", async () => {
    const { out } = await cli("iam", "can", "Reader", "ssm:GetParameter", ARN, "-o", "json");
    expect(JSON.parse(out)).toMatchObject({
      allowed: false,
      answers: [
        {
          who: "role Reader",
          action: "ssm:GetParameter",
          resource: ARN,
          allowed: false,
          explanation: { because: "because no identity-based policy allows the ssm:GetParameter action" },
          policies: [],
        },
      ],
    });
  });

  it("knows who can, and ends with 1 when nobody can", async () => {
    const { exitCode, out, err } = await cli("iam", "who-can", "ssm:GetParameters", `${ARN}/x`);
    expect(exitCode).toBe(0);
    expect(out).toMatch(
      /^WHO +RESOURCE +WHY\nuser ann {2}\S+ {2}because statement `Read` of inline policy p of user ann allows it\n$/,
    );
    expect(err).toBe("the root user is not asked: it may do all that no resource's policy denies\n");
    const nobody = await cli("iam", "who-can", "ssm:PutParameter", "/x", "-q");
    expect(nobody).toEqual({ exitCode: 1, out: "nobody of the 2 roles and users may\n", err: "" });
  });

  it.each([
    [
      ["can", "an", "ssm:DescribeParameters"],
      "error: there is no role or user `an` in account 000000000000; the nearest is `user/ann`",
    ],
    [
      ["can", "ann", "ssm:GetParamters", "*"],
      "error: there is no action `ssm:GetParamters`; the nearest is `ssm:GetParameters`",
    ],
    [["can", "ann", "ssm:GetParameters"], "error: `ssm:GetParameters` needs a resource"],
    [
      ["can", "ann", "ssm:GetParameters", "*", "--context", "x"],
      "error: `--context x` is not a condition key with a value",
    ],
    [
      ["can", "ann", "ssm:GetParameters", "*", "--context", "token=hunter2"],
      "error: `--context token` is not a condition key with a value",
    ],
    [["can", "ann"], "error: missing required argument `action`"],
  ])("refuses %j with 2", async (argv, line) => {
    const { exitCode, err } = await cli("iam", ...argv);
    expect([exitCode, err.split("\n")[0]]).toEqual([2, line]);
  });

  it("takes condition keys, several times for several values", async () => {
    const flags = ["--context", "aws:TagKeys=a", "--context", "AWS:tagkeys=b"];
    expect((await cli("iam", "can", "ann", "ssm:DescribeParameters", "-q", ...flags)).exitCode).toBe(0);
  });

  it("takes keys of identity providers, and says once which keys no call has", async () => {
    const flags = ["--context", "accounts.google.com:aud=me", "--context", "aws:SourceIPs=10.0.0.1"];
    const { err } = await cli("iam", "can", "ann", "ssm:GetParameters", `${ARN}/x`, `${ARN}/y`, ...flags);
    expect(err).toBe(
      "`accounts.google.com:aud` is no condition key of `ssm:GetParameters`: a call does not have it\n`aws:SourceIPs` is no condition key of `ssm:GetParameters`; the nearest is `aws:SourceIp`\n",
    );
  });

  it("counts roles and users, not questions", async () => {
    const { out } = await cli("iam", "who-can", "ssm:PutParameter", "/x", "/y", "-o", "json");
    expect(JSON.parse(out)).toEqual({ allowed: false, answers: [], asked: 2, notes: expect.any(Array) });
  });
});

it("completes the commands and their flags", async () => {
  const io = memoryIo({ cwd: folder });
  await runCli(["completion", "bash"], io);
  expect(io.written()).toMatch(/"requests ls"\) words="[^"]*--denied[^"]*--follow/);
  expect(io.written()).toContain('"iam") words="can who-can');
});
