/** Ctrl-C, SIGTERM and `kill -9` of `kiln run`, as processes: exit codes, and what is left of the build. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isBuilt, kiln, startProcess, temporaryFolder } from "./kiln-process.ts";

const COMMAND_PHASES = ["install", "pre_build", "build", "post_build"] as const;

const buildspec = (hanging: string, command: string): string =>
  `version: 0.2\nphases:\n${COMMAND_PHASES.map((phase) => `  ${phase}:\n    commands:\n      - ${JSON.stringify(phase === hanging ? command : "true")}\n`).join("")}`;

/** Process ids whose environment holds the text; readable for one's own processes only. */
const withEnvironment = (text: string): string[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, "latin1").includes(text);
      } catch {
        return false;
      }
    });

/** Resolves when `seen` answers what is expected of it. The limit is for what never comes: no duration is asserted. */
async function until<T>(seen: () => T, isExpected: (now: T) => boolean): Promise<void> {
  const endMs = performance.now() + UNTIL_MS;
  for (let now = seen(); !isExpected(now); now = seen()) {
    if (performance.now() > endMs) expect.fail(`still: ${JSON.stringify(now)}`);
    await delay(20);
  }
}

const UNTIL_MS = 80_000;

const isTrue = (now: boolean): boolean => now;

interface ShownBuild {
  readonly id: string;
  readonly buildStatus: string;
  readonly phases: readonly { readonly phaseType: string; readonly phaseStatus?: string }[];
}

describe.skipIf(!isBuilt || !existsSync("/proc/self/environ"))("an interrupted kiln run", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let temporary: ReturnType<typeof temporaryFolder>;
  beforeEach(() => {
    [folder, temporary] = [temporaryFolder(), temporaryFolder()];
  });
  afterEach(() => {
    folder.remove();
    temporary.remove();
  });
  const start = (argv: readonly string[], variables: Readonly<Record<string, string>> = {}) =>
    startProcess(folder.path, ["run", "--format", "aws", ...argv], "", { TMPDIR: temporary.path, ...variables });

  async function lastBuild(): Promise<ShownBuild> {
    const { out } = await kiln(folder.path, ["builds", "ls", "-o", "json"], "", { TMPDIR: temporary.path });
    return (JSON.parse(out) as { builds: ShownBuild[] }).builds[0] as ShownBuild;
  }

  /** The build is recorded as stopped in its phase, and nothing of it is left on this machine. */
  async function expectStopped(phaseType: string): Promise<void> {
    const build = await lastBuild();
    expect(build.buildStatus).toBe("STOPPED");
    expect(build.phases.find((phase) => phase.phaseStatus === "STOPPED")?.phaseType).toBe(phaseType);
    expectNothingLeft(build);
  }

  function expectNothingLeft(build: ShownBuild): void {
    expect(withEnvironment(`KILN_BUILD_ID=${build.id}`)).toEqual([]);
    expect(readdirSync(temporary.path)).toEqual([]);
    expect(existsSync(`/dev/shm/kiln-${build.id.split(":")[1]}`)).toBe(false);
  }

  it.each(COMMAND_PHASES.flatMap((phase) => [[phase, "SIGINT"] as const, [phase, "SIGTERM"] as const]))(
    "stops in %s on %s, with exit code 130 and nothing left",
    async (phase, signal) => {
      writeFileSync(join(folder.path, "buildspec.yml"), buildspec(phase, "setsid sleep 300 & echo up; sleep 300"));
      const running = start([]);
      await running.printed("\nup\n");
      running.kill(signal);
      expect((await running.finished).exitCode).toBe(130);
      await expectStopped(phase.toUpperCase());
    },
  );

  it("stops while the source is taken", async () => {
    const bin = join(temporary.path, "bin");
    mkdirSync(bin);
    const asked = join(folder.path, "asked");
    const real = execFileSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).trim();
    const script = `#!/bin/sh\ncase "$*" in *--git-common-dir*) touch ${asked}; exec sleep 300 ;; esac\nexec ${real} "$@"\n`;
    writeFileSync(join(bin, "git"), script, { mode: 0o755 });
    writeFileSync(join(folder.path, "buildspec.yml"), buildspec("none", ""));
    const running = start([], { PATH: `${bin}:${process.env["PATH"]}` });
    await until(() => existsSync(asked), isTrue);
    running.kill("SIGINT");
    expect((await running.finished).exitCode).toBe(130);
    rmSync(bin, { recursive: true });
    await expectStopped("DOWNLOAD_SOURCE");
  });

  it("stops while artifacts are collected", async () => {
    const asked = join(folder.path, "asked");
    const artifacts = `artifacts:\n  base-directory: $(touch ${asked}; sleep 300; echo .)\n  files: ['**/*']\n`;
    writeFileSync(join(folder.path, "buildspec.yml"), buildspec("none", "") + artifacts);
    await kiln(folder.path, ["run", "-q"]);
    const project = {
      name: "with-artifacts",
      source: { type: "GITHUB", location: "https://github.com/kiln/example" },
      artifacts: { type: "S3", location: "bucket" },
      environment: {
        type: "LINUX_CONTAINER",
        image: "aws/codebuild/standard:7.0",
        computeType: "BUILD_GENERAL1_SMALL",
      },
      logsConfig: { cloudWatchLogs: { status: "DISABLED" } },
    };
    writeFileSync(join(folder.path, "project.json"), JSON.stringify(project));
    const { out } = await kiln(folder.path, ["builds", "show", "-o", "json"]);
    const { serviceRole } = JSON.parse(out) as { serviceRole: string };
    // On the machine itself: in the sandbox nobody would see the file.
    const running = start([
      "--engine",
      "host",
      "--template",
      "project.json",
      "--role",
      serviceRole.split("/").at(-1) ?? "",
    ]);
    await until(() => existsSync(asked), isTrue);
    running.kill("SIGINT");
    expect((await running.finished).exitCode).toBe(130);
    await expectStopped("UPLOAD_ARTIFACTS");
  });

  it("loses its processes and its secrets at once when it is killed, and its folder with the next command", async () => {
    const command = "(setsid sleep 300 &); (env -i setsid sleep 300 &); nohup sleep 300 & echo up; sleep 300";
    writeFileSync(join(folder.path, "buildspec.yml"), buildspec("build", command));
    const running = start([]);
    await running.printed("\nup\n");
    const [work = ""] = readdirSync(temporary.path).filter((name) => /^kiln-[^-]+$/.test(name));
    const below = () =>
      readdirSync("/proc").filter((pid) => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(join(temporary.path, work));
        } catch {
          return false;
        }
      });
    const carriers = () => withEnvironment(join(temporary.path, work));
    await until(
      () => ({ carriers: carriers(), folders: readdirSync(temporary.path), out: running.output() }),
      (now) => now.carriers.length >= 3,
    );
    running.kill("SIGKILL");
    // The watchdog is the last to go: the build's folder is in its arguments.
    await until(
      () => [...carriers(), ...below()],
      (left) => left.length === 0,
    );
    const shared = existsSync("/dev/shm") ? readdirSync("/dev/shm") : [];
    const build = await lastBuild();
    expect(shared).not.toContain(`kiln-${build.id.split(":")[1]}`);
    expect(build.buildStatus).toBe("FAULT");
    expect(build.phases.find((phase) => phase.phaseStatus === "FAULT")?.phaseType).toBe("BUILD");
    expectNothingLeft(build);
  });
});
