/**
 * The containers of a build: made, started, stopped, removed. All of them end, and are removed, with the build.
 * Life cycle: create → (attach, wait) → start → exit → start again, or remove.
 * Unlike docker's, the first process of a container is a shell of ours that waits for the command (as with `--init`): signals
 * go to the command, which therefore ends on SIGTERM unless it handles it.
 */
import { chmod, mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, MINUTE_MS, sleep } from "../../../core/clock.ts";
import type { Ids } from "../../../core/ids.ts";
import { debug } from "../../../core/log.ts";
import { sendSignal } from "../../../core/process-table.ts";
import type { LayerStore } from "../../../images/layer-store.ts";
import { removeTree } from "../../../images/remove-tree.ts";
import { ApiError } from "../api.ts";
import type { ExtraHost } from "../build/build-request.ts";
import type { Isolation } from "../isolation.ts";
import { hostsText } from "../namespace.ts";
import type { Networks } from "../networks/networks.ts";
import type { EventLog } from "../system/event-log.ts";
import type { Volumes } from "../volumes/volumes.ts";
import { Container, type ContainerRun, type ContainerSpec } from "./container.ts";
import { commandBelow, processesOf, signalOf } from "./container-processes.ts";
import { Execs } from "./execs.ts";
import { exitCodeOfRefusal } from "./find-command.ts";
import { watchHealth } from "./health.ts";
import { startProcess } from "./start-process.ts";

export interface ContainersDeps {
  readonly store: LayerStore;
  readonly isolation: Isolation;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly networks: Networks;
  readonly volumes: Volumes;
  readonly events: EventLog;
}

/** How long a command is looked for after it was let go. */
const COMMAND_TRIES = 50;
const COMMAND_WAIT_MS = 10;
const FIRST_RESTART_MS = 100;
const LAST_RESTART_MS = MINUTE_MS;
const DEFAULT_STOP_SECONDS = 10;

export class Containers {
  readonly #deps: ContainersDeps;
  readonly #containers = new Map<string, Container>();
  readonly #taken = new Set<string>();
  /** Removals that go on. */
  readonly #removing = new Map<string, Promise<void>>();
  /** What stands in the hosts file of each. */
  readonly #hosts = new WeakMap<ContainerRun, string>();
  readonly execs: Execs;
  #isClosed = false;

  constructor(deps: ContainersDeps) {
    this.#deps = deps;
    this.execs = new Execs(deps);
  }

