/** Batches beside the limits of the account and the project; their artifacts in a real bucket. */
import { afterEach, describe, expect, it } from "vitest";
import { openTestAccount, ROLE, SCOPE, type TestAccount } from "../../../../test/support/codebuild-account.ts";
import type { Engine } from "../../../engines/engine.ts";
import { createFakeEngine } from "../../../engines/fake.ts";
import { createHostEngine } from "../../../engines/index.ts";
import { countActive } from "../builds/build-index.ts";
import { recordsIn } from "../records.ts";
import type { Build, BuildBatch } from "../shapes.gen.ts";

const ACTIONS = ["codebuild:StartBuild", "codebuild:StopBuild", "codebuild:RetryBuild", "s3:*"];
const spec = (batch: string, command: string, more = ""): string =>
  `version: 0.2\nbatch:\n${batch.replace(/^/gm, "  ")}\nphases: {build: {commands: [${JSON.stringify(command)}]}}\n${more}`;

let account: TestAccount;
afterEach(() => account.close());

async function open(
  engine: Engine,
  buildspec: string,
  { project = {}, ...limits }: { readonly project?: object } & Parameters<typeof openTestAccount>[2] = {},
): Promise<void> {
  account = await openTestAccount([engine], undefined, limits);
  await account.makeRole(ACTIONS);
  await account.makeProject(buildspec, { buildBatchConfig: { serviceRole: ROLE }, ...project });
}
async function start(): Promise<string> {
  const { buildBatch } = await account.root.call<{ buildBatch: BuildBatch }>("codebuild", "StartBuildBatch", {
    projectName: "my-project",
  });
  return buildBatch.id ?? "";
}
async function ended(id: string): Promise<BuildBatch> {
  await account.service.batches.ended(id.split(":")[1] ?? "");
  const { buildBatches } = await account.root.call<{ buildBatches: BuildBatch[] }>(
    "codebuild",
    "BatchGetBuildBatches",
    { ids: [id] },
  );
  return buildBatches[0] as BuildBatch;
}
const active = (): number => countActive(recordsIn(account.store), SCOPE);

