/** Commands that behave badly, as real processes on the host engine. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { phaseLine, testBuild } from "../../../test/support/run-test-build.ts";
import { systemClock } from "../../core/clock.ts";
import { createHostEngine } from "../../engines/index.ts";

const engine = createHostEngine({ graceMs: 100 });
const spec = (...commands: string[]): string =>
  `version: 0.2\nphases:\n  build:\n    commands:\n${commands.map((text) => `      - ${JSON.stringify(text)}\n`).join("")}`;
/** In the words that are looked for: other runs may go on on this machine. */
const OWN = String(process.pid).padStart(7, "0");
const running = (pattern: string): string => spawnSync("pgrep", ["-f", pattern], { encoding: "utf8" }).stdout;
const statusOf = (result: Parameters<typeof phaseLine>[0], phaseType: string) =>
  result.phases.find((phase) => phase.phaseType === phaseType)?.phaseStatus;

describe("a command that", () => {
  it("prints a gigabyte does not fill the memory; its log ends at the limit and says so", {
    timeout: 180_000,
  }, async () => {
    const MEBIBYTE = 1024 * 1024;
    let kept = 0;
    let peakBytes = 0;
    let said: string[] = [];
    const before = process.memoryUsage.rss();
    const { result } = await testBuild({
      engine,
      clock: systemClock,
      buildspec: spec("yes 'a line of output that repeats itself without an end' | head -c 1000000000"),
      dependencies: {
        emit: (event) => {
          if (event.type !== "log") return;
          peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
          if (event.kind === "container") said = [...said, event.text];
          else kept += event.text.length + 1;
        },
      },
    });
    expect(result.buildStatus).toBe("SUCCEEDED");
    expect(kept).toBeGreaterThanOrEqual(512 * MEBIBYTE);
    expect(kept).toBeLessThan(513 * MEBIBYTE);
    expect(said).toContain("The log of this build is full: what its commands print beyond 512 MiB is not kept");
    expect(said.find((text) => text.endsWith(" bytes of the command's output were not kept"))).toMatch(/^46\d{7} /);
    expect(peakBytes - before).toBeLessThan(300 * MEBIBYTE);
  });

  it("ends no line for 100 MB is shown in pieces", async () => {
    let [bytes, longest] = [0, 0];
    const { result } = await testBuild({
      engine,
      clock: systemClock,
      buildspec: spec("head -c 100000000 /dev/zero | tr '\\0' x"),
      dependencies: {
        emit: (event) => {
          if (event.type !== "log" || event.kind !== "output") return;
          bytes += event.text.length;
          longest = Math.max(longest, event.text.length);
        },
      },
    });
    expect(result.buildStatus).toBe("SUCCEEDED");
    expect(bytes).toBe(100_000_000);
    expect(longest).toBeLessThan(1024 * 1024);
  });

  it("prints binary, NUL and broken UTF-8 is shown with replacement characters", async () => {
    const { log, result } = await testBuild({
      engine,
      buildspec: spec("printf 'a\\0b\\377\\376c\\303'; printf '\\251 d\\n\\342\\202'", "echo after"),
    });
    expect(log).toContain("\na\0b\ufffd\ufffdcé d\n\ufffd\n");
    expect(log).toContain("\nafter\n");
    expect(result.buildStatus).toBe("SUCCEEDED");
  });

  it("closes its output goes on to its end", async () => {
    const { log, result } = await testBuild({
      engine,
      buildspec: spec("exec >&- 2>&-; sleep 0.1; touch done", "ls"),
    });
    expect(log).toContain("\ndone\n");
    expect(result.buildStatus).toBe("SUCCEEDED");
  });

  it("becomes a daemon lives through later commands and not beyond the build", async () => {
    const { result } = await testBuild({
      engine,
      buildspec: spec(
        `setsid sh -c 'sleep 4801${OWN} & exec sleep 4802${OWN}' >/dev/null 2>&1 &`,
        `(setsid sh -c '(cd / && exec sleep 4803${OWN}) &' >/dev/null 2>&1 &)`,
        // They are started beside these commands.
        `for i in $(seq 200); do [ $(pgrep -fc '^sleep 480[123]${OWN}') = 3 ] && exit; sleep 0.1; done; exit 1`,
      ),
    });
    expect(statusOf(result, "BUILD")).toBe("SUCCEEDED");
    expect(running(`^sleep 480[123]${OWN}`)).toBe("");
  });

  it("ignores SIGTERM and floods while it is stopped is gone when the build says STOPPED", async () => {
    const controller = new AbortController();
    let seen = 0;
    const { result } = await testBuild({
      engine,
      clock: systemClock,
      buildspec: spec(`trap '' TERM INT HUP; echo up; while :; do echo flooding-${OWN}; done`),
      dependencies: {
        signal: controller.signal,
        emit: (event) => {
          if (event.type === "log" && event.text.includes("flooding") && ++seen === 3) controller.abort();
        },
      },
    });
    expect(result.buildStatus).toBe("STOPPED");
    expect(running(`flooding-${OWN}`)).toBe("");
  });

  it("removes everything it finds leaves a build that ends", async () => {
    const { result, log } = await testBuild({
      engine,
      buildspec: spec('cd /; rm -rf "$CODEBUILD_SRC_DIR" "$HOME" "$TMPDIR"', "echo still here"),
    });
    expect(log).toContain("still here\n");
    expect(result.phases.at(-1)?.phaseType).toBe("COMPLETED");
  });
});

