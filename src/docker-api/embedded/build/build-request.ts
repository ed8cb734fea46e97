/** What a build of the embedded builder is asked for, and how it fails. */
import type { Clock } from "../../../core/clock.ts";
import type { Image } from "../../../images/image.ts";
import type { LayerStore } from "../../../images/layer-store.ts";
import type { Isolation } from "../namespace.ts";

export interface BuildRequest {
  /** Unpacked context on this machine. */
  readonly contextDir: string;
  /** Relative to the context. */
  readonly dockerfile: string;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly target: string;
  readonly noCache: boolean;
  readonly network: "host" | "none";
  readonly store: LayerStore;
  readonly isolation: Isolation;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** An image for FROM or `--from`; throws with the text to show. */
  resolveImage(reference: string): Promise<Image>;
  onOutput(text: string): void;
}

/** A build that failed; `exitCode` is what `docker build` ends with. */
export class BuildError extends Error {
  override readonly name = "BuildError";
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** ARGs that need no declaration and do not change the cache. */
export const PREDEFINED: ReadonlySet<string> = new Set(
  ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"].flatMap((name) => [name, name.toLowerCase()]),
);

export const shortId = (id: string): string => id.replace(/^sha256:/, "").slice(0, 12);
