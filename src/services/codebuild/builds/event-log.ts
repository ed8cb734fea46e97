/**
 * The events of a build in a file, written by the process that runs it, read by any: from the start, then live until
 * `build-finished`. Texts are masked before they get here. An event is a line of JSON; what commands print stands below
 * its event as it is, each line behind a mark (event-lines.ts). A chunk of output lines is one event there (see
 * build/run/expand-events.ts); readers get one event a line.
 *
 * The file is the truth. Beside it the writing process keeps the newest events in memory by their place in the file, so
 * that a reader here that keeps up reads nothing back. A process that was killed leaves half a line at the end: whoever
 * goes on with the file ends that line first, and readers pass over it.
 */
import {
  closeSync,
  existsSync,
  type FSWatcher,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  watch,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { type BuildEvent, expandEvent } from "../../../build/run/index.ts";
import type { Clock } from "../../../core/clock.ts";
import { EventLines, splitEvent } from "./event-lines.ts";

const READ_BYTES = 256 * 1024;
/** How much of a file's newest part is kept in memory. More costs the garbage collector more than reading back does. */
const KEPT_BYTES = 512 * 1024;
/** Where the file system tells nothing about changes, it is looked at this often. */
const POLL_MS = 40;
/** How long a reader waits for the last event of a build that is over. */
const MAX_POLLS_WHEN_OVER = 10;
const LINE_END = 0x0a;
/** On a full disk the newest part of the log gives way to the record of how the build ended. */
const ROOM_BYTES = 1024 * 1024;

export class EventLogs {
  readonly #root: () => string;
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #newest = new Map<string, NewestEvents>();
  /** Where a line's bytes are made; writes are synchronous, so that one will do. */
  #scratch = Buffer.alloc(0);

  /** `root` is asked each time: it changes with the state (store/store.ts). */
  constructor(root: () => string, clock: Clock) {
    this.#root = root;
    this.#clock = clock;
  }

  #path(uuid: string): string {
    return join(this.#root(), uuid, "events.log");
  }

  /** Starts the log of a build, or goes on with it. */
  open(uuid: string): EventLogWriter {
    mkdirSync(join(this.#root(), uuid), { recursive: true, mode: 0o700 });
    const fd = openSync(this.#path(uuid), "a+", 0o600);
    const newest = new NewestEvents();
    this.#newest.set(uuid, newest);
    let { size } = fstatSync(fd);
    const write = (length: number): void => {
      try {
        for (let done = 0; done < length; ) done += writeSync(fd, this.#scratch, done, length - done);
      } catch (error) {
        // Half a line must not become the beginning of the next one.
        size = cutBack(fd, size, isFull(error) ? ROOM_BYTES : 0);
        throw error;
      }
      size += length;
    };
    if (size > 0 && !endsInLineEnd(fd, size)) write(this.#fill(""));
    return {
      append: (event) => {
        const start = size;
        const { head, output } = splitEvent(event);
        write(this.#fill(head, output));
        newest.add(start, size, event);
        for (const wake of this.#waiting.get(uuid) ?? []) wake();
      },
      close: () => {
        this.#newest.delete(uuid);
        closeSync(fd);
      },
    };
  }

  /** Puts lines and a line end into the scratch buffer, cheaper than putting texts together; how many bytes they are. */
  #fill(head: string, output = ""): number {
    const most = (head.length + output.length) * 3 + 1;
    // A new buffer for each event would be most of what the garbage collector has to do.
    if (this.#scratch.length < most) this.#scratch = Buffer.allocUnsafe(most);
    let length = this.#scratch.write(head);
    if (output !== "") length += this.#scratch.write(output, length);
    this.#scratch[length] = LINE_END;
    return length + 1;
  }

  /**
   * Events from the start, then as they come. Ends after `build-finished`, or when `isOver` says that nothing more will
   * come and the file is read to its end. `joined` gives a chunk of output lines as one event: for those who only copy
   * them, and much faster.
   */
  async *read(uuid: string, isOver: () => boolean, joined = false): AsyncGenerator<BuildEvent> {
    yield* this.#events(uuid, isOver, { joined, maxPolls: MAX_POLLS_WHEN_OVER });
  }

  /** The events so far, output joined. */
  written(uuid: string): AsyncGenerator<BuildEvent> {
    return this.#events(uuid, () => true, { joined: true, maxPolls: 0 });
  }

  async *#events(
    uuid: string,
    isOver: () => boolean,
    { joined, maxPolls }: { readonly joined: boolean; readonly maxPolls: number },
  ): AsyncGenerator<BuildEvent> {
    const path = this.#path(uuid);
    if (!existsSync(path)) return;
    const fd = openSync(path, "r");
    const lines = new EventLines();
    let buffer: Buffer | undefined;
    let offset = 0;
    let pollsWhenOver = 0;
    try {
      for (;;) {
        const over = isOver();
        const kept = this.#newest.get(uuid)?.at(offset);
        let events: readonly BuildEvent[] = [];
        if (kept) {
          events = [kept.event];
          offset = kept.end;
        } else {
          buffer ??= Buffer.allocUnsafe(READ_BYTES);
          const bytes = readSync(fd, buffer, 0, buffer.length, offset);
          const end = buffer.subarray(0, bytes).lastIndexOf(LINE_END) + 1;
          if (end === 0 && bytes === buffer.length) {
            buffer = Buffer.allocUnsafe(buffer.length * 2);
            continue;
          }
          events = lines.parse(buffer.toString("utf8", 0, end));
          offset += end;
          if (end === 0) {
            // The record is written first, and `build-finished` a moment later: by a live owner it comes.
            if (over && ++pollsWhenOver > maxPolls) return;
            await this.#more(uuid, path);
          }
        }
        for (const event of events) {
          if (joined) yield event;
          else yield* expandEvent(event);
          if (event.type === "build-finished") return;
        }
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
      // Watching costs more than the rest of following, and the writer here tells.
      if (this.#newest.has(uuid)) return;
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

/** The newest events of a file by the place where their line begins, oldest first. */
class NewestEvents {
  readonly #events = new Map<number, { readonly event: BuildEvent; readonly end: number }>();

  at(start: number): { readonly event: BuildEvent; readonly end: number } | undefined {
    return this.#events.get(start);
  }

  add(start: number, end: number, event: BuildEvent): void {
    this.#events.set(start, { event, end });
    for (const oldest of this.#events.keys()) {
      if (end - oldest <= KEPT_BYTES) break;
      this.#events.delete(oldest);
    }
  }
}

const isFull = (error: unknown): boolean => ["ENOSPC", "EDQUOT"].includes((error as NodeJS.ErrnoException).code ?? "");

/** Takes about so many bytes of whole lines off the end; the size that is left. */
function cutBack(fd: number, size: number, bytes: number): number {
  let end = size;
  if (bytes > 0) {
    const from = Math.max(0, size - bytes);
    const tail = Buffer.alloc(size - from);
    const read = readSync(fd, tail, 0, tail.length, from);
    // Without a line end in it, the line is longer than what would be cut: it stays.
    const lineEnd = tail.subarray(0, read).indexOf(LINE_END);
    if (lineEnd !== -1) end = from + lineEnd + 1;
  }
  ftruncateSync(fd, end);
  return end;
}

function endsInLineEnd(fd: number, size: number): boolean {
  const last = Buffer.alloc(1);
  readSync(fd, last, 0, 1, size - 1);
  return last[0] === LINE_END;
}
