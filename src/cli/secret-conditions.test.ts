/** Conditions on what a caller keeps to himself: the values decide, and are in no record, no answer and no output. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { allow, CODEBUILD_TRUST, documentText } from "../../test/support/policy-documents.ts";
import { startKiln } from "../app.ts";
import { memoryIo } from "./io.ts";
import { runCli } from "./run-cli.ts";

const folder = mkdtempSync(join(tmpdir(), "kiln-secret-conditions-"));
const state = join(folder, "state");
const SECRET = "hunter2-hunter2";
const role = "arn:aws:iam::000000000000:role/build";
const variables = [{ name: "PASSWORD", value: SECRET, type: "PLAINTEXT" }];
const environment = { type: "LINUX_CONTAINER", image: "alpine", computeType: "BUILD_GENERAL1_SMALL" };
const project = {
  source: { type: "NO_SOURCE", buildspec: "version: 0.2\nphases: {build: {commands: ['true']}}\n" },
  ...{ artifacts: { type: "NO_ARTIFACTS" }, environment, serviceRole: role },
};
const withSecret = { environment: { ...environment, environmentVariables: variables } };
const source = { serverType: "GITHUB", authType: "PERSONAL_ACCESS_TOKEN", token: SECRET };
const VALUE = "codebuild:environment.environmentVariables/PASSWORD.value";
/** Each a way in which a condition on the secret, or a variable of it, fails. */
const STATEMENTS = [
  allow("codebuild:*", "*", { Condition: { StringEquals: { [VALUE]: "a" } } }),
  allow("codebuild:*", "*", {
    Condition: { "ForAnyValue:StringLike": { "codebuild:environment.environmentVariables.value": "b*" } },
  }),
  allow("codebuild:*", "*", { Condition: { StringEquals: { "codebuild:token": "c" } } }),
  allow("codebuild:*", "*", {
    Condition: { StringEquals: { "aws:username": [`\${codebuild:token}`, `\${${VALUE}}`] } },
  }),
  allow("codebuild:*", `arn:aws:codebuild:*:*:project/\${${VALUE}}`),
  allow("iam:PassRole"),
];

const CALLS: readonly (readonly [operation: string, input: object])[] = [
  ["CreateProject", { ...project, name: "new", ...withSecret }],
  ["UpdateProject", { name: "app", ...withSecret }],
  ["StartBuild", { projectName: "app", environmentVariablesOverride: variables }],
  ["StartBuildBatch", { projectName: "app", environmentVariablesOverride: variables }],
  ["ImportSourceCredentials", source],
];
const answers: string[] = [];

beforeAll(async () => {
  const kiln = await startKiln({ stateDir: state, port: 0 });
  try {
    const { root } = kiln;
    await root.call("iam", "CreateRole", { RoleName: "build", AssumeRolePolicyDocument: CODEBUILD_TRUST });
    await root.call("codebuild", "CreateProject", { ...project, name: "app" });
    await root.call("iam", "CreateUser", { UserName: "ann" });
    const PolicyDocument = documentText(...STATEMENTS);
    await root.call("iam", "PutUserPolicy", { UserName: "ann", PolicyName: "p", PolicyDocument });
    const key = await root.call<{ AccessKey: { AccessKeyId: string } }>("iam", "CreateAccessKey", { UserName: "ann" });
    const principal = kiln.identity.findAccessKey(key.AccessKey.AccessKeyId)?.principal;
    if (!principal) throw new Error("no key");
    const ann = kiln.dispatcher.callerFor(principal, kiln.scope);
    for (const [operation, input] of CALLS) {
      const call = ann.call("codebuild", operation, input);
      answers.push(await call.then(() => `${operation} was allowed`, String));
    }
  } finally {
    await kiln.close();
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function kiln(...args: string[]): Promise<string> {
  const io = memoryIo({ cwd: folder });
  await runCli([...args, "--state-dir", state], io);
  return io.written() + io.complained();
}

it("the calls are denied, and their answers do not hold the secret", () => {
  expect(answers.map((text) => /is not authorized to perform: (\S+)/.exec(text)?.[1])).toEqual(
    CALLS.map(([operation]) => `codebuild:${operation}`),
  );
  expect(answers.join()).not.toContain(SECRET);
});

it("the request log, its explanations and the state folder do not hold it", async () => {
  const listed = await kiln("requests", "ls", "--user", "ann", "-o", "json");
  const { requests } = JSON.parse(listed) as { requests: { requestId: string; operation: string }[] };
  expect(requests.map(({ operation }) => operation)).toEqual(CALLS.map(([operation]) => operation));
  expect(listed).toContain("which is not shown");
  for (const { requestId } of requests) {
    const shown = await kiln("explain", requestId);
    expect(shown).toContain("denied  codebuild:");
    expect(shown + (await kiln("explain", requestId, "-o", "json"))).not.toContain(SECRET);
    expect(await kiln("requests", "show", requestId)).not.toContain(SECRET);
  }
  expect(listed).not.toContain(SECRET);
  for (const entry of readdirSync(state, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) expect(readFileSync(join(entry.parentPath, entry.name), "latin1")).not.toContain(SECRET);
  }
});
