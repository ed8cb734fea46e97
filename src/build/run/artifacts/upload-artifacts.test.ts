/** UPLOAD_ARTIFACTS to a bucket and to a folder, with CodeBuild's lines, failures and shapes. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { denied, phaseLine, TEST_UUID, type TestBuild, testBuild } from "../../../../test/support/run-test-build.ts";
import { s3Error, scriptedS3 } from "../../../../test/support/scripted-s3.ts";
import { createHostEngine } from "../../../engines/index.ts";

const engine = createHostEngine({ graceMs: 100 });
const BUILD_ARN = `arn:aws:codebuild:us-east-1:111122223333:build/my-project:${TEST_UUID}`;
let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "kiln-upload-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function build(artifacts: object, section: string, more: Partial<TestBuild> = {}, commands = COMMANDS) {
  const s3 = scriptedS3();
  const tested = await testBuild({
    engine,
    role: s3.role,
    buildspec: `version: 0.2\nphases:\n  build:\n    commands: ${JSON.stringify(commands)}\nartifacts:\n${section}`,
    ...more,
    request: { artifacts: { type: "S3", location: "bucket", ...artifacts }, ...more.request },
  });
  const upload = tested.log.slice(tested.log.indexOf("C Expanding base directory path"));
  return { ...tested, objects: s3.objects, upload };
}
const COMMANDS = ["mkdir -p dist/sub && echo 1 > dist/a.txt && echo 2 > dist/sub/b.txt && chmod 755 dist/a.txt"];
const DIST = "  base-directory: dist\n  files: ['**/*']\n";
const failureOf = (result: { phases: readonly { phaseType: string; contexts?: unknown }[] }) =>
  result.phases.find((phase) => phase.phaseType === "UPLOAD_ARTIFACTS")?.contexts;

