/** Which paths the commands so far may have made; grows in order of execution. */
import type { Effects } from "./effects.ts";

export class CreatedPaths {
  readonly #paths: string[] = [];
  #isAnything = false;

  /** A command ran whose doings are not seen: anything may exist. */
  get isAnything(): boolean {
    return this.#isAnything;
  }

  add({ paths, isAnything }: Effects): void {
    if (isAnything) this.#isAnything = true;
    this.#paths.push(...paths);
  }

  /** Paths that commands were seen to make, in order. */
  get paths(): readonly string[] {
    return [...this.#paths];
  }

  /** Answers for this moment, whatever is added later: may `path`, something in it or something it is in exist? */
  now(): (path: string) => boolean {
    return this.#isAnything ? () => true : this.seen();
  }

  /** The same of what commands were seen to make, whatever else ran. */
  seen(): (path: string) => boolean {
    const count = this.#paths.length;
    return (path) => {
      for (let at = 0; at < count; at++) {
        const made = this.#paths[at] ?? "";
        if (made === path || made === "" || path.startsWith(`${made}/`) || made.startsWith(`${path}/`)) return true;
      }
      return false;
    };
  }
}
