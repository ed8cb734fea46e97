/** Sources in S3 and artifacts of pipelines, read through a scripted service role. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { TestRepository } from "../../../../test/support/git-repository.ts";
import type { RoleScript } from "../../../../test/support/run-test-build.ts";
import { SourceBench } from "../../../../test/support/take-test-sources.ts";
import { zipOf } from "../../../../test/support/zip-fixture.ts";
import { awsError } from "../../../core/errors.ts";

const bench = new SourceBench();
afterAll(() => bench.remove());

const s3Error = (code: string, status: number, text: string) =>
  Object.assign(
    awsError({
      code,
      status,
      fault: "client",
      source: "test",
      message: () => text,
      extra: () => ({ HostId: "host-1" }),
    })(),
    { requestId: "request-1" },
  );

/** A bucket, a page of two keys at a time. */
const bucket = (objects: Readonly<Record<string, Buffer | string>>, asked: object[] = []): RoleScript => ({
  GetObject: (input: { Key: string; VersionId?: string }) => {
    asked.push(input);
    const body = objects[input.Key];
    if (body === undefined) throw s3Error("NoSuchKey", 404, "The specified key does not exist.");
    const bytes = Buffer.from(body);
    return {
      Body: (async function* () {
        for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7);
      })(),
      VersionId: input.VersionId ?? "version-9",
    };
  },
  ListObjectsV2: (input: { Prefix: string; ContinuationToken?: string }) => {
    asked.push(input);
    const keys = Object.keys(objects).filter((key) => key.startsWith(input.Prefix));
    const from = Number(input.ContinuationToken ?? 0);
    const isTruncated = from + 2 < keys.length;
    return {
      Contents: keys.slice(from, from + 2).map((Key) => ({ Key })),
      IsTruncated: isTruncated,
      ...(isTruncated ? { NextContinuationToken: String(from + 2) } : {}),
    };
  },
});

const files = (folder: string): string[] => readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();

