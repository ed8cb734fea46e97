/** Volumes over HTTP: create, list, inspect, remove, prune. */
import { type ApiCall, ApiError, type ApiRoute, isOn, readJson, sendJson, sendNothing } from "../api.ts";
import { treeSizeBytes } from "../containers/tree-size.ts";
import { Filters } from "../filters.ts";
import type { Volume } from "./volumes.ts";

/** Wire shape. */
export const volumeShape = (volume: Volume): Record<string, unknown> => ({
  CreatedAt: new Date(volume.createdMs).toISOString(),
  Driver: "local",
  Labels: Object.keys(volume.labels).length === 0 ? null : volume.labels,
  Mountpoint: volume.mountpoint,
  Name: volume.name,
  Options: null,
  Scope: "local",
});

async function create({ context, incoming, response }: ApiCall): Promise<void> {
  const body = await readJson<{
    Name?: string;
    Driver?: string;
    DriverOpts?: Record<string, string> | null;
    Labels?: Record<string, string> | null;
  }>(incoming);
  const volume = await context.volumes.ensure(body.Name ?? "", {
    labels: body.Labels ?? {},
    options: body.DriverOpts ?? {},
    ...(body.Driver !== undefined && { driver: body.Driver }),
  });
  sendJson(response, 201, volumeShape(volume));
}

function list({ context, query, response }: ApiCall): void {
  const filters = Filters.of(query, ["dangling", "driver", "label", "label!", "name"]);
  const dangling = filters.flag("dangling");
  const found = context.volumes
    .list()
    .filter(
      (volume) =>
        (dangling === undefined || dangling === (volume.users.size === 0)) &&
        filters.some("driver", (value) => value === "local") &&
        filters.some("name", (value) => volume.name.includes(value)) &&
        filters.labels(volume.labels),
    );
  sendJson(response, 200, { Volumes: found.map(volumeShape), Warnings: null });
}

function requested({ context, path: [name = ""] }: ApiCall): Volume {
  const volume = context.volumes.find(name);
  if (!volume) throw new ApiError(404, `get ${name}: no such volume`);
  return volume;
}

async function remove(call: ApiCall): Promise<void> {
  const { context, path, query, response } = call;
  const isForced = isOn(query, "force");
  if (!isForced || context.volumes.find(path[0] ?? "")) await context.volumes.remove(requested(call));
  sendNothing(response);
}

async function prune({ context, query, response, minorVersion }: ApiCall): Promise<void> {
  const filters = Filters.of(query, ["label", "label!", "all"]);
  const gone: string[] = [];
  let bytes = 0;
  // Since 1.42 only anonymous ones unless told.
  const all = minorVersion < 42 || filters.flag("all") === true;
  for (const volume of context.volumes.list()) {
    if (volume.users.size > 0 || !filters.labels(volume.labels) || !(all || volume.isAnonymous)) continue;
    bytes += await treeSizeBytes(volume.mountpoint);
    await context.volumes.remove(volume);
    gone.push(volume.name);
  }
  sendJson(response, 200, { VolumesDeleted: gone, SpaceReclaimed: bytes });
}

export const volumeRoutes: readonly ApiRoute[] = [
  { method: "GET", pattern: /^\/volumes$/, handle: list },
  { method: "POST", pattern: /^\/volumes\/create$/, handle: create },
  { method: "POST", pattern: /^\/volumes\/prune$/, handle: prune },
  {
    method: "GET",
    pattern: /^\/volumes\/(.+)$/,
    handle: (call) => sendJson(call.response, 200, volumeShape(requested(call))),
  },
  { method: "DELETE", pattern: /^\/volumes\/([^/]+)$/, handle: remove },
];
