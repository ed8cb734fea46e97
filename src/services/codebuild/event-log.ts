/**
 * The events of a build as JSON lines in a file, written by the process that runs it, read by any: from the start, then
 * live until `build-finished`. Texts are masked before they get here. A chunk of output lines is one record
 * (see build/run/expand-events.ts); readers get one event a line.
 */
import { closeSync, existsSync, type FSWatcher, mkdirSync, openSync, readSync, watch, writeSync } from "node:fs";
import { join } from "node:path";
import { StringDecoder } from "node:string_decoder";
import { type BuildEvent, expandEvent } from "../../build/run/index.ts";
import type { Clock } from "../../core/clock.ts";

const READ_BYTES = 256 * 1024;
/** Where the file system tells nothing about changes, it is looked at this often. */
const POLL_MS = 40;

export class EventLogs {
  readonly #root: string;
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(root: string, clock: Clock) {
    this.#root = root;
    this.#clock = clock;
  }

  #path(uuid: string): string {
    return join(this.#root, uuid, "events.jsonl");
  }

  /** Starts the log of a build, or goes on with it. */
  open(uuid: string): EventLogWriter {
    mkdirSync(join(this.#root, uuid), { recursive: true, mode: 0o700 });
    const fd = openSync(this.#path(uuid), "a", 0o600);
    return {
      append: (event) => {
        writeSync(fd, `${JSON.stringify(event)}\n`);
        for (const wake of this.#waiting.get(uuid) ?? []) wake();
      },
      close: () => closeSync(fd),
    };
  }

  /**
   * Events from the start, then as they come. Ends after `build-finished`, or when `isOver` says that nothing more will
   * come and the file is read to its end. `joined` gives a chunk of output lines as one event: for those who only copy
   * them, and much faster.
   */
  async *read(uuid: string, isOver: () => boolean, joined = false): AsyncGenerator<BuildEvent> {
    const path = this.#path(uuid);
    if (!existsSync(path)) return;
    const fd = openSync(path, "r");
    const buffer = Buffer.alloc(READ_BYTES);
    const decoder = new StringDecoder("utf8");
    let offset = 0;
    let rest = "";
    try {
      for (;;) {
        const over = isOver();
        const bytes = readSync(fd, buffer, 0, buffer.length, offset);
        offset += bytes;
        const lines = (rest + decoder.write(buffer.subarray(0, bytes))).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) {
          const event = JSON.parse(line) as BuildEvent;
          if (joined) yield event;
          else for (const one of expandEvent(event)) yield one;
          if (event.type === "build-finished") return;
        }
        if (bytes > 0) continue;
        if (over) return;
        await this.#more(uuid, path);
      }
    } finally {
      closeSync(fd);
    }
  }

  /** Resolves when the file may have grown: told by the writer here, by the file system, or by time. */
  #more(uuid: string, path: string): Promise<void> {
    return new Promise((resolve) => {
      const set = this.#waiting.get(uuid) ?? new Set();
      this.#waiting.set(uuid, set);
      let watcher: FSWatcher | undefined;
      const done = (): void => {
        set.delete(done);
        if (set.size === 0) this.#waiting.delete(uuid);
        timer.cancel();
        watcher?.close();
        resolve();
      };
      set.add(done);
      const timer = this.#clock.after(POLL_MS, done);
      try {
        // Also keeps the process alive while it follows a build that another process runs.
        watcher = watch(path, done);
        watcher.on("error", () => {});
      } catch {
        // no watching here: time tells
      }
    });
  }
}

export interface EventLogWriter {
  append(event: BuildEvent): void;
  close(): void;
}
