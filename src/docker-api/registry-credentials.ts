/** The credentials that a docker client sends with a push or a pull. */
import type { RegistryCredentials } from "../images/registry-client.ts";

/** `X-Registry-Auth`: base64url JSON; undefined for no login. Never logged. */
export function credentialsOf(header: string | string[] | undefined): RegistryCredentials | undefined {
  const text = Array.isArray(header) ? header[0] : header;
  if (text === undefined || text === "") return undefined;
  try {
    const parsed = JSON.parse(Buffer.from(text, "base64url").toString("utf8")) as {
      username?: string;
      password?: string;
      auth?: string;
    };
    const [user, ...password] = Buffer.from(parsed.auth ?? "", "base64")
      .toString("utf8")
      .split(":");
    const username = parsed.username || user || "";
    return username === "" ? undefined : { username, password: parsed.password || password.join(":") };
  } catch {
    return undefined;
  }
}

/** `X-Registry-Config` of a build: base64url JSON of logins by host. The one for a registry, by docker's names for it. */
export function loginFor(header: string | string[] | undefined, host: string): RegistryCredentials | undefined {
  const text = Array.isArray(header) ? header[0] : header;
  if (text === undefined || text === "") return undefined;
  let logins: Record<string, { username?: string; password?: string } | undefined>;
  try {
    logins = (JSON.parse(Buffer.from(text, "base64url").toString("utf8")) ?? {}) as typeof logins;
  } catch {
    return undefined;
  }
  const key = host === "docker.io" ? "https://index.docker.io/v1/" : host;
  const found = logins[key] ?? logins[`https://${host}`] ?? logins[`http://${host}`];
  return found?.username ? { username: found.username, password: found.password ?? "" } : undefined;
}
