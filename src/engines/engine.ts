/**
 * The engine port: where the commands of a build run. Adapters: host.ts (this machine), fake.ts (scripted, for tests);
 * sandbox, docker and podman come later. contract.ts is the suite each must pass.
 *
 * Life cycle: `open` once per build; then `run` any number of times, one at a time; `close` exactly once, also after
 * failures, and it must leave no process and no file behind (unless `keep`). Aborting `run`'s signal kills the command
 * with its whole process tree before the promise resolves. Adapters hold no rule about CodeBuild.
 */
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
  open(spec: EnvironmentSpec, signal: AbortSignal): Promise<BuildEnvironment>;
  /** Ends and removes what a build left behind whose process died before `close`; the work folder stays. */
  reclaim(left: { readonly buildId: string; readonly workDir: string }): Promise<void>;
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
}

export interface BuildEnvironment {
  /** Runs one script file's text with `shell` (`sh` or `bash`). Output arrives in order, stdout and stderr merged. */
  run(command: CommandSpec): Promise<Outcome>;
  /** Why commands cannot run as this user of the environment; undefined when they can. */
  userProblem(user: string): Promise<UserProblem | undefined>;
  /** Path that commands use for a path on this machine (identity on the host engine). */
  toEnvironmentPath(hostPath: string): string;
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
  /** Where the script is written and run from, e.g. `<work>/codebuild/output/tmp/script.sh`. */
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
