/**
 * Gives the engine images that Kiln's registry has, under the names that a build asks for: FROM and `docker pull`.
 * They go as a `docker save` archive into the engine's own socket, so the engine needs no way to Kiln's registry and no
 * configuration. Each is said in one notice; what was given is taken away when the last build that uses it ends.
 * Gap: an engine cannot be given a name with a digest (`python@sha256:…`): it stays as the engine itself has it.
 */
import { debug } from "../../core/log.ts";
import { formatEngineAddress } from "../../engine-api/engine-address.ts";
import type { EngineClient } from "../../engine-api/engine-client.ts";
import { writeRegistryArchive } from "../../images/image-archive.ts";
import {
  familiarReference,
  formatReference,
  type ImageReference,
  InvalidReference,
  parseReference,
  standInRepository,
  withDefaultTag,
} from "../../images/reference.ts";
import { RegistryClient, type RegistryCredentials, RegistryRequestError } from "../../images/registry-client.ts";
import { type FoundManifest, findManifest, ownLogin, pullLogin } from "../../images/transfer.ts";
import type { DockerSocketRequest } from "../docker-api.ts";
import type { Journal } from "./journal.ts";

/** Builds that use a given image, by engine and name: builds of one process share their engine. */
const users = new Map<string, number>();

export class KilnImages {
  readonly #request: DockerSocketRequest;
  readonly #engine: EngineClient;
  readonly #journal: Journal;
  /** Whole names this build holds. */
  readonly #held = new Set<string>();
  /** One look at a name at a time, so that two `docker build` at once do not load twice. */
  readonly #looking = new Map<string, Promise<void>>();

  constructor(request: DockerSocketRequest, engine: EngineClient, journal: Journal) {
    this.#request = request;
    this.#engine = engine;
    this.#journal = journal;
  }

  /**
   * Before a build: what the engine lacks and Kiln has. Names that cannot be read are left to the engine's own error.
   * Returns those of the names that the engine has from Kiln.
   */
  async ensure(names: readonly string[]): Promise<string[]> {
    const given: string[] = [];
    for (const name of names) {
      let reference: ImageReference;
      try {
        reference = withDefaultTag(parseReference(name));
      } catch (error) {
        if (error instanceof InvalidReference) continue;
        throw error;
      }
      const key = formatReference(reference);
      const looking = this.#looking.get(key) ?? this.#ensureOne(reference).finally(() => this.#looking.delete(key));
      this.#looking.set(key, looking);
      await looking;
      if (this.#held.has(key)) given.push(name);
    }
    return given;
  }

  /**
   * `docker pull`: undefined when Kiln does not have it. Credentials are the build's: Kiln's registry decides with them.
   * Throws `RegistryRequestError` with docker's text.
   */
  async pull(
    asked: ImageReference,
    credentials: RegistryCredentials | undefined,
  ): Promise<{ digest: string } | undefined> {
    if (asked.digest !== undefined) return undefined;
    const found = await this.#find(asked, pullLogin(this.#request, asked, credentials));
    if (!found) return undefined;
    try {
      await this.#load(asked, found);
      if (found.isMapped) this.#sayMapped(asked, found.source);
      return { digest: found.found.digest };
    } finally {
      found.client.close();
    }
  }

  /** Whether the name was given to this build and to no other one. */
  holdsAlone(name: string): boolean {
    return this.#held.has(name) && users.get(this.#userKey(name)) === 1;
  }

  /** Takes back what no other build of this process uses. */
  async close(): Promise<void> {
    for (const name of this.#held) {
      const key = this.#userKey(name);
      const left = (users.get(key) ?? 1) - 1;
      if (left > 0) {
        users.set(key, left);
        continue;
      }
      users.delete(key);
      const { status, text } = await this.#engine.text("DELETE", `/images/${encodeURIComponent(name)}`);
      if (status >= 400) debug("docker", () => `clean-up of ${name}: ${text}`);
    }
    this.#held.clear();
  }

  async #ensureOne(asked: ImageReference): Promise<void> {
    const name = formatReference(asked);
    const known = await this.#engine.json<{ Id?: string }>(
      `/images/${encodeURIComponent(familiarReference(asked))}/json`,
    );
    // Given to another build of this process: it must stay until this one ends, too.
    if (known && users.has(this.#userKey(name))) this.#hold(name);
    // Held, and gone all the same: the build removed it (`docker rmi`).
    if (known && this.#held.has(name)) return;
    const found = await this.#find(asked, ownLogin(this.#request));
    if (!found) return;
    try {
      if (known) {
        const isSame = [found.found.digest, found.found.manifest.config.digest].includes(known.Id ?? "");
        if (!isSame)
          this.#request.onNotice(
            `docker: ${familiarReference(asked)} is the engine's own image; Kiln's registry has another one of that name`,
          );
        return;
      }
      if (asked.digest !== undefined) {
        this.#request.onNotice(
          `docker: Kiln's registry has ${familiarReference(asked)}, but an engine takes no image by its digest: write its tag in FROM`,
        );
        return;
      }
      await this.#load(asked, found);
      if (found.isMapped) this.#sayMapped(asked, found.source);
      else this.#request.onNotice(`docker: ${familiarReference(asked)} is the image of that name in Kiln's registry`);
    } finally {
      found.client.close();
    }
  }

