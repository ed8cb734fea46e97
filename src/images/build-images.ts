/**
 * Images of Kiln's registry for builds that run in them: found by name, given as a `docker save` archive.
 * Used by services/codebuild for the engines `docker` and `podman`.
 */
import { writeRegistryArchive } from "./image-archive.ts";
import { formatReference, InvalidReference, parseReference, standInRepository, withDefaultTag } from "./reference.ts";
import { RegistryClient, type RegistryCredentials } from "./registry-client.ts";
import { findManifest } from "./transfer.ts";

export interface BuildImageDeps {
  /** Asked when an image is looked for. */
  registryUrl(): string;
  /** Of Kiln itself. */
  readonly rootKey: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

export interface RegistryImage {
  /** Digest of its configuration. */
  readonly id: string;
  archive(name: string): AsyncIterable<Buffer>;
  close(): void;
}

/** The image of a name; undefined where there is none. Throws an error with docker's words. */
export async function findBuildImage(
  { registryUrl, rootKey }: BuildImageDeps,
  image: string,
  credentials: RegistryCredentials | undefined,
): Promise<RegistryImage | undefined> {
  let reference: ReturnType<typeof parseReference>;
  try {
    reference = withDefaultTag(parseReference(image));
  } catch (error) {
    // The engine says what is wrong with it.
    if (error instanceof InvalidReference) return undefined;
    throw error;
  }
  const url = registryUrl();
  const own = { username: rootKey.accessKeyId, password: rootKey.secretAccessKey };
  const client = new RegistryClient({ url, credentials: credentials ?? own });
  try {
    const repository = standInRepository(reference, url);
    const found = await findManifest(client, repository, reference.digest ?? reference.tag ?? "latest");
    if (!found) {
      client.close();
      return undefined;
    }
    return {
      id: found.manifest.config.digest,
      archive: (name) => writeRegistryArchive(client, repository, found, [formatReference(parseReference(name))]),
      close: () => client.close(),
    };
  } catch (error) {
    client.close();
    throw error;
  }
}
