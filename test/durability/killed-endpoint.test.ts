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
      // What the last round wrote; a sample of all there is at the end.
      expect(await writes.check(url), `after round ${round - 1}`).toEqual([]);
      if (!isLast) {
        const stop = new AbortController();
        const withBuild = round % BUILD_EVERY === 0;
        let timer: NodeJS.Timeout | undefined;
        const { counts, reasons } = await writes.run(url, {
          signal: stop.signal,
          withBuild,
          onAcknowledged({ StartBuild = 0 }) {
            if (withBuild && StartBuild === 0) return;
            timer ??= setTimeout(() => running.kill("SIGKILL"), randomInt(LONGEST_MS));
          },
        });
        clearTimeout(timer);
        for (const [kind, count] of Object.entries(counts)) totals[kind] = (totals[kind] ?? 0) + count;
        expect(reasons.map((reason) => (reason as { $fault?: string }).$fault).filter(Boolean)).toEqual([]);
      } else {
        await expectInterrupted(url, writes.buildIds);
        running.kill("SIGTERM");
      }
      const { err } = await running.finished;
      expect(err.replace(/^.*NodeDeprecationWarning[\s\S]*$/m, "")).toBe("");
      if (isLast || round % 10 === 9) expect(await faultsOf(stateDir)).toEqual([]);
    }
    process.stderr.write(`acknowledged before ${ROUNDS} kills: ${JSON.stringify(totals)}\n`);
    for (const kind of ["PutParameter", "PutSecretValue", "CreateKey", "PutLogEvents", "PutObject", "CreateRole"]) {
      expect(totals[kind]).toBeGreaterThan(ROUNDS / 2);
    }
    expect(writes.buildIds.length).toBeGreaterThan(0);
    folder.remove();
  }, 600_000);
});

async function expectInterrupted(url: string, ids: readonly string[]): Promise<void> {
  const client = new CodeBuild(clientSettings(url));
  const { builds = [] } = await client.batchGetBuilds({ ids: ids.slice(0, 100) });
  client.destroy();
  expect(builds.length).toBe(ids.length);
  for (const { buildStatus, buildComplete, phases } of builds) {
    expect([buildStatus, buildComplete, phases?.at(-1)?.phaseType]).toEqual(["FAULT", true, "COMPLETED"]);
  }
}
