/**
 * The options of a Kiln: what they are, what they are when nobody says, and which cannot be. Read by app.ts, which takes
 * them from the command line and from callers of the library.
 */
import { type AwsScope, isAccountId, isRegionName, partitionOf } from "./core/arn.ts";
import type { Clock } from "./core/clock.ts";
import { KilnError } from "./core/errors.ts";
import { isLoopbackListener } from "./core/loopback.ts";
import {
  choiceOption,
  flagOption,
  functionOption,
  type OptionKind,
  objectOption,
  requireOptions,
  textOption,
  wholeNumberOption,
  wrongOption,
} from "./core/option-kinds.ts";
import type { EngineName } from "./engines/index.ts";
import type { RegistryQuota } from "./registry/index.ts";

export interface KilnOptions {
  /** Folder of the state; default `.kiln` here. */
  readonly stateDir?: string;
  /** Keep nothing on disk. */
  readonly memory?: boolean;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0 takes any free port. Default 4566; in memory any free port. */
  readonly port?: number;
  /** Default us-east-1. A signed request speaks for the region in its signature. */
  readonly region?: string;
  /** Default 000000000000. */
  readonly accountId?: string;
  /** Where commands of builds run; default `auto`. */
  readonly engine?: EngineName | "auto";
  /** Images that stand for others in builds that run in containers, by name; before those of `kiln images map`. */
  readonly imageMap?: Readonly<Record<string, string>>;
  /** AWS's buildspec grammar only. */
  readonly strict?: boolean;
  /** The account's quota of concurrent builds, and how many this process runs at once; default 60 and the processors. */
  readonly concurrentBuilds?: number;
  /** Told, in a line for people, of each operation that somebody calls and that is not offered; once of each. */
  readonly notice?: (line: string) => void;
  /** Key of the account's root user; default test/test. */
  readonly rootKey?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Send pushes to the registries that the image names say. */
  readonly pushForReal?: boolean;
  /** Let FROM and `docker pull` of the embedded builder ask the network for what is not here. */
  readonly pullForReal?: boolean;
  /** Builds at the same time, of all and of one batch; default as many as there are processors. */
  readonly parallelBuilds?: number;
  /** Limits on what the registry keeps; none by default. */
  readonly registryQuota?: RegistryQuota;
  /** Each event of a build is posted to this http or https URL. */
  readonly eventTarget?: string;
  /** Key of the signature of what is posted to `eventTarget`. */
  readonly eventTargetSecret?: string;
  /** The real time of this Kiln, also of its clients' signatures; default the system's. Engines keep the system's. */
  readonly clock?: Clock;
  /** Answer the control API below `/_kiln/control`; only on a loopback host. The methods of `Kiln` need no HTTP. */
  readonly control?: boolean;
  /** Any access key with any signature acts as root of the account; only on a loopback host. */
  readonly lenientKeys?: boolean;
}

export const DEFAULT_PORT = 4566;
export const DEFAULT_HOST = "127.0.0.1";
const DEFAULT_REGION = "us-east-1";
const DEFAULT_ACCOUNT_ID = "000000000000";
export const DEFAULT_ROOT_KEY = { accessKeyId: "test", secretAccessKey: "test" } as const;

const hasTexts = (value: unknown, ...names: readonly string[]): boolean =>
  objectOption.fits(value) && names.every((name) => textOption.fits((value as Record<string, unknown>)[name]));

const OPTION_KINDS: Readonly<Record<keyof KilnOptions, OptionKind>> = {
  stateDir: textOption,
  memory: flagOption,
  host: textOption,
  port: wholeNumberOption(0, 65_535),
  region: {
    is: "a region like us-east-1",
    fits: (value) => typeof value === "string" && isRegionName(value),
  },
  accountId: { is: "a text of twelve digits", fits: (value) => typeof value === "string" },
  engine: choiceOption("auto", "sandbox", "host", "docker", "podman"),
  imageMap: objectOption,
  strict: flagOption,
  concurrentBuilds: wholeNumberOption(1, 10_000),
  notice: functionOption,
  rootKey: {
    is: "{ accessKeyId, secretAccessKey }, two texts that are not empty",
    fits: (value) => hasTexts(value, "accessKeyId", "secretAccessKey"),
    isSecret: true,
  },
  pushForReal: flagOption,
  pullForReal: flagOption,
  parallelBuilds: wholeNumberOption(1, 10_000),
  registryQuota: objectOption,
  eventTarget: textOption,
  eventTargetSecret: { ...textOption, isSecret: true },
  clock: objectOption,
  control: flagOption,
  lenientKeys: flagOption,
};

/** Throws a `KilnError` for an option that is none, is not of its kind, or does not go with another. */
export function requireFittingOptions(options: KilnOptions): void {
  requireOptions("startKiln", options, OPTION_KINDS);
  if (options.memory && options.stateDir !== undefined) {
    throw wrongOption(
      "`memory` and `stateDir` exclude each other: the state is kept nowhere, or there",
      "leave one of them out",
    );
  }
}

/** The account and region, or a `KilnError` for an account that is none. */
export function scopeOf({ region = DEFAULT_REGION, accountId = DEFAULT_ACCOUNT_ID }: KilnOptions): AwsScope {
  if (!isAccountId(accountId)) {
    throw new KilnError({
      code: "KILN_E_ACCOUNT_ID",
      message: `\`${accountId}\` is not an AWS account id`,
      fix: ["give twelve digits: `123456789012`"],
      exitCode: 2,
    });
  }
  return { partition: partitionOf(region), region, accountId };
}

/** Who controls a Kiln, or signs in without a key, is on this machine. */
export function requireLoopback({ host = DEFAULT_HOST, control, lenientKeys }: KilnOptions): void {
  if (isLoopbackListener(host) || !(control || lenientKeys)) return;
  throw new KilnError({
    code: "KILN_E_CONTROL_OFF_LOOPBACK",
    message: `${control ? "the control API is" : "lenient keys are"} for this machine only, and \`${host}\` can be reached from others`,
    why: "anybody who reaches the port could read, change and delete everything",
    fix: ["listen on this machine only: --host 127.0.0.1", `or start without ${control ? "--control" : "lenientKeys"}`],
    exitCode: 2,
  });
}
