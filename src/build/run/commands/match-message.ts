/**
 * Matches a build's error message against an expression of its buildspec (`on-failure: RETRY-…-<regex>`). The expression
 * is anybody's, and JavaScript's matching can take longer than the universe: it runs in a thread of its own that is ended
 * when its time is up.
 * AWS: the agent's RE2 cannot blow up; an expression that does here does not match, and that is said.
 */
import { Worker } from "node:worker_threads";
import type { Clock } from "../../../core/clock.ts";
import { cpuMsSince } from "../../../core/cpu-time.ts";

const MATCH_MS = 1000;

const SCRIPT = `
const { parentPort, workerData } = require("node:worker_threads");
const { source, flags, text } = workerData;
parentPort.postMessage(new RegExp(source, flags).test(text));
`;

/** Whether some part of `text` matches; `undefined` when that could not be told in a second. */
export async function matchMessage(
  pattern: { readonly source: string; readonly flags: string },
  text: string,
  clock: Clock,
): Promise<boolean | undefined> {
  const worker = new Worker(SCRIPT, {
    eval: true,
    workerData: { ...pattern, text },
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: 64 },
  });
  let timer: { cancel(): void } | undefined;
  try {
    return await new Promise<boolean | undefined>((resolve) => {
      worker.once("message", (matches: boolean) => resolve(matches));
      worker.once("error", () => resolve(undefined));
      worker.once("online", () => {
        const before = process.cpuUsage();
        const wait = (): void => {
          // A second in which a busy machine ran others is not the expression's.
          timer = clock.after(MATCH_MS, () => (cpuMsSince(before) < MATCH_MS / 2 ? wait() : resolve(undefined)));
        };
        wait();
      });
    });
  } finally {
    timer?.cancel();
    await worker.terminate();
  }
}
