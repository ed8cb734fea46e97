/** What each command gets: the process, its settings, and ways to print and to open Kiln. */
import type { Kiln, KilnOptions } from "../app.ts";
import { visibleText } from "../core/visible-text.ts";
import type { CliIo } from "./io.ts";
import { quotaOfEnvironment } from "./registry/registry-quota.ts";
import { ownRootKey } from "./root-key.ts";
import type { Settings } from "./settings.ts";

export interface CommandContext {
  readonly io: CliIo;
  readonly settings: Settings;
  /** A line on standard output. */
  print(line: string): void;
  /** One JSON value on standard output. */
  printJson(value: unknown): void;
  /** A remark on standard error; nothing with --quiet. */
  note(line: string): void;
  /** A remark on standard error that --quiet does not hide: the result is not what it looks like. */
  warn(line: string): void;
}

export function commandContext(io: CliIo, settings: Settings): CommandContext {
  return {
    io,
    settings,
    print: (line) => void io.stdout.write(`${line}\n`),
    printJson: (value) => void io.stdout.write(`${escapedJson(value)}\n`),
    warn: (line) => void io.stderr.write(`${visibleText(line)}\n`),
    note: (line) => {
      if (!settings.isQuiet) io.stderr.write(`${visibleText(line)}\n`);
    },
  };
}

/** JSON that is safe in a terminal too: of what steers one, `JSON.stringify` escapes only a part. */
const escapedJson = (value: unknown): string =>
  JSON.stringify(value, undefined, 2).replace(
    /[\u007f-\u009f\p{Bidi_Control}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** Kiln on the command's state folder, in this process, on a free port. */
export async function openKiln({ io, settings }: CommandContext, options: KilnOptions = {}): Promise<Kiln> {
  // Loaded only here, so that commands which need no Kiln (`env`, `check`, `help`) start fast.
  const { startKiln } = await import("../app.ts");
  const rootKey = ownRootKey(io.env);
  return startKiln({
    stateDir: settings.stateDir,
    port: 0,
    ...(settings.region === undefined ? {} : { region: settings.region }),
    ...(settings.accountId === undefined ? {} : { accountId: settings.accountId }),
    ...quotaOfEnvironment(io.env),
    ...(rootKey ? { rootKey } : {}),
    ...options,
  });
}

/** Runs `work` with Kiln open and closes it afterwards, also after errors. */
export async function withKiln<T>(
  context: CommandContext,
  work: (kiln: Kiln) => Promise<T>,
  options?: KilnOptions,
): Promise<T> {
  const kiln = await openKiln(context, options);
  try {
    return await work(kiln);
  } finally {
    await kiln.close();
  }
}
