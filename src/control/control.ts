/**
 * What the control API and the library can do to a running Kiln: the clock, faults, keys, and the state as a whole. One
 * object a Kiln, made when first asked for (app.ts). What changes the state or the clock is done one after the other.
 */
import type { AdjustableClock } from "../core/adjustable-clock.ts";
import { LAST_MOMENT_MS } from "../core/adjustable-clock.ts";
import { type AwsScope, isAccountId } from "../core/arn.ts";
import type { ServiceName } from "../core/aws.ts";
import type { Clock } from "../core/clock.ts";
import type { RotationFunction, RotationFunctions } from "../core/rotation-functions.ts";
import { shownText, shownValue } from "../core/shown-value.ts";
import type { KeySettings } from "../identity/index.ts";
import type { FaultSlot, ServiceDefinition } from "../services/index.ts";
import type { SnapshotInfo, Store } from "../store/store.ts";
import { meant, notFound, wrongInput } from "./control-error.ts";
import { durationMs, momentMs } from "./duration.ts";
import { createFaults, type Faults } from "./faults.ts";
import { flagIn, membersOf, textIn, valueIn } from "./input.ts";

/** What a Kiln is made of, as far as it is controlled. */
export interface ControlDependencies {
  readonly store: Store;
  readonly clock: AdjustableClock;
  /** The clients' own time. */
  readonly realClock: Clock;
  readonly scope: AwsScope;
  readonly keySettings: KeySettings;
  /** What `lenient` is when nobody says. */
  readonly isLenientAtStart: boolean;
  readonly faults: FaultSlot;
  readonly services: ReadonlyMap<ServiceName, ServiceDefinition>;
  readonly rotationFunctions: RotationFunctions;
  /** Throws where other machines reach the endpoint: keys cannot be taken leniently there. */
  requireLoopback(): void;
  /** Stops the builds, batches and sandboxes of this process and waits for them. */
  stopWork(): Promise<void>;
  /** Drops what the process keeps in memory about the state, where it is not the store that does. */
  forget(): Promise<void>;
  /** Writes what the process still holds. */
  flush(): Promise<void>;
  /** Closes what the state says is running and nobody runs. */
  recover(): Promise<void>;
  /** Running work keeps its credentials although the clock is moved. Before the move. */
  lengthenSessions(byMs: number): Promise<void>;
}

export interface ClockState {
  /** The services' time, ISO 8601. */
  readonly now: string;
  /** This machine's. */
  readonly realTime: string;
  readonly offsetMs: number;
}

/** How keys are taken. */
export interface KeysState {
  /** Any access key with any signature acts as root of the account. */
  readonly lenient: boolean;
  /** The account that the root key acts for, and with `lenient` every key. */
  readonly accountId: string;
}

const EXAMPLE_FUNCTION = '{"url":"http://127.0.0.1:8080/rotate"}';

const KEPT = ["state", "clock", "faults", "keys"] as const;

/** Part of what a reset would otherwise put back. */
export type Keep = (typeof KEPT)[number];

export interface ResetOptions {
  /** What stays as it is; default nothing. Snapshots always stay. */
  readonly keep?: readonly Keep[];
}

export interface ControlStatus {
  readonly account: string;
  readonly region: string;
  readonly clock: ClockState;
  readonly faults: ReturnType<Faults["list"]>;
  readonly keys: KeysState;
  readonly snapshots: readonly Snapshot[];
  readonly rotationFunctions: readonly RotationFunction[];
}

/** A kept state. */
export interface Snapshot extends Omit<SnapshotInfo, "createdAtMs"> {
  /** ISO 8601. */
  readonly createdAt: string;
}

/** Throws `ControlError`s, and the store's `KilnError`s about snapshots. */
export interface Control {
  status(): Promise<ControlStatus>;
  /** Stops running builds; then state, clock, faults and keys are those of a new Kiln. */
  reset(options?: ResetOptions): Promise<void>;
  clock(): ClockState;
  /** Forward by a duration: milliseconds, `36h`, `P30D`. */
  advance(duration: number | string): Promise<ClockState>;
  /** Forward to a moment: ISO 8601 or a `Date`. */
  moveTo(moment: string | Date): Promise<ClockState>;
  /** Back to the real time. */
  resetClock(): Promise<ClockState>;
  readonly faults: Faults;
  keys(): KeysState;
  /** What is not given is as at the start. */
  setKeys(settings: Partial<KeysState>): KeysState;
  snapshots(): Promise<readonly Snapshot[]>;
  saveSnapshot(name: string): Promise<Snapshot>;
  /** Stops running builds; then the state is the kept one. Clock, faults and keys stay. */
  restoreSnapshot(name: string): Promise<void>;
  deleteSnapshot(name: string): Promise<void>;
  rotationFunctions(): readonly RotationFunction[];
  setRotationFunction(arn: string, given: { readonly url: string }): Promise<RotationFunction>;
  removeRotationFunction(arn: string): Promise<void>;
}