const canMount =
  process.platform === "linux" &&
  process.getuid?.() === 0 &&
  (() => {
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
  })();
if (!canMount) process.stderr.write("builds on a full disk: skipped, a tmpfs cannot be mounted here\n");

describe.runIf(canMount)("on a full disk", () => {
  const onSmallDisk = async <T>(use: (folder: string) => Promise<T>): Promise<T> => {
    const folder = mkdtempSync(join(tmpdir(), "kiln-full-"));
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", folder]);
    try {
      return await use(folder);
    } finally {
      execFileSync("umount", ["-l", folder]);
      rmSync(folder, { recursive: true, force: true });
    }
  };

  it("a command fails with its own words, and the build goes on as after any failure", async () => {
    await onSmallDisk(async (workDir) => {
      const { result, log } = await testBuild({
        engine,
        dependencies: { workDir },
        buildspec: `${spec("head -c 9000000 /dev/zero > big", "echo not reached")}  post_build:\n    commands: ['rm big; echo room again > file; cat file']\n`,
      });
      expect(log).toContain("No space left on device");
      expect(log).not.toContain("not reached\n");
      expect(phaseLine(result)).toContain("BUILD:FAILED POST_BUILD:SUCCEEDED");
    });
  });

  it("a command that cannot be started is a fault that says what is full", async () => {
    await onSmallDisk(async (workDir) => {
      const { result } = await testBuild({
        engine,
        dependencies: { workDir },
        buildspec: spec("head -c 9000000 /dev/zero > big || true", `echo ${"x".repeat(9000)}`),
      });
      expect(result.phases.find((phase) => phase.phaseStatus === "FAULT")).toMatchObject({
        phaseType: "BUILD",
        contexts: [
          {
            statusCode: "INTERNAL_SERVICE_ERROR",
            message: expect.stringMatching(/^no space is left on this machine.*; free some and start the build again$/),
          },
        ],
      });
    });
  });

  it("variables that cannot be saved whole are a fault, never lost in silence", async () => {
    await onSmallDisk(async (privateDir) => {
      const { result } = await testBuild({
        engine,
        dependencies: { privateDir },
        buildspec: spec(`head -c 9000000 /dev/zero > "${privateDir}/big" || X=1`, 'echo "[$X]"'),
      });
      expect(result.buildStatus).toBe("FAULT");
      expect(result.phases.find((phase) => phase.phaseStatus === "FAULT")?.contexts?.[0]?.message).toMatch(
        /^the variables of the command could not be saved in `.*\/shell`, most likely because no space is left there; free some space and start the build again$/,
      );
    });
  });
});
