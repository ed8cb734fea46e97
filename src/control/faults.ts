/**
 * Does the faults: for each call (services/dispatcher.ts asks, through its slot) the delays that match, then the first
 * other fault that does. The slot is empty while there is no fault, so calls pay nothing for what nobody asked for.
 */
import type { ServiceName } from "../core/aws.ts";
import { type Clock, sleep } from "../core/clock.ts";
import { AwsError } from "../core/errors.ts";
import { type Call, type FaultSlot, isQueryService, type ServiceDefinition } from "../services/index.ts";
import { notFound, wrongInput } from "./control-error.ts";
import { type FaultInput, type FaultRule, faultRule } from "./fault-rules.ts";

/** A fault that is in force, or was. */
export interface Fault extends FaultInput {
  /** `fault-1`: named in the header `x-kiln-fault` and in the request log. */
  readonly id: string;
  readonly operation: string;
  readonly times: number | "always";
  /** Calls that it happened to so far. */
  readonly hits: number;
}

export interface Faults {
  /** In force from the next call on. Throws a `ControlError` that says what is wrong with it. */
  inject(fault: FaultInput): Fault;
  /** In the order they were asked for; those that happened as often as they should are still there. */
  list(): readonly Fault[];
  /** Throws for an unknown id. */
  remove(id: string): void;
  clear(): void;
}

interface Active {
  readonly id: string;
  readonly rule: FaultRule;
  readonly random: (() => number) | undefined;
  hits: number;
}

const MAX_FAULTS = 1_000;
const SOURCE = "docs/control-api.md";

/** `clock` is the real one: a delay keeps a client waiting in real time. */
export function createFaults(
  slot: FaultSlot,
  services: ReadonlyMap<ServiceName, ServiceDefinition>,
  clock: Clock,
): Faults {
  let active: Active[] = [];
  let count = 0;

  async function inject(call: Call): Promise<void> {
    const happening = happeningTo(call, active);
    if (happening.length === 0) return;
    // Counted before anything is waited for: calls that come meanwhile see it.
    for (const one of happening) one.hits++;
    call.injectedFault = happening.map(({ id, rule }) => `${rule.kind} ${id}`).join(", ");
    const delayMs = happening.reduce((sum, { rule }) => sum + rule.delayMs, 0);
    if (delayMs > 0) await sleep(clock, delayMs);
    const failing = happening.find(({ rule }) => rule.kind !== "delay");
    if (failing) throw errorOf(failing.rule, call.service);
  }

  function set(next: Active[]): void {
    active = next;
    slot.inject = next.length === 0 ? undefined : inject;
  }

  return {
    inject(given) {
      if (active.length >= MAX_FAULTS) throw wrongInput(`there are ${MAX_FAULTS} faults already`, "clear them first");
      const rule = faultRule(given, services);
      count++;
      const random = rule.probability === undefined ? undefined : numbersFrom(rule.seed ?? 1);
      const one: Active = { id: `fault-${count}`, rule, random, hits: 0 };
      set([...active, one]);
      return shownFault(one);
    },
    list: () => active.map(shownFault),
    remove(id) {
      const left = active.filter((one) => one.id !== id);
      if (left.length === active.length) throw notFound(`there is no fault \`${id}\``, "GET /_kiln/control/faults");
      set(left);
    },
    clear: () => set([]),
  };
}

/** The delays that match, and the first other fault that does. */
function happeningTo(call: Call, active: readonly Active[]): readonly Active[] {
  const happening: Active[] = [];
  for (const one of active) {
    const { rule, hits, random } = one;
    if (rule.times !== "always" && hits >= rule.times) continue;
    if (!rule.matches(call)) continue;
    if (random && rule.probability !== undefined && random() >= rule.probability) continue;
    happening.push(one);
    if (rule.kind !== "delay") break;
  }
  return happening;
}

const shownFault = ({ id, rule, hits }: Active): Fault => {
  const { matches: _matches, delayMs: _delayMs, ...asked } = rule;
  return { id, ...asked, hits };
};

function errorOf({ kind, code = "", message = "", status = 400 }: FaultRule, service: ServiceName): AwsError {
  if (kind === "error") return newError(code, status, message);
  if (kind === "drop") {
    const error = newError("InternalFailure", 500, "the connection was closed by an injected fault");
    error.isDropped = true;
    return error;
  }
  if (service === "s3") return newError("SlowDown", 503, "Please reduce your request rate.");
  if (isQueryService(service)) return newError("Throttling", 400, "Rate exceeded");
  const text =
    service === "kms"
      ? "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls."
      : "Rate exceeded";
  return newError("ThrottlingException", 400, text);
}

const newError = (code: string, status: number, message: string): AwsError =>
  new AwsError(
    { code, status, fault: status < 500 ? "client" : "server", source: SOURCE, message: () => message },
    message,
  );

/** The same numbers from 0 to 1 each time (mulberry32): what a seed picks, it picks again. */
function numbersFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
