import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { engineContract } from "./contract.ts";
import type { BuildEnvironment } from "./engine.ts";
import { createHostEngine } from "./host.ts";
import { makePipeWithoutMkfifo } from "./make-pipe.ts";
import { findProcesses } from "./process-sweep.ts";

engineContract("host", () => createHostEngine({ graceMs: 200 }));
if (process.platform === "linux") {
  engineContract("host, where `mkfifo` is not installed", () =>
    createHostEngine({ graceMs: 200, makePipe: () => makePipeWithoutMkfifo() }),
  );
}

describe("the host engine", () => {
  let workDir = "";
  let environment: BuildEnvironment;
  // Told from those of another run on this machine: the engine ends what carries it, and `ps` shows everybody's processes.
  const buildId = `p:host-test-${process.pid}`;
  const asleep = (which: number): string => `sleep ${100 + which}${String(process.pid).padStart(7, "0")}`;

  beforeEach(async () => {
    workDir = await mkdtemp(join(tmpdir(), "kiln-host-"));
    environment = await createHostEngine({
      graceMs: 100,
      machine: {
        ...process.env,
        AWS_SECRET_ACCESS_KEY: "users-own",
        GITHUB_TOKEN: "users-own",
        PIP_INDEX_URL: "http://mirror",
        NPM_CONFIG__AUTH: "users-own",
        DOCKER_HOST: "unix:///users-own",
        TERM: "xterm",
      },
    }).open(
      { buildId, image: "", workDir, variables: { GIVEN: "a b" }, pathPrefix: [join(workDir, "bin")] },
      AbortSignal.timeout(60_000),
    );
  });
  afterEach(async () => {
    await environment.close();
    await rm(workDir, { recursive: true, force: true });
  });

  const run = async (script: string, signal = AbortSignal.timeout(60_000)) => {
    let text = "";
    const outcome = await environment.run({
      shell: "sh",
      script,
      scriptPath: join(workDir, "script.sh"),
      workingDirectory: workDir,
      onOutput: (chunk) => {
        text += chunk;
      },
      signal,
    });
    return { outcome, text };
  };

  it("gives the build's variables and nothing of the user's shell but proxies and mirrors", async () => {
    const { text } = await run("env\n");
    expect(text).toContain("GIVEN=a b\n");
    expect(text).toContain("PIP_INDEX_URL=http://mirror\n");
    expect(text).toContain(`HOME=${workDir}/home\n`);
    expect(text).toContain(`TMPDIR=${workDir}/tmp\n`);
    expect(text).toContain(`PATH=${workDir}/bin:`);
    expect(text).not.toContain("users-own");
    expect(text).not.toMatch(/^TERM=/m);
  });

  it("lets a command write to /dev/stderr and gives it no standard input", async () => {
    expect(await run("echo to-err > /dev/stderr\ncat\n")).toEqual({
      outcome: { kind: "exited", exitCode: 0 },
      text: "to-err\n",
    });
  });

  it("does not wait for a background process that keeps the output open", async () => {
    const { outcome, text } = await run("sleep 1000 &\necho done\n");
    expect(outcome).toEqual({ kind: "exited", exitCode: 0 });
    expect(text).toBe("done\n");
  });

  it("hangs up background jobs at the end of the command, but not those under nohup", async () => {
    const [job, kept] = [asleep(1), asleep(2)];
    await run(
      `${job} &\nnohup sh -c ': > deaf; exec ${kept}' >/dev/null 2>&1 &\nuntil [ -e deaf ]; do sleep 0.05; done\n`,
    );
    const left = (command: string): string => `ps -ef | grep -c '[s]${command.slice(1)}$'`;
    const { text } = await run(`while [ $(${left(job)}) != 0 ]; do sleep 0.05; done; ${left(kept)}\n`);
    expect(text).toBe("1\n");
  });

  it("ends processes that left the group when it closes", async () => {
    const daemon = "(env -i setsid sh -c 'cd /; /bin/sleep 1007 & exec /bin/sleep 1008' &)";
    await run(`setsid sleep 1003 &\nenv -i setsid sleep 1004 &\n${daemon}\nsleep 0.05\n`);
    await expect.poll(async () => (await findProcesses({ buildId, workDir })).length).toBeGreaterThanOrEqual(4);
    await environment.close();
    expect(await findProcesses({ buildId, workDir })).toEqual([]);
  });

  it("kills a command that ignores SIGTERM, with its children", async () => {
    const controller = new AbortController();
    const running = environment.run({
      shell: "bash",
      script: "trap '' TERM\nsleep 1005 &\necho started\nwhile :; do sleep 1; done\n",
      scriptPath: join(workDir, "script.sh"),
      workingDirectory: workDir,
      onOutput: () => controller.abort(),
      signal: controller.signal,
    });
    expect(await running).toEqual({ kind: "cancelled" });
    expect(await findProcesses({ buildId, workDir })).toEqual([]);
  });

  it("reports a signal that ended the shell", async () => {
    expect((await run("kill -9 $$\n")).outcome).toEqual({ kind: "signalled", signal: "SIGKILL" });
  });

  it("delivers a large output whole", async () => {
    let bytes = 0;
    await environment.run({
      shell: "sh",
      script: "head -c 20000000 /dev/zero\n",
      scriptPath: join(workDir, "script.sh"),
      workingDirectory: workDir,
      onOutput: (chunk) => {
        bytes += chunk.length;
      },
      signal: AbortSignal.timeout(60_000),
    });
    expect(bytes).toBe(20_000_000);
  });

  it("reports a shell that could not start", async () => {
    const outcome = await environment.run({
      shell: "sh",
      script: "true\n",
      scriptPath: join(workDir, "script.sh"),
      workingDirectory: join(workDir, "nowhere"),
      onOutput: () => {},
      signal: AbortSignal.timeout(60_000),
    });
    expect(outcome.kind).toBe("failed-to-start");
  });

  it("ends the command and fails when its output cannot be received", async () => {
    const running = environment.run({
      shell: "sh",
      script: "echo x\nsleep 1006\n",
      scriptPath: join(workDir, "script.sh"),
      workingDirectory: workDir,
      onOutput: () => {
        throw new Error("no space left");
      },
      signal: AbortSignal.timeout(60_000),
    });
    await expect(running).rejects.toThrow("no space left");
    expect(await findProcesses({ buildId, workDir })).toEqual([]);
  });
});
