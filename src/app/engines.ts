/** Where commands of builds run, on this machine as it is. */
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { EngineWish, NoEngine } from "../build/run/choose-engine.ts";
import { systemClock } from "../core/clock.ts";
import { systemIds } from "../core/ids.ts";
import { ok, type Result } from "../core/result.ts";
import {
  createContainerEngine,
  createHostEngine,
  createSandboxEngine,
  type Engine,
  type EngineName,
} from "../engines/index.ts";
import type { KilnOptions } from "../kiln-options.ts";

/** Where builds can run, in the order `auto` takes them: with this machine's tools, then in the project's image. */
export function createEngines(options: Pick<KilnOptions, "stateDir" | "memory"> = {}): readonly Engine[] {
  const [clock, ids] = [systemClock, systemIds];
  const stateDir = options.memory ? undefined : (options.stateDir ?? join(process.cwd(), ".kiln"));
  // Kiln's own programs may lie where a build has a folder of its own, such as /tmp.
  // Folders of other builds lie in the system's temporary folder, which need not be /tmp.
  const hidden = [...(stateDir === undefined ? [] : [stateDir]), tmpdir()];
  const visible = [fileURLToPath(new URL("../..", import.meta.url)), dirname(process.execPath)];
  return [
    createSandboxEngine({ clock, ids, hidden, visible }),
    createHostEngine({ clock, ids }),
    createContainerEngine({ kind: "docker", ids }),
    createContainerEngine({ kind: "podman", ids }),
  ];
}

/** The engine that builds in an image take, each asked whether it can, or why there is none. */
export async function engineFor(engines: readonly Engine[], wish: EngineWish): Promise<Result<EngineName, NoEngine>> {
  const { chooseEngine } = await import("../build/run/choose-engine.ts");
  const chosen = await chooseEngine(engines, wish, new AbortController().signal);
  return chosen.ok ? ok(chosen.value.engine.name) : chosen;
}