  #sayMapped(asked: ImageReference, source: ImageReference): void {
    this.#request.onNotice(
      `docker: ${familiarReference(asked)} is ${familiarReference(source)} of Kiln's registry, as the image map says`,
    );
  }

  /** The name itself, then what the image map gives for it. The client is the caller's to close. */
  async #find(
    asked: ImageReference,
    credentials: RegistryCredentials | undefined,
  ): Promise<
    | { client: RegistryClient; source: ImageReference; repository: string; found: FoundManifest; isMapped: boolean }
    | undefined
  > {
    const { registryUrl, signal, mappedImage } = this.#request;
    const mapped = mappedImage?.(formatReference(asked));
    const sources = [
      { source: asked, isMapped: false, as: credentials },
      ...(mapped === undefined
        ? []
        : [{ source: withDefaultTag(parseReference(mapped)), isMapped: true, as: ownLogin(this.#request) }]),
    ];
    for (const { source, isMapped, as } of sources) {
      const client = new RegistryClient({ url: registryUrl, credentials: as, signal });
      try {
        const repository = standInRepository(source, registryUrl);
        const found = await findManifest(client, repository, source.digest ?? source.tag ?? "latest");
        if (found) return { client, source, repository, found, isMapped };
        client.close();
      } catch (error) {
        client.close();
        const isLast = source === sources.at(-1)?.source;
        if (isLast || !(error instanceof RegistryRequestError)) throw error;
      }
    }
    return undefined;
  }

  async #load(
    asked: ImageReference,
    { client, repository, found }: { client: RegistryClient; repository: string; found: FoundManifest },
  ): Promise<void> {
    const name = formatReference(asked);
    this.#journal.add(name);
    const { status, text } = await this.#engine.text("POST", "/images/load?quiet=1", {
      headers: { "content-type": "application/x-tar" },
      body: writeRegistryArchive(client, repository, found, [name]),
      signal: this.#request.signal,
    });
    const failure = status < 400 ? /"error":\s*"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] : text.trim();
    if (failure !== undefined) throw new Error(`the engine did not take ${familiarReference(asked)}: ${failure}`);
    this.#hold(name);
  }

  #hold(name: string): void {
    if (this.#held.has(name)) return;
    this.#held.add(name);
    const key = this.#userKey(name);
    users.set(key, (users.get(key) ?? 0) + 1);
  }

  #userKey(name: string): string {
    return `${formatEngineAddress(this.#engine.address)}\0${name}`;
  }
}
