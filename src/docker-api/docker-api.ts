/**
 * The Docker API socket given to one build: what the build runner asks for and gets.
 *
 * Life cycle: `openDockerSocket` once per build, before its commands; `close()` exactly once after them, also after a
 * failure. It ends containers and RUN commands still going, removes what the build made in a shared engine, and closes
 * the socket. Aborting `signal` stops running work; `close()` must still be called.
 * Facts: AWS starts dockerd in the build container only with privilegedMode
 * (https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectEnvironment.html).
 */
import type { AwsScope } from "../core/arn.ts";

export interface DockerSocketRequest {
  readonly buildId: string;
  /** Private folder of the build on this machine; the socket and the build's image names live below it. */
  readonly workDir: string;
  /** Kiln's endpoint, e.g. `http://127.0.0.1:4566`. */
  readonly registryUrl: string;
  /** Basic credentials that may do anything in Kiln's registry: used for FROM, never for the build's pushes. */
  readonly rootKey: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly scope: AwsScope;
  /** Where the embedded builder keeps layers and build cache across builds. */
  readonly imageStoreDir: string;
  /** The project's privilegedMode; false means no docker, as on AWS. */
  readonly privileged: boolean;
  /** Send pushes to the registries that the names say instead of Kiln's stand-in. */
  readonly pushForReal: boolean;
  /** FROM and `docker pull` may ask the network for what neither Kiln's registry nor the image map has; an engine always may. */
  readonly pullForReal?: boolean;
  readonly signal: AbortSignal;
  /**
   * Given where the build's commands see other files than this machine's: the engine's path of one of their folders or
   * files, links resolved; undefined for what is not the build's. `makes`: the folder may be made. With `enginePath`, the
   * answer of before, it says what is at that place now.
   */
  readonly sharedPath?: ((asked: SharedPathQuestion) => Promise<string | undefined>) | undefined;
  /** After each push that the registry accepted, with the name as the build wrote it. */
  onPushed(reference: string, digest: string): void;
  /** One-line remarks for the build's own output. */
  onNotice(text: string): void;
  readonly backend?: "auto" | "docker" | "podman" | "embedded";
  /** The image map: another reference or `undefined`; see src/images/image-map.ts. */
  readonly mappedImage?: (reference: string) => string | undefined;
}

export type SharedPathQuestion = { readonly path: string; readonly makes: boolean } | { readonly enginePath: string };

/** The docker CLI of a container. */
export interface ContainerCli {
  /** Its path there. */
  readonly path: string;
  readonly hasBuildx: boolean;
}

export interface DockerSocket {
  /** `unix:///…`, or undefined when the build has no docker. */
  readonly dockerHost: string | undefined;
  /** DOCKER_HOST (a dead socket when the build has no docker), DOCKER_CONFIG; before an engine without buildx DOCKER_BUILDKIT=0. */
  readonly variables: Readonly<Record<string, string>>;
  /** Folder of the build's `docker`: Kiln's small CLI, or a guard before the machine's. Must come first on PATH. */
  readonly pathPrefix: readonly string[];
  readonly backend: "docker" | "podman" | "embedded" | "none";
  /** For commands in a container: what its own docker CLI needs besides the socket. Writes the folders of `pathPrefix`. */
  forContainer(cli: ContainerCli): Promise<Pick<DockerSocket, "variables" | "pathPrefix">>;
  close(): Promise<void>;
}
