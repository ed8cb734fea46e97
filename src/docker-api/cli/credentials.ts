/** `config.json` of docker: logins by registry. Format shared with the docker CLI. Gap: credential helpers. */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemIds } from "../../core/ids.ts";

const HUB_KEY = "https://index.docker.io/v1/";

interface ConfigFile {
  auths?: Record<string, { auth?: string }>;
  [name: string]: unknown;
}

export interface Login {
  readonly username: string;
  readonly password: string;
}

export const configPath = (environment: NodeJS.ProcessEnv): string =>
  join(environment["DOCKER_CONFIG"] || join(environment["HOME"] ?? "/", ".docker"), "config.json");

/** The key of a registry: Docker Hub has its old address, others their host. */
export const registryKey = (server: string | undefined): string => {
  const host = (server ?? "").replace(/^https?:\/\//, "").replace(/\/.*$/, "");
  return host === "" || host === "docker.io" || host === "index.docker.io" || host === "registry-1.docker.io"
    ? HUB_KEY
    : host;
};

export async function readLogins(path: string): Promise<Record<string, Login>> {
  const { auths = {} } = await read(path);
  return Object.fromEntries(
    Object.entries(auths).map(([key, { auth = "" }]) => {
      const [username = "", ...password] = Buffer.from(auth, "base64").toString("utf8").split(":");
      return [key, { username, password: password.join(":") }];
    }),
  );
}

/** `login` undefined removes it. False when there was nothing to remove. */
export async function writeLogin(path: string, key: string, login: Login | undefined): Promise<boolean> {
  const config = await read(path);
  const auths = { ...config.auths };
  const isKnown = key in auths;
  if (login) auths[key] = { auth: Buffer.from(`${login.username}:${login.password}`).toString("base64") };
  else delete auths[key];
  await mkdir(join(path, ".."), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${systemIds.uuid()}`;
  await writeFile(temporary, `${JSON.stringify({ ...config, auths }, undefined, "\t")}`, { mode: 0o600 });
  await rename(temporary, path);
  return isKnown;
}

async function read(path: string): Promise<ConfigFile> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as ConfigFile;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw new Error(`Error loading config file: ${path}: ${(error as Error).message}`);
  }
}

/** Value of `X-Registry-Auth` for a push or pull of this registry host. */
export function registryAuth(logins: Readonly<Record<string, Login>>, host: string): string {
  const key = registryKey(host);
  const login = logins[key] ?? logins[`https://${host}`] ?? logins[`http://${host}`];
  return Buffer.from(JSON.stringify(login ? { ...login, serveraddress: key } : {}))
    .toString("base64")
    .replaceAll("+", "-")
    .replaceAll("/", "_");
}
