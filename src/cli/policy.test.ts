/** Generated policies against real builds: what `kiln policy` prints is enough for all that a build does, and no more. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CODEBUILD_TRUST } from "../../test/support/policy-documents.ts";
import { zipOf } from "../../test/support/zip-fixture.ts";
import { type Kiln, startKiln } from "../app.ts";
import { memoryIo } from "./io.ts";
import { runCli } from "./run-cli.ts";

let folder = "";
let app = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kiln-policy-"));
  app = join(folder, "app");
  mkdirSync(app);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (text: string, file = "buildspec.yml"): void => writeFileSync(join(app, file), text);
async function kiln(...argv: string[]) {
  const io = memoryIo({ cwd: app });
  const exitCode = await runCli([...argv, "--state-dir", join(folder, "state")], io);
  return { exitCode, out: io.written(), err: io.complained() };
}
async function withState<T>(work: (kiln: Kiln) => Promise<T>): Promise<T> {
  const open = await startKiln({ stateDir: join(folder, "state"), port: 0 });
  try {
    return await work(open);
  } finally {
    await open.close();
  }
}
interface Statement {
  readonly Sid: string;
  readonly Action: string | string[];
  readonly Resource: string | string[];
}
const statements = (text: string): string[] =>
  (JSON.parse(text) as { Statement: Statement[] }).Statement.map(
    ({ Sid, Action, Resource }) => `${Sid}: ${[Action].flat().join(", ")} on ${[Resource].flat().join(", ")}`,
  );
const newestBuild = (): Promise<string> =>
  withState(async ({ root }) => {
    const { ids = [] } = await root.call<{ ids?: string[] }>("codebuild", "ListBuilds", { sortOrder: "DESCENDING" });
    return ids[0] ?? "";
  });
/** What the policy engine said to the build's session, denials only. */
const deniedTo = (buildId: string): Promise<string[]> =>
  withState(async (open) =>
    open
      .decisions({ sessionName: `AWSCodeBuild-${buildId.split(":").at(-1)}` })
      .flatMap((record) => record.decisions.filter(({ effect }) => effect !== "allowed"))
      .map(({ action, resource }) => `${action} on ${resource}`),
  );

const SPEC = `version: 0.2
env:
  exported-variables: [OUT]
  parameter-store: { URL: /app/url }
phases:
  build:
    on-failure: RETRY-1
    commands:
      - mkdir -p out node && echo 1 > out/a.txt && echo 2 > node/x
      - echo '<testsuite name="s"><testcase classname="c" name="t" time="1"/></testsuite>' > out/unit.xml
      - export OUT=done-$URL
      - exit \${CODE:-0}
artifacts:
  files: [out/a.txt]
  secondary-artifacts:
    docs: { files: [out/unit.xml] }
cache:
  paths: ['node/**/*']
reports:
  unit: { files: [out/unit.xml] }
`;

describe("the generated role", () => {
  it("is enough for reports, cache, artifacts, exported variables and a retry, and nothing is denied", async () => {
    write(SPEC);
    expect((await kiln("params", "put", "/app/url", "x")).exitCode).toBe(0);
    const run = await kiln("run");
    expect(run.err + run.out).toContain("SUCCEEDED");
    expect(run.exitCode).toBe(0);
    const id = await newestBuild();
    expect(await deniedTo(id)).toEqual([]);
    expect(statements((await kiln("policy")).out)).toContain(
      "MakeReports: codebuild:BatchPutTestCases, codebuild:CreateReport, codebuild:CreateReportGroup, codebuild:UpdateReport on arn:aws:codebuild:us-east-1:000000000000:report-group/app-unit",
    );
    const role = ["--diff", "kiln-app-service-role"];
    expect(JSON.parse((await kiln("policy", id, ...role, "-o", "json")).out)).toMatchObject({ usedButNotGranted: [] });
    expect((await kiln("policy", ...role)).out).toBe(
      "nothing is missing in kiln-app-service-role\nnothing in kiln-app-service-role is too much\n",
    );

    // A failed build is started again with the role.
    expect((await kiln("run", "-e", "CODE=3")).exitCode).toBe(1);
    const retried = await newestBuild();
    expect(await deniedTo(retried)).toEqual([]);
    const chain = await withState(async ({ root }) => {
      const { builds = [] } = await root.call<{ builds?: { autoRetryConfig?: object }[] }>(
        "codebuild",
        "BatchGetBuilds",
        { ids: [retried] },
      );
      return builds[0]?.autoRetryConfig;
    });
    expect(chain).toMatchObject({ autoRetryNumber: 1 });
  });
});

