import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openTestAccount, type TestAccount } from "../../../../test/support/codebuild-account.ts";
import { sleep, systemClock } from "../../../core/clock.ts";
import { systemIds } from "../../../core/ids.ts";
import { createFakeEngine } from "../../../engines/index.ts";
import { openStore } from "../../../store/index.ts";
import { page, recordPage } from "../pages.ts";
import type { Build } from "../shapes.gen.ts";
import { sortable } from "./build-index.ts";
import { BuildQueue } from "./build-queue.ts";

const SPEC = "version: 0.2\nphases: {build: {commands: ['work']}}\n";

describe("limits of builds", () => {
  let account: TestAccount;
  beforeEach(async () => {
    account = await openTestAccount([createFakeEngine([{ match: "long work", hangs: true }])], undefined, {
      concurrentBuilds: 2,
    });
    await account.makeRole([]);
  });
  afterEach(() => account.close());

  const start = (more: object = {}) =>
    account.root.call<{ build: Build }>("codebuild", "StartBuild", { projectName: "my-project", ...more });

  it("refuses a build beyond the project's limit, also of two asked for at once", async () => {
    await account.makeProject(SPEC.replace("work", "long work"), { concurrentBuildLimit: 1 });
    const results = await Promise.allSettled([start(), start()]);
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    await expect(start()).rejects.toMatchObject({
      code: "AccountLimitExceededException",
      message: "Cannot have more than 1 active builds for the project",
    });
    await account.root.call("codebuild", "UpdateProject", { name: "my-project", concurrentBuildLimit: -1 });
    await start();
  });

  it("does not take a project's limit above the account's", async () => {
    await expect(account.makeProject(SPEC, { concurrentBuildLimit: 3 })).rejects.toMatchObject({
      code: "InvalidInputException",
      message: "Project-level concurrent build limit cannot exceed the account-level concurrent build limit of 2",
    });
  });

  it("queues five times the account's limit, in order, and refuses what is beyond", async () => {
    await account.makeProject(SPEC.replace("work", "long work"));
    const ids: string[] = [];
    for (let count = 0; count < 12; count++) ids.push((await start()).build.id ?? "");
    await expect(start()).rejects.toMatchObject({
      code: "AccountLimitExceededException",
      message: "Cannot have more than 10 builds in queue for the account",
    });
    const phases = async (): Promise<(string | undefined)[]> =>
      (await account.root.call<{ builds: Build[] }>("codebuild", "BatchGetBuilds", { ids })).builds.map(
        (build) => build.currentPhase,
      );
    while ((await phases()).filter((phase) => phase === "BUILD").length < 2) await sleep(systemClock, 5);
    expect((await phases()).slice(2)).toEqual(Array(10).fill("QUEUED"));
    await account.root.call("codebuild", "StopBuild", { id: ids[0] });
    while ((await phases())[2] !== "BUILD") await sleep(systemClock, 5);
    // Stopping one that waits takes nobody's place.
    expect(await account.root.call("codebuild", "StopBuild", { id: ids[11] })).toMatchObject({
      build: { buildStatus: "STOPPED", buildComplete: true },
    });
    expect((await phases())[3]).toBe("QUEUED");
  });
});

describe("200 builds", () => {
  it("are queued and all run", async () => {
    const account = await openTestAccount([createFakeEngine()]);
    try {
      await account.makeRole([]);
      await account.makeProject(SPEC);
      const started = await Promise.all(
        Array.from({ length: 200 }, () =>
          account.root.call<{ build: Build }>("codebuild", "StartBuild", { projectName: "my-project" }),
        ),
      );
      const ids = started.map(({ build }) => build.id ?? "");
      await Promise.all(ids.map((id) => account.service.runner.ended(id.split(":")[1] ?? "")));
      const pages: string[][] = [];
      let nextToken: string | undefined;
      do {
        const answer: { ids: string[]; nextToken?: string } = await account.root.call("codebuild", "ListBuilds", {
          ...(nextToken === undefined ? {} : { nextToken }),
        });
        pages.push(answer.ids);
        nextToken = answer.nextToken;
      } while (nextToken !== undefined);
      expect(pages.map((ids) => ids.length)).toEqual([100, 100]);
      expect(pages.flat().sort()).toEqual([...ids].sort());
      const { builds } = await account.root.call<{ builds: Build[] }>("codebuild", "BatchGetBuilds", {
        ids: ids.slice(0, 100),
      });
      expect(new Set(builds.map((build) => build.buildStatus))).toEqual(new Set(["SUCCEEDED"]));
    } finally {
      await account.close();
    }
  });
});

