/** What a command may touch of the process: streams, environment, directory. Tests pass their own. */
import { PassThrough, type Readable, type Writable } from "node:stream";

export interface CliIo {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute. */
  readonly cwd: string;
  /** Aborted when nobody reads standard output any more (`kiln builds logs -f | head`). */
  readonly outputClosed: AbortSignal;
}

/** The real process; a reader that goes away (EPIPE) ends output quietly instead of crashing. */
export function processIo(): CliIo {
  const closed = new AbortController();
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE" && error.code !== "ERR_STREAM_DESTROYED") throw error;
      closed.abort();
    });
  }
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    outputClosed: closed.signal,
  };
}

/** In-memory streams for tests: what was written is read with the two functions. */
export function memoryIo(
  options: { readonly cwd?: string; readonly env?: Record<string, string>; readonly input?: string } = {},
): CliIo & {
  readonly written: () => string;
  readonly complained: () => string;
} {
  const collect = () => {
    const stream = new PassThrough();
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    return { stream, text: () => Buffer.concat(chunks).toString("utf8") };
  };
  const out = collect();
  const err = collect();
  const stdin = new PassThrough();
  stdin.end(options.input ?? "");
  return {
    stdin,
    stdout: out.stream,
    stderr: err.stream,
    env: options.env ?? {},
    cwd: options.cwd ?? "/",
    outputClosed: new AbortController().signal,
    written: out.text,
    complained: err.text,
  };
}
