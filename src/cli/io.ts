/** What a command may touch of the process: streams, environment, directory. Tests pass their own. */
import { PassThrough, type Readable, type Writable } from "node:stream";
import { KilnError } from "../core/errors.ts";

export interface CliIo {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute. */
  readonly cwd: string;
  /** Aborted, with the error, when standard output goes nowhere any more (`kiln builds logs -f | head`). */
  readonly outputClosed: AbortSignal;
}

/**
 * The real process. Output that cannot be written (the reader went away, the disk of the file is full) stops what prints
 * without end and nothing else: an endpoint goes on although its log is full. What the exit code says of it: {@link outputFailure}.
 */
export function processIo(): CliIo {
  const closed = new AbortController();
  process.stdout.on("error", (error) => closed.abort(error));
  // What cannot be told there can be told nowhere.
  process.stderr.on("error", () => {});
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    outputClosed: closed.signal,
  };
}

/** Why standard output is not complete; a reader that went away has read enough. */
export function outputFailure({ stdout, outputClosed }: CliIo): KilnError | undefined {
  // The stream knows first, and forgets: the process's own are never closed.
  const error: NodeJS.ErrnoException | undefined = stdout.errored ?? outputClosed.reason;
  if (error === undefined || error.code === "EPIPE") return undefined;
  return new KilnError({
    code: "KILN_E_OUTPUT",
    message: `standard output could not be written: ${error.message}`,
    fix: ["free some space where its file is, or send it elsewhere"],
    exitCode: 4,
    cause: error,
  });
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
