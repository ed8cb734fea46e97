/**
 * Archives as context of clients that send them in a request of their own (docker 20.10 with `docker build -`): the build
 * waits for the archive of its id, the archive for a build that takes it, whichever comes first.
 */

interface Upload {
  readonly source: AsyncIterable<Uint8Array>;
  readonly done: () => void;
}

export class Uploads {
  readonly #given = new Map<string, Upload>();
  readonly #wanted = new Map<string, (upload: Upload) => void>();

  /** Offers an archive; resolves when a build has read it. */
  async offer(id: string, source: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    await aborting<void>(signal, (resolve) => {
      const upload: Upload = { source, done: () => resolve() };
      const wanted = this.#wanted.get(id);
      if (wanted) wanted(upload);
      else this.#given.set(id, upload);
    }).finally(() => this.#given.delete(id));
  }

  /** The archive of that id. */
  async *take(id: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const upload = await aborting<Upload>(signal, (resolve) => {
      const given = this.#given.get(id);
      if (given) resolve(given);
      else this.#wanted.set(id, resolve);
    }).finally(() => this.#wanted.delete(id));
    try {
      yield* upload.source;
    } finally {
      upload.done();
    }
  }
}

/** A promise that also ends, as a failure, with the signal. */
function aborting<T>(signal: AbortSignal, start: (resolve: (value: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => reject(signal.reason as Error);
    if (signal.aborted) return aborted();
    signal.addEventListener("abort", aborted, { once: true });
    start((value) => {
      signal.removeEventListener("abort", aborted);
      resolve(value);
    });
  });
}
