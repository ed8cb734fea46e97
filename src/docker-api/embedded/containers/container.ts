/** One container: what it was made of, its state, and what runs in it. */
import type { ChildProcess } from "node:child_process";
import type { Image, RunConfig } from "../../../images/image.ts";
import type { ExtraHost, Ulimit } from "../build/build-request.ts";
import type { InnerCommand } from "../inner-command.ts";
import type { ContainerPlace, Started } from "../namespace.ts";
import type { Volume } from "../volumes/volumes.ts";
import { ContainerLog } from "./container-log.ts";
import { OutputHub } from "./output-hub.ts";

/** Wire shape: the `Config` of a container. */
export interface ContainerConfig extends RunConfig {
  Hostname?: string;
  Domainname?: string;
  AttachStdin?: boolean;
  AttachStdout?: boolean;
  AttachStderr?: boolean;
  Tty?: boolean;
  OpenStdin?: boolean;
  StdinOnce?: boolean;
  Image?: string;
  StopTimeout?: number;
}

export interface ContainerMount {
  readonly kind: "bind" | "volume";
  /** Folder or file on this machine. */
  readonly source: string;
  readonly target: string;
  readonly isReadOnly: boolean;
  readonly volume?: Volume;
}

export interface PublishedPort {
  /** `80/tcp` */
  readonly port: string;
  /** Undefined: one that is free. */
  readonly hostPort: number | undefined;
}

export type RestartPolicy = "no" | "always" | "unless-stopped" | "on-failure";

export interface ContainerSpec {
  readonly name: string;
  readonly image: Image;
  /** As asked for. */
  readonly imageName: string;
  readonly config: ContainerConfig;
  /** Wire shape, shown by inspect. */
  readonly hostConfig: Readonly<Record<string, unknown>>;
  readonly removesItself: boolean;
  readonly network: "host" | "none";
  readonly networkMode: string;
  readonly mounts: readonly ContainerMount[];
  readonly tmpfs: readonly { readonly target: string; readonly options: string }[];
  readonly isReadOnly: boolean;
  readonly extraHosts: readonly ExtraHost[];
  readonly ulimits: readonly Ulimit[];
  readonly shmSizeBytes: number | undefined;
  readonly droppedCapabilities: readonly string[];
  readonly noNewPrivileges: boolean;
  readonly ports: readonly PublishedPort[];
  readonly restart: { readonly policy: RestartPolicy; readonly maximum: number };
}

/** From one start to its end. */
export interface ContainerRun {
  readonly child: ChildProcess;
  readonly outputs: Started["outputs"];
  readonly place: ContainerPlace;
  /** What was started: exec takes user and variables from it. */
  readonly command: InnerCommand;
  /** Kills everything in it. */
  readonly stop: AbortController;
  /** Host ports by `80/tcp`. */
  readonly hostPorts: ReadonlyMap<string, number>;
  readonly ended: Promise<number>;
}

export type ContainerStatus = "created" | "running" | "restarting" | "exited" | "removing";

export class Container {
  readonly id: string;
  readonly spec: ContainerSpec;
  readonly createdMs: number;
  /** Holds `d`, what the container wrote, between its starts too. */
  readonly stateDir: string;
  readonly upperDir: string;
  readonly log = new ContainerLog();
  readonly hub: OutputHub;
  name: string;
  status: ContainerStatus = "created";
  run: ContainerRun | undefined;
  /** While it starts. */
  starting: Promise<void> | undefined;
  exitCode = 0;
  error = "";
  startedMs: number | undefined;
  finishedMs: number | undefined;
  restartCount = 0;
  /** Stop and kill switch the restart policy off. */
  wasStopped = false;
  health: { status: "starting" | "healthy" | "unhealthy"; failures: number; log: HealthResult[] } | undefined;
  /** Clients whose input goes to the process, before and after it starts. */
  readonly inputs = new Set<NodeJS.ReadableStream>();
  readonly #exits = new Set<(exitCode: number) => void>();
  readonly #removals = new Set<(exitCode: number) => void>();
  isRemoved = false;

  constructor(id: string, spec: ContainerSpec, createdMs: number, dirs: { stateDir: string; upperDir: string }) {
    this.id = id;
    this.spec = spec;
    this.createdMs = createdMs;
    this.stateDir = dirs.stateDir;
    this.upperDir = dirs.upperDir;
    this.name = spec.name;
    this.hub = new OutputHub(spec.config.Tty === true);
  }

  get isRunning(): boolean {
    return this.status === "running";
  }

  /** Resolves with the exit code of the end that comes next. */
  nextExit(): Promise<number> {
    return new Promise((resolve) => this.#exits.add(resolve));
  }

  removal(): Promise<number> {
    return new Promise((resolve) => {
      if (this.isRemoved) resolve(this.exitCode);
      else this.#removals.add(resolve);
    });
  }

  exited(): void {
    for (const resolve of this.#exits) resolve(this.exitCode);
    this.#exits.clear();
  }

  removed(): void {
    this.isRemoved = true;
    this.exited();
    for (const resolve of this.#removals) resolve(this.exitCode);
    this.#removals.clear();
  }
}

/** Wire shape. */
export interface HealthResult {
  Start: string;
  End: string;
  ExitCode: number;
  Output: string;
}
