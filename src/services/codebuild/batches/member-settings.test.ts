import { describe, expect, it } from "vitest";
import { systemIds } from "../../../core/ids.ts";
import { openStore } from "../../../store/index.ts";
import { type BuildSettings, recordsIn } from "../records.ts";
import type { BatchRecord } from "./batch-records.ts";
import { memberOrigin, memberSettings, sourceSettings } from "./member-settings.ts";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const SCOPE = { partition: "aws", region: "us-east-1", accountId: "111122223333" };
const SETTINGS: BuildSettings = {
  projectName: "app",
  source: { type: "GITHUB", location: "https://example.com/o/r.git" },
  secondarySources: [],
  secondarySourceVersions: [],
  artifacts: { type: "S3", location: "bucket", name: "app" },
  secondaryArtifacts: [],
  cache: { type: "NO_CACHE" },
  environment: { type: "LINUX_CONTAINER", image: "aws/codebuild/standard:7.0", computeType: "BUILD_GENERAL1_SMALL" },
  projectVariables: [],
  overrideVariables: [],
  serviceRole: "arn:aws:iam::111122223333:role/r",
  timeoutInMinutes: 60,
  queuedTimeoutInMinutes: 480,
  encryptionKey: "key",
  autoRetryLimit: 2,
};
const TASK = {
  identifier: "a",
  dependsOn: [],
  ignoreFailure: false,
  debugSession: false,
  environment: {},
  variables: [],
  line: 1,
};

const batch = (settings: Partial<BuildSettings>, resolvedSourceVersion?: string): BatchRecord => ({
  scope: SCOPE,
  uuid: "u",
  settings: { ...SETTINGS, ...settings },
  config: { serviceRole: "r" },
  initiator: "somebody",
  batch: { id: "app:u", ...(resolvedSourceVersion === undefined ? {} : { resolvedSourceVersion }) },
  phases: [],
  groups: [],
  owner: { pid: 1, started: "" },
});

describe("the settings of a batch's build", async () => {
  const store = await openStore({ ids: systemIds });
  const of = (record: BatchRecord, task: object = {}): BuildSettings =>
    memberSettings(record, { ...TASK, ...task }, recordsIn(store));

  it.each([
    ["https://example.com/o/r.git", undefined, COMMIT, COMMIT],
    ["https://example.com/o/r.git", "main", COMMIT, COMMIT],
    ["https://example.com/o/r.git", "refs/heads/main", COMMIT, `refs/heads/main^{${COMMIT}}`],
    ["https://example.com/o/r.git", "pr/7", COMMIT, "pr/7"],
    ["file:///work", undefined, COMMIT, undefined],
    ["file:///work", "HEAD", COMMIT, COMMIT],
    ["bucket/source.zip", "version-id", undefined, "version-id"],
  ])("take %s at %s, found at %s, as %s", (location, sourceVersion, resolved, expected) => {
    const source = { type: "GITHUB" as const, location };
    expect(of(batch({ source, sourceVersion }, resolved)).sourceVersion).toBe(expected);
  });

  it("have the task's buildspec, and no retries of their own", () => {
    const made = of(batch({ projectVariables: [{ name: "DIR", value: "ci" }] }), { buildspec: "$DIR/${NAME}.yml" });
    expect(made.source.buildspec).toBe("ci/${NAME}.yml");
    expect(made.autoRetryLimit).toBeUndefined();
    expect(of(batch({}), { debugSession: true }).debugSessionEnabled).toBe(true);
    expect(sourceSettings(batch({})).artifacts).toEqual({ type: "NO_ARTIFACTS" });
  });

  it("refuse an image's environment that no build can have", () => {
    expect(() => of(batch({}), { environment: { type: "WINDOWS_EC2" } })).toThrow(/^kiln does not offer/);
    expect(() => of(batch({}), { environment: { fleet: "none" } })).toThrow("Fleet cannot be found: none");
  });

  it("name batch and task to the build", () => {
    const shard = { index: 1, count: 3 };
    expect(memberOrigin(batch({}), { ...TASK, shard })).toEqual({
      variables: { CODEBUILD_BATCH_BUILD_IDENTIFIER: "a", KILN_SHARD_INDEX: "1", KILN_SHARD_COUNT: "3" },
      buildBatchArn: "arn:aws:codebuild:us-east-1:111122223333:build-batch/app:u",
      initiator: "somebody",
      shard,
    });
    expect(memberOrigin(batch({}), undefined).variables).toEqual({
      CODEBUILD_BATCH_BUILD_IDENTIFIER: "DOWNLOAD_SOURCE",
    });
  });
});