describe("artifacts in a bucket", () => {
  it("are objects below one key, encrypted with the project's key, marked with the build", async () => {
    const { objects, result, upload, notices } = await build({ path: "out", namespaceType: "BUILD_ID" }, DIST);
    expect([...objects.keys()].sort()).toEqual([
      `bucket/out/${TEST_UUID}/my-project/a.txt`,
      `bucket/out/${TEST_UUID}/my-project/sub/b.txt`,
    ]);
    const { body, input } = objects.get(`bucket/out/${TEST_UUID}/my-project/sub/b.txt`) ?? {};
    expect(body?.toString()).toBe("2\n");
    expect(input).toEqual({
      Bucket: "bucket",
      Key: `out/${TEST_UUID}/my-project/sub/b.txt`,
      ContentLength: 2,
      Metadata: { "codebuild-buildarn": BUILD_ARN },
      ServerSideEncryption: "aws:kms",
      SSEKMSKeyId: "alias/aws/s3",
    });
    expect(result.artifacts).toEqual({ location: `arn:aws:s3:::bucket/out/${TEST_UUID}/my-project` });
    expect(upload).toContain(`C Expanding base directory path: dist
C Assembling file list
C Expanding dist
C Expanding file paths for base directory dist
C Assembling file list
C Expanding **/*
C Found 2 file(s)
C Phase complete: UPLOAD_ARTIFACTS State: SUCCEEDED`);
    expect(notices).toContain(`artifacts: 2 files in s3://bucket/out/${TEST_UUID}/my-project`);
  });

  it("are one ZIP under exactly the name, with its hashes", async () => {
    const settings = { packaging: "ZIP", name: "x.zip", encryptionDisabled: true } as const;
    const { objects, result } = await build(settings, DIST);
    const { body = Buffer.alloc(0), input } = objects.get("bucket/x.zip") ?? {};
    const md5sum = createHash("md5").update(body).digest("hex");
    const sha256sum = createHash("sha256").update(body).digest("hex");
    expect(input).toEqual({
      Bucket: "bucket",
      Key: "x.zip",
      ContentLength: body.length,
      Metadata: {
        "codebuild-buildarn": BUILD_ARN,
        "codebuild-content-md5": md5sum,
        "codebuild-content-sha256": sha256sum,
      },
    });
    expect(result.artifacts).toEqual({
      location: "arn:aws:s3:::bucket/x.zip",
      md5sum,
      sha256sum,
      encryptionDisabled: true,
    });
    const again = await build(settings, DIST);
    expect(again.result.artifacts?.sha256sum).toBe(sha256sum);
  });

  it("keep links in a ZIP with enable-symlinks, and are what they lead to without", async () => {
    const commands = ["echo 1 > a && ln -s a b"];
    for (const [section, kinds] of [
      ["  files: [a, b]\n  enable-symlinks: yes\n", "a 0o100000\nb 0o120000\n"],
      ["  files: [a, b]\n", "a 0o100000\nb 0o100000\n"],
    ] as const) {
      const location = pathToFileURL(folder).href;
      const { result } = await build({ packaging: "ZIP", name: "x.zip", location }, section, {}, commands);
      expect(result.artifacts?.location).toBe(pathToFileURL(join(folder, "x.zip")).href);
      const list =
        "import sys, zipfile\nfor i in zipfile.ZipFile(sys.argv[1]).infolist(): print(i.filename, oct((i.external_attr >> 16) & 0o170000))";
      expect(execFileSync("python3", ["-c", list, join(folder, "x.zip")], { encoding: "utf8" })).toBe(kinds);
    }
  });

  it("get the buildspec's name, evaluated by the build's shell, where the project lets it", async () => {
    const section = `${DIST}  name: builds/$CODEBUILD_BUILD_NUMBER/$(echo $STAGE)\n`;
    const commands = [...COMMANDS, "STAGE=test"];
    const { objects, result } = await build({ overrideArtifactName: true }, section, {}, commands);
    expect([...objects.keys()].sort()[0]).toBe("bucket/builds/1/test/a.txt");
    expect(result.artifacts).toEqual({
      location: "arn:aws:s3:::bucket/builds/1/test",
      overrideArtifactName: true,
    });
    expect((await build({}, section)).notices).toContain(
      "`artifacts.name` counts only where the project's `overrideArtifactName` is true",
    );
  });

  it("need the right to the bucket's ACL for bucketOwnerAccess", async () => {
    const asked: unknown[] = [];
    const dependencies = {
      authorizeAsRole: async (...question: unknown[]) => {
        asked.push(question);
        throw denied("s3:PutBucketAcl", '"arn:aws:s3:::bucket"');
      },
    };
    const { result, objects } = await build({ bucketOwnerAccess: "FULL" }, DIST, { dependencies });
    expect(asked).toEqual([
      [
        [
          {
            action: "s3:PutBucketAcl",
            resource: "arn:aws:s3:::bucket",
            resourceText: 'on resource: "arn:aws:s3:::bucket"',
          },
        ],
        { service: "s3", operation: "PutBucketAcl" },
      ],
    ]);
    expect(objects.size).toBe(0);
    expect(result.buildStatus).toBe("FAILED");
    expect((await build({ bucketOwnerAccess: "NONE" }, DIST, { dependencies })).result.buildStatus).toBe("SUCCEEDED");
  });

  it.each([
    [
      s3Error("AccessDenied", 403, "Access Denied"),
      "Error in UPLOAD_ARTIFACTS phase: AccessDenied: Access Denied\n\tstatus code: 403, request id: REQUEST, host id: HOST",
    ],
    [
      s3Error("NoSuchBucket", 404, "The specified bucket does not exist"),
      "Error in UPLOAD_ARTIFACTS phase: NoSuchBucket: The specified bucket does not exist\n\tstatus code: 404, request id: REQUEST, host id: HOST",
    ],
    [s3Error("PermanentRedirect", 301, "elsewhere"), "Failed to upload artifacts: Invalid arn"],
  ])("fail as on AWS: %s", async (error, message) => {
    const role = {
      PutObject: () => {
        throw error;
      },
    };
    const { result } = await build({}, DIST, { role });
    expect(phaseLine(result)).toContain("BUILD:SUCCEEDED POST_BUILD:SUCCEEDED UPLOAD_ARTIFACTS:FAILED FINALIZING");
    expect(failureOf(result)).toEqual([{ statusCode: "CLIENT_ERROR", message }]);
    expect(result.artifacts).toBeUndefined();
  });

  it("cannot be a ZIP without a name", async () => {
    const { result } = await build({ packaging: "ZIP", name: "/" }, DIST);
    expect(failureOf(result)).toEqual([
      { statusCode: "CLIENT_ERROR", message: "artifacts packed as ZIP need a name other than `/`" },
    ]);
  });

  it("of a failed build are stored, too", async () => {
    const { result, objects } = await build({}, DIST, {}, [...COMMANDS, "false"]);
    expect(result.buildStatus).toBe("FAILED");
    expect(objects.size).toBe(2);
  });
});

