/** `POST /auth` of both backends: credentials are checked with Kiln's registry, for the host that they are for. */
import { RegistryClient } from "../images/registry-client.ts";

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
): Promise<void> {
  const own = new URL(registryUrl);
  const isOwn = [own.host, `localhost:${own.port}`, `127.0.0.1:${own.port}`].includes(host);
  const credentials = { username: body.username ?? "", password: body.password ?? "" };
  const client = new RegistryClient({ url: registryUrl, credentials, signal });
  try {
    await client.login(isOwn ? undefined : host);
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
