/** Debian's `docker-registry` on a random port of 127.0.0.1, its images in a folder of its own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./free-port.ts";
import { makeSelfSigned } from "./self-signed.ts";

export interface DebianRegistry {
  /** `127.0.0.1:port` */
  readonly host: string;
  readonly tags: (repository: string) => Promise<string[]>;
  close(): Promise<void>;
}

const PROGRAM = "/usr/bin/docker-registry";
/** Of `me` with the password `secret`. */
const HTPASSWD = "me:$2b$04$x6SqICPeV41GnhWzxNenk.fNcMMzH/qB4tbjuO.A4Lyxj7XIFiHza\n";

export const whyNoDebianRegistry = (): string | undefined =>
  existsSync(PROGRAM) ? undefined : `there is no ${PROGRAM} (Debian: apt-get install docker-registry)`;

/** With TLS (a certificate of its own) and a password, or plain and open. */
export async function startDebianRegistry(isClosed: boolean): Promise<DebianRegistry> {
  for (let attempt = 0; attempt < 5; attempt++) {
    const started = await startAt(`127.0.0.1:${await freePort()}`, isClosed);
    if (started) return started;
  }
  throw new Error("docker-registry did not start");
}

/** Undefined when it ends at once: somebody else may have taken the port. */
async function startAt(host: string, isClosed: boolean): Promise<DebianRegistry | undefined> {
  const dir = await mkdtemp(join(tmpdir(), "kiln-debian-registry-"));
  const { key, cert } = makeSelfSigned();
  await writeFile(join(dir, "key"), key, { mode: 0o600 });
  await writeFile(join(dir, "cert"), cert);
  await writeFile(join(dir, "htpasswd"), HTPASSWD);
  const config = [
    "version: 0.1",
    "log: { level: error, accesslog: { disabled: true } }",
    `storage: { filesystem: { rootdirectory: "${dir}/data" } }`,
    `http: { addr: "${host}"${isClosed ? `, tls: { certificate: "${dir}/cert", key: "${dir}/key" }` : ""} }`,
    ...(isClosed ? [`auth: { htpasswd: { realm: here, path: "${dir}/htpasswd" } }`] : []),
  ];
  await writeFile(join(dir, "config.yml"), `${config.join("\n")}\n`);
  const child = spawn(PROGRAM, ["serve", join(dir, "config.yml")], { stdio: "ignore", cwd: dir });
  const get = (path: string): Promise<{ status: number; text: string }> =>
    new Promise((resolve, reject) => {
      const options = { auth: "me:secret", rejectUnauthorized: false, agent: false };
      (isClosed ? tlsRequest : plainRequest)(`${isClosed ? "https" : "http"}://${host}${path}`, options, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      })
        .on("error", reject)
        .end();
    });
  while ((await get("/v2/").catch(() => undefined))?.status !== 200) {
    if (child.exitCode !== null) {
      await rm(dir, { recursive: true, force: true });
      return undefined;
    }
    await sleep(50);
  }
  return {
    host,
    tags: async (repository) => {
      const { status, text } = await get(`/v2/${repository}/tags/list`);
      return status === 200 ? ((JSON.parse(text) as { tags: string[] | null }).tags ?? []) : [];
    },
    async close() {
      const ended = once(child, "exit");
      child.kill();
      await ended;
      await rm(dir, { recursive: true, force: true });
    },
  };
}
