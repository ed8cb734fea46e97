/** Sources of builds through the API: S3 decided by the service role's policies, imported credentials, versions. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openTestAccount, type TestAccount } from "../../../../test/support/codebuild-account.ts";
import { type GitServer, serveGit, TestRepository } from "../../../../test/support/git-repository.ts";
import { makeSelfSigned } from "../../../../test/support/self-signed.ts";
import { zipOf } from "../../../../test/support/zip-fixture.ts";
import { createHostEngine } from "../../../engines/index.ts";

let account: TestAccount;
let root = "";
let server: GitServer;
let commit = "";
const ZIP_ONLY = "arn:aws:s3:::code-bucket/app.zip";

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "kiln-sources-"));
  const repository = new TestRepository(join(root, "app"));
  commit = repository.commit({
    "buildspec.yml": "version: 0.2\nphases: {build: {commands: ['test -e .git']}}\n",
  });
  server = await serveGit(root, { credentials: "x-access-token:tok-1234" });
  account = await openTestAccount([createHostEngine({ graceMs: 100 })]);
  await account.makeRole([]);
  const objects = [ZIP_ONLY, "arn:aws:s3:::code-bucket/pipeline/*"];
  const policy = {
    Statement: [{ Effect: "Allow", Action: ["s3:GetObject", "s3:GetObjectVersion"], Resource: objects }],
  };
  await account.root.call("iam", "PutRolePolicy", {
    RoleName: "CodeBuildServiceRole",
    PolicyName: "zip",
    PolicyDocument: JSON.stringify({ Version: "2012-10-17", ...policy }),
  });
  await account.root.call("s3", "CreateBucket", { Bucket: "code-bucket" });
  await account.root.call("s3", "PutBucketVersioning", {
    Bucket: "code-bucket",
    VersioningConfiguration: { Status: "Enabled" },
  });
});
afterAll(async () => {
  await account.close();
  await server.close();
  await rm(root, { recursive: true, force: true });
});

const put = async (Key: string, entries: Parameters<typeof zipOf>[0]): Promise<string> => {
  const { VersionId = "" } = await account.root.call<{ VersionId?: string }>("s3", "PutObject", {
    Bucket: "code-bucket",
    Key,
    Body: await zipOf(entries),
  });
  return VersionId;
};
const downloadOf = (build: Record<string, unknown>): unknown =>
  (build["phases"] as { phaseType: string; contexts?: { statusCode: string; message: string }[] }[]).find(
    ({ phaseType }) => phaseType === "DOWNLOAD_SOURCE",
  )?.contexts?.[0];

it("a zip object is read as the service role, at its version", async () => {
  const buildspec = (text: string) => `version: 0.2\nphases: {build: {commands: ['${text}']}}\n`;
  const first = await put("app.zip", [{ name: "buildspec.yml", text: buildspec("true") }]);
  await put("app.zip", [{ name: "buildspec.yml", text: buildspec("exit 3") }]);
  await account.makeProject("version: 0.2\nphases: {build: {commands: ['true']}}\n");
  const source = {
    sourceTypeOverride: "S3",
    sourceLocationOverride: "code-bucket/app.zip",
    buildspecOverride: "buildspec.yml",
  };
  const latest = await account.build(source);
  expect(latest["buildStatus"]).toBe("FAILED");
  const old = await account.build({ ...source, sourceVersion: first });
  expect(old).toMatchObject({ buildStatus: "SUCCEEDED", sourceVersion: first });
  expect(old["resolvedSourceVersion"]).toBeUndefined();
});

it("what the role may not read fails with S3's words", async () => {
  const denied = await account.build({ sourceTypeOverride: "S3", sourceLocationOverride: "code-bucket/other.zip" });
  const context = downloadOf(denied) as { statusCode: string; message: string };
  expect(context.statusCode).toBe("CLIENT_ERROR");
  expect(context.message).toMatch(
    /^error while downloading key other\.zip, error: AccessDenied: User: arn:aws:sts::111122223333:assumed-role\/CodeBuildServiceRole\/AWSCodeBuild-[0-9a-f-]+ is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::code-bucket\/other\.zip" because no identity-based policy allows the s3:GetObject action\n\tstatus code: 403, request id: \S+, host id: .+ for primary source and source version $/,
  );
});

it("imported credentials open a repository, and secondary sources are told in the build", async () => {
  const source = {
    sourceTypeOverride: "GITHUB",
    sourceLocationOverride: `${server.url}/app`,
    buildspecOverride: "buildspec.yml",
  };
  expect(downloadOf(await account.build(source))).toEqual({
    statusCode: "CLIENT_ERROR",
    message: "authentication required for primary source and source version ",
  });
  await account.root.call("codebuild", "ImportSourceCredentials", {
    serverType: "GITHUB",
    authType: "PERSONAL_ACCESS_TOKEN",
    token: "tok-1234",
  });
  const build = await account.build({
    ...source,
    secondarySourcesOverride: [{ type: "GITHUB", location: `${server.url}/app`, sourceIdentifier: "again" }],
    secondarySourcesVersionOverride: [{ sourceIdentifier: "again", sourceVersion: "main" }],
  });
  expect(build).toMatchObject({
    buildStatus: "SUCCEEDED",
    resolvedSourceVersion: commit,
    secondarySourceVersions: [{ sourceIdentifier: "again", sourceVersion: commit }],
  });
});

it("a version of a folder in S3 is refused by StartBuild, not by the build", async () => {
  const text = "Source version should be empty for S3 folder source location";
  for (const location of ["code-bucket/folder/", "code-bucket", "arn:aws:s3:::code-bucket/folder/"]) {
    const source = { sourceTypeOverride: "S3", sourceLocationOverride: location, sourceVersion: "v1" };
    await expect(account.build(source)).rejects.toMatchObject({ code: "InvalidInputException", message: text });
    const secondarySourcesOverride = [{ type: "S3", location, sourceIdentifier: "lib" }];
    const secondarySourcesVersionOverride = [{ sourceIdentifier: "lib", sourceVersion: "v1" }];
    await expect(account.build({ secondarySourcesOverride, secondarySourcesVersionOverride })).rejects.toMatchObject({
      message: text,
    });
  }
});

describe("several input artifacts of a pipeline", () => {
  const LOOK =
    "version: 0.2\nphases: {build: {commands: ['cat $CODEBUILD_SRC_DIR/a $CODEBUILD_SRC_DIR_Other/b', 'A=$CODEBUILD_SRC_DIR B=$CODEBUILD_SRC_DIR_Other']}}\nenv: {exported-variables: [A, B]}\n";
  const secondary = { type: "CODEPIPELINE", sourceIdentifier: "Other" };
  const [app, other] = ["pipeline/App/aBcD", "pipeline/Other/eFgH"].map((key) => `arn:aws:s3:::code-bucket/${key}`);
  const started = {
    sourceVersion: app,
    secondarySourcesVersionOverride: [{ sourceIdentifier: "Other", sourceVersion: other }],
    artifactsOverride: { type: "CODEPIPELINE" },
  };
  const places = (build: Record<string, unknown>): unknown[] =>
    (build["exportedEnvironmentVariables"] as { value: string }[]).map(({ value }) =>
      value.replace(/^.*\/src\d+\/src\//, ""),
    );
  beforeAll(async () => {
    await put("pipeline/App/aBcD", [
      { name: "buildspec.yml", text: LOOK },
      { name: "a", text: "a" },
    ]);
    await put("pipeline/Other/eFgH", [{ name: "b", text: "b" }]);
  });

  it("lie beside each other, through StartBuild's overrides", async () => {
    const build = await account.build({
      ...started,
      sourceTypeOverride: "CODEPIPELINE",
      buildspecOverride: "buildspec.yml",
      secondarySourcesOverride: [secondary],
    });
    expect(build).toMatchObject({
      buildStatus: "SUCCEEDED",
      sourceVersion: app,
      secondarySources: [secondary],
    });
    expect(places(build)).toEqual(["s3/00", "s3/01"]);
  });

  it("may be a project's", async () => {
    await account.root.call("codebuild", "UpdateProject", {
      name: "my-project",
      source: { type: "CODEPIPELINE" },
      artifacts: { type: "CODEPIPELINE" },
      secondarySources: [secondary],
    });
    const build = await account.build(started);
    expect(build["buildStatus"]).toBe("SUCCEEDED");
    expect(places(build)).toEqual(["s3/00", "s3/01"]);
  });
});

describe("a repository with a certificate of its own", () => {
  const source = () => ({
    sourceTypeOverride: "GITHUB",
    sourceLocationOverride: `${secure.url}/app`,
    sourceVersion: "main",
    buildspecOverride: "buildspec.yml",
    artifactsOverride: { type: "NO_ARTIFACTS" },
    secondarySourcesOverride: [],
  });
  let secure: GitServer;
  beforeAll(async () => {
    const tls = makeSelfSigned();
    secure = await serveGit(root, { tls });
    for (const Key of ["pipeline/ca.pem", "ca.pem"]) {
      await account.root.call("s3", "PutObject", { Bucket: "code-bucket", Key, Body: Buffer.from(tls.cert) });
    }
  });
  afterAll(() => secure.close());

  it("is cloned with the certificate of the environment, which the role has to be allowed to read", async () => {
    const build = await account.build({ ...source(), certificateOverride: "code-bucket/pipeline/ca.pem" });
    expect(build["buildStatus"]).toBe("SUCCEEDED");
    expect(downloadOf(await account.build({ ...source(), certificateOverride: "code-bucket/ca.pem" }))).toEqual({
      statusCode: "CLIENT_ERROR",
      message: "Unable to download certificate from S3. AccessDenied",
    });
  });

  it("is cloned without one with insecureSsl only", async () => {
    expect((await account.build({ ...source(), insecureSslOverride: true }))["buildStatus"]).toBe("SUCCEEDED");
    expect(downloadOf(await account.build(source()))).toMatchObject({
      message: expect.stringContaining("': SSL certificate problem: Self signed certificate"),
    });
  });
});

it("a cached repository goes with InvalidateProjectCache, at once", async () => {
  const copies = join(account.service.runner.cacheDir, "sources");
  const build = () =>
    account.build({
      sourceTypeOverride: "GITHUB",
      sourceLocationOverride: `${server.url}/app`,
      sourceVersion: "main",
      buildspecOverride: "buildspec.yml",
      artifactsOverride: { type: "NO_ARTIFACTS" },
      secondarySourcesOverride: [],
      cacheOverride: { type: "LOCAL", modes: ["LOCAL_SOURCE_CACHE"] },
    });
  const left = async (): Promise<string[]> =>
    (await readdir(copies, { recursive: true })).filter((name) => name.endsWith(".git"));
  expect((await build())["buildStatus"]).toBe("SUCCEEDED");
  expect(await left()).toHaveLength(1);
  await account.root.call("codebuild", "InvalidateProjectCache", { projectName: "my-project" });
  expect(await left()).toEqual([]);
  expect((await build())["buildStatus"]).toBe("SUCCEEDED");
  expect(await left()).toHaveLength(1);
});
