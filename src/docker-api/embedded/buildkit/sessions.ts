/**
 * Sessions of BuildKit clients: a connection the other way round, in which a build asks its client for the context, for
 * secrets, and for a place to put results. It comes as `POST /session` with `Upgrade: h2c`, or inside a Control.Session
 * call; what it serves is told in `X-Docker-Expose-Session-*` headers.
 * Source: BuildKit's session package; https://github.com/moby/buildkit/blob/master/docs/dev/request-lifecycle.md
 */
import { Duplex } from "node:stream";
import { type Clock, sleep } from "../../../core/clock.ts";
import type { RegistryCredentials } from "../../../images/registry-client.ts";
import { GrpcClient } from "./grpc-client.ts";
import { CODE, GrpcError } from "./grpc-frames.ts";
import type { GrpcCall } from "./grpc-server.ts";
import {
  BytesMessage,
  CredentialsRequest,
  CredentialsResponse,
  GetSecretRequest,
  GetSecretResponse,
} from "./messages.ts";

/** How long a build waits for its client's session, as BuildKit does. */
const WAIT_MS = 5_000;
const MAX_SESSIONS = 256;
const CREDENTIALS = "/moby.filesync.v1.Auth/Credentials";
const GET_SECRET = "/moby.buildkit.secrets.v1.Secrets/GetSecret";

type Headers = Readonly<Record<string, string | string[] | undefined>>;

export class ClientSession {
  readonly id: string;
  readonly grpc: GrpcClient;
  readonly #methods: ReadonlySet<string>;

  constructor(id: string, methods: readonly string[], socket: Duplex) {
    this.id = id;
    this.#methods = new Set(methods.map((method) => method.toLowerCase()));
    this.grpc = new GrpcClient(socket);
  }

  supports(method: string): boolean {
    return this.#methods.has(method.toLowerCase());
  }

  /** A secret's bytes, or undefined when the client has none of that id. */
  async secret(id: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
    if (!this.supports(GET_SECRET)) return undefined;
    try {
      const types = { request: GetSecretRequest, response: GetSecretResponse };
      return (await this.grpc.unary(GET_SECRET, types, { id }, signal)).data;
    } catch (error) {
      if (error instanceof GrpcError && error.code === CODE.notFound) return undefined;
      throw error;
    }
  }

  /** The login that the client has for a registry. Never shown. */
  async credentials(host: string, signal: AbortSignal): Promise<RegistryCredentials | undefined> {
    if (!this.supports(CREDENTIALS)) return undefined;
    const types = { request: CredentialsRequest, response: CredentialsResponse };
    const { username, secret } = await this.grpc.unary(CREDENTIALS, types, { host }, signal);
    return { username, password: secret };
  }
}

export class Sessions {
  readonly #sessions = new Map<string, ClientSession>();
  readonly #arrivals = new Set<() => void>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes a client's connection as its session until it ends. */
  add(headers: Headers, socket: Duplex): ClientSession {
    const id = listOf(headers, "x-docker-expose-session-uuid")[0];
    if (id === undefined) throw new GrpcError(CODE.invalidArgument, "a session has no id");
    if (this.#sessions.has(id)) throw new GrpcError(CODE.invalidArgument, `session ${id} already exists`);
    if (this.#sessions.size >= MAX_SESSIONS) throw new GrpcError(CODE.resourceExhausted, "too many sessions");
    const session = new ClientSession(id, listOf(headers, "x-docker-expose-session-grpc-method"), socket);
    this.#sessions.set(id, session);
    void session.grpc.closed.then(() => this.#sessions.delete(id));
    for (const arrived of this.#arrivals) arrived();
    return session;
  }

  /** The session of that id, waiting for it a while: a client opens it and asks for the build at the same time. */
  async wait(id: string, signal: AbortSignal): Promise<ClientSession> {
    const over = new AbortController();
    const ended = AbortSignal.any([signal, over.signal]);
    const timeout = sleep(this.#clock, WAIT_MS, ended).then(
      () => true,
      () => true,
    );
    try {
      for (;;) {
        const session = this.#sessions.get(id);
        if (session) return session;
        let arrived: () => void = () => undefined;
        const arrival = new Promise<boolean>((resolve) => {
          arrived = () => resolve(false);
          this.#arrivals.add(arrived);
        });
        const isLate = await Promise.race([arrival, timeout]);
        this.#arrivals.delete(arrived);
        signal.throwIfAborted();
        if (isLate) throw new GrpcError(CODE.unknown, `no active session for ${id}: context deadline exceeded`);
      }
    } finally {
      over.abort();
    }
  }

  close(): void {
    for (const session of this.#sessions.values()) session.grpc.close();
  }
}

/** The connection inside a Control.Session call. */
export function sessionStream(call: GrpcCall): Duplex {
  const incoming = call.requests[Symbol.asyncIterator]();
  return new Duplex({
    allowHalfOpen: false,
    read() {
      const pull = async (): Promise<void> => {
        for (;;) {
          const { value, done } = await incoming.next();
          if (done) return void this.push(null);
          const { data } = BytesMessage.decode(value);
          // An empty chunk would not ask for the next one.
          if (data.length > 0) return void this.push(data);
        }
      };
      pull().catch(() => this.destroy());
    },
    write(chunk: Buffer, _encoding, callback) {
      call.send(BytesMessage.encode({ data: chunk })).then(
        () => callback(),
        () => {
          callback();
          this.destroy();
        },
      );
    },
  });
}

/** Values of a header that may repeat: Node joins them, gRPC keeps them apart. */
function listOf(headers: Headers, name: string): string[] {
  const value = headers[name];
  const all = Array.isArray(value) ? value : value === undefined ? [] : [value];
  return all.flatMap((each) => each.split(/,\s*/)).filter((each) => each !== "");
}
