/** `kiln explain` on real builds: what the engine ends with is recognised, with place, field and fix. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { CODEBUILD_TRUST } from "../../test/support/policy-documents.ts";
import { type Kiln, startKiln } from "../app.ts";
import { memoryIo } from "./io.ts";
import { runCli } from "./run-cli.ts";

const folder = mkdtempSync(join(tmpdir(), "kiln-explain-"));
const app = join(folder, "app");
const state = join(folder, "state");
const KEY = { arn: "" };
const ENVIRONMENT = {
  type: "LINUX_CONTAINER",
  image: "aws/codebuild/standard:7.0",
  computeType: "BUILD_GENERAL1_SMALL",
};
const SPEC =
  "version: 0.2\nphases:\n  build:\n    commands:\n      - echo 1 > a.txt\nartifacts:\n  files:\n    - a.txt\n";

/** A role that may write logs and what else is given, and a project with it. */
async function project(root: Kiln["root"], name: string, actions: readonly string[], more: object): Promise<void> {
  await root.call("iam", "CreateRole", { RoleName: name, AssumeRolePolicyDocument: CODEBUILD_TRUST });
  await root.call("iam", "PutRolePolicy", {
    RoleName: name,
    PolicyName: "p",
    PolicyDocument: JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: ["logs:*", ...actions], Resource: "*" }],
    }),
  });
  await root.call("codebuild", "CreateProject", {
    name,
    source: { type: "NO_SOURCE", buildspec: SPEC },
    artifacts: { type: "NO_ARTIFACTS" },
    environment: ENVIRONMENT,
    serviceRole: `arn:aws:iam::000000000000:role/${name}`,
    ...more,
  });
}

