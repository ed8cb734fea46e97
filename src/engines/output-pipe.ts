/**
 * One pipe with a name (make-pipe.ts) that carries standard output and standard error of every command of a build, in order. A named pipe
 * rather than Node's own: those are sockets, which `> /dev/stderr` cannot open, and a background process that keeps
 * writing must neither hold up the next command nor be killed for writing.
 *
 * `endOfCommand` writes a mark into the pipe and waits until it comes out: what the command wrote before it ended has
 * then been delivered, and nobody waits for a background process to close its end.
 */
import { closeSync, constants, openSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import type { MakePipe } from "./make-pipe.ts";

export interface OutputPipe {
  readonly path: string;
  /** A new descriptor for a child's output; the caller closes it after the spawn. */
  openForChild(): number;
  /** Who receives output from now on. A returned promise holds back further reading. */
  receive(handler: (chunk: Buffer) => void | Promise<void>): void;
  /** Resolves when everything written to the pipe until now has been received. */
  endOfCommand(mark: string): Promise<void>;
  close(): void;
}

/** `name`: the file of the pipe. */
export async function openOutputPipe(name: string, make: MakePipe): Promise<OutputPipe> {
  const { path, readFd, writeFd: markFd, remove } = await make(name);
  const socket = new Socket({ fd: readFd, readable: true, writable: false });

  let handler: (chunk: Buffer) => void | Promise<void> = () => {};
  let waiting: { mark: Buffer; carry: Buffer; done: () => void } | undefined;
  let closed = false;

  const deliver = (chunk: Buffer): void => {
    if (chunk.length === 0) return;
    const held = handler(chunk);
    if (held) {
      socket.pause();
      void held.finally(() => closed || socket.resume());
    }
  };

  socket.on("data", (chunk: Buffer) => {
    if (!waiting) return deliver(chunk);
    const { mark, carry, done } = waiting;
    const bytes = carry.length === 0 ? chunk : Buffer.concat([carry, chunk]);
    const at = bytes.indexOf(mark);
    if (at === -1) {
      const keep = Math.min(bytes.length, mark.length - 1);
      waiting.carry = Buffer.from(bytes.subarray(bytes.length - keep));
      return deliver(bytes.subarray(0, bytes.length - keep));
    }
    waiting = undefined;
    deliver(bytes.subarray(0, at));
    done();
    deliver(bytes.subarray(at + mark.length));
  });
  socket.on("error", () => finish());
  const finish = (): void => {
    const pending = waiting;
    waiting = undefined;
    pending?.done();
  };

  return {
    path,
    openForChild: () => openSync(path, constants.O_WRONLY),
    receive(next) {
      handler = next;
    },
    endOfCommand(mark) {
      return new Promise((done) => {
        if (closed) return done();
        const bytes = Buffer.from(mark, "latin1");
        waiting = { mark: bytes, carry: Buffer.alloc(0), done };
        const write = (): void => {
          if (closed) return;
          try {
            writeSync(markFd, bytes); // invariant: shorter than PIPE_BUF, so written whole or not at all
          } catch (error) {
            if ((error as NodeJS.ErrnoException).code === "EAGAIN") setImmediate(write);
            else finish();
          }
        };
        write();
      });
    },
    close() {
      if (closed) return;
      closed = true;
      finish();
      socket.destroy();
      closeSync(markFd);
      try {
        remove();
      } catch {
        // the work folder went first
      }
    },
  };
}
