/**
 * The engine port: where the commands of a build run. Adapters: host.ts (this machine), sandbox/ (a copy-on-write view of
 * it), container/ (Docker and Podman), fake.ts (scripted, for tests). contract.ts is the suite each must pass.
 *
 * Life cycle: `provision` once per build where the engine has it, before the sources are there: it makes the place the
 * commands run in, and gives an `open` of its own. Then `open` once, with the build's variables; `run` any number of
 * times, one at a time; `close` exactly once, also after failures, and it must leave no process and no file behind. Closing
 * what was provisioned closes what was opened in it. Aborting `run`'s signal kills the command with its whole process
 * tree before the promise resolves. Adapters hold no rule about CodeBuild.
 */
import type { Result } from "../core/result.ts";
import type { Outcome } from "./outcome.ts";

export type EngineName = "host" | "sandbox" | "docker" | "podman" | "fake";

export interface EngineCapabilities {
  /** Commands see the machine's own tools rather than an image's. */
  readonly usesHostTools: boolean;
  /** Can run commands as another user than its own. */
  readonly runAs: boolean;
}

export interface Engine {
  readonly name: EngineName;
  readonly capabilities: EngineCapabilities;
  /** Why it cannot be used on this machine, in one sentence; undefined when it can. Absent: it always can be tried. */
  problem?(signal: AbortSignal): Promise<string | undefined>;
  /** One line for people about where commands run: begins with the engine's name. */
  describe?(): string;
  /** Makes the place the commands run in. Absent: it is this machine, and there is nothing to make. */
  provision?(spec: ProvisionSpec, signal: AbortSignal): Promise<Result<ProvisionedEnvironment, ProvisionFailure>>;
  /** For a build whose environment was not provisioned before; provisions one where that is needed. */
  open(spec: EnvironmentSpec, signal: AbortSignal): Promise<BuildEnvironment>;
  /** Ends and removes what a build left behind whose process died before `close`; the work folder stays. */
  reclaim(left: { readonly buildId: string; readonly workDir: string }): Promise<void>;
}

export interface ProvisionSpec {
  readonly buildId: string;
  /** As the project names it. */
  readonly image: string;
  /** See `EnvironmentSpec.workDir`; files in it have their place in the environment, see `toEnvironmentPath`. */
  readonly workDir: string;
  readonly privateDir?: string;
  /** Where the image comes from; absent: from the engine. */
  readonly images?: ImageSupply;
  /** What the build may use of the machine, at most; absent: all of it. */
  readonly limits?: { readonly cpus?: number; readonly memoryBytes: number };
  /** Address of Kiln, which commands must reach. */
  readonly endpointUrl?: string;
  /** Socket of this machine that answers as `/var/run/docker.sock` in the environment. */
  readonly dockerSocket?: string;
  /** Name of a folder that outlives the build, for all builds that give the same name; mounted at `cacheFolder`. */
  readonly cacheName?: string;
  onNotice?(level: "info" | "warning", text: string): void;
}

/** Images that the engine itself need not have, and the right to use those it has. */
export interface ImageSupply {
  /** Why the build may not have the image; undefined when it may. */
  refusal(image: string): Promise<string | undefined>;
  /** The image that stands for this one by the user's word; undefined: none. */
  mapped(image: string): string | undefined;
  /** The image from Kiln's registry; undefined when it is not there. Throws an error in the engine's own words. */
  find(image: string): Promise<SuppliedImage | undefined>;
  /** Whether the network may be asked for the image; a sentence in the engine's words why not. */
  pullRefusal(image: string): string | undefined;
  /** For the registry of the image on the network. */
  readonly credentials?: { readonly username: string; readonly password: string };
}

export interface SuppliedImage {
  /** Digest of its configuration: the id that Docker gives it. */
  readonly id: string;
  /** As `docker save` writes it. */
  archive(name: string): AsyncIterable<Buffer>;
  close(): void;
}

/** Why there is no environment. The codes are CodeBuild's. */
export interface ProvisionFailure {
  readonly statusCode: string;
  readonly message: string;
}

/** Where something of this machine is in the environment, and the other way round. */
export interface EnvironmentPaths {
  /** Path that commands use for a path on this machine; itself where both are the same. */
  toEnvironmentPath(hostPath: string): string;
  /** Path on this machine for an absolute path of the environment, whether or not something is there. */
  toHostPath(environmentPath: string): string;
}