beforeAll(async () => {
  mkdirSync(app);
  writeFileSync(join(app, "buildspec.yml"), SPEC);
  const kiln = await startKiln({ stateDir: state, port: 0 });
  try {
    const { root } = kiln;
    for (const Bucket of ["out", "src"]) await root.call("s3", "CreateBucket", { Bucket });
    await root.call("s3", "PutObject", { Bucket: "src", Key: "bad.zip", Body: Buffer.from("no zip") });
    await root.call("s3", "PutObject", { Bucket: "src", Key: "spec.yml", Body: Buffer.from(SPEC) });
    const { KeyMetadata } = await root.call<{ KeyMetadata: { Arn: string } }>("kms", "CreateKey", {});
    KEY.arn = KeyMetadata.Arn;
    const s3 = { type: "S3", location: "out" };
    const zip = (location: string) => ({ source: { type: "S3", location, buildspec: SPEC } });
    await project(root, "no-put", [], { artifacts: s3 });
    await project(root, "no-key", ["s3:*"], { artifacts: s3, encryptionKey: KEY.arn });
    await project(root, "no-bucket", ["s3:*"], { artifacts: { type: "S3", location: "nowhere-at-all" } });
    await project(root, "no-get", ["s3:ListBucket"], zip("src/app.zip"));
    await project(root, "no-object", ["s3:*"], zip("src/app.zip"));
    await project(root, "hidden", ["s3:GetObject"], zip("src/app.zip"));
    await project(root, "bad-zip", ["s3:*"], zip("src/bad.zip"));
    await project(root, "no-spec", ["s3:ListBucket"], {
      source: { type: "NO_SOURCE", buildspec: "arn:aws:s3:::src/spec.yml" },
    });
    await project(root, "no-log", [], { logsConfig: { s3Logs: { status: "ENABLED", location: "out/logs" } } });
    await project(root, "no-group", [], { logsConfig: { cloudWatchLogs: { status: "ENABLED" } } });
    await root.call("iam", "DeleteRolePolicy", { RoleName: "no-group", PolicyName: "p" });
    await project(root, "gone", [], { source: { type: "GITHUB", location: `file://${folder}/gone`, buildspec: SPEC } });
    await project(root, "no-user", [], {
      source: { type: "NO_SOURCE", buildspec: SPEC.replace("phases:", "run-as: nosuchuser\nphases:") },
    });
    await project(root, "old-image", [], { environment: { ...ENVIRONMENT, image: "aws/codebuild/standard:4.0" } });
    await project(root, "retry", [], {
      source: { type: "NO_SOURCE", buildspec: SPEC.replace("echo 1 > a.txt", "exit 3") },
      autoRetryLimit: 1,
    });
    await project(root, "cached", [], {
      source: { type: "NO_SOURCE", buildspec: `${SPEC}cache:\n  paths: ['a.txt']\n` },
      cache: { type: "S3", location: "out/cache" },
    });
    await project(root, "secondary", ["s3:*"], {
      source: { type: "NO_SOURCE", buildspec: `${SPEC}  secondary-artifacts:\n    doc: { files: [a.txt] }\n` },
      artifacts: s3,
      secondaryArtifacts: [{ ...s3, artifactIdentifier: "docs" }],
    });
    const batch = `${SPEC.replace("echo 1 > a.txt", "exit $CODE")}batch:
  build-graph:
    - { identifier: a, env: { variables: { CODE: 3 } } }
    - { identifier: b, depend-on: [a] }
`;
    const buildBatchConfig = { serviceRole: "arn:aws:iam::000000000000:role/no-put" };
    await project(root, "batch", ["codebuild:*"], {
      source: { type: "NO_SOURCE", buildspec: batch },
      buildBatchConfig: { serviceRole: "arn:aws:iam::000000000000:role/batch" },
    });
    await project(root, "no-start", [], { source: { type: "NO_SOURCE", buildspec: batch }, buildBatchConfig });
    await project(root, "cycle", ["codebuild:*"], {
      source: { type: "NO_SOURCE", buildspec: batch.replace("identifier: a,", "identifier: a, depend-on: [b],") },
      buildBatchConfig: { serviceRole: "arn:aws:iam::000000000000:role/cycle" },
    });
  } finally {
    await kiln.close();
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Explained {
  readonly diagnosis: {
    readonly code: string;
    readonly cause: string;
    readonly field?: { readonly path: string; readonly value?: string };
    readonly fix?: { readonly policy?: { readonly Statement: readonly object[] } };
    readonly next?: string;
    readonly alsoSeen: readonly { readonly code: string; readonly cause: string }[];
  };
}

async function explain(name: string): Promise<Explained["diagnosis"]> {
  const kiln = await startKiln({ stateDir: state, port: 0 });
  let id = "";
  try {
    const { build } = await kiln.root.call<{ build: { id: string } }>("codebuild", "StartBuild", { projectName: name });
    id = build.id;
    for await (const event of kiln.events(id)) void event;
  } finally {
    await kiln.close();
  }
  const io = memoryIo({ cwd: app });
  expect(await runCli(["explain", id, "-o", "json", "--state-dir", state], io), io.complained()).toBe(0);
  return (JSON.parse(io.written()) as Explained).diagnosis;
}

it.each([
  ["no-put", "s3/write-denied", "artifacts.location", "s3:PutObject"],
  ["no-key", "s3/write-denied", "encryptionKey", "kms:GenerateDataKey"],
  ["no-bucket", "s3/write-refused", "artifacts.location", "`nowhere-at-all`"],
  ["no-get", "s3/source-denied", "source.location", "s3:GetObject"],
  ["no-object", "s3/source-not-found", "source.location", "s3://src/app.zip"],
  ["hidden", "s3/source-denied", "source.location", "s3://src/app.zip` does not exist"],
  ["bad-zip", "source/archive-unusable", "source.location", "bad.zip"],
  ["no-spec", "s3/source-denied", "source.buildspec", "the buildspec in S3 `s3://src/spec.yml`"],
  ["no-log", "s3/write-denied", "logsConfig.s3Logs.location", "the log in S3"],
  ["no-group", "iam/logs-denied", undefined, "may not write the build's log"],
  ["gone", "source/repository-not-found", "source.location", "there is no folder"],
  ["no-user", "run-as/unknown-user", undefined, "run-as: nosuchuser"],
  ["old-image", "runtime/none-selected", "environment.image", "needs `runtime-versions`"],
])("names the cause of a real build: %s", async (name, code, field, words) => {
  const diagnosis = await explain(name);
  expect(diagnosis).toMatchObject({ code, cause: expect.stringContaining(words) });
  expect(diagnosis.field?.path).toBe(field);
  expect(diagnosis.fix ?? diagnosis.next).toBeDefined();
});

it.each([
  ["retry", "iam/retry-denied", "may not retry builds"],
  ["cached", "s3/cache-denied", "the cache was not restored and not saved"],
  [
    "secondary",
    "artifacts/secondary-unmatched",
    "`doc` of the buildspec are not collected: the project has only `docs`",
  ],
])("names what failed no phase: %s", async (name, code, words) => {
  expect((await explain(name)).alsoSeen).toContainEqual(
    expect.objectContaining({ code, cause: expect.stringContaining(words) }),
  );
});

async function explainBatch(projectName: string, ...more: readonly string[]): Promise<{ id: string; out: string }> {
  const kiln = await startKiln({ stateDir: state, port: 0 });
  let id = "";
  try {
    const { buildBatch } = await kiln.root.call<{ buildBatch: { id: string } }>("codebuild", "StartBuildBatch", {
      projectName,
    });
    id = buildBatch.id;
    for (;;) {
      const { buildBatches } = await kiln.root.call<{ buildBatches: { complete?: boolean }[] }>(
        "codebuild",
        "BatchGetBuildBatches",
        { ids: [id] },
      );
      if (buildBatches[0]?.complete) break;
      await kiln.root.call("codebuild", "ListBuildBatches", {});
      await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    await kiln.close();
  }
  const io = memoryIo({ cwd: app });
  expect(await runCli(["explain", id, ...more, "--state-dir", state], io), io.complained()).toBe(0);
  return { id, out: io.written() };
}

it("explains a batch: the build that failed, and the one that never started", async () => {
  const { id, out } = await explainBatch("batch");
  expect(out).toMatch(
    /^cause: the build `a` of the batch's 2 failed: a command ended with exit status 3: `exit \$CODE`\n/,
  );
  expect(out).toContain("    - `b` never started: it depends on `a`, which did not succeed\n");
  expect(out).toContain(`runs what did not succeed\n`);
  expect(out).toMatch(/\na \(batch:[0-9a-f-]{36}\)\nnot diagnosed: a command ended with exit status 3/);
  const member = /\na \((batch:[0-9a-f-]{36})\)\n/.exec(out)?.[1] ?? "";
  const io = memoryIo({ cwd: app });
  expect(await runCli(["explain", member, "--state-dir", state], io)).toBe(0);
  expect(io.complained()).toContain(`one of the batch ${id}: \`kiln explain ${id}\` explains all of it\n`);
});

it.each([
  ["no-start", "iam/batch-role-denied", "the batch role `no-put` may not start the builds of the batch"],
  ["cycle", "batch/invalid", "the `batch` of the buildspec cannot run: the builds wait for each other: a -> b -> a"],
])("explains a batch that failed itself: %s", async (name, code, words) => {
  const { out } = await explainBatch(name, "-o", "json");
  const { diagnosis } = JSON.parse(out) as Explained;
  expect(diagnosis).toMatchObject({ code, cause: expect.stringContaining(words) });
  expect(diagnosis.fix ?? diagnosis.next).toBeDefined();
});
