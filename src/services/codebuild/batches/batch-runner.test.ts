/** Batches on a scripted engine: what each build gets, limits, time, interruption, other processes, artifacts. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { openTestAccount, ROLE, SCOPE, type TestAccount } from "../../../../test/support/codebuild-account.ts";
import { type Clock, systemClock } from "../../../core/clock.ts";
import { ownMark } from "../../../core/process-mark.ts";
import type { Engine } from "../../../engines/engine.ts";
import { createFakeEngine, type FakeEngine } from "../../../engines/fake.ts";
import { buildKey, recordsIn } from "../records.ts";
import type { Build, BuildBatch } from "../shapes.gen.ts";
import { batchKey, batchRecordsIn, putBatch } from "./batch-records.ts";

const BATCH_ACTIONS = ["codebuild:StartBuild", "codebuild:StopBuild", "codebuild:RetryBuild", "s3:*"];
const PHASES = "phases:\n  build:\n    commands:\n      - run the-build\n";
const spec = (batch: string): string => `version: 0.2\nbatch:\n${batch.replace(/^/gm, "  ")}\n${PHASES}`;

describe("the runner of batches", () => {
  const accounts: TestAccount[] = [];
  afterEach(async () => {
    for (const account of accounts.splice(0).reverse()) await account.close();
  });
  const open = async (engine: Engine, ...more: [string?, Parameters<typeof openTestAccount>[2]?]) => {
    const account = await openTestAccount([engine], ...more);
    accounts.push(account);
    return account;
  };
  const prepare = async (account: TestAccount, buildspec: string, more: object = {}): Promise<void> => {
    await account.makeRole(BATCH_ACTIONS);
    await account.makeProject(buildspec, { buildBatchConfig: { serviceRole: ROLE }, ...more });
  };
  const start = async (account: TestAccount, input: object = {}): Promise<string> => {
    const { buildBatch } = await account.root.call<{ buildBatch: BuildBatch }>("codebuild", "StartBuildBatch", {
      projectName: "my-project",
      ...input,
    });
    return buildBatch.id ?? "";
  };
  const get = async (account: TestAccount, id: string): Promise<BuildBatch> => {
    const { buildBatches } = await account.root.call<{ buildBatches: BuildBatch[] }>(
      "codebuild",
      "BatchGetBuildBatches",
      { ids: [id] },
    );
    return buildBatches[0] as BuildBatch;
  };
  const ended = async (account: TestAccount, id: string): Promise<BuildBatch> => {
    await account.service.batches.ended(id.split(":")[1] ?? "");
    return get(account, id);
  };
  const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
    while (!(await condition())) await new Promise((resolve) => setImmediate(resolve));
  };
  const members = (engine: FakeEngine) =>
    engine.opened.filter(({ variables }) => variables["CODEBUILD_BATCH_BUILD_IDENTIFIER"] !== "DOWNLOAD_SOURCE");
  const groups = ({ buildGroups = [] }: BuildBatch): string =>
    buildGroups
      .map(({ identifier, currentBuildSummary }) => `${identifier}:${currentBuildSummary?.buildStatus ?? "-"}`)
      .join(" ");

  it("gives each build of a matrix its own variables, image, type and size", async () => {
    const engine = createFakeEngine();
    const account = await open(engine);
    await prepare(
      account,
      spec(`build-matrix:
  static:
    env:
      privileged-mode: true
      type: ARM_CONTAINER
  dynamic:
    env:
      image: ["aws/codebuild/standard:6.0", "$BASE"]
      compute-type: [BUILD_GENERAL1_LARGE]
      variables:
        MODE: [a]
        GIVEN: [task]`),
      {
        environment: {
          type: "LINUX_CONTAINER",
          image: "aws/codebuild/standard:7.0",
          computeType: "BUILD_GENERAL1_SMALL",
          environmentVariables: [
            { name: "BASE", value: "aws/codebuild/standard:5.0" },
            { name: "MODE", value: "project" },
          ],
        },
      },
    );
    const done = await ended(
      account,
      await start(account, { environmentVariablesOverride: [{ name: "GIVEN", value: "start" }] }),
    );
    expect(groups(done)).toBe("DOWNLOAD_SOURCE:SUCCEEDED build_matrix_1:SUCCEEDED build_matrix_2:SUCCEEDED");
    const { builds } = await account.root.call<{ builds: Build[] }>("codebuild", "BatchGetBuilds", {
      ids: done.buildGroups?.slice(1).map(({ currentBuildSummary }) => currentBuildSummary?.arn),
    });
    expect(builds.map(({ environment }) => environment)).toMatchObject([
      {
        image: "aws/codebuild/standard:6.0",
        type: "ARM_CONTAINER",
        computeType: "BUILD_GENERAL1_LARGE",
        privilegedMode: true,
      },
      { image: "aws/codebuild/standard:5.0" },
    ]);
    expect(members(engine).map(({ variables }) => [variables["MODE"], variables["GIVEN"]])).toEqual([
      ["a", "start"],
      ["a", "start"],
    ]);
  });

  it("tells each build of a fan-out its shard", async () => {
    const engine = createFakeEngine();
    const account = await open(engine);
    await prepare(account, spec("build-fanout:\n  parallelism: 2"));
    expect((await ended(account, await start(account))).buildBatchStatus).toBe("SUCCEEDED");
    expect(
      members(engine)
        .map(({ variables }) => `${variables["KILN_SHARD_INDEX"]}/${variables["KILN_SHARD_COUNT"]}`)
        .sort(),
    ).toEqual(["0/2", "1/2"]);
  });

  it.each([1, 2, 3])("runs %i builds of a batch at the same time", async (limit) => {
    let running = 0;
    let most = 0;
    const effect = async (): Promise<void> => {
      most = Math.max(most, ++running);
      const turn = () => new Promise((resolve) => setImmediate(resolve));
      // Until as many run as may; on a busy machine the next build takes its time to start.
      for (const endMs = performance.now() + 50_000; most < limit && performance.now() < endMs; ) await turn();
      for (let more = 0; more < 50; more++) await turn();
      running--;
    };
    const account = await open(createFakeEngine([{ match: "the-build", effect }]), undefined, {
      batchParallelism: limit,
      maxConcurrentBuilds: 4,
    });
    await prepare(account, spec("build-fanout:\n  parallelism: 6"));
    expect((await ended(account, await start(account))).buildBatchStatus).toBe("SUCCEEDED");
    expect(most).toBe(limit);
  });

  it("never runs more of a batch than the project's concurrentBuildLimit", async () => {
    const engine = createFakeEngine();
    const account = await open(engine, undefined, { maxConcurrentBuilds: 4 });
    await prepare(account, spec("build-fanout:\n  parallelism: 3"), { concurrentBuildLimit: 1 });
    expect((await ended(account, await start(account))).buildBatchStatus).toBe("SUCCEEDED");
    for (const [at, { buildId }] of engine.opened.slice(1).entries()) {
      expect(engine.closed.indexOf(engine.opened[at]?.buildId ?? "")).toBeLessThan(engine.closed.indexOf(buildId));
    }
  });

  it("ends a batch that takes too long, with its builds", async () => {
    // The batch's time of seven minutes passes as soon as a build runs; all other times are real.
    let batchTimer = (): void => {};
    const clock: Clock = {
      nowMs: () => systemClock.nowMs(),
      after(delayMs, run) {
        if (delayMs !== 7 * 60_000) return systemClock.after(delayMs, run);
        batchTimer = run;
        return { cancel() {} };
      },
    };
    const account = await open(
      createFakeEngine([{ match: "the-build", hangs: true, effect: () => batchTimer() }]),
      undefined,
      { clock },
    );
    await prepare(account, spec("build-graph:\n  - identifier: a\n  - identifier: b\n    depend-on: [a]"), {
      buildBatchConfig: { serviceRole: ROLE, timeoutInMins: 7 },
    });
    const done = await ended(account, await start(account));
    expect(done).toMatchObject({ buildBatchStatus: "TIMED_OUT", currentPhase: "FAILED" });
    expect(groups(done)).toBe("DOWNLOAD_SOURCE:SUCCEEDED a:STOPPED b:STOPPED");
    expect(done.phases?.find(({ phaseType }) => phaseType === "IN_PROGRESS")).toMatchObject({
      phaseStatus: "TIMED_OUT",
      contexts: [{ statusCode: "BUILD_TIMED_OUT", message: "Build has timed out. (timeoutInMins of the batch: 7)" }],
    });
  });

  it("closes a batch whose Kiln was killed, with what its builds came to", async () => {
    const account = await open(createFakeEngine());
    await prepare(account, spec("build-graph:\n  - identifier: a\n  - identifier: b\n    depend-on: [a]"));
    const id = await start(account);
    await ended(account, id);
    const records = batchRecordsIn(account.store);
    const record = records.batches.list([])[0]?.value;
    if (!record) throw new Error("no batch");
    const dead = { ...ownMark(), started: "another start" };
    // As a killed process leaves it: the first build interrupted, the second not there yet.
    const [source, a, b] = record.groups;
    await account.store.write(() =>
      putBatch(records, {
        ...record,
        owner: dead,
        batch: { ...record.batch, complete: false, buildBatchStatus: "IN_PROGRESS", currentPhase: "IN_PROGRESS" },
        phases: [...record.phases.slice(0, 2), { phaseType: "IN_PROGRESS", startTimeMs: record.batch.startTime ?? 0 }],
        groups: [
          source as NonNullable<typeof source>,
          {
            identifier: "a",
            ignoreFailure: false,
            prior: [],
            current: { ...a?.current, buildStatus: "IN_PROGRESS" } as never,
          },
          { identifier: "b", ignoreFailure: false, prior: [], dependsOn: b?.dependsOn ?? [] },
        ],
      }),
    );
    const key = buildKey(SCOPE, "my-project", a?.current?.uuid ?? "");
    const builds = recordsIn(account.store).builds;
    const build = builds.get(key);
    if (!build) throw new Error("no build");
    await account.store.write(() => builds.put(key, { ...build, build: { ...build.build, buildStatus: "FAULT" } }));
    await account.service.batches.recover();
    const done = await get(account, id);
    expect(done).toMatchObject({ buildBatchStatus: "FAULT", complete: true, currentPhase: "FAILED" });
    expect(groups(done)).toBe("DOWNLOAD_SOURCE:SUCCEEDED a:FAULT b:STOPPED");
    expect(done.phases?.at(-2)).toMatchObject({
      phaseType: "IN_PROGRESS",
      phaseStatus: "FAULT",
      contexts: [
        {
          statusCode: "INTERNAL_SERVICE_ERROR",
          message: `Kiln was interrupted while the batch ran (process ${process.pid} ended); retry the batch, or start it again`,
        },
      ],
    });
    expect(records.active.list([])).toEqual([]);
    await account.root.call("codebuild", "RetryBuildBatch", { id, retryType: "RETRY_FAILED_BUILDS" });
    expect(groups(await ended(account, id))).toBe("DOWNLOAD_SOURCE:SUCCEEDED a:SUCCEEDED b:SUCCEEDED");
  });

  it("is seen and stopped by another process on the same state", async () => {
    const stateDir = await mkdtemp(join(tmpdir(), "kiln-state-"));
    const engine = createFakeEngine([{ match: "the-build", hangs: true }]);
    const owner = await open(engine, stateDir);
    await prepare(owner, spec("build-list:\n  - identifier: a"));
    const id = await start(owner);
    await until(() => engine.commands.some(({ script }) => script.includes("the-build")));
    const other = await open(createFakeEngine(), stateDir);
    expect(groups(await get(other, id))).toBe("DOWNLOAD_SOURCE:SUCCEEDED a:IN_PROGRESS");
    const { buildBatch } = await other.root.call<{ buildBatch: BuildBatch }>("codebuild", "StopBuildBatch", { id });
    expect(buildBatch).toMatchObject({ buildBatchStatus: "STOPPED", complete: true });
    expect(
      batchRecordsIn(owner.store).stops.has(batchKey(batchRecordsIn(owner.store).batches.list([])[0]?.value as never)),
    ).toBe(false);
    for (const account of accounts.splice(0).reverse()) await account.close();
    await rm(stateDir, { recursive: true, force: true });
  });

  it("names a build that cannot be made, and fails only what depends on it", async () => {
    const account = await open(createFakeEngine());
    await prepare(
      account,
      spec(
        "build-list:\n  - identifier: windows\n    env: {type: WINDOWS_SERVER_2022_CONTAINER}\n  - identifier: lost\n    env: {fleet: nobody}\n  - identifier: good",
      ),
    );
    const done = await ended(account, await start(account));
    expect(groups(done)).toBe("DOWNLOAD_SOURCE:SUCCEEDED windows:FAILED lost:FAILED good:SUCCEEDED");
    const contexts = done.phases?.find(({ phaseType }) => phaseType === "IN_PROGRESS")?.contexts ?? [];
    expect(contexts.map(({ message }) => message).sort()).toEqual([
      expect.stringMatching(/^build group lost could not be started: Fleet cannot be found: nobody$/),
      expect.stringMatching(
        /^build group windows could not be started: kiln does not offer environments of type WINDOWS/,
      ),
      "build groups that did not succeed: windows, lost",
    ]);
  });

  it("puts the artifacts of all builds below one prefix with combineArtifacts", async () => {
    const account = await open(createFakeEngine());
    await account.root.call("s3", "CreateBucket", { Bucket: "artifacts" });
    await prepare(account, spec("build-list:\n  - identifier: a\n  - identifier: b"), {
      artifacts: { type: "S3", location: "artifacts", path: "out/" },
      buildBatchConfig: { serviceRole: ROLE, combineArtifacts: true },
    });
    const done = await ended(account, await start(account));
    const uuid = done.id?.split(":")[1];
    expect(done.buildBatchStatus).toBe("SUCCEEDED");
    expect(done.artifacts?.location).toBe(`arn:aws:s3:::artifacts/out/${uuid}`);
    const builds = recordsIn(account.store)
      .builds.list([])
      .map(({ value }) => [value.origin.variables["CODEBUILD_BATCH_BUILD_IDENTIFIER"], value.settings.artifacts.path]);
    expect(builds).toContainEqual(["a", `out/${uuid}/a`]);
    expect(builds).toContainEqual(["b", `out/${uuid}/b`]);
  });
});
