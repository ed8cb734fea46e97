/**
 * Containers of the embedded builder: one process in a namespace each, for `docker run` in a build.
 * Life cycle: create → (attach, wait) → start → ended → remove; all of them end with the build.
 * Gaps: no terminal, no resource limits, no networks, no exec; the host's network is used.
 */
import type { ChildProcess } from "node:child_process";
import { chmod, mkdir } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import type { Clock } from "../../core/clock.ts";
import type { Ids } from "../../core/ids.ts";
import { DEFAULT_PATH, environmentOf, type Image, type RunConfig } from "../../images/image.ts";
import type { LayerStore } from "../../images/layer-store.ts";
import { removeTree } from "../../images/remove-tree.ts";
import { imageUser } from "./image-user.ts";
import { type Isolation, startInNamespace } from "./namespace.ts";

export interface ContainerSpec {
  readonly name: string;
  readonly image: Image;
  readonly imageName: string;
  readonly config: RunConfig;
  readonly opensStdin: boolean;
  readonly removesItself: boolean;
  readonly network: "host" | "none";
  readonly binds: readonly { readonly source: string; readonly target: string; readonly isReadOnly: boolean }[];
}

export interface Container extends ContainerSpec {
  readonly id: string;
  readonly createdMs: number;
  isRunning: boolean;
  hasStarted: boolean;
  exitCode: number;
  child: ChildProcess | undefined;
  /** Multiplexed output so far, for logs. */
  readonly output: Buffer[];
  readonly attached: Set<Duplex>;
  readonly stop: AbortController;
  readonly ended: Promise<number>;
  end(exitCode: number): void;
  removed: boolean;
}

const MAX_LOG_BYTES = 16 * 1024 * 1024;

export class Containers {
  readonly #deps: {
    readonly store: LayerStore;
    readonly isolation: Isolation;
    readonly clock: Clock;
    readonly ids: Ids;
  };
  readonly #containers = new Map<string, Container>();

  constructor(deps: {
    readonly store: LayerStore;
    readonly isolation: Isolation;
    readonly clock: Clock;
    readonly ids: Ids;
  }) {
    this.#deps = deps;
  }

  list(): Container[] {
    return [...this.#containers.values()];
  }

  find(name: string): Container | undefined {
    return this.list().find((container) => container.id.startsWith(name) || container.name === name.replace(/^\//, ""));
  }

  create(spec: ContainerSpec): Container {
    let end: (exitCode: number) => void = () => undefined;
    const ended = new Promise<number>((resolve) => {
      end = resolve;
    });
    const id = this.#deps.ids.bytes(32).toString("hex");
    const container: Container = {
      ...spec,
      name: spec.name || `kiln_${id.slice(0, 8)}`,
      ...{
        id,
        createdMs: this.#deps.clock.nowMs(),
        isRunning: false,
        hasStarted: false,
        exitCode: 0,
        child: undefined,
      },
      ...{ output: [], attached: new Set<Duplex>(), stop: new AbortController(), ended, end, removed: false },
    };
    this.#containers.set(id, container);
    return container;
  }

  /** Resolves when the process runs. Throws with docker's text when it cannot. */
  async start(container: Container): Promise<void> {
    const { store, isolation } = this.#deps;
    if (isolation.kind === "none")
      throw new Error(`docker run needs Linux namespaces, which this machine does not give (${isolation.reason})`);
    const { config, image } = container;
    const root = store.root(image.layers);
    const user = await imageUser(root, config.User ?? "");
    const argv = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
    if (argv.length === 0) throw new Error("no command specified");
    const holder = await store.temporary();
    const upper = join(holder, "d");
    await mkdir(upper);
    await chmod(upper, 0o755);
    const { child, ended } = await startInNamespace(store, isolation, {
      lowerDirs: [...image.layers].reverse().map((layer) => store.layerDir(layer)),
      upperDir: upper,
      argv,
      environment: {
        PATH: DEFAULT_PATH,
        HOSTNAME: container.id.slice(0, 12),
        HOME: user.home,
        ...environmentOf(config),
      },
      workingDirectory: config.WorkingDir || "/",
      ...{ uid: user.uid, gid: user.gid, network: container.network, binds: container.binds },
      stdin: container.opensStdin ? "pipe" : "ignore",
      signal: container.stop.signal,
    });
    container.child = child;
    container.isRunning = true;
    container.hasStarted = true;
    child.stdout?.on("data", (chunk: Buffer) => this.#output(container, 1, chunk));
    child.stderr?.on("data", (chunk: Buffer) => this.#output(container, 2, chunk));
    child.stdin?.on("error", () => undefined);
    for (const client of container.attached) this.#feed(container, client);
    ended
      .catch(() => 127)
      .then(async (exitCode) => {
        container.isRunning = false;
        container.exitCode = exitCode;
        for (const client of container.attached) client.end();
        await removeTree(holder);
        if (container.removesItself) this.remove(container);
        container.end(exitCode);
      })
      .catch(() => container.end(125));
  }

  /** Sends output from now on to the client, and its input to the process. */
  attach(container: Container, client: Duplex): void {
    container.attached.add(client);
    client.on("close", () => container.attached.delete(client));
    client.on("error", () => container.attached.delete(client));
    if (container.hasStarted) this.#feed(container, client);
  }

  /** `POST /containers/{id}/attach` with `Connection: Upgrade`. */
  attachUpgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    const id = /\/containers\/([^/]+)\/attach/.exec(incoming.url ?? "")?.[1];
    const container = id === undefined ? undefined : this.find(decodeURIComponent(id));
    if (!container) {
      const body = JSON.stringify({ message: `No such container: ${id}` });
      socket.end(
        `HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
      return;
    }
    socket.write(
      "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n",
    );
    if (head.length > 0) socket.unshift(head);
    this.attach(container, socket);
  }

  async kill(container: Container, signal: string): Promise<void> {
    if (!container.isRunning) return;
    // The process is number 1 of its namespace and ignores what it does not handle: only KILL is sure, so it is what is sent.
    if (signal !== "0") container.stop.abort();
    await container.ended;
  }

  remove(container: Container): void {
    container.removed = true;
    this.#containers.delete(container.id);
  }

  async close(): Promise<void> {
    const running = this.list().filter((container) => container.isRunning);
    for (const container of running) container.stop.abort();
    await Promise.all(running.map((container) => container.ended));
  }

  #feed(container: Container, client: Duplex): void {
    if (container.opensStdin && container.child?.stdin) client.pipe(container.child.stdin);
    else client.resume();
  }

  #output(container: Container, stream: 1 | 2, chunk: Buffer): void {
    const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
    header.writeUInt32BE(chunk.length, 4);
    const frame = Buffer.concat([header, chunk]);
    container.output.push(frame);
    let total = container.output.reduce((sum, part) => sum + part.length, 0);
    while (total > MAX_LOG_BYTES) total -= container.output.shift()?.length ?? total;
    for (const client of container.attached) client.write(frame);
  }
}