describe("the queue", () => {
  it("never runs more at once than there are places, and starts everybody in order", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.constantFrom(undefined, "fleet"), { maxLength: 20 }),
        async (places, asks) => {
          const queue = new BuildQueue(places, () => ({ capacity: 1, overflowsOnDemand: false }));
          const started: { fleet: string | undefined; at: number }[] = [];
          const now = { machine: 0, fleet: 0 };
          await Promise.all(
            asks.map(async (fleet, at) => {
              const release = await queue.turn(fleet, new AbortController().signal);
              const kind = fleet === undefined ? "machine" : "fleet";
              now[kind]++;
              expect(now.machine).toBeLessThanOrEqual(places);
              expect(now.fleet).toBeLessThanOrEqual(1);
              started.push({ fleet, at });
              await Promise.resolve();
              now[kind]--;
              release();
              release();
            }),
          );
          for (const fleet of [undefined, "fleet"]) {
            const order = started.filter((one) => one.fleet === fleet).map((one) => one.at);
            expect(order).toEqual([...order].sort((a, b) => a - b));
          }
          expect(started).toHaveLength(asks.length);
        },
      ),
    );
  });
});

describe("pages", () => {
  it("give every item once, in order, whatever their size", async () => {
    const store = await openStore({ ids: systemIds });
    const items = store.collection<number>("items");
    await store.write(() => {
      for (let i = 0; i < 57; i++) items.put(["p", sortable(i)], i);
      items.put(["q", "other"], -1);
    });
    try {
      fc.assert(
        fc.property(
          fc.integer({ min: 1, max: 100 }),
          fc.constantFrom("ASCENDING" as const, "DESCENDING" as const),
          (maxResults, sortOrder) => {
            const seen: number[] = [];
            let nextToken: string | undefined;
            do {
              const answer = recordPage(items, ["p"], { maxResults, sortOrder, nextToken });
              expect(answer.entries.length).toBeLessThanOrEqual(maxResults);
              seen.push(...answer.entries.map(({ value }) => value));
              nextToken = answer.nextToken;
            } while (nextToken !== undefined);
            const all = Array.from({ length: 57 }, (_, i) => i);
            expect(seen).toEqual(sortOrder === "ASCENDING" ? all : all.reverse());
            const names = all.map(String);
            const paged: string[] = [];
            let token: string | undefined;
            do {
              const answer = page(names, token, maxResults);
              paged.push(...answer.items);
              token = answer.nextToken;
            } while (token !== undefined);
            expect(paged).toEqual(names);
          },
        ),
      );
      for (const nextToken of ["?", "W10", Buffer.from("[1]").toString("base64url")]) {
        expect(() => recordPage(items, ["p"], { nextToken })).toThrow("Invalid nextToken");
      }
    } finally {
      await store.close();
    }
  });

  it("go on when what was shown has been deleted, as a client that deletes page by page does", () => {
    const names = ["a", "b", "c", "d", "e"];
    const first = page(names, undefined, 2);
    expect(page(names.slice(2), first.nextToken, 2).items).toEqual(["c", "d"]);
    expect(page(["a", "b", "bb", ...names.slice(2)], first.nextToken, 2).items).toEqual(["bb", "c"]);
    expect(() => page(["e"], first.nextToken, 2)).toThrow("Invalid nextToken");
  });
});
