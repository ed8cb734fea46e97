/** Where a build's buildspec comes from, and what is said when it cannot be had. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { TestRepository } from "../../../../test/support/git-repository.ts";
import { denied, testBuild } from "../../../../test/support/run-test-build.ts";
import { SourceBench } from "../../../../test/support/take-test-sources.ts";
import { createHostEngine } from "../../../engines/index.ts";
import { locateBuildspec } from "./buildspec-location.ts";

const bench = new SourceBench();
afterAll(() => bench.remove());

const git = (location: string, more: object = {}) => ({ type: "GITHUB", location, ...more });

describe("the buildspec", () => {
  const engine = createHostEngine({ graceMs: 100 });
  const folder = join("sub", "dir");
  const run = async (buildspec: string | undefined, role = {}) => {
    const source = join(await bench.folder(), "app");
    mkdirSync(join(source, folder), { recursive: true });
    writeFileSync(join(source, folder, "spec.yml"), "version: 0.2\nphases: {build: {commands: ['echo by path']}}\n");
    writeFileSync(join(source, "..", "outside.yml"), "version: 0.2\nphases: {build: {commands: ['echo outside']}}\n");
    symlinkSync("../outside.yml", join(source, "link.yml"));
    return testBuild({ engine, request: { source: git(`file://${source}`, { buildspec }) }, role });
  };
  const failureOf = (tested: Awaited<ReturnType<typeof testBuild>>): string =>
    (tested.result.phases.find(({ phaseType }) => phaseType === "DOWNLOAD_SOURCE")?.contexts ?? [])
      .map(({ statusCode, message }) => `${statusCode}: ${message.replaceAll(/\/.*\/src\d+\/src\//g, "SRC/")}`)
      .join();

  it("is found by its path, in S3 as the service role, or is the text itself", async () => {
    expect((await run("sub/dir/spec.yml")).log).toContain("by path\n");
    const inline = "version: 0.2\nphases: {build: {commands: ['echo inline']}}\n";
    expect((await run(inline)).log).toContain("inline\n");
    const asked: object[] = [];
    const role = {
      GetObject: (input: object) => {
        asked.push(input);
        return { Body: Buffer.from("version: 0.2\nphases: {build: {commands: ['echo from S3']}}\n") };
      },
    };
    const { log } = await run("arn:aws:s3:::my-bucket/specs/a.yml", role);
    expect(log).toContain("from S3\n");
    expect(log).toContain("C YAML location is /codebuild/readonly/buildspec.yml\n");
    expect(asked).toEqual([{ Bucket: "my-bucket", Key: "specs/a.yml" }]);
  });

  it.each([
    [undefined, "YAML_FILE_ERROR: YAML file does not exist"],
    ["", "YAML_FILE_ERROR: YAML file does not exist"],
    ["nope.yml", "YAML_FILE_ERROR: stat SRC/nope.yml: no such file or directory"],
    ["sub", "YAML_FILE_ERROR: stat SRC/sub: no such file or directory"],
    ["link.yml", "YAML_FILE_ERROR: stat SRC/link.yml: no such file or directory"],
    [
      "arn:aws:s3:::my-bucket",
      "YAML_FILE_ERROR: the buildspec `arn:aws:s3:::my-bucket` is not the ARN of an object in S3 (`arn:aws:s3:::bucket/key`)",
    ],
  ])("that is %j fails", async (buildspec, expected) => {
    expect(failureOf(await run(buildspec))).toBe(expected);
  });

  it("in S3 that may not be read fails with the words for objects of a source", async () => {
    const GetObject = () => {
      throw denied("s3:GetObject", "arn:aws:s3:::my-bucket/a.yml");
    };
    expect(failureOf(await run("arn:aws:s3:::my-bucket/a.yml", { GetObject }))).toContain(
      `CLIENT_ERROR: error while downloading key a.yml, error: AccessDeniedException: ${denied("s3:GetObject", "arn:aws:s3:::my-bucket/a.yml").message}\n\tstatus code: 400, request id: request-1, host id: `,
    );
  });

  it("of more than four megabytes is not read", async () => {
    const GetObject = () => ({ Body: Buffer.alloc(5_000_000) });
    expect(failureOf(await run("arn:aws:s3:::my-bucket/a.yml", { GetObject }))).toBe(
      "YAML_FILE_ERROR: the buildspec `arn:aws:s3:::my-bucket/a.yml` has more than 4194304 bytes",
    );
  });

  it.each([
    [undefined, "path"],
    ["", "path"],
    ["ci/spec.yml", "path"],
    ["arn:aws:s3:::b/k", "s3"],
    ["arn:aws-cn:s3:::b/k", "s3"],
    ["version: 0.2", "inline"],
    ['{"version": 0.2}', "inline"],
    ["phases:\n  build:", "inline"],
    ["# comment\nversion: 0.2", "inline"],
  ])("%j is a %s", (value, kind) => {
    expect(locateBuildspec(value).kind).toBe(kind);
  });

  it("outside the source is not read", async () => {
    expect(failureOf(await run("../outside.yml"))).toMatch(
      /^YAML_FILE_ERROR: stat \/.*outside\.yml: no such file or directory$/,
    );
    const outside = join(await bench.folder(), "outside.yml");
    writeFileSync(outside, "version: 0.2\n");
    const repository = new TestRepository(join(await bench.folder(), "linked"));
    symlinkSync(outside, join(repository.folder, "buildspec.yml"));
    repository.commit({});
    const tested = await testBuild({ engine, request: { source: git(repository.folder) } });
    expect(failureOf(tested)).toBe(
      "YAML_FILE_ERROR: the buildspec `buildspec.yml` is a link that leads outside the source",
    );
  });
});
