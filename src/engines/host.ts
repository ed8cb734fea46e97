/**
 * The engine `host`: commands run in a shell on this machine, with the user's rights (shell-environment.ts says how). What
 * a build left running is found by its mark, folder and descent (process-sweep.ts).
 */

import { systemClock } from "../core/clock.ts";
import { KilnError } from "../core/errors.ts";
import type { Engine } from "./engine.ts";
import { sweep } from "./process-sweep.ts";
import { findUser } from "./run-as.ts";
import { openShellEnvironment, type ShellOptions } from "./shell-environment.ts";

export type HostEngineOptions = ShellOptions;

export function createHostEngine(options: HostEngineOptions = {}): Engine {
  return {
    name: "host",
    capabilities: { usesHostTools: true, runAs: process.getuid?.() === 0 },
    describe: () => "host: commands run on this machine itself, and what they change outside the build's folders stays",
    async reclaim(left) {
      await sweep(left, options.clock ?? systemClock);
    },
    async open(spec, signal) {
      signal.throwIfAborted();
      if (process.platform === "win32") {
        throw new KilnError({
          code: "KILN_E_ENGINE_PLATFORM",
          message: "the engine `host` needs Linux or macOS",
          fix: ["run Kiln inside WSL"],
          exitCode: 4,
        });
      }
      return openShellEnvironment(spec, options, (_base, clock) => {
        const endProcesses = async (): Promise<void> => {
          await sweep(spec, clock);
        };
        return { enter: (start) => start, findUser, endProcesses, hasStandIn: false, close: endProcesses };
      });
    },
  };
}
