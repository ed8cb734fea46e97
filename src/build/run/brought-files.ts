/**
 * What the phases after the commands read: files on this machine. For an environment with files of its own they are brought
 * here first, and only those that are asked for; elsewhere everything is where it is. A link that leads to another folder
 * of the build takes that along.
 */
import { posix, relative } from "node:path";
import { holdFolderBelow, withHeld } from "../../core/held-path.ts";
import { shellQuote } from "../../core/shell-quote.ts";
import type { EnvironmentFiles, EnvironmentPaths, OutsideFiles } from "../../engines/engine.ts";
import { pathsOf } from "./enter-environment.ts";
import { bringPath } from "./environment-transfer.ts";
import { LeadsOut, type OwnFiles } from "./own-files.ts";

/** Links are followed to what lies below it: the folders of the build, not those of the image. */
const OWN_FOLDER = "/codebuild/output/";

export class BroughtFiles {
  readonly #environment: EnvironmentPaths;
  readonly #files: EnvironmentFiles | undefined;
  readonly #outside: OutsideFiles | undefined;
  readonly #workDir: string;
  readonly #signal: AbortSignal;
  /** For reading what is here. */
  readonly own: OwnFiles;
  /** Paths of the environment that are here with everything below them. */
  readonly #here = new Set<string>();

  constructor(input: {
    readonly environment: EnvironmentPaths & { readonly files?: EnvironmentFiles; readonly outside?: OutsideFiles };
    readonly own: OwnFiles;
    readonly workDir: string;
    readonly signal: AbortSignal;
  }) {
    this.#environment = input.environment;
    this.#files = input.environment.files;
    this.#outside = input.environment.outside;
    this.#workDir = input.workDir;
    this.#signal = input.signal;
    this.own = input.own;
  }

  /** The place on this machine of a text that commands know as a path; anything but an absolute path stays as it is. */
  place(text: string): string {
    return text.startsWith("/") ? this.#environment.toHostPath(text) : text;
  }

  /** Brings what lies at a path of this machine. `wants`: leaves out files by their name below it. */
  async bring(hostPath: string, wants?: (path: string) => boolean): Promise<void> {
    const path = this.#environmentPath(hostPath);
    if (this.#files) return this.#bring(path, wants);
    // The same path: the file is the same.
    if (!this.#outside || path === hostPath) return;
    const environment = { ...pathsOf(this.#environment), files: this.#outside };
    await bringPath(path, environment, this.#workDir, this.#signal, wants);
  }

  /**
   * The folder on this machine that has, or will have once more is brought, what commands see at a path; undefined where
   * they see no folder. Throws `LeadsOut` where that is none of the build's.
   */
  async folder(hostPath: string): Promise<string | undefined> {
    if (!this.#files && isFolder(this.own, hostPath)) return hostPath;
    const path = this.#environmentPath(hostPath);
    const real = this.#files ? await this.#realFolder(path, this.#files) : await this.#outside?.realFolder(path);
    if (real === undefined) {
      // On this machine itself: says why, where there is something after all.
      if (!this.own.isApart) this.own.hold(hostPath)?.close();
      return undefined;
    }
    const place = this.#environment.toHostPath(real);
    if (place === real) return isFolder(this.own, place) ? place : undefined;
    holdFolderBelow(this.#workDir, relative(this.#workDir, place), true)?.close();
    return place;
  }

  #environmentPath(hostPath: string): string {
    return posix.normalize(this.#environment.toEnvironmentPath(hostPath)).replace(/(.)\/$/, "$1");
  }

  /** The way to it may lead through links. */
  async #realFolder(path: string, files: EnvironmentFiles): Promise<string | undefined> {
    const real = await files.evaluate(`cd -P ${shellQuote(path)} 2>/dev/null && pwd -P`);
    return real === "" ? undefined : real.replace(/\n$/, "");
  }

  async #bring(path: string, wants?: (path: string) => boolean): Promise<void> {
    const isHere = [...this.#here].some((known) => path === known || path.startsWith(`${known}/`));
    if (isHere || !this.#files) return;
    const environment = { ...pathsOf(this.#environment), files: this.#files };
    const links = await bringPath(path, environment, this.#workDir, this.#signal, wants);
    if (!wants) this.#here.add(path);
    for (const target of links) if (target.startsWith(OWN_FOLDER) && !wants) await this.#bring(target);
  }
}

function isFolder(own: OwnFiles, path: string): boolean {
  try {
    return withHeld(own.hold(path), ({ stats }) => stats.isDirectory()) === true;
  } catch (error) {
    if (error instanceof LeadsOut) return false;
    throw error;
  }
}
