/**
 * A state folder whose disk fills up or that vanishes while `kiln start` serves it: writes are refused with
 * AWS's shape of a server error, reads go on, nothing acknowledged is lost, and writes work again when there is room.
 * The disk is a small tmpfs, which takes root.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SSM } from "@aws-sdk/client-ssm";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { isBuilt, MAIN, type Running, startProcess, temporaryFolder } from "../cli/kiln-process.ts";
import { clientSettings } from "../support/start-endpoint.ts";
import { AcknowledgedWrites } from "./acknowledged-writes.ts";
import { faultsOf } from "./state-check.ts";

const canMount = isBuilt && tryMount();

function tryMount(): boolean {
  const folder = temporaryFolder();
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder.path], { stdio: "ignore" });
    execFileSync("umount", [folder.path]);
    return true;
  } catch {
    process.stderr.write("skipped: a disk that is full, because no tmpfs can be mounted here\n");
    return false;
  } finally {
    folder.remove();
  }
}

/** Until each writer was refused often enough. */
async function refusalsOf(writes: AcknowledgedWrites, url: string): Promise<readonly Refusal[]> {
  const stop = new AbortController();
  let left = 20;
  const { reasons } = await writes.run(url, {
    signal: stop.signal,
    goesOnAfter() {
      if (--left === 0) stop.abort();
      return left > 0;
    },
  });
  return reasons as Refusal[];
}

interface Refusal extends Error {
  readonly $fault?: string;
  readonly $metadata: { readonly httpStatusCode?: number };
}

describe.skipIf(!canMount)("a disk of the state folder", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let running: Running | undefined;
  let disk = "";
  beforeEach(() => {
    folder = temporaryFolder();
    disk = join(folder.path, "disk");
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=16m", "tmpfs", disk]);
  });
  afterEach(async () => {
    running?.kill("SIGKILL");
    await running?.finished;
    execFileSync("umount", ["-l", disk]);
    folder.remove();
  });
  const start = async (): Promise<string> => {
    running = startProcess(folder.path, ["start", "--port", "0", "-o", "json", "--state-dir", join(disk, ".kiln")]);
    return running.printedUrl();
  };
  const fill = (): void => {
    for (const bytes of [1024 * 1024, 4096, 1]) {
      for (;;) {
        try {
          writeFileSync(join(disk, `filler-${bytes}`), Buffer.alloc(bytes), { flag: "a" });
        } catch {
          break;
        }
      }
    }
  };
  const makeRoom = (): void => {
    for (const bytes of [1024 * 1024, 4096, 1]) rmSync(join(disk, `filler-${bytes}`), { force: true });
  };
  const writeFor = async (writes: AcknowledgedWrites, url: string, count: number): Promise<readonly unknown[]> => {
    const stop = new AbortController();
    const { reasons } = await writes.run(url, {
      signal: stop.signal,
      onAcknowledged(counts) {
        if (Object.values(counts).reduce((sum, one) => sum + one) >= count) stop.abort();
      },
    });
    return reasons;
  };

  it("that is full refuses writes with a server error, keeps what was acknowledged, and recovers by itself", async () => {
    const url = await start();
    const writes = new AcknowledgedWrites("w");
    await writes.prepare(url);
    expect(await writeFor(writes, url, 60)).toEqual([]);
    for (let round = 0; round < 2; round++) {
      fill();
      const refusals = await refusalsOf(writes, url);
      expect(refusals.length).toBeGreaterThanOrEqual(20);
      for (const { name, $fault, $metadata, message } of refusals) {
        expect([name, message, $fault, $metadata.httpStatusCode]).toEqual([
          expect.stringMatching(/^(InternalFailure|InternalError|ServiceFailure)$/),
          `the request was not carried out: no space left for the state folder \`${join(disk, ".kiln")}\``,
          "server",
          500,
        ]);
      }
      // While it is full.
      expect(await writes.check(url)).toEqual([]);
      makeRoom();
      expect(await writeFor(writes, url, 60)).toEqual([]);
      expect(await writes.check(url)).toEqual([]);
    }
    fill();
    await refusalsOf(writes, url);
    running?.kill("SIGKILL");
    const { err } = (await running?.finished) ?? { err: "" };
    expect(err).toContain(`no space left for the state folder \`${join(disk, ".kiln")}\``);
    expect(err).toContain("free some space on that disk");
    makeRoom();
    const again = await start();
    expect(await writes.checkSample(again)).toEqual([]);
    running?.kill("SIGTERM");
    await running?.finished;
    expect(await faultsOf(join(disk, ".kiln"))).toEqual([]);
  }, 300_000);

  it("that is gone with the folder is told to whoever writes, and does not end the endpoint", async () => {
    const url = await start();
    const writes = new AcknowledgedWrites("w");
    await writes.prepare(url);
    expect(await writeFor(writes, url, 20)).toEqual([]);
    rmSync(join(disk, ".kiln"), { recursive: true });
    const client = new SSM(clientSettings(url));
    const put = (): Promise<string> =>
      client.putParameter({ Name: "/gone", Value: "x", Type: "String", Overwrite: true }).then(
        () => "acknowledged",
        (error: Refusal) => `${error.$metadata.httpStatusCode} ${error.message}`,
      );
    const where = `the state folder \`${join(disk, ".kiln")}\``;
    await vi.waitFor(
      async () =>
        expect(await put()).toBe(
          `500 the request was not carried out: ${where} was removed or replaced while it was in use`,
        ),
      { timeout: 30_000 },
    );
    client.destroy();
  }, 120_000);
});

