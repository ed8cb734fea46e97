/** Networks over HTTP: create, list, inspect, connect, disconnect, remove, prune. */
import { type ApiCall, ApiError, type ApiRoute, notDone, readJson, sendJson, sendNothing } from "../api.ts";
import { requireContainer } from "../containers/requested-container.ts";
import { Filters, timeParameter } from "../filters.ts";
import type { Network } from "./networks.ts";

interface CreateBody {
  Name?: string;
  Driver?: string;
  Internal?: boolean;
  Attachable?: boolean;
  Labels?: Record<string, string> | null;
  Options?: Record<string, string> | null;
  IPAM?: unknown;
  ConfigOnly?: boolean;
  ConfigFrom?: unknown;
}

function shapeOf(call: ApiCall, network: Network): Record<string, unknown> {
  const { containers } = call.context;
  const members = [...network.members].flatMap(([id, { endpointId }]) => {
    const container = containers.find(id);
    if (!container?.isRunning) return [];
    return [[id, { Name: container.name, EndpointID: endpointId, MacAddress: "", IPv4Address: "", IPv6Address: "" }]];
  });
  return {
    Name: network.name,
    Id: network.id,
    Created: new Date(network.createdMs).toISOString(),
    Scope: "local",
    Driver: network.driver,
    EnableIPv6: false,
    IPAM: network.ipam,
    Internal: network.isInternal,
    Attachable: network.isAttachable,
    Ingress: false,
    ConfigFrom: { Network: "" },
    ConfigOnly: false,
    Containers: Object.fromEntries(members),
    Options: network.options,
    Labels: network.labels,
  };
}

async function create({ context, incoming, response }: ApiCall): Promise<void> {
  const body = await readJson<CreateBody>(incoming);
  const name = body.Name ?? "";
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)) throw new ApiError(400, "invalid network name");
  if ((body.Driver ?? "bridge") !== "bridge" && body.Driver !== "" && body.Driver !== "default")
    throw notDone(`networks of the driver \`${body.Driver}\``);
  if (body.ConfigOnly || body.Internal) throw notDone(body.Internal ? "internal networks" : "networks without members");
  const network = context.networks.create(name, {
    isAttachable: body.Attachable === true,
    labels: body.Labels ?? {},
    options: body.Options ?? {},
    ...(body.IPAM !== null && body.IPAM !== undefined && { ipam: body.IPAM }),
  });
  const warning = "containers of this network use this machine's network; their names lead to 127.0.0.1";
  sendJson(response, 201, { Id: network.id, Warning: warning });
}

const matching = (call: ApiCall, filters: Filters): Network[] =>
  call.context.networks.list().filter((network) => {
    const isPredefined = ["bridge", "host", "none"].includes(network.name);
    const dangling = filters.flag("dangling");
    return (
      filters.some("name", (value) => network.name.includes(value)) &&
      filters.some("id", (value) => network.id.startsWith(value)) &&
      filters.some("driver", (value) => network.driver === value) &&
      filters.some("scope", (value) => value === "local") &&
      filters.some("type", (value) => value === (isPredefined ? "builtin" : "custom")) &&
      filters.labels(network.labels) &&
      (dangling === undefined || dangling === (!isPredefined && network.members.size === 0))
    );
  });

const ALLOWED = ["name", "id", "driver", "scope", "type", "label", "label!", "dangling"];

function list(call: ApiCall): void {
  const found = matching(call, Filters.of(call.query, ALLOWED));
  sendJson(
    call.response,
    200,
    found.map((network) => ({ ...shapeOf(call, network), Containers: {} })),
  );
}

const requested = (call: ApiCall): Network => call.context.networks.require(call.path[0] ?? "");

function remove(call: ApiCall): void {
  call.context.networks.remove(requested(call));
  sendNothing(call.response);
}

async function connect(call: ApiCall): Promise<void> {
  const { context, incoming, response } = call;
  const network = requested(call);
  const body = await readJson<{
    Container?: string;
    EndpointConfig?: { Aliases?: string[] | null } | null;
    Force?: boolean;
  }>(incoming);
  const container = requireContainer(context, body.Container ?? "");
  if (network.members.has(container.id))
    throw new ApiError(403, `endpoint with name ${container.name} already exists in network ${network.name}`);
  const aliases = [...(body.EndpointConfig?.Aliases ?? []), container.id.slice(0, 12)];
  context.networks.join(network, container.id, aliases, container.isRunning);
  await context.containers.writeHosts();
  sendNothing(response, 200);
}

async function disconnect(call: ApiCall): Promise<void> {
  const { context, incoming, response } = call;
  const network = requested(call);
  const body = await readJson<{ Container?: string }>(incoming);
  const container = requireContainer(context, body.Container ?? "");
  if (!network.members.has(container.id))
    throw new ApiError(403, `container ${container.id} is not connected to network ${network.name}`);
  context.networks.leave(network, container.id);
  await context.containers.writeHosts();
  sendNothing(response, 200);
}

function prune(call: ApiCall): void {
  const { context, query, response } = call;
  const filters = Filters.of(query, ["until", "label", "label!"]);
  const untilMs = timeParameter(filters.values("until")[0], "until", context.clock.nowMs());
  const gone = matching(call, filters).filter(
    (network) =>
      !["bridge", "host", "none"].includes(network.name) &&
      network.members.size === 0 &&
      (untilMs === undefined || network.createdMs <= untilMs),
  );
  for (const network of gone) context.networks.remove(network);
  sendJson(response, 200, { NetworksDeleted: gone.length === 0 ? null : gone.map((network) => network.name) });
}

export const networkRoutes: readonly ApiRoute[] = [
  { method: "GET", pattern: /^\/networks\/?$/, handle: list },
  { method: "POST", pattern: /^\/networks\/create$/, handle: create },
  { method: "POST", pattern: /^\/networks\/prune$/, handle: prune },
  {
    method: "GET",
    // With slashes: `docker inspect` asks with an image's name.
    pattern: /^\/networks\/(.+)$/,
    handle: (call) => sendJson(call.response, 200, shapeOf(call, requested(call))),
  },
  { method: "DELETE", pattern: /^\/networks\/([^/]+)$/, handle: remove },
  { method: "POST", pattern: /^\/networks\/([^/]+)\/connect$/, handle: connect },
  { method: "POST", pattern: /^\/networks\/([^/]+)\/disconnect$/, handle: disconnect },
];