describe("the policy of a project with buckets and its own key", () => {
  it("is enough for a build that uses them all, and nothing of it is unused", async () => {
    write(SPEC.replace("      - export OUT", "      - test -f $CODEBUILD_SRC_DIR_lib/lib.txt\n      - export OUT"));
    await kiln("params", "put", "/app/url", "x");
    const zip = await zipOf([{ name: "lib.txt", text: "lib" }]);
    const key = await withState(async ({ root }) => {
      for (const Bucket of ["out", "cache", "logs", "libs"]) await root.call("s3", "CreateBucket", { Bucket });
      await root.call("s3", "PutObject", { Bucket: "libs", Key: "lib.zip", Body: zip });
      const { KeyMetadata } = await root.call<{ KeyMetadata: { Arn: string } }>("kms", "CreateKey", {});
      await root.call("iam", "CreateRole", {
        RoleName: "BuildRole",
        AssumeRolePolicyDocument: CODEBUILD_TRUST,
      });
      await root.call("codebuild", "CreateProject", {
        name: "shop",
        source: { type: "GITHUB", location: `file://${app}` },
        secondarySources: [{ type: "S3", location: "libs/lib.zip", sourceIdentifier: "lib" }],
        artifacts: { type: "S3", location: "out", packaging: "ZIP", name: "app.zip", bucketOwnerAccess: "READ_ONLY" },
        secondaryArtifacts: [{ type: "S3", location: "out", path: "docs", artifactIdentifier: "docs" }],
        cache: { type: "S3", location: "cache/shop" },
        logsConfig: {
          cloudWatchLogs: { status: "ENABLED", groupName: "builds" },
          s3Logs: { status: "ENABLED", location: "logs/shop" },
        },
        encryptionKey: KeyMetadata.Arn,
        environment: {
          type: "LINUX_CONTAINER",
          image: "aws/codebuild/standard:7.0",
          computeType: "BUILD_GENERAL1_SMALL",
        },
        serviceRole: "arn:aws:iam::000000000000:role/BuildRole",
      });
      return KeyMetadata.Arn;
    });
    const printed = await kiln("policy", "--project", "shop");
    expect(statements(printed.out)).toEqual([
      "MakeReports: codebuild:BatchPutTestCases, codebuild:CreateReport, codebuild:CreateReportGroup, codebuild:UpdateReport on arn:aws:codebuild:us-east-1:000000000000:report-group/shop-unit",
      "RetryBuilds: codebuild:RetryBuild on arn:aws:codebuild:us-east-1:000000000000:project/shop",
      `UseKeys: kms:GenerateDataKey on ${key}`,
      "WriteLogs: logs:CreateLogGroup, logs:CreateLogStream, logs:PutLogEvents on arn:aws:logs:us-east-1:000000000000:log-group:builds, arn:aws:logs:us-east-1:000000000000:log-group:builds:*",
      "ReadObjects: s3:GetObject on arn:aws:s3:::libs/lib.zip",
      "WriteObjects: s3:GetObject, s3:PutObject on arn:aws:s3:::cache/shop/*",
      "ListBuckets: s3:ListBucket on arn:aws:s3:::cache",
      "GiveToBucketOwner: s3:PutBucketAcl on arn:aws:s3:::out",
      "WriteObjects2: s3:PutObject on arn:aws:s3:::logs/shop/*, arn:aws:s3:::out/app.zip, arn:aws:s3:::out/docs/shop/*",
      "ReadParameters: ssm:GetParameters on arn:aws:ssm:us-east-1:000000000000:parameter/app/url",
    ]);
    await withState(({ root }) =>
      root.call("iam", "PutRolePolicy", {
        RoleName: "BuildRole",
        PolicyName: "least",
        PolicyDocument: JSON.stringify(JSON.parse(printed.out)),
      }),
    );
    for (const run of ["first", "second"]) {
      const { exitCode, out, err } = await kiln("run", "--project", "shop");
      expect(exitCode, `${run}: ${out}${err}`).toBe(0);
      expect(await deniedTo(await newestBuild()), run).toEqual([]);
    }
    const used = await kiln("policy", await newestBuild(), "--diff", "BuildRole", "-o", "json");
    expect(JSON.parse(used.out)).toMatchObject({ usedButNotGranted: [] });
    const same = await kiln("policy", "--project", "shop", "--diff", "BuildRole");
    expect(same.out).toBe("nothing is missing in BuildRole\nnothing in BuildRole is too much\n");
    const plan = await kiln("plan", "--project", "shop");
    expect(plan.out).toMatch(/^role +BuildRole$/m);
    expect(plan.out).toContain("s3:PutObject");
    expect(plan.out).toContain("\nartifacts\n  out/a.txt\n  out/unit.xml    secondary artifacts docs\n");
  });
});

