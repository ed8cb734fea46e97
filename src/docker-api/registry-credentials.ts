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
