/**
 * A scripted engine for tests: answers each command from a list of rules, runs nothing. It keeps the port's promises
 * (order, cancellation, close) so that contract.ts holds for it as for the others.
 */
import type { BuildEnvironment, CommandSpec, Engine, EnvironmentSpec, UserProblem } from "./engine.ts";
import type { Outcome } from "./outcome.ts";

export interface FakeCommand {
  /** Applied to the first rule whose text stands in the script. */
  readonly match: string | RegExp;
  /** Chunks of output, in order. */
  readonly output?: readonly string[];
  readonly outcome?: Outcome;
  /** Runs until the signal aborts. */
  readonly hangs?: boolean;
  /** Called when the command runs, e.g. to write a file it would have made. */
  readonly effect?: (command: CommandSpec) => void | Promise<void>;
}

export interface FakeEngine extends Engine {
  /** What was opened and run, in order. */
  readonly opened: EnvironmentSpec[];
  readonly commands: CommandSpec[];
  readonly closed: string[];
}

/** Commands that match no rule succeed without output; they run as any user that has no problem. */
export function createFakeEngine(
  rules: readonly FakeCommand[] = [],
  userProblems: Readonly<Record<string, UserProblem>> = {},
): FakeEngine {
  const opened: EnvironmentSpec[] = [];
  const commands: CommandSpec[] = [];
  const closed: string[] = [];
  return {
    name: "fake",
    capabilities: { usesHostTools: false, runAs: false },
    opened,
    commands,
    closed,
    async reclaim() {},
    async open(spec, signal): Promise<BuildEnvironment> {
      signal.throwIfAborted();
      opened.push(spec);
      return {
        toEnvironmentPath: (path) => path,
        async userProblem(user) {
          return userProblems[user];
        },
        async run(command) {
          if (command.signal.aborted) return { kind: "cancelled" };
          commands.push(command);
          const rule = rules.find((one) =>
            typeof one.match === "string" ? command.script.includes(one.match) : one.match.test(command.script),
          );
          for (const text of rule?.output ?? []) await command.onOutput(Buffer.from(text));
          await rule?.effect?.(command);
          if (rule?.hangs) await untilAborted(command.signal);
          if (command.signal.aborted) return { kind: "cancelled" };
          return rule?.outcome ?? { kind: "exited", exitCode: 0 };
        },
        async close() {
          closed.push(spec.buildId);
        },
      };
    },
  };
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