/** An environment in which nothing runs yet. */
export interface ProvisionedEnvironment extends EnvironmentPaths {
  /** Kiln's address as commands reach it. */
  readonly endpointUrl: string;
  /** Absent: commands see this machine's files. */
  readonly files?: EnvironmentFiles;
  /** With `toHostPath` that is not the same path, though `files` is absent: what commands see there. */
  readonly outside?: OutsideFiles;
  /**
   * The engine's own path for a folder or file of the build, links resolved, for containers beside this one; undefined for
   * any other. `makes`: a missing folder is made. With `enginePath`, an earlier answer, it says what is at that place now.
   */
  readonly sharedPath?: (
    asked: { readonly path: string; readonly makes: boolean } | { readonly enginePath: string },
  ) => Promise<string | undefined>;
  /** Call once. */
  open(spec: EnvironmentSpec, signal: AbortSignal): Promise<BuildEnvironment>;
  /** Ends and removes everything; also what `open` gave. May be called again. */
  close(): Promise<void>;
}

/** Files of an environment that does not share this machine's. All paths are the environment's. */
export interface EnvironmentFiles {
  /** Unpacks a tar at `/`. */
  put(tar: AsyncIterable<Buffer>, signal: AbortSignal): Promise<void>;
  /** A tar of one file or folder, its entries named from the path's last part on; undefined where nothing is. */
  get(path: string, signal: AbortSignal): Promise<AsyncIterable<Buffer> | undefined>;
  /** What a few lines for `sh` print; they use builtins only. Not while a command runs, and after `open`. */
  evaluate(lines: string): Promise<string>;
  /** Folder that `ProvisionSpec.cacheName` names; absent: none was asked for. */
  readonly cacheFolder?: string;
}

/**
 * Files outside the folders that an environment shares with this machine. Their place on this machine (`toHostPath`) is
 * where a copy may be put; nothing that runs in the environment reaches it.
 */
export interface OutsideFiles extends Pick<EnvironmentFiles, "get"> {
  /** Where a path leads, links resolved as commands see them; undefined where they see no folder. */
  realFolder(path: string): Promise<string | undefined>;
}

export interface EnvironmentSpec {
  readonly buildId: string;
  /** Image of the project; ignored by engines that use the host's tools. */
  readonly image: string;
  /** Folder on this machine for everything of this build; exists, empty, private (0700). */
  readonly workDir: string;
  /** Folder with the build's secrets; goes away with the build's processes when Kiln is killed. */
  readonly privateDir?: string;
  /** Environment of every command. Secrets included: never printed, never passed in argv. */
  readonly variables: Readonly<Record<string, string>>;
  /** Folders put before the engine's PATH, on this machine. */
  readonly pathPrefix: readonly string[];
  /**
   * Further folders of this machine that commands must reach at the same path, and folders of `workDir` that they may only
   * read; for engines that show the machine's files.
   */
  readonly sharedFolders?: readonly { readonly path: string; readonly isReadOnly: boolean }[];
}

export interface BuildEnvironment {
  /** Runs one script file's text with `shell` (`sh` or `bash`). Output arrives in order, stdout and stderr merged. */
  run(command: CommandSpec): Promise<Outcome>;
  /** Why commands cannot run as this user of the environment; undefined when they can. */
  userProblem(user: string): Promise<UserProblem | undefined>;
  /** Path that commands use for a path on this machine (identity on the host engine). */
  toEnvironmentPath(hostPath: string): string;
  /** Absent: commands see this machine's files. */
  readonly files?: EnvironmentFiles;
  /** Absent: all that commands see is this machine's, and at the same path. */
  readonly outside?: (OutsideFiles & EnvironmentPaths) | undefined;
  close(): Promise<void>;
}

export type UserProblem =
  /** There is no user of that name. */
  | { readonly kind: "unknown" }
  /** The engine has not the rights to run as somebody else. */
  | { readonly kind: "not-permitted"; readonly runsAs: string };

export interface CommandSpec {
  readonly shell: "sh" | "bash";
  /** The whole script, from its first line. */
  readonly script: string;
  /** Where the script is written and run from, e.g. `<work>/codebuild/output/tmp/script.sh`. A path of the environment. */
  readonly scriptPath: string;
  readonly workingDirectory: string;
  /** Added to the environment's variables for this command. */
  readonly variables?: Readonly<Record<string, string>>;
  /** The script brings the environment's variables with it: only what it cannot bring is given to it. */
  readonly bringsVariables?: boolean;
  /** Runs as this user of the environment; `userProblem` was asked first. */
  readonly user?: string;
  /** Folder whose files the command reads and writes whoever it runs as: nobody else gets to read it. */
  readonly stateFolder?: string;
  /** Folder that a `user` may read and run programs from. */
  readonly readableFolder?: string;
  /** A returned promise holds back further output until it settles. */
  onOutput(chunk: Buffer): void | Promise<void>;
  readonly signal: AbortSignal;
}
