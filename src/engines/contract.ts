/** What every engine must do, as a suite. Run by host.test.ts and fake.test.ts; `make` gives an engine that can do the scripts below. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { BuildEnvironment, CommandSpec, Engine } from "./engine.ts";

/** The scripts the suite runs; a scripted engine answers them by rule. */
export const CONTRACT_SCRIPTS = {
  succeed: "true\n",
  fail: "exit 7\n",
  outThenErr: "echo one\necho two >&2\necho three\n",
  hang: "while :; do sleep 1; done\n",
} as const;

export function engineContract(name: string, make: () => Engine): void {
  describe(`engine contract: ${name}`, () => {
    let workDir = "";
    let environment: BuildEnvironment;

    beforeEach(async () => {
      workDir = await mkdtemp(join(tmpdir(), "kiln-engine-"));
      environment = await make().open(
        { buildId: "p:contract", image: "image", workDir, variables: {}, pathPrefix: [] },
        AbortSignal.timeout(20_000),
      );
    });
    afterEach(async () => {
      await environment.close();
      await rm(workDir, { recursive: true, force: true });
    });

    const command = (script: string, more: Partial<CommandSpec> = {}): CommandSpec => ({
      shell: "sh",
      script,
      scriptPath: join(workDir, "script.sh"),
      workingDirectory: workDir,
      onOutput: () => {},
      signal: AbortSignal.timeout(20_000),
      ...more,
    });

    it("tells success and the exit code of a failure", async () => {
      expect(await environment.run(command(CONTRACT_SCRIPTS.succeed))).toEqual({ kind: "exited", exitCode: 0 });
      expect(await environment.run(command(CONTRACT_SCRIPTS.fail))).toEqual({ kind: "exited", exitCode: 7 });
    });

    it("delivers both outputs in order, all of it before the command is reported as ended", async () => {
      let text = "";
      await environment.run(
        command(CONTRACT_SCRIPTS.outThenErr, {
          onOutput: (chunk) => {
            text += chunk;
          },
        }),
      );
      expect(text).toBe("one\ntwo\nthree\n");
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
  });
}
