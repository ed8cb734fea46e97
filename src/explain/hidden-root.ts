/**
 * The failure behind a failure: a command that could not make its call and ended with status 0 all the same
 * (`export TOKEN=$(aws …)`, a pipe, `;`), so that a later command got an empty value and was the first to fail.
 */
import type { BuildFacts } from "./build-facts.ts";
import { variablesIn } from "./buildspec-places.ts";
import { type Failure, shortened } from "./failures.ts";

/** Codes of findings that an empty value or a missing login explains as well. */
const MAY_FOLLOW = new Set([
  "docker/login-without-password",
  "docker/login-refused",
  "docker/invalid-reference",
  "docker/push-without-login",
  "docker/base-image-unavailable",
  "network/name-not-resolved",
  "commands/exit-status",
]);

const CALL_FAILED =
  /An error occurred \(\w+\) when calling|is not authorized to perform: |Unable to locate credentials|Could not connect to the endpoint URL|Cannot perform an interactive login|unauthorized: incorrect username or password/;
const REGISTRY = /docker\s+(?:image\s+|buildx\s+)?(?:push|pull|build|manifest)\b/;

/** The earlier command as a failure, when the first failed one follows from it. */
export function hiddenRoot(failure: Failure, code: string, facts: BuildFacts): Failure | undefined {
  if (!failure.command || !MAY_FOLLOW.has(code)) return undefined;
  const used = new Set(variablesIn(failure.command.text));
  const isOfRegistry = REGISTRY.test(failure.command.text);
  return passedCommands(facts, failure).find(({ command }) => {
    const text = command?.text ?? "";
    const sets = [...text.matchAll(/(?:^|[\s;&(])([A-Za-z_]\w*)=/g)].some(([, name = ""]) => used.has(name));
    return sets || (isOfRegistry && /docker\s+login|get-login/.test(text));
  });
}

/** Commands before the failed one that ended with status 0 and printed that a call had failed. */
function passedCommands({ events }: BuildFacts, failed: Failure): Failure[] {
  const found: Failure[] = [];
  let output: string[] = [];
  for (const event of events) {
    if (event.type === "command-started") output = [];
    if (event.type === "log" && event.kind === "output") output.push(shortened(event.text));
    if (event.type !== "command-finished") continue;
    if (event.exitStatus !== 0) {
      if (event.command === failed.command?.text) break;
      continue;
    }
    // Who writes `|| …` has seen to it.
    if (event.command.includes("||") || !output.some((line) => CALL_FAILED.test(line))) continue;
    const { command: text, line, exitStatus, workingDirectory, phaseType } = event;
    found.push({
      phaseType,
      phaseStatus: "SUCCEEDED",
      statusCode: "",
      message: "",
      command: { text, line, exitStatus, workingDirectory },
      output,
    });
  }
  return found;
}
