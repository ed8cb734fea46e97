/** Says who holds a port, where that is cheap to know: another Kiln answers its health route. */
import { get } from "node:http";
import { KilnError } from "../core/errors.ts";

const PROBE_TIMEOUT_MS = 2_000;

/** The error for a port that is taken. */
export async function portInUse(host: string, port: number, cause: unknown): Promise<KilnError> {
  const version = await kilnVersionAt(host, port);
  const other = `use another port: --port ${port + 1}, or --port 0 for any free one`;
  return new KilnError({
    code: "KILN_E_PORT_IN_USE",
    message: `port ${port} of \`${host}\` is in use`,
    why: version === undefined ? "another program listens there" : `another kiln (${version}) listens there`,
    fix:
      version === undefined
        ? [other, `see who holds it: lsof -i :${port}`]
        : ["use the one that runs: kiln status", "or stop it first: kiln stop", other],
    exitCode: 4,
    cause,
  });
}

/** Version of the Kiln that answers there, undefined when it is none. */
function kilnVersionAt(host: string, port: number): Promise<string | undefined> {
  const address = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return new Promise((resolve) => {
    const probe = get({ host: address, port, path: "/_kiln/health", timeout: PROBE_TIMEOUT_MS }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
        if (text.length > 10_000) probe.destroy();
      });
      response.on("end", () => resolve(versionIn(text)));
      response.on("error", () => resolve(undefined));
    });
    probe.on("timeout", () => probe.destroy());
    probe.on("error", () => resolve(undefined));
    probe.on("close", () => resolve(undefined));
  });
}

function versionIn(text: string): string | undefined {
  try {
    const health: unknown = JSON.parse(text);
    const isKiln = typeof health === "object" && health !== null && "version" in health && "services" in health;
    return isKiln ? String(health.version) : undefined;
  } catch {
    return undefined;
  }
}
