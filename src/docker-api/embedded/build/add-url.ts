/**
 * ADD of a URL: fetched over http(s) into a temporary file, with the bounds below; never unpacked. As docker does it, mode
 * 0600, the time of `Last-Modified` or of 1970, the name of the URL's last part.
 * Source: https://docs.docker.com/reference/dockerfile/#adding-files-from-a-url
 */
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { BuildStyle } from "./build-request.ts";
import { CopyError } from "./copy-sources.ts";

export interface Download {
  readonly path: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly mtimeSeconds: number;
  /** `sha256:…` */
  readonly digest: string;
}

const MAX_DOWNLOAD_BYTES = 16 * 1024 ** 3;
/** Of silence, before and between bytes. */
const SILENCE_TIMEOUT_MS = 120_000;

export const isUrl = (source: string): boolean => /^https?:\/\//.test(source) && !isGit(source);

/** What docker takes for a repository and clones. */
export const isGit = (source: string): boolean =>
  /^(git:\/\/|git@|ssh:\/\/)/.test(source) || /^https?:\/\/[^?#]+\.git(#|$|\?)/.test(source);

/** Fetches into `dir`. `checksum` is the digest it must have. */
export async function download(
  url: string,
  options: {
    readonly dir: string;
    readonly style: BuildStyle;
    readonly checksum: string | undefined;
    readonly signal: AbortSignal;
    onBytes(received: number, total: number): void;
  },
): Promise<Download> {
  const { style, checksum } = options;
  const silence = new AbortController();
  const signal = AbortSignal.any([options.signal, silence.signal]);
  const timer = setTimeout(() => silence.abort(), SILENCE_TIMEOUT_MS);
  const failed = (reason: string, status?: string): CopyError =>
    new CopyError(
      style === "classic"
        ? `ADD failed: failed to GET ${url}${status ?? ""}: ${reason}`
        : `failed to load cache key: ${reason}`,
    );
  try {
    const response = await fetch(url, { signal }).catch((error: unknown) => {
      options.signal.throwIfAborted();
      throw failed(silence.signal.aborted ? "the server does not answer" : causeOf(error));
    });
    if (!response.ok || !response.body)
      throw style === "classic"
        ? failed(await response.text().catch(() => ""), ` with status ${response.status} ${response.statusText}`)
        : failed(`invalid response status ${response.status}`);
    const total = Number(response.headers.get("content-length") ?? 0);
    const path = join(options.dir, "download");
    const hash = createHash("sha256");
    let sizeBytes = 0;
    try {
      await pipeline(
        Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]),
        async function* (chunks: AsyncIterable<Buffer>) {
          for await (const chunk of chunks) {
            timer.refresh();
            sizeBytes += chunk.length;
            if (sizeBytes > MAX_DOWNLOAD_BYTES) throw failed(`more than ${MAX_DOWNLOAD_BYTES} bytes`);
            hash.update(chunk);
            options.onBytes(sizeBytes, total);
            yield chunk;
          }
        },
        createWriteStream(path),
        { signal },
      );
    } catch (error) {
      options.signal.throwIfAborted();
      throw error instanceof CopyError
        ? error
        : failed(silence.signal.aborted ? "the server stopped sending" : causeOf(error));
    }
    const digest = `sha256:${hash.digest("hex")}`;
    if (checksum !== undefined && checksum !== digest) throw failed(`digest mismatch ${digest}: ${checksum}`);
    const modified = Date.parse(response.headers.get("last-modified") ?? "");
    const mtimeSeconds = Number.isNaN(modified) ? 0 : Math.floor(modified / 1000);
    return { path, name: nameOf(url), sizeBytes, mtimeSeconds, digest };
  } finally {
    clearTimeout(timer);
  }
}

export function nameOf(url: string): string {
  try {
    const { pathname } = new URL(url);
    return decodeURIComponent(pathname.slice(pathname.lastIndexOf("/") + 1)).replaceAll("/", "_") || "__unnamed__";
  } catch {
    return "__unnamed__";
  }
}

/** `fetch failed` says nothing; its cause does. */
function causeOf(error: unknown): string {
  const { cause, message } = error as Error;
  return cause instanceof Error ? cause.message : message;
}