describe.skipIf(!isBuilt || process.platform === "win32")("a state folder whose files may not grow (ulimit -f)", () => {
  it("refuses writes with a server error, reads on, and has all that was acknowledged at the next start", async () => {
    const folder = temporaryFolder();
    const argv = [MAIN, "start", "--port", "0", "-o", "json"].map((one) => `'${one}'`).join(" ");
    const child = spawn("sh", ["-c", `ulimit -f 2000; exec '${process.execPath}' ${argv}`], { cwd: folder.path });
    const ended = once(child, "close");
    let printed = "";
    for await (const chunk of child.stdout) {
      printed += String(chunk);
      if (printed.includes("\n}")) break;
    }
    const { url } = JSON.parse(printed) as { url: string };
    const client = new SSM(clientSettings(url));
    const acknowledged: string[] = [];
    let refusal: Refusal | undefined;
    for (let n = 0; refusal === undefined && n < 2_000; n++) {
      await client.putParameter({ Name: `/p/${n}`, Value: `${n}`.padEnd(4_000, "x"), Type: "String" }).then(
        () => acknowledged.push(`/p/${n}`),
        (error: Refusal) => {
          refusal = error;
        },
      );
    }
    expect([refusal?.name, refusal?.$metadata.httpStatusCode]).toEqual(["InternalFailure", 500]);
    expect(refusal?.message).toContain("the request was not carried out: the state folder `");
    const expectAll = async (of: SSM): Promise<void> => {
      for (const Name of acknowledged) {
        expect((await of.getParameter({ Name })).Parameter?.Value).toBe(Name.slice(3).padEnd(4_000, "x"));
      }
    };
    await expectAll(client);
    client.destroy();
    child.kill("SIGKILL");
    await ended;
    const again = startProcess(folder.path, ["start", "--port", "0", "-o", "json"]);
    const other = new SSM(clientSettings(await again.printedUrl()));
    await expectAll(other);
    await other.putParameter({ Name: "/p/last", Value: "x", Type: "String" });
    other.destroy();
    again.kill("SIGTERM");
    await again.finished;
    expect(await faultsOf(join(folder.path, ".kiln"))).toEqual([]);
    folder.remove();
  }, 120_000);
});