describe("builds of a batch", () => {
  it("are a hundred on two places: they queue, and what the queue cannot hold comes later", async () => {
    let [running, most, mostActive] = [0, 0, 0];
    // The first waits for the second, so that two are seen at once.
    let second = (): void => {};
    const twoRun = new Promise<void>((resolve) => {
      second = resolve;
    });
    const engine = createFakeEngine([
      {
        match: "run it",
        effect: async () => {
          most = Math.max(most, ++running);
          mostActive = Math.max(mostActive, active());
          if (running === 2) second();
          await twoRun;
          running--;
        },
      },
    ]);
    const values = [...Array(10).keys()].map((number) => `"${number}"`).join(", ");
    const matrix = `build-matrix:\n  dynamic:\n    env:\n      variables:\n        A: [${values}]\n        B: [${values}]`;
    await open(engine, spec(matrix, "run it"), { concurrentBuilds: 2 });
    const batch = await ended(await start());
    expect(batch.buildBatchStatus).toBe("SUCCEEDED");
    expect(batch.buildGroups).toHaveLength(101);
    expect(engine.commands.filter(({ script }) => script.includes("run it"))).toHaveLength(100);
    expect(most).toBe(2);
    // Two run, and the queue holds five times as many.
    expect(mostActive).toBeGreaterThan(2);
    expect(mostActive).toBeLessThanOrEqual(12);
  });

  it("wait in the queue as builds do, while others have the places", async () => {
    const engine = createFakeEngine([{ match: "run it", hangs: true }]);
    await open(engine, spec("build-list: [{identifier: a}, {identifier: b}, {identifier: c}]", "run it"), {
      maxConcurrentBuilds: 1,
    });
    const id = await start();
    const statesOf = async (): Promise<string[]> => {
      const { buildBatches } = await account.root.call<{ buildBatches: BuildBatch[] }>(
        "codebuild",
        "BatchGetBuildBatches",
        { ids: [id] },
      );
      const arns = (buildBatches[0]?.buildGroups ?? []).flatMap(({ identifier, currentBuildSummary }) =>
        identifier === "DOWNLOAD_SOURCE" ? [] : [currentBuildSummary?.arn ?? ""],
      );
      if (arns.length === 0 || arns.includes("")) return [];
      const { builds } = await account.root.call<{ builds: Build[] }>("codebuild", "BatchGetBuilds", { ids: arns });
      return builds.map(({ currentPhase }) => currentPhase ?? "").sort();
    };
    let states: string[] = [];
    while (states.join() !== "BUILD,QUEUED,QUEUED") {
      await new Promise((resolve) => setImmediate(resolve));
      states = await statesOf();
    }
    await account.root.call("codebuild", "StopBuildBatch", { id });
    expect((await ended(id)).buildBatchStatus).toBe("STOPPED");
    expect(active()).toBe(0);
  });

  it("wait for the project's limit, which other builds may have reached", async () => {
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let first = true;
    const engine = createFakeEngine([
      {
        match: "run it",
        effect: async () => {
          if (!first) return;
          first = false;
          await held;
        },
      },
    ]);
    await open(engine, spec("build-list: [{identifier: a}, {identifier: b}]", "run it"), {
      project: { concurrentBuildLimit: 1 },
    });
    const { build } = await account.root.call<{ build: Build }>("codebuild", "StartBuild", {
      projectName: "my-project",
    });
    while (first) await new Promise((resolve) => setImmediate(resolve));
    const id = await start();
    expect(active()).toBe(1);
    release();
    await account.service.runner.ended(build.id?.split(":")[1] ?? "");
    const batch = await ended(id);
    expect(batch.buildBatchStatus).toBe("SUCCEEDED");
    expect(engine.commands.filter(({ script }) => script.includes("run it"))).toHaveLength(3);
  });

  it("are not made any more when the batch is stopped while there is no room", async () => {
    const engine = createFakeEngine([{ match: "run it", hangs: true }]);
    await open(engine, spec("build-list: [{identifier: a}]", "run it"), { project: { concurrentBuildLimit: 1 } });
    const { build } = await account.root.call<{ build: Build }>("codebuild", "StartBuild", {
      projectName: "my-project",
    });
    const id = await start();
    await account.root.call("codebuild", "StopBuildBatch", { id });
    const batch = await ended(id);
    expect(batch.buildBatchStatus).toBe("STOPPED");
    expect(batch.buildGroups?.map(({ currentBuildSummary }) => currentBuildSummary)).toEqual([
      { requestedOn: expect.any(Number), buildStatus: "STOPPED" },
    ]);
    await account.root.call("codebuild", "StopBuild", { id: build.id });
  });
});

it("combineArtifacts: the objects of all builds lie below one prefix of the bucket", async () => {
  const list = "build-list: [{identifier: one}, {identifier: two}]";
  const files = "artifacts:\n  files: ['out/*']\n";
  await open(
    createHostEngine({ graceMs: 100 }),
    spec(list, 'mkdir out && echo "$CODEBUILD_BATCH_BUILD_IDENTIFIER" > out/name', files),
    {
      project: {
        artifacts: { type: "S3", location: "out", path: "ci", name: "app" },
        buildBatchConfig: { serviceRole: ROLE, combineArtifacts: true },
      },
    },
  );
  await account.root.call("s3", "CreateBucket", { Bucket: "out" });
  const batch = await ended(await start());
  expect(batch.buildBatchStatus).toBe("SUCCEEDED");
  const prefix = `ci/${batch.id?.split(":")[1]}`;
  expect(batch.artifacts?.location).toBe(`arn:aws:s3:::out/${prefix}`);
  const { Contents } = await account.root.call<{ Contents: { Key: string }[] }>("s3", "ListObjectsV2", {
    Bucket: "out",
  });
  expect(Contents.map(({ Key }) => Key)).toEqual([`${prefix}/one/app/out/name`, `${prefix}/two/app/out/name`]);
  for (const { Key } of Contents) {
    const { Body } = await account.root.call<{ Body: AsyncIterable<Uint8Array> }>("s3", "GetObject", {
      Bucket: "out",
      Key,
    });
    const chunks: Uint8Array[] = [];
    for await (const chunk of Body) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString().trim()).toBe(Key.split("/")[2]);
  }
  expect(batch.buildGroups?.map(({ currentBuildSummary }) => currentBuildSummary?.primaryArtifact?.location)).toEqual([
    undefined,
    `arn:aws:s3:::out/${prefix}/one/app`,
    `arn:aws:s3:::out/${prefix}/two/app`,
  ]);
});