describe("a zip object", () => {
  it("is unpacked, at the version that was asked for", async () => {
    const asked: object[] = [];
    const role = bucket(
      {
        "path/app.zip": await zipOf([
          { name: "buildspec.yml", text: "x" },
          { name: "a/b", text: "y" },
        ]),
      },
      asked,
    );
    const source = { type: "S3", location: "my-bucket/path/app.zip" };
    const { taken } = await bench.take({ source, role, version: "v-1" });
    expect(files(taken?.srcDir ?? "")).toEqual(["a", "a/b", "buildspec.yml"]);
    expect(asked).toEqual([{ Bucket: "my-bucket", Key: "path/app.zip", VersionId: "v-1" }]);
    expect(taken?.variables).toEqual({
      CODEBUILD_SRC_DIR: taken?.srcDir,
      CODEBUILD_SOURCE_REPO_URL: "s3://my-bucket/path/app.zip",
      CODEBUILD_SOURCE_VERSION: "v-1",
    });
    const latest = await bench.take({ source: { ...source, location: "arn:aws:s3:::my-bucket/path/app.zip" }, role });
    expect(latest.taken?.variables["CODEBUILD_SOURCE_VERSION"]).toBe("version-9");
    expect(files(join(latest.workDir, "codebuild", "output", "sources"))).toEqual([]);
  });

  it.each([
    [
      s3Error(
        "AccessDenied",
        403,
        'User: me is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::b/k.zip" because no identity-based policy allows the s3:GetObject action',
      ),
      'error while downloading key k.zip, error: AccessDenied: User: me is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::b/k.zip" because no identity-based policy allows the s3:GetObject action\n\tstatus code: 403, request id: request-1, host id: host-1 for primary source and source version v',
    ],
    [
      s3Error("NoSuchKey", 404, "The specified key does not exist."),
      "error while downloading key k.zip, error: NoSuchKey: The specified key does not exist.\n\tstatus code: 404, request id: request-1, host id: host-1 for primary source and source version v",
    ],
    [
      s3Error("NoSuchBucket", 404, "The specified bucket does not exist"),
      "error while downloading key k.zip, error: NoSuchBucket: The specified bucket does not exist\n\tstatus code: 404, request id: request-1, host id: host-1 for primary source and source version v",
    ],
    [
      s3Error("PermanentRedirect", 301, "x"),
      "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint",
    ],
  ])("that cannot be read fails with CodeBuild's words (%s)", async (error, message) => {
    const GetObject = () => {
      throw error;
    };
    const { failure } = await bench.take({
      source: { type: "S3", location: "b/k.zip" },
      version: "v",
      role: { GetObject },
    });
    expect(failure).toEqual({ statusCode: "CLIENT_ERROR", message });
  });

  it("that is none, or leads outside, is refused", async () => {
    const source = { type: "S3", location: "b/k.zip" };
    const none = await bench.take({ source, role: bucket({ "k.zip": "plain text" }) });
    expect(none.failure?.message).toMatch(/^error while extracting k\.zip: not a valid zip file \(/);
    const evil = await bench.take({ source, role: bucket({ "k.zip": await zipOf([{ name: "../x", text: "x" }]) }) });
    expect(evil.failure?.message).toBe("error while extracting k.zip: invalid relative path: ../x");
  });
});

describe("a folder of a bucket", () => {
  it("comes with all its objects, page by page", async () => {
    const objects = { "src/": "", "src/buildspec.yml": "a", "src/d/": "", "src/d/e": "b", "src/d/f": "c", other: "no" };
    const { taken } = await bench.take({ source: { type: "S3", location: "b/src/" }, role: bucket(objects) });
    expect(files(taken?.srcDir ?? "")).toEqual(["buildspec.yml", "d", "d/e", "d/f"]);
    expect(readFileSync(join(taken?.srcDir ?? "", "d/f"), "utf8")).toBe("c");
    expect(taken?.variables["CODEBUILD_SOURCE_REPO_URL"]).toBe("s3://b/src/");
  });

  it.each([
    [{ "src/../../evil": "x" }, "the object key `src/../../evil` leads outside the source"],
    [{}, "there is no object below s3://b/src/"],
  ])("with %j is refused", async (objects, message) => {
    const { failure } = await bench.take({ source: { type: "S3", location: "b/src/" }, role: bucket(objects) });
    expect(failure).toEqual({ statusCode: "CLIENT_ERROR", message });
  });

  it("has no version, and says when it may not be listed", async () => {
    const source = { type: "S3", location: "b/src/" };
    const versioned = await bench.take({ source, version: "v", role: bucket({ "src/a": "x" }) });
    expect(versioned.failure?.message).toBe("Source version should be empty for S3 folder source location");
    const ListObjectsV2 = () => {
      throw s3Error("AccessDenied", 403, "no s3:ListBucket");
    };
    expect((await bench.take({ source, role: { ListObjectsV2 } })).failure?.message).toBe(
      "error while downloading key src/, error: AccessDenied: no s3:ListBucket\n\tstatus code: 403, request id: request-1, host id: host-1 for primary source and source version ",
    );
  });
});

describe("a pipeline's artifact", () => {
  it("lies where the source version says, as on AWS", async () => {
    const role = bucket({ "p/SourceArti/x": await zipOf([{ name: "buildspec.yml", text: "x" }]) });
    const version = "arn:aws:s3:::pipe/p/SourceArti/x";
    for (const [source, asked] of [
      [{ type: "CODEPIPELINE" }, version],
      [{ type: "CODEPIPELINE", location: "pipe/p/SourceArti/x" }, "abc123"],
    ] as const) {
      const { taken } = await bench.take({ source, role, version: asked });
      expect(files(taken?.srcDir ?? "")).toEqual(["buildspec.yml"]);
      expect(taken?.variables).toEqual({
        CODEBUILD_SRC_DIR: taken?.srcDir,
        CODEBUILD_SOURCE_REPO_URL: "",
        CODEBUILD_SOURCE_VERSION: version,
        CODEBUILD_RESOLVED_SOURCE_VERSION: asked === version ? "version-9" : "abc123",
      });
    }
  });

  it("is a folder of this machine without .git, or a zip file of it", async () => {
    const folder = await bench.folder();
    const repository = new TestRepository(join(folder, "app"));
    const commit = repository.commit({ "buildspec.yml": "x" });
    const source = { type: "CODEPIPELINE", location: `file://${repository.folder}` };
    const { taken } = await bench.take({ source });
    expect(files(taken?.srcDir ?? "")).toEqual(["buildspec.yml"]);
    expect(taken?.variables).toEqual({
      CODEBUILD_SRC_DIR: taken?.srcDir,
      CODEBUILD_SOURCE_REPO_URL: "",
      CODEBUILD_SOURCE_VERSION: "arn:aws:s3:::codepipeline-us-east-1-111122223333/my-project/SourceArti/artifact",
      CODEBUILD_RESOLVED_SOURCE_VERSION: commit,
    });
    writeFileSync(join(folder, "a.zip"), await zipOf([{ name: "one", text: "1" }]));
    const zipped = await bench.take({ source: { type: "CODEPIPELINE", location: `file://${folder}/a.zip` } });
    expect(files(zipped.taken?.srcDir ?? "")).toEqual(["one"]);
  });

  it("comes with others beside it", async () => {
    const role = bucket({ one: await zipOf([{ name: "1", text: "" }]), two: await zipOf([{ name: "2", text: "" }]) });
    const { taken, events } = await bench.take({
      source: { type: "CODEPIPELINE", location: "b/one" },
      secondary: [{ type: "CODEPIPELINE", location: "b/two", sourceIdentifier: "helper" }],
      role,
    });
    expect(taken?.srcDir).toMatch(/\/src\d+\/src\/s3\/00$/);
    const helper = taken?.srcDir.replace(/00$/, "01") ?? "";
    expect(files(helper)).toEqual(["2"]);
    expect(taken?.variables["CODEBUILD_SRC_DIR_helper"]).toBe(helper);
    expect(events.flatMap((event) => (event.type === "log" ? [event.text] : []))).toEqual([
      `CODEBUILD_SRC_DIR=${taken?.srcDir}`,
      `CODEBUILD_SRC_DIR_helper=${helper}`,
    ]);
  });

  it("has to be named", async () => {
    const { failure } = await bench.take({ source: { type: "CODEPIPELINE" } });
    expect(failure?.message).toBe(
      "there is no input artifact: Kiln has no pipelines, so a source of type CODEPIPELINE needs its location (`bucket/key` of a zip object, or `file:///folder`) or the object's ARN as source version",
    );
  });
});