describe("the aws commands of a buildspec", () => {
  it("are in the plan's policy where they say on what, and named where not", async () => {
    write(`version: 0.2
phases:
  build:
    commands:
      - aws ssm put-parameter --name /app/version --type String --value 1 --overwrite
      - aws ssm get-parameter --name $NAME || true
      - aws s3 cp buildspec.yml s3://releases/app/buildspec.yml
`);
    await withState(({ root }) => root.call("s3", "CreateBucket", { Bucket: "releases" }));
    const { out, err } = await kiln("policy");
    expect(statements(out)).toEqual([
      expect.stringMatching(/^WriteLogs: /),
      "WriteObjects: s3:PutObject on arn:aws:s3:::releases/app/buildspec.yml",
      "SsmResources: ssm:PutParameter on arn:aws:ssm:us-east-1:000000000000:parameter/app/version",
    ]);
    expect(err).toBe(
      "not in it, because only a build knows on what: `aws ssm get-parameter` (line 6); then: `kiln policy BUILD-ID`\n",
    );
    expect((await kiln("plan")).out).toContain("`aws s3 cp` (line 7)");
    expect((await kiln("policy", "-o", "text")).out).toContain("  for   `aws ssm put-parameter` (line 5)\n");
  });
});

describe("the policy of a batch role", () => {
  const BATCH = "version: 0.2\nbatch:\n  build-list:\n    - identifier: one\n      buildspec: other.yml\nphases: {}\n";

  it("is printed with --batch, is enough, and the service role's covers every buildspec of the batch", async () => {
    write(BATCH);
    write(SPEC, "other.yml");
    await kiln("params", "put", "/app/url", "x");
    const expected = [
      "RunBatches: codebuild:RetryBuild, codebuild:StartBuild, codebuild:StopBuild on arn:aws:codebuild:us-east-1:000000000000:project/app",
    ];
    expect(statements((await kiln("policy", "--batch")).out)).toEqual(expected);
    const policy = await kiln("policy");
    expect(policy.err).toBe(
      "the service role's, for all builds of the batch; the batch role's: `kiln policy --batch`\n",
    );
    expect(statements(policy.out)).toContain(
      "ReadParameters: ssm:GetParameters on arn:aws:ssm:us-east-1:000000000000:parameter/app/url",
    );
    const run = await kiln("run", "--batch");
    expect(run.exitCode, run.out + run.err).toBe(0);
    const id = /\((app:[0-9a-f-]+)\)\n$/.exec(run.out)?.[1] ?? "";
    expect(statements((await kiln("policy", id, "--batch")).out)).toEqual([
      "RunBatches: codebuild:StartBuild on arn:aws:codebuild:us-east-1:000000000000:project/app",
    ]);
    expect(statements((await kiln("policy", id)).out)).toEqual(
      expect.arrayContaining([
        "ReadParameters: ssm:GetParameters on arn:aws:ssm:us-east-1:000000000000:parameter/app/url",
      ]),
    );
    expect((await kiln("explain", id)).out).toBe("no problem: the batch succeeded: nothing to explain\n");
  });

  it("is refused for a build, and for a buildspec without a batch", async () => {
    write(SPEC);
    expect((await kiln("policy", "--batch")).err).toBe(
      "error: `buildspec.yml` has no `batch`\n  fix: leave --batch away to run it as one build\n  fix: or name the buildspec with the batch: kiln run --batch -b FILE\n",
    );
  });
});

describe("the policy of a template", () => {
  it("is that of the project it describes, without making it", async () => {
    write(SPEC);
    write(
      JSON.stringify({
        name: "tpl",
        artifacts: { type: "S3", location: "bucket", name: "x" },
        environment: { certificate: "certs/ca.pem" },
        logsConfig: { s3Logs: { status: "ENABLED", location: "logs/tpl" } },
        autoRetryLimit: 2,
      }),
      "project.json",
    );
    const { out } = await kiln("policy", "--template", "project.json");
    expect(statements(out)).toEqual(
      expect.arrayContaining([
        "RetryBuilds: codebuild:RetryBuild on arn:aws:codebuild:us-east-1:000000000000:project/tpl",
        "ReadObjects: s3:GetObject on arn:aws:s3:::certs/ca.pem",
        "WriteObjects: s3:PutObject on arn:aws:s3:::bucket/x/*, arn:aws:s3:::logs/tpl/*",
      ]),
    );
    const planned = (await kiln("plan", "--template", "project.json")).out;
    expect(planned).toMatch(/s3:GetObject +arn:aws:s3:::certs\/ca\.pem +the certificate for git servers\n/);
    expect(planned).toMatch(/s3:PutObject +arn:aws:s3:::logs\/tpl\/\* +the log in S3\n/);
    expect((await kiln("plan", "--project", "tpl")).err).toContain("error: there is no project `tpl`");
  });
});
