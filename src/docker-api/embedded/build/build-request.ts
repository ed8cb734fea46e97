/**
 * What a build of the embedded builder is asked for, and how it fails. Routes (classic API, BuildKit's control API) make
 * one of these of what their client sent; `buildImage` in builder.ts does it and tells `reporter` what goes on.
 */
import type { Clock } from "../../../core/clock.ts";
import type { Image } from "../../../images/image.ts";
import type { LayerStore } from "../../../images/layer-store.ts";
import type { Isolation } from "../isolation.ts";
import type { BuildReporter, TransferStatus } from "./build-reporter.ts";

/** Whose texts and history: BuildKit's, as `docker build` is on CodeBuild, or the classic builder's (DOCKER_BUILDKIT=0). */
export type BuildStyle = "buildkit" | "classic";

export interface BuildRequest {
  readonly style: BuildStyle;
  readonly context: SourceFolder;
  /** `name` is relative to `dir`; BuildKit's clients send the Dockerfile apart from the context. */
  readonly dockerfile: SourceFolder & { readonly name: string };
  /** `--build-context name=…`: a folder, or an image reference, instead of a stage or image of that name. */
  readonly namedContexts: Readonly<Record<string, NamedContext>>;
  /** `SOURCE_DATE_EPOCH` is one of them. */
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly target: string;
  /** Names of stages, or all. */
  readonly noCache: boolean | readonly string[];
  /** Images whose layers may stand for equal steps. One that cannot be had is passed over. */
  readonly cacheFrom: readonly string[];
  /** `linux/amd64`; undefined is this machine's. Another architecture is refused. */
  readonly platform: string | undefined;
  readonly network: "host" | "none";
  readonly extraHosts: readonly ExtraHost[];
  /** Of `/dev/shm`; undefined is docker's 64 MiB. */
  readonly shmSizeBytes: number | undefined;
  readonly ulimits: readonly Ulimit[];
  /** Full names (`docker.io/me/app:1`) shown as `naming to`; the caller gives them. Undefined: no image is exported. */
  readonly exportNames: readonly string[] | undefined;
  readonly store: LayerStore;
  readonly isolation: Isolation;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly reporter: BuildReporter;
  /** The bytes of `--secret id=…`, or undefined when the client has none of that id. Never cached, never shown. */
  secret(id: string): Promise<Uint8Array | undefined>;
  /** An image for FROM or `--from`; throws `BuildError` with the text to show. */
  resolveImage(reference: string): Promise<Image>;
}

/** A folder on this machine with what the client sent. */
export interface SourceFolder {
  readonly dir: string;
  /** Brings files into `dir` when they are needed; absent: all are there. Never called twice at a time for one folder. */
  readonly fetch?: (wanted: WantedFiles, onStatus: (status: TransferStatus) => void) => Promise<void>;
}

export interface WantedFiles {
  /** Relative; undefined is everything. Missing ones are no error. */
  readonly paths: readonly string[] | undefined;
  /** Lines of `.dockerignore`. */
  readonly excludes: readonly string[];
}

export type NamedContext =
  | { readonly kind: "folder"; readonly folder: SourceFolder }
  | { readonly kind: "image"; readonly reference: string };

export interface ExtraHost {
  readonly name: string;
  /** An address, or `host-gateway`, which is this machine. */
  readonly address: string;
}

export interface Ulimit {
  /** e.g. `nofile` */
  readonly name: string;
  readonly soft: number;
  readonly hard: number;
}

/** Lines of the Dockerfile that a failure is about, as clients print them with `>>>`. */
export interface SourceExcerpt {
  readonly file: string;
  readonly text: string;
  /** From 1, both inclusive. */
  readonly startLine: number;
  readonly endLine: number;
}

/** A build that failed; `exitCode` is what the classic `docker build` ends with. */
export class BuildError extends Error {
  override readonly name = "BuildError";
  readonly exitCode: number;
  readonly source: SourceExcerpt | undefined;
  /** Digest of the step that failed, as told to the reporter. */
  readonly vertex: string | undefined;

  constructor(
    message: string,
    exitCode = 1,
    at: { readonly source?: SourceExcerpt | undefined; readonly vertex?: string | undefined } = {},
  ) {
    super(message);
    this.exitCode = exitCode;
    this.source = at.source;
    this.vertex = at.vertex;
  }
}

/** ARGs that need no declaration and do not change the cache. */
export const PREDEFINED: ReadonlySet<string> = new Set(
  ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"].flatMap((name) => [name, name.toLowerCase()]),
);

export const shortId = (id: string): string => id.replace(/^sha256:/, "").slice(0, 12);