export function createControl(dependencies: ControlDependencies): Control {
  const { store, clock, realClock, scope, keySettings, services, rotationFunctions } = dependencies;
  const faults = createFaults(dependencies.faults, services, realClock);
  let last: Promise<unknown> = Promise.resolve();

  function inTurn<T>(task: () => Promise<T>): Promise<T> {
    const done = last.then(task);
    last = done.catch(() => {});
    return done;
  }

  const clockState = (): ClockState => ({
    now: iso(clock.nowMs()),
    realTime: iso(realClock.nowMs()),
    offsetMs: clock.offsetMs,
  });

  async function moveBy(byMs: number): Promise<ClockState> {
    if (clock.nowMs() + byMs > LAST_MOMENT_MS) {
      throw wrongInput(
        `the clock cannot go beyond ${iso(LAST_MOMENT_MS)}`,
        "go back to the real time first, or go less far",
      );
    }
    await dependencies.lengthenSessions(byMs);
    clock.advance(byMs);
    return clockState();
  }

  const keysState = (): KeysState => ({ lenient: keySettings.isLenient, accountId: keySettings.accountId });

  function setKeys(given: Partial<KeysState>): KeysState {
    const members = membersOf(given, "a setting of keys", ["lenient", "accountId"]);
    const accountId = textIn(members, "accountId") ?? scope.accountId;
    if (!isAccountId(accountId)) {
      throw wrongInput(`\`${shownText(accountId)}\` is not an AWS account id`, "give twelve digits: `123456789012`");
    }
    const isLenient = flagIn(members, "lenient") ?? dependencies.isLenientAtStart;
    if (isLenient) dependencies.requireLoopback();
    keySettings.isLenient = isLenient;
    keySettings.accountId = accountId;
    return keysState();
  }

  const snapshots = async (): Promise<Snapshot[]> => (await store.snapshots()).map(snapshotOf);

  return {
    faults,
    async status() {
      return {
        account: keySettings.accountId,
        region: scope.region,
        clock: clockState(),
        faults: faults.list(),
        keys: keysState(),
        snapshots: await snapshots(),
        rotationFunctions: rotationFunctions.list(),
      };
    },
    reset(options = {}) {
      const keep = keptBy(options);
      return inTurn(async () => {
        if (!keep.has("state")) {
          await dependencies.stopWork();
          await dependencies.forget();
          await store.reset();
        }
        if (!keep.has("clock")) clock.reset();
        if (!keep.has("faults")) faults.clear();
        if (!keep.has("keys")) setKeys({});
      });
    },
    clock: clockState,
    advance: (duration) => inTurn(() => moveBy(durationMs(duration))),
    moveTo: (moment) =>
      inTurn(() => {
        const [toMs, nowMs] = [momentMs(moment), clock.nowMs()];
        if (toMs >= nowMs) return moveBy(toMs - nowMs);
        throw wrongInput(
          `the clock goes forward only: it is ${iso(nowMs)} already`,
          "what is stored would come from the future; go back with a reset, or put the clock alone back",
        );
      }),
    resetClock: () =>
      inTurn(async () => {
        clock.reset();
        return clockState();
      }),
    keys: keysState,
    setKeys,
    snapshots,
    saveSnapshot: (name) =>
      inTurn(async () => {
        await dependencies.flush();
        return snapshotOf(await store.saveSnapshot(name));
      }),
    restoreSnapshot: (name) =>
      inTurn(async () => {
        // Nothing is stopped for a name that is not there.
        if (!(await store.snapshots()).some((one) => one.name === name)) return store.restoreSnapshot(name);
        await dependencies.stopWork();
        await dependencies.forget();
        await store.restoreSnapshot(name);
        await dependencies.recover();
      }),
    deleteSnapshot: (name) => inTurn(() => store.deleteSnapshot(name)),
    rotationFunctions: () => rotationFunctions.list(),
    async setRotationFunction(arn, given) {
      const url = textIn(membersOf(given, "a rotation function", ["url"]), "url");
      if (url === undefined) throw wrongInput("a rotation function needs `url`", EXAMPLE_FUNCTION);
      await rotationFunctions.register({ arn, url });
      return { arn, url };
    },
    async removeRotationFunction(arn) {
      if (await rotationFunctions.remove(arn)) return;
      throw notFound(`nothing stands for the function \`${shownText(arn)}\``, "GET /_kiln/control/rotation-functions");
    },
  };
}

function keptBy(options: ResetOptions): ReadonlySet<Keep> {
  const keep = valueIn(membersOf(options, "a reset", ["keep"]), "keep") ?? [];
  if (!Array.isArray(keep))
    throw wrongInput(`\`keep\` must be a list, not ${shownValue(keep)}`, `of: ${KEPT.join(", ")}`);
  for (const name of keep as unknown[]) {
    if (!KEPT.includes(name as Keep)) {
      throw wrongInput(`\`keep\` cannot have ${shownValue(name)}`, ...meant(String(name), KEPT));
    }
  }
  return new Set(keep as Keep[]);
}

const snapshotOf = ({ createdAtMs, ...info }: SnapshotInfo): Snapshot => ({ ...info, createdAt: iso(createdAtMs) });

const iso = (ms: number): string => new Date(ms).toISOString();
