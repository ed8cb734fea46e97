/**
 * `kiln check --watch`: checks again when a file of the source, a folder or Kiln's state changes, until Ctrl-C. Only folders
 * that hold files CodeBuild would get are watched, each by itself: `node_modules` costs nothing. Where the system gives no
 * more watchers, and for the state (whose files a check itself touches), times and sizes are compared every second.
 */
import { type FSWatcher, statSync, watch } from "node:fs";
import { dirname, join } from "node:path";
import { aborted, withSignals } from "../signals.ts";

export interface WatchRequest {
  /** Absolute paths of what the result depends on, as far as it is known before the check. */
  files(): Promise<readonly string[]>;
  /** Checks and prints. */
  check(): Promise<void>;
  /** What holds the parameters, projects and roles. */
  readonly stateFiles: readonly string[];
}

const SETTLE_MS = 100;
const POLL_MS = 1000;

/** Answers 130: nothing but an interruption ends it. */
export function watchChecks({ files, check, stateFiles }: WatchRequest): Promise<number> {
  return withSignals(async ({ first }) => {
    // One listener for all rounds: the signal outlives them.
    const interrupted = aborted(first);
    while (!first.aborted) {
      // Watched before it is read, so that nothing that is saved meanwhile is missed.
      const change = new ChangeWatch(await files());
      try {
        await check();
        change.poll(stateFiles);
        await Promise.race([change.happened, interrupted]);
      } finally {
        change.stop();
      }
    }
    return 130;
  });
}

class ChangeWatch {
  readonly happened: Promise<void>;
  readonly #watchers: FSWatcher[] = [];
  readonly #polled = new Map<string, string>();
  readonly #poller: NodeJS.Timeout;
  #resolve = (): void => {};
  #settle: NodeJS.Timeout | undefined;

  constructor(files: readonly string[]) {
    this.happened = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    for (const folder of new Set(files.map((file) => dirname(file)))) {
      try {
        const watcher = watch(folder, (_event, name) => {
          if (!isNoise(name)) this.#changed();
        });
        this.#watchers.push(watcher.on("error", () => this.#changed()));
      } catch {
        this.poll(files.filter((file) => dirname(file) === folder));
      }
    }
    this.#poller = setInterval(() => this.#compare(), POLL_MS);
  }

  /** Compares these from now on, by time and size. */
  poll(files: readonly string[]): void {
    for (const file of files) this.#polled.set(file, fingerprint(file));
  }

  stop(): void {
    clearTimeout(this.#settle);
    clearInterval(this.#poller);
    for (const watcher of this.#watchers) watcher.close();
  }

  #compare(): void {
    for (const [file, before] of this.#polled) {
      const now = fingerprint(file);
      if (now === before) continue;
      this.#polled.set(file, now);
      this.#changed();
    }
  }

  /** Editors write a file in several steps, and git a tree in many. */
  #changed(): void {
    clearTimeout(this.#settle);
    this.#settle = setTimeout(this.#resolve, SETTLE_MS);
  }
}

/** What git and editors write beside the files: locks, swap files, backups. */
const isNoise = (name: string | null): boolean =>
  name !== null && /^(?:\.git|\.kiln.*|.*\.lock|.*~|\.#.*|.*\.sw[px]|4913)$/.test(name);

function fingerprint(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat ? `${stat.mtimeMs} ${stat.size}` : "";
}

/** The files whose change means that parameters, projects or roles have changed. */
export const stateFilesOf = (stateDir: string): string[] => [join(stateDir, "kiln.db"), join(stateDir, "kiln.db-wal")];
