/** `_ping`, version, info, auth of the embedded builder. */
import { availableParallelism, totalmem } from "node:os";
import { imageArchitecture } from "../../images/image.ts";
import { RegistryRequestError } from "../../images/registry-client.ts";
import { type AuthBody, checkLogin, registryHost } from "../registry-login.ts";
import { API_VERSION, type ApiCall, ApiError, type ApiRoute, readJson, sendJson } from "./api.ts";

const SERVER_VERSION = "28.0.0-kiln";

function ping({ response, incoming }: ApiCall): void {
  response.writeHead(200, {
    "content-type": "text/plain; charset=utf-8",
    "builder-version": "1",
    "docker-experimental": "false",
    "cache-control": "no-cache, no-store, must-revalidate",
    swarm: "inactive",
  });
  response.end(incoming.method === "HEAD" ? undefined : "OK");
}

function version({ response }: ApiCall): void {
  sendJson(response, 200, {
    Platform: { Name: "Kiln embedded builder" },
    Components: [
      {
        Name: "Engine",
        Version: SERVER_VERSION,
        Details: { ApiVersion: API_VERSION, Os: "linux", Arch: imageArchitecture() },
      },
    ],
    Version: SERVER_VERSION,
    ApiVersion: API_VERSION,
    MinAPIVersion: "1.24",
    Os: "linux",
    Arch: imageArchitecture(),
    GitCommit: "",
    GoVersion: "",
    KernelVersion: "",
    BuildTime: "",
  });
}

function info({ response, context }: ApiCall): void {
  const images = context.names.list();
  sendJson(response, 200, {
    ID: context.request.buildId,
    Name: "kiln",
    ServerVersion: SERVER_VERSION,
    Driver: "overlay",
    DriverStatus: [["Isolation", context.isolation.kind]],
    OperatingSystem: "Kiln embedded builder",
    OSType: "linux",
    Architecture: imageArchitecture() === "amd64" ? "x86_64" : imageArchitecture(),
    NCPU: availableParallelism(),
    MemTotal: totalmem(),
    Containers: context.containers.list().length,
    ContainersRunning: context.containers.list().filter((container) => container.isRunning).length,
    ContainersPaused: 0,
    ContainersStopped: context.containers.list().filter((container) => !container.isRunning).length,
    Images: images.length,
    IndexServerAddress: "https://index.docker.io/v1/",
    RegistryConfig: { InsecureRegistryCIDRs: ["127.0.0.0/8", "::1/128"], IndexConfigs: {}, Mirrors: [] },
    Labels: [],
    Warnings: null,
    Plugins: { Volume: [], Network: [], Authorization: null, Log: [] },
    SecurityOptions: [],
  });
}

async function auth({ incoming, response, context, signal }: ApiCall): Promise<void> {
  const body = await readJson<AuthBody>(incoming);
  const host = registryHost(body.serveraddress);
  if (host === undefined) throw new ApiError(400, `invalid registry address: ${body.serveraddress}`);
  try {
    await checkLogin(context.request.registryUrl, body, host, signal);
    sendJson(response, 200, { IdentityToken: "", Status: "Login Succeeded" });
  } catch (error) {
    if (error instanceof RegistryRequestError) throw new ApiError(error.status === 401 ? 401 : 500, error.message);
    throw error;
  }
}

export const systemRoutes: readonly ApiRoute[] = [
  { method: "GET", pattern: /^\/_ping$/, handle: ping },
  { method: "HEAD", pattern: /^\/_ping$/, handle: ping },
  { method: "GET", pattern: /^\/version$/, handle: version },
  { method: "GET", pattern: /^\/info$/, handle: info },
  { method: "POST", pattern: /^\/auth$/, handle: auth },
];
