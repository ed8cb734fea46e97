/**
 * The registry that an image's name names, in the network: asked only where the user wants it (`--push-for-real`,
 * `--pull-for-real`). Which address, which certificates: as docker's engine does it.
 * Sources: https://docs.docker.com/engine/security/certificates/ (certs.d), https://docs.docker.com/reference/cli/dockerd/
 * (`--insecure-registry`: loopback addresses are tried with TLS, whoever answers, then without).
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { isLoopbackHost } from "../core/loopback.ts";
import type { ProxyEnvironment } from "./proxy-agent.ts";
import { RegistryClient, type RegistryCredentials } from "./registry-client.ts";
import type { RegistryTls } from "./registry-connection.ts";

/** What of the network an image transfer may use. */
export interface NetworkUse {
  readonly pushes: boolean;
  readonly pulls: boolean;
  /** Folders with a folder a registry of CA certificates; docker's own unless told. */
  readonly certificateDirs?: readonly string[];
  /** HTTPS_PROXY and NO_PROXY; this process's unless told. */
  readonly proxies?: ProxyEnvironment;
}

const CERTIFICATE_DIRS = ["/etc/docker/certs.d"];
const DOCKER_HUB = "registry-1.docker.io";

/** A client of the registry that `host` names (`docker.io`, `ghcr.io`, `127.0.0.1:5000`). The caller closes it. */
export async function openNetworkRegistry(
  host: string,
  use: NetworkUse,
  credentials: RegistryCredentials | undefined,
  signal: AbortSignal,
): Promise<RegistryClient> {
  const common = { credentials, signal, isNetwork: true, proxies: use.proxies ?? process.env };
  const address = host === "docker.io" ? DOCKER_HUB : host;
  const ca = await certificatesFor(address, use.certificateDirs ?? CERTIFICATE_DIRS);
  const tls: RegistryTls = { verifies: ca !== undefined || !isLoopback(address), ca };
  const client = new RegistryClient({ ...common, url: `https://${address}`, tls });
  if (!isLoopback(address) || (await speaksTls(client))) return client;
  client.close();
  return new RegistryClient({ ...common, url: `http://${address}` });
}

async function speaksTls(client: RegistryClient): Promise<boolean> {
  try {
    await client.ping();
    return true;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    // A server of plain HTTP answers a TLS greeting with text, or hangs up; all else the next request says again.
    return !/^(?:EPROTO|ERR_SSL_|ECONNRESET)/.test(code);
  }
}

function isLoopback(address: string): boolean {
  return isLoopbackHost(new URL(`http://${address}`).hostname);
}

/** Node's own and those kept for the registry; undefined where none are kept. */
async function certificatesFor(address: string, dirs: readonly string[]): Promise<string | undefined> {
  const texts: string[] = [];
  for (const dir of dirs) {
    const folder = join(dir, address);
    for (const name of await readdir(folder).catch(() => [])) {
      if (name.endsWith(".crt")) texts.push(await readFile(join(folder, name), "utf8"));
    }
  }
  return texts.length === 0 ? undefined : [...rootCertificates, ...texts].join("\n");
}
