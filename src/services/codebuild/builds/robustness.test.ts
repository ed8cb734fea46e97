/** Many builds, much output and full disks, through the service with real commands. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openTestAccount, type TestAccount } from "../../../../test/support/codebuild-account.ts";
import { createHostEngine } from "../../../engines/index.ts";

const engine = createHostEngine({ graceMs: 100 });
const spec = (command: string): string =>
  `version: 0.2\nphases:\n  build:\n    commands:\n      - ${JSON.stringify(command)}\n`;

interface Shape {
  readonly id: string;
  readonly buildNumber: number;
  readonly buildStatus: string;
  readonly buildComplete: boolean;
  readonly phases: readonly { phaseType: string; phaseStatus?: string; contexts?: readonly { message: string }[] }[];
}

async function withAccount<T>(stateDir: string | undefined, use: (account: TestAccount) => Promise<T>): Promise<T> {
  const account = await openTestAccount([engine], stateDir);
  try {
    await account.makeRole(["logs:*"]);
    return await use(account);
  } finally {
    await account.close();
  }
}

describe("builds", () => {
  it("200 at once all run to their end, each with its own number", { timeout: 180_000 }, async () => {
    await withAccount(undefined, async (account) => {
      await account.makeProject(spec("true"));
      const started = await Promise.all(
        Array.from({ length: 200 }, () =>
          account.root.call<{ build: Shape }>("codebuild", "StartBuild", { projectName: "my-project" }),
        ),
      );
      const ids = started.map(({ build }) => build.id);
      await Promise.all(
        ids.map(async (id) => {
          for await (const event of account.service.runner.events(id)) void event;
        }),
      );
      const ended: Shape[] = [];
      for (let at = 0; at < ids.length; at += 100) {
        const { builds } = await account.root.call<{ builds: Shape[] }>("codebuild", "BatchGetBuilds", {
          ids: ids.slice(at, at + 100),
        });
        ended.push(...builds);
      }
      expect(new Set(ended.map(({ buildStatus }) => buildStatus))).toEqual(new Set(["SUCCEEDED"]));
      expect(ended.map(({ buildNumber }) => buildNumber).sort((a, b) => a - b)).toEqual(
        ids.map((_, index) => index + 1),
      );
    });
  });

  it("print 300 MB to the event log without filling the memory", { timeout: 180_000 }, async () => {
    const stateDir = mkdtempSync(join(tmpdir(), "kiln-state-"));
    try {
      await withAccount(stateDir, async (account) => {
        await account.makeProject(spec("yes 'a line of output that repeats itself' | head -c 300000000"));
        const before = process.memoryUsage.rss();
        const build = (await account.build()) as unknown as Shape;
        expect(build.buildStatus).toBe("SUCCEEDED");
        const log = join(stateDir, "builds", build.id.split(":")[1] ?? "", "events.log");
        expect(statSync(log).size).toBeGreaterThan(300_000_000);
        expect(process.memoryUsage.rss() - before).toBeLessThan(300 * 1024 * 1024);
      });
    } finally {
      rmSync(stateDir, { recursive: true, force: true });
    }
  });
});

const canMount = process.platform === "linux" && process.getuid?.() === 0 && tryMount();
if (!canMount) process.stderr.write("a full state folder: skipped, a tmpfs cannot be mounted here\n");

function tryMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), "kiln-mount-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], { stdio: "ignore" });
    execFileSync("umount", [folder]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe.runIf(canMount)("with a full state folder", () => {
  it("a build ends as a fault that says so, and the next one runs once there is room", async () => {
    const stateDir = mkdtempSync(join(tmpdir(), "kiln-state-"));
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=16m", "tmpfs", stateDir]);
    try {
      await withAccount(stateDir, async (account) => {
        await account.makeProject(spec("yes 'a line of output that repeats itself' | head -c 100000000"));
        const build = (await account.build()) as unknown as Shape;
        expect(build).toMatchObject({ buildComplete: true, buildStatus: "FAULT" });
        expect(build.phases.find((phase) => phase.phaseStatus === "FAULT")?.contexts?.[0]?.message).toBe(
          "no space is left on this machine for the build's log; free some and start the build again",
        );
        await account.service.runner.forget(build.id.split(":")[1] ?? "");
        const next = (await account.build({ buildspecOverride: spec("echo fine") })) as unknown as Shape;
        expect(next.buildStatus).toBe("SUCCEEDED");
      });
    } finally {
      execFileSync("umount", ["-l", stateDir]);
      rmSync(stateDir, { recursive: true, force: true });
    }
  });
});
