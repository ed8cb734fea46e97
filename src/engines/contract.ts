/**
 * What every engine must do, as a suite: run by the test of each engine (host, sandbox, docker, podman, fake). `make` gives
 * an engine that can do the scripts below; a scripted one answers them by rule.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { BuildEnvironment, CommandSpec, Engine } from "./engine.ts";

/** The scripts the suite runs; a scripted engine answers them by rule. */
export const CONTRACT_SCRIPTS = {
  succeed: "true\n",
  fail: "exit 7\n",
  outThenErr: "echo one\necho two >&2\necho three\n",
  hang: "while :; do sleep 1; done\n",
} as const;

export interface ContractOptions {
  /** Image that a build's commands run in. */
  readonly image?: string;
  /** A scripted engine runs nothing: only what `CONTRACT_SCRIPTS` say is asked of it. */
  readonly isScripted?: boolean;
}

const TIMEOUT_MS = 180_000;
/** Told from those of another run on this machine: engines end by these, and `ps` shows everybody's processes. */
const BUILD_ID = `p:contract-${process.pid}`;
const asleep = (which: number): string => `sleep ${410 + which}${String(process.pid).padStart(7, "0")}`;

export function engineContract(name: string, make: () => Engine, options: ContractOptions = {}): void {
  const { image = "image", isScripted = false } = options;
  describe(`engine contract: ${name}`, { timeout: TIMEOUT_MS }, () => {
    let root = "";
    let workDir = "";
    let engine: Engine;
    let environment: BuildEnvironment;

    const open = async (variables: Readonly<Record<string, string>> = {}): Promise<void> => {
      engine = make();
      workDir = await mkdtemp(join(root, "work-"));
      const privateDir = join(workDir, "private");
      await mkdir(privateDir, { mode: 0o700 });
      environment = await engine.open(
        { buildId: BUILD_ID, image, workDir, privateDir, variables, pathPrefix: [] },
        AbortSignal.timeout(TIMEOUT_MS),
      );
    };
    const at = (path: string): string => environment.toEnvironmentPath(join(workDir, path));

    const command = (script: string, more: Partial<CommandSpec> = {}): CommandSpec => ({
      shell: "sh",
      script,
      scriptPath: at("script.sh"),
      workingDirectory: at(""),
      onOutput: () => {},
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...more,
    });

    const run = async (script: string, more: Partial<CommandSpec> = {}) => {
      let text = "";
      const outcome = await environment.run(
        command(script, {
          onOutput: (chunk) => {
            text += chunk;
          },
          ...more,
        }),
      );
      return { outcome, text };
    };
    const DONE = { kind: "exited", exitCode: 0 };

    beforeAll(async () => {
      root = await mkdtemp(join(tmpdir(), "kiln-engine-"));
    });
    afterAll(async () => {
      await rm(root, { recursive: true, force: true });
    });

    describe("with one environment", () => {
      beforeEach(() => open({ GIVEN: "a 'b' \"c\" $d\nsecond line" }));
      afterEach(() => environment.close());

      it("tells success and the exit code of a failure", async () => {
        expect(await environment.run(command(CONTRACT_SCRIPTS.succeed))).toEqual(DONE);
        expect(await environment.run(command(CONTRACT_SCRIPTS.fail))).toEqual({ kind: "exited", exitCode: 7 });
      });

      it("delivers both outputs in order, all of it before the command is reported as ended", async () => {
        expect((await run(CONTRACT_SCRIPTS.outThenErr)).text).toBe("one\ntwo\nthree\n");
      });

      it("ends a hanging command when its signal aborts, and says so", async () => {
        const controller = new AbortController();
        const running = environment.run(command(CONTRACT_SCRIPTS.hang, { signal: controller.signal }));
        setImmediate(() => controller.abort());
        expect(await running).toEqual({ kind: "cancelled" });
      });

      it("does not start a command whose signal is already aborted", async () => {
        expect(await environment.run(command(CONTRACT_SCRIPTS.fail, { signal: AbortSignal.abort() }))).toEqual({
          kind: "cancelled",
        });
      });

      it.skipIf(isScripted)(
        "gives the build's variables as they are, and those of a command to that one only",
        async () => {
          const print = 'printf "%s|%s" "$GIVEN" "$OWN"\n';
          expect((await run(print, { variables: { OWN: "it's" } })).text).toBe("a 'b' \"c\" $d\nsecond line|it's");
          expect((await run(print)).text).toBe("a 'b' \"c\" $d\nsecond line|");
        },
      );

      it.skipIf(isScripted)("gives a script that brings its variables nothing but the command's own", async () => {
        const brings = { bringsVariables: true, variables: { OWN: "x" } };
        const path = `PATH=${(await run('printf %s "$PATH"')).text}\n`;
        expect((await run(`${path}printf "%s|" "$GIVEN" "$OWN"\n`, brings)).text).toBe("|x|");
      });

      it.skipIf(isScripted)("lets a command write to /dev/stderr and gives it no standard input", async () => {
        expect(await run("echo to-err > /dev/stderr\ncat\n")).toEqual({ outcome: DONE, text: "to-err\n" });
      });

      it.skipIf(isScripted)("does not wait for a background process that keeps the output open", async () => {
        expect(await run("sleep 1000 &\necho done\n")).toEqual({ outcome: DONE, text: "done\n" });
      });

      it.skipIf(isScripted)(
        "hangs up background jobs at the end of the command, but not what ignores that",
        async () => {
          const [jobs, deaf] = [asleep(1), asleep(2)];
          await run(
            `${jobs} &\n(trap '' HUP; : > deaf; exec ${deaf}) >/dev/null 2>&1 &\nuntil [ -e deaf ]; do sleep 0.05; done\n`,
          );
          const left = (command: string): string => `ps -ef | grep -c '[s]${command.slice(1)}'`;
          expect((await run(`while [ $(${left(jobs)}) != 0 ]; do sleep 0.05; done; ${left(deaf)}\n`)).text).toBe("1\n");
        },
      );

      it.skipIf(isScripted)(
        "ends a command that ignores SIGTERM, with its children, and runs the next one",
        async () => {
          const controller = new AbortController();
          const stubborn = `trap '' TERM\n${asleep(5)} &\necho started\nwhile :; do sleep 1; done\n`;
          const running = environment.run(
            command(stubborn, { onOutput: () => controller.abort(), signal: controller.signal }),
          );
          expect(await running).toEqual({ kind: "cancelled" });
          expect((await run(`ps -ef | grep -c '[s]${asleep(5).slice(1)}'\n`)).text).toBe("0\n");
        },
      );

      it.skipIf(isScripted)("delivers a large output whole, with every byte", async () => {
        let bytes = 0;
        let zeroes = 0;
        await environment.run(
          command("head -c 5000000 /dev/zero\n", {
            onOutput: (chunk) => {
              bytes += chunk.length;
              for (const byte of chunk) if (byte === 0) zeroes++;
            },
          }),
        );
        expect([bytes, zeroes]).toEqual([5_000_000, 5_000_000]);
      });

      it.skipIf(isScripted)("ends the command and fails when its output cannot be received", async () => {
        const broken = command("echo x\nsleep 4106\n", {
          onOutput: () => {
            throw new Error("no space left");
          },
        });
        await expect(environment.run(broken)).rejects.toThrow("no space left");
      });

      it.skipIf(isScripted)("holds back output until the receiver's promise settles", async () => {
        let held = 0;
        let most = 0;
        await environment.run(
          command("i=0; while [ $i -lt 200 ]; do echo line $i; i=$((i + 1)); done\n", {
            onOutput: async () => {
              held++;
              most = Math.max(most, held);
              await new Promise((resolve) => setImmediate(resolve));
              held--;
            },
          }),
        );
        expect(most).toBe(1);
      });

      it.skipIf(isScripted)("reports a script that cannot be started", async () => {
        const outcome = await environment.run(command("true\n", { workingDirectory: at("nowhere") }));
        expect(outcome.kind).toBe("failed-to-start");
      });

      it.skipIf(isScripted)("knows which users there are", async () => {
        expect(await environment.userProblem("no-such-user-here")).toEqual({ kind: "unknown" });
      });
    });

    it("closes without a command, and reclaims what is not there", async () => {
      await open();
      await environment.close();
      await engine.reclaim({ buildId: BUILD_ID, workDir });
    });
  });
}
