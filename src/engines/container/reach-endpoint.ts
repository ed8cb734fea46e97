/**
 * How commands in a container reach Kiln's endpoint, which listens on this machine's loopback only: the engine's network
 * and the address. Linux engines of this machine share its network; engines in a virtual machine (Docker Desktop, Podman
 * machine) forward a name; an engine behind ssh gets a port forwarded back.
 * Sources: https://docs.docker.com/engine/network/drivers/host, https://docs.docker.com/desktop/features/networking/,
 * https://man.openbsd.org/ssh#R
 * Gap: `tcp://` engines on other machines reach Kiln only where it listens on an address of the network.
 */
import { spawn } from "node:child_process";
import { isLoopbackHost } from "../../core/loopback.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { type Engine, formatEngineAddress, isLocalAddress } from "../../engine-api/index.ts";

/** Wire shape of `GET /info`, the members that matter here. */
export interface EngineInfo {
  readonly NCPU?: number;
  readonly MemTotal?: number;
  readonly OperatingSystem?: string;
  readonly OSType?: string;
  readonly SecurityOptions?: readonly string[] | null;
  readonly MemoryLimit?: boolean;
  readonly CpuCfsQuota?: boolean;
  readonly PidsLimit?: boolean;
}

export interface Reach {
  readonly networkMode: "host" | "bridge";
  readonly extraHosts: readonly string[];
  readonly endpointUrl: string;
  /** Where SDKs refuse the address of the container credentials, because it is no loopback address. */
  readonly isLoopback: boolean;
  close(): void;
}

/** Name of the host, in slirp4netns networks of rootless Docker. */
const ROOTLESS_HOST = "10.0.2.2";
const SSH_PORT_PATTERN = /Allocated port (\d+) for remote forward/;

export async function reachEndpoint(
  engine: Engine,
  info: EngineInfo,
  endpointUrl: string,
  platform: NodeJS.Platform = process.platform,
): Promise<Result<Reach, string>> {
  const { address, kind } = engine;
  const host = new URL(endpointUrl).hostname.replace(/^\[(.*)\]$/, "$1");
  const isOnLoopback = isLoopbackHost(host);
  const direct = {
    networkMode: "host",
    extraHosts: [],
    endpointUrl,
    isLoopback: isOnLoopback,
    close: () => {},
  } as const;
  if (address.kind === "ssh") {
    if (!isOnLoopback) return ok(direct);
    return forwardBack(address, new URL(endpointUrl));
  }
  if (!isLocalAddress(address)) {
    return isOnLoopback
      ? err(
          `the engine at ${formatEngineAddress(address)} is on another machine, and Kiln listens on ${host} only; name the engine by ssh:// or start Kiln with --host and an address of this machine`,
        )
      : ok(direct);
  }
  if (platform !== "linux" || info.OperatingSystem === "Docker Desktop") {
    const name = kind === "podman" ? "host.containers.internal" : "host.docker.internal";
    return ok({ ...direct, networkMode: "bridge", endpointUrl: withHost(endpointUrl, name), isLoopback: false });
  }
  const isRootless = info.SecurityOptions?.some((option) => option.includes("rootless")) ?? false;
  // Podman without root shares the user's own network; Docker without root has one of its own.
  if (isRootless && kind === "docker" && isOnLoopback) {
    return ok({ ...direct, endpointUrl: withHost(endpointUrl, ROOTLESS_HOST), isLoopback: false });
  }
  return ok(direct);
}

function withHost(url: string, name: string): string {
  const { protocol, port } = new URL(url);
  return `${protocol}//${name}${port === "" ? "" : `:${port}`}`;
}

/** A port of the other machine's loopback that leads back here, for as long as `ssh` runs. */
function forwardBack(
  address: { readonly host: string; readonly user?: string; readonly port?: number },
  endpoint: URL,
): Promise<Result<Reach, string>> {
  const target = `0:${endpoint.hostname}:${endpoint.port || (endpoint.protocol === "https:" ? "443" : "80")}`;
  const args = [
    ...(address.user === undefined ? [] : ["-l", address.user]),
    ...(address.port === undefined ? [] : ["-p", String(address.port)]),
    ...["-o", "BatchMode=yes", "-o", "ExitOnForwardFailure=yes", "-N", "-T", "-R", target, "--", address.host],
  ];
  return new Promise((resolve) => {
    const child = spawn("ssh", args, { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-2000);
      const port = SSH_PORT_PATTERN.exec(said)?.[1];
      if (port === undefined) return;
      resolve(
        ok({
          networkMode: "host",
          extraHosts: [],
          endpointUrl: `${endpoint.protocol}//127.0.0.1:${port}`,
          isLoopback: true,
          close: () => child.kill(),
        }),
      );
    });
    const failed = (why: string): void => resolve(err(`ssh forwards no port back to Kiln: ${why}`));
    child.on("error", (error) => failed(error.message));
    child.on("close", () => failed(said.trim() || "it ended"));
  });
}
