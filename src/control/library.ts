/**
 * The control of a Kiln as members of the library's `Kiln`, and what its clients need to reach it. The work is control.ts's,
 * which is loaded when the first of these is called.
 */
import type { AwsScope } from "../core/arn.ts";
import type { ClockState, Control, Keep, KeysState, ResetOptions, Snapshot } from "./control.ts";
import type { FaultInput, FaultKind } from "./fault-rules.ts";
import type { Fault, Faults } from "./faults.ts";

export type { ClockState, Fault, FaultInput, FaultKind, Keep, KeysState, ResetOptions, Snapshot };

/** What a client of any AWS SDK for JavaScript takes. */
export interface ClientConfig {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Buckets in the path: their names resolve nowhere. Clients of other services ignore it. */
  readonly forcePathStyle: true;
}

/** What tests do with a Kiln between and within them. Rejects with a `KilnError` that says what is wrong. */
export interface Testing {
  /** Access key of the account's root user. */
  readonly credentials: ClientConfig["credentials"];
  /** Options for a client of the AWS SDK: `new SSMClient(kiln.clientConfig())`. */
  clientConfig(): ClientConfig;
  /** Environment variables for a process whose AWS clients are to use this Kiln. */
  env(): Record<string, string>;
  /**
   * As if just started: stops builds that run, forgets everything stored, puts clock, faults and keys back. Snapshots
   * stay. `{ keep: ["clock"] }` leaves a part alone.
   */
  reset(options?: ResetOptions): Promise<void>;
  /** Moves the services' clock forward: milliseconds, `"36h"`, `"30d"`, `"P30D"`. Signatures go by the real time. */
  advance(duration: number | string): Promise<ClockState>;
  /** Moves the services' clock forward to a moment. */
  moveTo(moment: string | Date): Promise<ClockState>;
  /** Keeps a copy of the state; default name `default`. */
  snapshot(name?: string): Promise<Snapshot>;
  /** Makes the state what it was. Clock, faults and keys stay. */
  restore(name?: string): Promise<void>;
  /** Makes calls fail or wait. */
  readonly faults: {
    inject(fault: FaultInput): Promise<Fault>;
    list(): Promise<readonly Fault[]>;
    remove(id: string): Promise<void>;
    clear(): Promise<void>;
  };
  /** How access keys are taken from now on; what is not given is as at the start. */
  setKeys(settings: Partial<KeysState>): Promise<KeysState>;
}

const DEFAULT_SNAPSHOT = "default";

/** `control` loads it. */
export function testingOf(
  { url, scope, credentials }: Pick<Testing, "credentials"> & { readonly url: string; readonly scope: AwsScope },
  control: () => Promise<Control>,
): Testing {
  const faults = async (): Promise<Faults> => (await control()).faults;
  return {
    credentials,
    clientConfig: () => ({ endpoint: url, region: scope.region, credentials, forcePathStyle: true }),
    env: () => ({
      AWS_ENDPOINT_URL: url,
      AWS_REGION: scope.region,
      AWS_DEFAULT_REGION: scope.region,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    }),
    reset: async (options) => (await control()).reset(options),
    advance: async (duration) => (await control()).advance(duration),
    moveTo: async (moment) => (await control()).moveTo(moment),
    snapshot: async (name = DEFAULT_SNAPSHOT) => (await control()).saveSnapshot(name),
    restore: async (name = DEFAULT_SNAPSHOT) => (await control()).restoreSnapshot(name),
    faults: {
      inject: async (fault) => (await faults()).inject(fault),
      list: async () => (await faults()).list(),
      remove: async (id) => (await faults()).remove(id),
      clear: async () => (await faults()).clear(),
    },
    setKeys: async (settings) => (await control()).setKeys(settings),
  };
}