  /** Newest first, as docker lists them. */
  list(): Container[] {
    return [...this.#containers.values()].reverse();
  }

  /** By id, name, or beginning of an id that only one has. */
  find(name: string): Container | undefined {
    const all = this.list();
    const bare = name.replace(/^\//, "");
    const exact = this.#containers.get(bare) ?? all.find((container) => container.name === bare);
    if (exact || !/^[a-f0-9]+$/.test(bare)) return exact;
    const matches = all.filter((container) => container.id.startsWith(bare));
    return matches.length === 1 ? matches[0] : undefined;
  }

  async create(spec: ContainerSpec): Promise<Container> {
    if (this.#isClosed) throw new ApiError(500, "the build is over");
    const { store, ids, clock, events } = this.#deps;
    const id = ids.bytes(32).toString("hex");
    const name = spec.name || this.#freeName();
    this.#takeName(name, id);
    try {
      const stateDir = await store.temporary();
      const upperDir = join(stateDir, "d");
      await mkdir(upperDir);
      await chmod(upperDir, 0o755);
      const container = new Container(id, { ...spec, name }, clock.nowMs(), { stateDir, upperDir });
      this.#containers.set(id, container);
      for (const { volume } of spec.mounts) volume?.users.add(id);
      events.add("container", "create", id, attributesOf(container));
      return container;
    } catch (error) {
      this.#taken.delete(name);
      throw error;
    }
  }

  rename(container: Container, name: string): void {
    this.#takeName(name, container.id);
    this.#taken.delete(container.name);
    container.name = name;
    this.#deps.events.add("container", "rename", container.id, attributesOf(container));
  }

  /** Resolves when the process runs; false when it did before. Throws with docker's text when it cannot. */
  async start(container: Container): Promise<boolean> {
    if (container.starting !== undefined) {
      await container.starting;
      return false;
    }
    if (container.isRunning) return false;
    if (container.status === "removing")
      throw new ApiError(409, "container is marked for removal and cannot be started");
    container.wasStopped = false;
    container.starting = this.#start(container).finally(() => {
      container.starting = undefined;
    });
    await container.starting;
    return true;
  }

  /** Sends a signal to the command; KILL ends everything. */
  async kill(container: Container, signalText: string): Promise<void> {
    const signal = signalOf(signalText === "" ? "KILL" : signalText);
    const run = this.#runOf(container, `cannot kill container: ${container.id}`);
    container.wasStopped = true;
    this.#deps.events.add("container", "kill", container.id, { ...attributesOf(container), signal });
    if (signal === "SIGKILL") {
      const ended = container.nextExit();
      run.stop.abort();
      await ended;
      return;
    }
    const pid = await this.#command(container, run);
    if (pid !== undefined) sendSignal(pid, signal);
  }

  /** False when it was not running. */
  async stop(container: Container, options: { seconds?: number | undefined; signal?: string } = {}): Promise<boolean> {
    container.wasStopped = true;
    const { run } = container;
    if (!container.isRunning || !run) return false;
    const { config } = container.spec;
    const signal = signalOf(options.signal || config.StopSignal || "TERM");
    const seconds = options.seconds ?? config.StopTimeout ?? DEFAULT_STOP_SECONDS;
    const exit = container.nextExit();
    const pid = await this.#command(container, run);
    if (pid !== undefined) sendSignal(pid, signal);
    const grace = new AbortController();
    const isOver = exit.then(() => true);
    const waited = sleep(this.#deps.clock, seconds < 0 ? Number.MAX_SAFE_INTEGER : seconds * 1000, grace.signal);
    try {
      if (!(await Promise.race([isOver, waited.then(() => false).catch(() => true)]))) run.stop.abort();
      await exit;
    } finally {
      grace.abort();
    }
    this.#deps.events.add("container", "stop", container.id, attributesOf(container));
    return true;
  }

  /** Ids of what runs in it; empty when nothing does. */
  async processes(container: Container): Promise<number[]> {
    const place = container.run?.place;
    return place?.isThere() ? processesOf(place.initPid) : [];
  }

  /** The command's process as this machine counts, for terminals and inspect. */
  commandPid(container: Container): number | undefined {
    const place = container.run?.place;
    return place?.isThere() ? commandBelow(place.initPid, container.spec.config.Tty === true) : undefined;
  }

  /** Ends it when it runs, and removes what it wrote; with its anonymous volumes when asked. */
  remove(container: Container, removesVolumes: boolean): Promise<void> {
    const known = this.#removing.get(container.id);
    if (known !== undefined) return known;
    const removing = this.#remove(container, removesVolumes).finally(() => this.#removing.delete(container.id));
    this.#removing.set(container.id, removing);
    return removing;
  }

  /** Gives running containers the names of those on their networks; those of no network that has names keep theirs. */
  async writeHosts(): Promise<void> {
    const { networks } = this.#deps;
    for (const container of this.#containers.values()) {
      const { run } = container;
      if (!run || !networks.of(container.id).some((network) => networks.isNamed(network))) continue;
      const text = hostsText(this.#hostsOf(container));
      if (this.#hosts.get(run) === text) continue;
      this.#hosts.set(run, text);
      // Gone when the container ends meanwhile.
      await overwrite(run.place.hostsFile, text).catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.list().map((container) => container.starting));
    await Promise.allSettled(this.list().map((container) => this.remove(container, true)));
    await Promise.allSettled(this.#removing.values());
  }

  async #start(container: Container): Promise<void> {
    if (this.#isClosed) throw new ApiError(500, "the build is over");
    const { networks, clock, events } = this.#deps;
    let run: ContainerRun;
    const hosts = this.#hostsOf(container);
    try {
      run = await startProcess(this.#deps, container, hosts);
    } catch (error) {
      container.error = (error as Error).message;
      container.exitCode = exitCodeOfRefusal(container.error);
      // Removal waits for a start that goes on, and this one is over.
      container.starting = undefined;
      if (container.spec.removesItself) await this.remove(container, true).catch(() => undefined);
      throw error;
    }
    this.#hosts.set(run, hostsText(hosts));
    container.run = run;
    container.status = "running";
    container.error = "";
    container.exitCode = 0;
    container.startedMs = clock.nowMs();
    const { child, outputs } = run;
    container.hub.from(outputs);
    for (const [index, source] of outputs.entries()) {
      const stream = index === 0 ? 1 : 2;
      source.on("data", (chunk: Buffer) => {
        container.log.add(stream, chunk, clock.nowMs());
        container.hub.write(stream, chunk);
      });
      source.on("error", () => undefined);
      source.resume();
    }
    child.stdin?.on("error", () => undefined);
    for (const input of container.inputs) this.feed(container, input);
    networks.setActive(container.id, true);
    events.add("container", "start", container.id, attributesOf(container));
    const stopWatching = watchHealth(this.#deps, this.execs, container);
    run.ended
      .catch(() => 128)
      .then(async (exitCode) => {
        stopWatching();
        await this.#ended(container, exitCode);
      })
      .catch((error: unknown) => debug("docker", () => `the end of a container failed: ${(error as Error).stack}`));
    await this.writeHosts();
  }

  /** Leads a client's input to the process, now or when it starts. */
  feed(container: Container, input: NodeJS.ReadableStream): void {
    container.inputs.add(input);
    const stdin = container.run?.child.stdin;
    if (!stdin) return;
    // The process reads the end of its input when its first client has no more, if it was made so.
    input.pipe(stdin, { end: container.spec.config.StdinOnce === true });
    input.on("close", () => {
      container.inputs.delete(input);
      if (container.spec.config.StdinOnce) stdin.end();
    });
  }

  async #ended(container: Container, exitCode: number): Promise<void> {
    const { clock, networks, events } = this.#deps;
    container.run = undefined;
    container.exitCode = exitCode;
    container.finishedMs = clock.nowMs();
    container.log.end(clock.nowMs());
    container.inputs.clear();
    networks.setActive(container.id, false);
    if (container.status !== "removing") container.status = "exited";
    container.hub.end();
    events.add("container", "die", container.id, { ...attributesOf(container), exitCode: String(exitCode) });
    container.exited();
    if (container.status === "removing" || this.#isClosed) return;
    if (container.spec.removesItself) await this.remove(container, true);
    else if (this.#restarts(container)) await this.#restart(container);
  }

  #restarts(container: Container): boolean {
    const { policy, maximum } = container.spec.restart;
    if (policy === "no" || container.wasStopped) return false;
    if (policy !== "on-failure") return true;
    return container.exitCode !== 0 && (maximum === 0 || container.restartCount < maximum);
  }

  async #restart(container: Container): Promise<void> {
    const delayMs = Math.min(LAST_RESTART_MS, FIRST_RESTART_MS * 2 ** Math.min(container.restartCount, 16));
    container.status = "restarting";
    await sleep(this.#deps.clock, delayMs);
    if (container.status !== "restarting" || container.wasStopped || this.#isClosed) {
      if (container.status === "restarting") container.status = "exited";
      return;
    }
    container.restartCount++;
    container.status = "exited";
    await this.start(container).catch(() => undefined);
  }

  async #remove(container: Container, removesVolumes: boolean): Promise<void> {
    await container.starting?.catch(() => undefined);
    container.wasStopped = true;
    container.status = "removing";
    const { run } = container;
    if (run) {
      const exit = container.nextExit();
      run.stop.abort();
      await exit;
    }
    this.execs.forgetOf(container.id);
    const { networks, volumes, events } = this.#deps;
    for (const network of networks.of(container.id)) networks.leave(network, container.id);
    for (const { volume } of container.spec.mounts) {
      if (!volume) continue;
      volume.users.delete(container.id);
      if (removesVolumes && volume.isAnonymous && volume.users.size === 0) await volumes.remove(volume);
    }
    await removeTree(container.stateDir);
    this.#containers.delete(container.id);
    this.#taken.delete(container.name);
    events.add("container", "destroy", container.id, attributesOf(container));
    container.removed();
    if (!this.#isClosed) await this.writeHosts();
  }

  #hostsOf(container: Container): ExtraHost[] {
    const { networks } = this.#deps;
    const own = container.spec.config.Hostname || container.id.slice(0, 12);
    const names = new Set([own]);
    for (const network of networks.of(container.id)) {
      if (!networks.isNamed(network)) continue;
      for (const [id, { aliases }] of network.members) {
        const name = this.#containers.get(id)?.name;
        for (const alias of [...(name === undefined ? [] : [name]), ...aliases]) names.add(alias);
      }
    }
    return [...[...names].map((name) => ({ name, address: "127.0.0.1" })), ...container.spec.extraHosts];
  }

  #runOf(container: Container, what: string): ContainerRun {
    if (container.run && container.isRunning) return container.run;
    throw new ApiError(409, `${what}: container ${container.id} is not running`);
  }

  /** It is let go a moment before it is there. */
  async #command(container: Container, run: ContainerRun): Promise<number | undefined> {
    for (let tries = 0; tries < COMMAND_TRIES && container.run === run; tries++) {
      const pid = this.commandPid(container);
      if (pid !== undefined) return pid;
      await sleep(this.#deps.clock, COMMAND_WAIT_MS);
    }
    return undefined;
  }

  #takeName(name: string, id: string): void {
    if (!/^\/?[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name))
      throw new ApiError(400, `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
    const other = this.list().find((container) => container.name === name);
    if (this.#taken.has(name))
      throw new ApiError(
        409,
        `Conflict. The container name "/${name}" is already in use by container "${other?.id ?? id}". You have to remove (or rename) that container to be able to reuse that name.`,
      );
    this.#taken.add(name);
  }

  #freeName(): string {
    return `kiln_${this.#deps.ids.bytes(6).toString("hex")}`;
  }
}

/** In place, for the file is mounted, and never empty on the way, for somebody may be reading it. */
async function overwrite(path: string, text: string): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.write(text, 0);
    await file.truncate(Buffer.byteLength(text));
  } finally {
    await file.close();
  }
}

/** What events say of a container. */
export const attributesOf = (container: Container): Record<string, string> => ({
  ...container.spec.config.Labels,
  image: container.spec.imageName,
  name: container.name,
});
