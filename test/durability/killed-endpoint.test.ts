/**
 * `kill -9` of `kiln start` at a random moment while it answers writes of every kind: what was acknowledged is there after
 * the restart, the database and the blobs are whole, and a build that was under way is shown as interrupted.
 */
import { randomInt } from "node:crypto";
import { join } from "node:path";
import { CodeBuild } from "@aws-sdk/client-codebuild";
import { describe, expect, it } from "vitest";
import { isBuilt, startProcess, temporaryFolder } from "../cli/kiln-process.ts";
import { clientSettings } from "../support/start-endpoint.ts";
import { AcknowledgedWrites } from "./acknowledged-writes.ts";
import { faultsOf } from "./state-check.ts";

const ROUNDS = Number(process.env["KILN_TEST_KILLS"] ?? 100);
/** A build is started in some of the rounds: what it starts costs more than all else. */
const BUILD_EVERY = 10;
const LONGEST_MS = 400;
const KINDS = [
  "PutParameter",
  "PutParameter again",
  "PutSecretValue",
  "CreateKey",
  "PutLogEvents",
  "PutObject",
  "CreateRole",
];

describe.skipIf(!isBuilt)("a killed kiln start", () => {
  it(`has every acknowledged write after ${ROUNDS} kills`, async () => {
    const folder = temporaryFolder();
    const stateDir = join(folder.path, ".kiln");
    const writes = new AcknowledgedWrites("w");
    const totals: Record<string, number> = {};
    for (let round = 0; round <= ROUNDS; round++) {
      const running = startProcess(folder.path, ["start", "--port", "0", "-o", "json"]);
      const url = await running.printedUrl();
      if (round === 0) await writes.prepare(url);
      const isLast = round === ROUNDS;
      expect(await writes.check(url), `after round ${round - 1}`).toEqual([]);
      if (!isLast) {
        const stop = new AbortController();
        const withBuild = round % BUILD_EVERY === 0;
        let timer: NodeJS.Timeout | undefined;
        const { counts, reasons } = await writes.run(url, {
          signal: stop.signal,
          withBuild,
          // At once, or when each kind of write is under way; with a build, when there is one.
          onAcknowledged(counts) {
            if (round % 2 === 1 && Object.keys(counts).length < KINDS.length) return;
            if (withBuild && counts["StartBuild"] === undefined) return;
            timer ??= setTimeout(() => running.kill("SIGKILL"), randomInt(LONGEST_MS));
          },
        });
        clearTimeout(timer);
        for (const [kind, count] of Object.entries(counts)) totals[kind] = (totals[kind] ?? 0) + count;
        expect(answers(reasons)).toEqual([]);
      } else {
        expect(await writes.checkSample(url)).toEqual([]);
        await expectInterrupted(url, writes.buildIds);
        running.kill("SIGTERM");
      }
      const { err } = await running.finished;
      expect(err.replace(/^.*NodeDeprecationWarning[\s\S]*$/m, "")).toBe("");
      if (isLast || round % 10 === 9) expect(await faultsOf(stateDir)).toEqual([]);
    }
    process.stderr.write(`acknowledged before ${ROUNDS} kills: ${JSON.stringify(totals)}\n`);
    for (const kind of KINDS) expect(totals[kind]).toBeGreaterThan(ROUNDS / 2 - 1);
    expect(writes.buildIds.length).toBeGreaterThan(0);
    folder.remove();
  }, 1_200_000);
});

/** Errors that the endpoint answered: not broken connections. */
const answers = (reasons: readonly unknown[]): string[] =>
  reasons.flatMap((reason) => ((reason as { $fault?: string }).$fault ? [String(reason)] : []));

async function expectInterrupted(url: string, ids: readonly string[]): Promise<void> {
  const client = new CodeBuild(clientSettings(url));
  const { builds = [] } = await client.batchGetBuilds({ ids: ids.slice(0, 100) });
  client.destroy();
  expect(builds.length).toBe(ids.length);
  for (const { buildStatus, buildComplete, phases } of builds) {
    expect([buildStatus, buildComplete, phases?.at(-1)?.phaseType]).toEqual(["FAULT", true, "COMPLETED"]);
  }
}