describe("secondary artifacts", () => {
  const section = `${DIST}  secondary-artifacts:\n    one:\n      files: [dist/a.txt]\n      discard-paths: yes\n    two:\n      files: ['**/*']\n`;

  it("go where the project's artifacts of that identifier go; others are named", async () => {
    const secondaryArtifacts = [
      { type: "S3", location: "other", artifactIdentifier: "one", name: "first" },
      { type: "S3", location: "other", artifactIdentifier: "three" },
    ];
    const { objects, result, log, notices } = await build({}, section, { request: { secondaryArtifacts } });
    expect([...objects.keys()].sort()).toEqual([
      "bucket/my-project/a.txt",
      "bucket/my-project/sub/b.txt",
      "other/first/a.txt",
    ]);
    expect(result.secondaryArtifacts).toEqual([{ location: "arn:aws:s3:::other/first", artifactIdentifier: "one" }]);
    expect(log).toContain(`C Found 2 file(s)
C Preparing to copy secondary artifacts one
C Expanding base directory path: .
C Assembling file list
C Expanding .
C Expanding file paths for base directory .
C Assembling file list
C Expanding dist/a.txt
C Found 1 file(s)
`);
    expect(notices).toEqual(
      expect.arrayContaining([
        "the secondary artifacts `two` are not collected: the project has `one`, `three`",
        "the project's secondary artifacts `three` have no counterpart in the buildspec",
      ]),
    );
  });

  it("are ZIP files in the build's folder under CodePipeline", async () => {
    const { result } = await build({ type: "CODEPIPELINE", location: undefined }, section, {
      dependencies: { artifactsDir: folder },
    });
    expect((await readdir(folder)).sort()).toEqual(["my-project.zip", "one.zip", "two.zip"]);
    expect(result.secondaryArtifacts.map(({ artifactIdentifier }) => artifactIdentifier)).toEqual(["one", "two"]);
  });
});

describe("artifacts without a bucket", () => {
  it("lie in a folder", async () => {
    const target = join(folder, "out");
    const { result } = await build({ location: pathToFileURL(target).href, path: "p" }, DIST);
    expect(result.artifacts).toEqual({ location: pathToFileURL(join(target, "p/my-project")).href });
    expect(await readFile(join(target, "p/my-project/sub/b.txt"), "utf8")).toBe("2\n");
  });

  it("never lie outside of it", async () => {
    const settings = { location: pathToFileURL(folder).href, overrideArtifactName: true };
    const { result } = await build(settings, `${DIST}  name: ../x\n`);
    expect(failureOf(result)).toEqual([
      { statusCode: "CLIENT_ERROR", message: `the artifacts' name \`../x\` leads out of ${folder}` },
    ]);
  });

  it("are not collected for NO_ARTIFACTS, and that is said", async () => {
    const { result, notices, log } = await build({ type: "NO_ARTIFACTS", location: undefined }, DIST);
    expect(result.artifacts).toBeUndefined();
    expect(notices).toContain(
      "the project's artifacts type is NO_ARTIFACTS: the buildspec's `artifacts` are not collected",
    );
    expect(log).not.toContain("Expanding base directory path: dist");
  });

  it("say that no proxy is used", async () => {
    const buildspec = `version: 0.2\nproxy:\n  upload-artifacts: yes\nphases:\n  build:\n    commands: ["true"]\n`;
    expect((await testBuild({ engine, buildspec })).notices).toContain(
      "`proxy`: artifacts and logs do not leave this machine, so no proxy is used",
    );
  });
});
