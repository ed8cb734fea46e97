/**
 * Faults as callers ask for them: which calls, what happens to them, how often. Checked here; faults.ts does them.
 * Throttling answers as each service does. Sources: https://docs.aws.amazon.com/kms/latest/developerguide/throttling.html,
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html and the services' pages of common errors.
 */
import { compilePattern } from "../authorize/wildcard.ts";
import type { ServiceName } from "../core/aws.ts";
import { shownText, shownValue } from "../core/shown-value.ts";
import { type Call, loadModel, type ServiceDefinition } from "../services/index.ts";
import { meant, wrongInput } from "./control-error.ts";
import { durationMs } from "./duration.ts";
import { choiceIn, integerIn, type Members, membersOf, textIn, valueIn } from "./input.ts";

export type FaultKind = "throttle" | "error" | "delay" | "drop";

/** Which calls fail, how, and how often. */
export interface FaultInput {
  /** `ssm`, or `*` for all of them. */
  readonly service: string;
  /** `GetParameter`, a pattern such as `Get*`, or `*` (the default). */
  readonly operation?: string;
  /** `throttle`: as the service throttles; `error`: any error; `delay`: answered late; `drop`: no answer at all. */
  readonly kind: FaultKind;
  /** How many calls; default `always`. */
  readonly times?: number | "always";
  /** Only calls of callers whose ARN matches this pattern. */
  readonly principal?: string;
  /** Only calls whose input has these members, with texts that match these patterns: `{ "Name": "/app/*" }`. */
  readonly input?: Readonly<Record<string, string>>;
  /** Of the calls that match, this share (0 to 1), picked by `seed`: the same ones each time. Default all. */
  readonly probability?: number;
  /** Default 1. */
  readonly seed?: number;
  /** `error`: the code, e.g. `InternalServerError`. */
  readonly code?: string;
  /** `error`: the text; default none. */
  readonly message?: string;
  /** `error`: the HTTP status; default 400. */
  readonly status?: number;
  /** `delay`: how long, as a duration (`2s`, or milliseconds). */
  readonly delay?: number | string;
}

/** A fault that was checked. */
export interface FaultRule extends FaultInput {
  readonly operation: string;
  readonly times: number | "always";
  readonly delayMs: number;
  matches(call: Call): boolean;
}

const KINDS: readonly FaultKind[] = ["throttle", "error", "delay", "drop"];
const OF_KIND: Readonly<Record<string, FaultKind>> = {
  code: "error",
  message: "error",
  status: "error",
  delay: "delay",
};
const MEMBERS = ["service", "operation", "kind", "times", "principal", "input", "probability", "seed"];
const MAX_DELAY_MS = 600_000;
const MAX_TIMES = 1_000_000;

/** Throws what is wrong with it. */
export function faultRule(given: unknown, services: ReadonlyMap<ServiceName, ServiceDefinition>): FaultRule {
  const members = membersOf(given, "a fault", [...MEMBERS, ...Object.keys(OF_KIND)]);
  const kind = required(choiceIn(members, "kind", KINDS), "kind", "throttle, error, delay or drop");
  for (const [name, wanted] of Object.entries(OF_KIND)) {
    if (kind !== wanted && valueIn(members, name) !== undefined) {
      throw wrongInput(`\`${name}\` is for faults of the kind \`${wanted}\`, this one is a \`${kind}\``);
    }
  }
  const service = required(textIn(members, "service"), "service", "a service such as `ssm`, or `*`");
  const operation = textIn(members, "operation") ?? "*";
  requireTarget(service, operation, services);
  const principal = textIn(members, "principal");
  const input = inputPatterns(valueIn(members, "input"));
  requireTexts(service, operation, Object.keys(input ?? {}));
  const delayMs = kind === "delay" ? delayOf(members) : 0;
  const probability = probabilityOf(members);
  const seed = integerIn(members, "seed", 0, 2 ** 32 - 1);
  if (seed !== undefined && probability === undefined) {
    throw wrongInput("`seed` picks the share that `probability` says, which is not given", "give `probability`: 0.5");
  }
  const isOperation = patternTest(operation);
  const isCaller = principal === undefined ? undefined : patternTest(principal);
  const inputTests = Object.entries(input ?? {}).map(([name, pattern]) => [name, patternTest(pattern)] as const);
  return {
    ...{ service, operation, kind, delayMs },
    times: timesOf(members),
    ...(principal !== undefined && { principal }),
    ...(input && { input }),
    ...(probability !== undefined && { probability, seed: seed ?? 1 }),
    ...(kind === "error" && errorOf(members)),
    ...(kind === "delay" && { delay: delayMs }),
    matches: (call) =>
      (service === "*" || call.service === service) &&
      isOperation(call.operation) &&
      (isCaller === undefined || isCaller(call.principal.arn)) &&
      inputTests.every(([name, test]) => {
        const value = valueIn(call.input as Members, name);
        return typeof value === "string" && test(value);
      }),
  };
}

