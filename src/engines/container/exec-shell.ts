/**
 * A shell in a container that stays: one exec, its input and outputs on one connection. Commands are lines for it, so a
 * command costs a round trip rather than an exec (which takes the engine some 100 ms), and its state stays in the container.
 *
 * The shell's standard output belongs to what it runs; a mark with the exit status ends it. Its standard error belongs to
 * `evaluate` alone, because the two outputs come in no order towards each other. Lines use builtins of POSIX's `sh` only.
 */

import type { Duplex } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import type { Ids } from "../../core/ids.ts";
import { Demultiplexer, type EngineClient, type OutputName } from "../../engine-api/index.ts";

export interface ExecShellSpec {
  readonly containerId: string;
  /** Name or number. */
  readonly user: string;
  readonly variables: Readonly<Record<string, string>>;
}

type Receive = (bytes: Buffer) => void | Promise<void>;

interface Waiting {
  readonly mark: Buffer;
  held: Buffer;
  readonly receive: Receive;
  /** `status`: what stands after the mark; undefined when the shell is gone. */
  done(status: string | undefined): void;
}

/** What the shell ran ended with this status; undefined: the shell is gone, and the container with it most likely. */
export type ShellStatus = string | undefined;

export class ExecShell {
  readonly #stream: Duplex;
  readonly #ids: Ids;
  readonly #waiting = new Map<OutputName, Waiting>();
  #lastAnswer: Promise<unknown> = Promise.resolve();
  #isGone = false;
  /** What a shell says before anything was asked: why it cannot run. */
  #complaint = "";

  private constructor(stream: Duplex, ids: Ids) {
    this.#stream = stream;
    this.#ids = ids;
  }

  static async start(client: EngineClient, spec: ExecShellSpec, ids: Ids, signal: AbortSignal): Promise<ExecShell> {
    const { Id } = await client.call<{ Id: string }>(
      "POST",
      `/containers/${spec.containerId}/exec`,
      {
        AttachStdin: true,
        AttachStdout: true,
        AttachStderr: true,
        Tty: false,
        User: spec.user,
        Env: Object.entries(spec.variables).map(([name, value]) => `${name}=${value}`),
        WorkingDir: "/",
        Cmd: ["sh"],
      },
      signal,
    );
    const shell = new ExecShell(await client.hijack(`/exec/${Id}/start`, { Detach: false, Tty: false }, signal), ids);
    void shell.#read();
    return shell;
  }

  get complaint(): string {
    return this.#complaint.trim();
  }

  /**
   * Runs lines whose output goes to `receive`; a returned promise holds back further output. The lines leave their exit
   * status in `kiln_status`. Not while other lines run here.
   */
  run(lines: string, receive: Receive): Promise<ShellStatus> {
    return this.#send("stdout", `${lines}\n`, receive);
  }

  /** What the lines print; undefined when the shell is gone. Questions are answered one after the other. */
  evaluate(lines: string): Promise<string | undefined> {
    const answer = this.#lastAnswer.then(() => this.#ask(lines));
    this.#lastAnswer = answer;
    return answer;
  }

  async #ask(lines: string): Promise<string | undefined> {
    const decoder = new StringDecoder("utf8");
    let text = "";
    const status = await this.#send("stderr", `{ ${lines}\n} </dev/null >&2 2>/dev/null\nkiln_status=0\n`, (bytes) => {
      text += decoder.write(bytes);
    });
    return status === undefined ? undefined : text + decoder.end();
  }

  close(): void {
    this.#stream.destroy();
    this.#end();
  }

  #send(output: OutputName, lines: string, receive: Receive): Promise<ShellStatus> {
    return new Promise((done) => {
      if (this.#isGone) return done(undefined);
      const word = `kiln-end-${this.#ids.alphanumeric(16)}`;
      this.#waiting.set(output, {
        mark: Buffer.from(`\0${word} `, "latin1"),
        held: Buffer.alloc(0),
        receive,
        done,
      });
      const to = output === "stdout" ? "" : " >&2";
      this.#stream.write(`${lines}printf '\\000${word} %s\\000' "$kiln_status"${to}\n`);
    });
  }

  async #read(): Promise<void> {
    const pieces: { output: OutputName; bytes: Buffer }[] = [];
    const demultiplexer = new Demultiplexer((output, bytes) => void pieces.push({ output, bytes }));
    try {
      for await (const chunk of this.#stream) {
        demultiplexer.push(chunk as Buffer);
        for (const { output, bytes } of pieces.splice(0)) {
          const held = this.#take(output, bytes);
          if (held instanceof Promise) await held;
        }
      }
    } catch {
      // The connection broke: the shell cannot be reached any more, whatever became of it.
    }
    this.#end();
  }

  #take(output: OutputName, bytes: Buffer): void | Promise<void> {
    const waiting = this.#waiting.get(output);
    if (!waiting) {
      // Nobody asked: a process left in the background writes.
      if (output === "stderr") this.#complaint = (this.#complaint + bytes.toString("utf8")).slice(-2000);
      return;
    }
    const all = waiting.held.length === 0 ? bytes : Buffer.concat([waiting.held, bytes]);
    const at = all.indexOf(waiting.mark);
    if (at !== -1) {
      const end = all.indexOf(0, at + waiting.mark.length);
      if (end !== -1) {
        this.#waiting.delete(output);
        const status = all.toString("latin1", at + waiting.mark.length, end);
        const finish = (): void => waiting.done(status);
        const held = at > 0 ? waiting.receive(all.subarray(0, at)) : undefined;
        return held instanceof Promise ? held.then(finish, finish) : finish();
      }
    }
    // What may be the beginning of the mark waits; only a null character can be one.
    const from = at !== -1 ? at : all.indexOf(0, Math.max(0, all.length - waiting.mark.length));
    const cut = from === -1 ? all.length : from;
    waiting.held = Buffer.from(all.subarray(cut));
    if (cut > 0) return waiting.receive(all.subarray(0, cut));
  }

  #end(): void {
    this.#isGone = true;
    for (const waiting of this.#waiting.values()) waiting.done(undefined);
    this.#waiting.clear();
  }
}
