/**
 * `POST /auth` of both backends: credentials are checked with Kiln's registry, for the host that they are for; with the
 * registry itself where pushes go there (`--push-for-real`).
 */
import { type NetworkUse, openNetworkRegistry } from "../images/network-registry.ts";
import { RegistryClient } from "../images/registry-client.ts";
import { RegistryRequestError } from "../images/registry-error.ts";

export interface AuthBody {
  readonly username?: string;
  readonly password?: string;
  readonly serveraddress?: string;
}

/** Throws `RegistryRequestError` with docker's text. */
export async function checkLogin(
  registryUrl: string,
  body: AuthBody,
  host: string,
  signal: AbortSignal,
  network?: NetworkUse,
): Promise<void> {
  // The variable in front of the dot is empty: docker asks the name server, which knows no such name.
  if (/^\.|\.\./.test(host))
    throw new RegistryRequestError(500, "UNKNOWN", `Get "https://${host}/v2/": dial tcp: lookup ${host}: no such host`);
  const own = new URL(registryUrl);
  const isOwn = [own.host, `localhost:${own.port}`, `127.0.0.1:${own.port}`].includes(host);
  const credentials = { username: body.username ?? "", password: body.password ?? "" };
  const isReal = network?.pushes === true && !isOwn;
  const client = isReal
    ? await openNetworkRegistry(host, network, credentials, signal)
    : new RegistryClient({ url: registryUrl, credentials, signal });
  try {
    await client.login(isOwn || isReal ? undefined : host);
  } finally {
    client.close();
  }
}

/** The host of a server address; `https://index.docker.io/v1/` and nothing at all mean docker.io. */
export function registryHost(serverAddress: string | undefined): string | undefined {
  const bare = (serverAddress ?? "").replace(/^https?:\/\//, "").replace(/\/.*$/, "");
  if (bare === "" || bare === "index.docker.io" || bare === "registry-1.docker.io") return "docker.io";
  return /^[A-Za-z0-9.:[\]-]+$/.test(bare) ? bare : undefined;
}
