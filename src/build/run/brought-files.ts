/**
 * What the phases after the commands read: files on this machine. For an environment with files of its own they are brought
 * here first, and only those that are asked for; elsewhere everything is where it is. A link that leads to another folder
 * of the build takes that along.
 */
import { mkdir } from "node:fs/promises";
import { posix } from "node:path";
import type { EnvironmentFiles, EnvironmentPaths, OutsideFiles } from "../../engines/engine.ts";
import { shellQuote } from "./commands/command-script.ts";
import { pathsOf } from "./enter-environment.ts";
import { bringPath } from "./environment-transfer.ts";

/** Links are followed to what lies below it: the folders of the build, not those of the image. */
const OWN_FOLDER = "/codebuild/output/";

export class BroughtFiles {
  readonly #environment: EnvironmentPaths;
  readonly #files: EnvironmentFiles | undefined;
  readonly #outside: OutsideFiles | undefined;
  readonly #signal: AbortSignal;
  /** Paths of the environment that are here with everything below them. */
  readonly #here = new Set<string>();

  constructor(
    environment: EnvironmentPaths & { readonly files?: EnvironmentFiles; readonly outside?: OutsideFiles },
    signal: AbortSignal,
  ) {
    this.#environment = environment;
    this.#files = environment.files;
    this.#outside = environment.outside;
    this.#signal = signal;
  }

  /** The place on this machine of a text that commands know as a path; anything but an absolute path stays as it is. */
  place(text: string): string {
    return text.startsWith("/") ? this.#environment.toHostPath(text) : text;
  }

  /** Brings what lies at a path of this machine. `wants`: leaves out files by their name below it. */
  async bring(hostPath: string, wants?: (path: string) => boolean): Promise<void> {
    if (!this.#files) return this.#bringOutside(hostPath, wants);
    await this.#bring(posix.normalize(this.#environment.toEnvironmentPath(hostPath)).replace(/(.)\/$/, "$1"), wants);
  }

  /** Whether there is a folder; an empty one of its name stands for it here until more is brought. */
  async hasFolder(hostPath: string): Promise<boolean> {
    if (!this.#files) return this.#hasOutsideFolder(hostPath);
    const path = shellQuote(this.#environment.toEnvironmentPath(hostPath));
    if ((await this.#files.evaluate(`[ -d ${path} ] && printf yes`)) !== "yes") return false;
    // The way to it may lead through links.
    const real = (await this.#files.evaluate(`cd -P ${path} && pwd -P`)).replace(/\n$/, "");
    if (posix.normalize(this.#environment.toEnvironmentPath(hostPath)).replace(/(.)\/$/, "$1") !== real) {
      await this.#bring(posix.normalize(this.#environment.toEnvironmentPath(hostPath)));
    }
    await mkdir(this.#environment.toHostPath(real), { recursive: true, mode: 0o700 });
    return true;
  }

  /** The environment's path where a path of this machine is a copy's, else undefined: the file is the same. */
  #outsidePath(hostPath: string): string | undefined {
    const path = this.#environment.toEnvironmentPath(hostPath);
    return this.#outside && path !== hostPath ? posix.normalize(path).replace(/(.)\/$/, "$1") : undefined;
  }

  async #bringOutside(hostPath: string, wants?: (path: string) => boolean): Promise<void> {
    const path = this.#outsidePath(hostPath);
    if (path === undefined || !this.#outside) return;
    await bringPath(path, { ...pathsOf(this.#environment), files: this.#outside }, this.#signal, wants);
  }

  async #hasOutsideFolder(hostPath: string): Promise<boolean> {
    const path = this.#outsidePath(hostPath);
    if (path === undefined || (await this.#outside?.hasFolder(path)) !== true) return false;
    await mkdir(hostPath, { recursive: true, mode: 0o700 });
    return true;
  }

  async #bring(path: string, wants?: (path: string) => boolean): Promise<void> {
    const isHere = [...this.#here].some((known) => path === known || path.startsWith(`${known}/`));
    if (isHere || !this.#files) return;
    const environment = { ...pathsOf(this.#environment), files: this.#files };
    const links = await bringPath(path, environment, this.#signal, wants);
    if (!wants) this.#here.add(path);
    for (const target of links) if (target.startsWith(OWN_FOLDER) && !wants) await this.#bring(target);
  }
}
