/**
 * A connection to an engine, whatever its address: a socket, a TLS session, or the standard input and output of
 * `ssh … docker system dial-stdio`, which is how the docker CLI reaches an engine over ssh.
 * Source: https://docs.docker.com/engine/security/protect-access/#use-ssh-to-protect-the-docker-daemon-socket
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { connect, isIP } from "node:net";
import { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import type { EngineAddress } from "./engine-address.ts";

const SSH_CONNECT_SECONDS = 20;
/** Of what ssh says on standard error. */
const MAX_REASON_LENGTH = 2000;

/** Each side can be closed by itself. What goes wrong, also before the connection stands, is its `error`. */
export function connectEngine(address: EngineAddress): Duplex {
  switch (address.kind) {
    case "unix":
      return connect({ path: address.socketPath, allowHalfOpen: true });
    case "tcp": {
      const { host, port, tls } = address;
      if (!tls) return connect({ host, port, allowHalfOpen: true });
      const { verifies, ...files } = tls;
      // A server name is a name: for addresses the certificate is checked without one.
      const name = isIP(host) === 0 ? { servername: host } : {};
      return connectTls({ host, port, ...name, rejectUnauthorized: verifies, ...files });
    }
    case "ssh":
      return new SshConnection(sshArguments(address));
  }
}

/** Arguments of `ssh`: never asks anything, because a build has nobody to answer. */
export function sshArguments({ host, user, port, socketPath }: EngineAddress & { kind: "ssh" }): string[] {
  return [
    ...(user === undefined ? [] : ["-l", user]),
    ...(port === undefined ? [] : ["-p", String(port)]),
    ...["-o", `ConnectTimeout=${SSH_CONNECT_SECONDS}`, "-o", "BatchMode=yes", "-T", "--", host, "docker"],
    ...(socketPath === undefined ? [] : ["--host", `unix://${socketPath}`]),
    ...["system", "dial-stdio"],
  ];
}

/** A program's standard input and output as one stream; with the methods of a socket that node:http calls. */
class SshConnection extends Duplex {
  readonly #child: ChildProcessWithoutNullStreams;
  #reason = "";

  constructor(args: readonly string[]) {
    super({ allowHalfOpen: true });
    const child = spawn("ssh", args, { stdio: "pipe" });
    this.#child = child;
    child.on("error", (error) => this.destroy(new Error(`ssh: ${error.message}`)));
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#reason = (this.#reason + text).slice(-MAX_REASON_LENGTH);
    });
    child.stdout.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) child.stdout.pause();
    });
    // A program that ended reads no more: `close` has the reason.
    child.stdin.on("error", () => {});
    child.on("close", (exitCode) => {
      if (exitCode === 0 || exitCode === null) this.push(null);
      else this.destroy(new Error(`ssh: ${this.#reason.trim() || `exit status ${exitCode}`}`));
    });
  }

  override _read(): void {
    this.#child.stdout.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#child.stdin.write(chunk, () => done());
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#child.stdin.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#child.kill();
    done(error);
  }

  setKeepAlive(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  ref(): this {
    this.#child.ref();
    return this;
  }

  unref(): this {
    this.#child.unref();
    return this;
  }
}