function required<T>(value: T | undefined, name: string, what: string): T {
  if (value === undefined) throw wrongInput(`a fault needs \`${name}\``, `give ${what}`);
  return value;
}

function requireTarget(service: string, operation: string, services: ReadonlyMap<ServiceName, ServiceDefinition>) {
  if (service !== "*" && !services.has(service as ServiceName)) {
    throw wrongInput(`there is no service \`${shownText(service)}\` here`, ...meant(service, [...services.keys()]));
  }
  if (operation === "*") return;
  const asked = service === "*" ? [...services.keys()] : [service as ServiceName];
  const namesOf = (name: ServiceName): string[] => [...loadModel(name).operations.keys()];
  // A pattern that no call can match is a slip, too.
  const isOperation = patternTest(operation);
  if (asked.some((name) => namesOf(name).some(isOperation))) return;
  const names = asked.flatMap(namesOf);
  const where = service === "*" ? "no service has" : `\`${service}\` has no`;
  const near = meant(operation, names);
  const fix = near.length > 0 ? near : ["operations have AWS's names, like `GetParameter`; `Get*` is several, `*` all"];
  throw wrongInput(`${where} operation \`${shownText(operation)}\``, ...fix);
}

function timesOf(members: Members): number | "always" {
  const value = valueIn(members, "times");
  if (value === undefined || value === "always") return "always";
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= MAX_TIMES) return value;
  const message = `\`times\` must be a whole number from 1 to ${MAX_TIMES} or \`always\`, not ${shownValue(value)}`;
  throw wrongInput(message, "to make no call fail, remove the fault");
}

function probabilityOf(members: Members): number | undefined {
  const value = valueIn(members, "probability");
  if (value === undefined) return undefined;
  if (typeof value === "number" && value > 0 && value <= 1) return value;
  throw wrongInput(`\`probability\` must be a number above 0 and up to 1, not ${shownValue(value)}`);
}

function delayOf(members: Members): number {
  const ms = durationMs(required(valueIn(members, "delay"), "delay", "a duration such as `2s`"));
  if (ms <= MAX_DELAY_MS) return ms;
  throw wrongInput(`a delay of ${ms} ms is too long`, "ten minutes at most: `10m`");
}

function errorOf(members: Members): Pick<FaultRule, "code" | "message" | "status"> {
  const code = required(textIn(members, "code"), "code", "the error's code, such as `InternalServerError`");
  if (!/^[\w.:#-]{1,128}$/.test(code)) throw wrongInput(`\`${shownText(code)}\` is no error code`);
  const message = textIn(members, "message");
  return { code, ...(message !== undefined && { message }), status: integerIn(members, "status", 400, 599) ?? 400 };
}

function inputPatterns(value: unknown): Readonly<Record<string, string>> | undefined {
  if (value === undefined) return undefined;
  const names = typeof value === "object" && value !== null ? Object.keys(value) : [];
  const members = membersOf(value, "`input`", names);
  for (const name of names) textIn(members, name);
  return members as Readonly<Record<string, string>>;
}

/** A pattern for a member that no such call has, or that is no text, would never match. */
function requireTexts(service: string, operation: string, names: readonly string[]): void {
  if (names.length === 0 || service === "*") return;
  const isOperation = patternTest(operation);
  const operations = [...loadModel(service as ServiceName).operations.values()].filter(({ name }) => isOperation(name));
  const texts = operations.flatMap(({ input }) => input?.members.filter(({ shape }) => shape.type === "string") ?? []);
  const known = [...new Set(texts.map(({ name }) => name))];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw wrongInput(`no call of ${service}:${operation} has a text \`${shownText(unknown)}\``, ...meant(unknown, known));
}

function patternTest(pattern: string): (text: string) => boolean {
  if (pattern === "*") return () => true;
  if (!/[*?]/.test(pattern)) return (text) => text === pattern;
  const compiled = compilePattern(pattern, { wildcards: true, variables: false });
  return (text) => compiled.matches(text, () => undefined);
}
