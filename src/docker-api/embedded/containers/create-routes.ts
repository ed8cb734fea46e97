/** `POST /containers/create`, rename, prune, and `update`, which is refused. */
import { type ApiCall, ApiError, type ApiRoute, isOn, notDone, readJson, sendJson, sendNothing } from "../api.ts";
import { Filters, timeParameter } from "../filters.ts";
import { requireImage } from "../images/requested-image.ts";
import type { Container } from "./container.ts";
import { type CreateBody, readCreateBody } from "./container-body.ts";
import { requestedContainer } from "./requested-container.ts";
import { treeSizeBytes } from "./tree-size.ts";

async function create({ context, incoming, query, response }: ApiCall): Promise<void> {
  const body = await readJson<CreateBody>(incoming);
  if ((body.Image ?? "") === "") throw new ApiError(400, "config cannot be empty in order to create a container");
  const image = requireImage(context, body.Image ?? "");
  const platform = query.get("platform") ?? "";
  if (platform !== "" && !platform.split("/").includes(image.config.architecture))
    throw new ApiError(
      404,
      `image with reference ${body.Image} was found but its platform (linux/${image.config.architecture}) does not match the specified platform (${platform})`,
    );
  const { spec, endpoints, warnings } = await readCreateBody(context, body, image);
  const container = await context.containers.create({ ...spec, name: (query.get("name") ?? "").replace(/^\//, "") });
  for (const [name, aliases] of endpoints) {
    const network = context.networks.require(name);
    const own = context.networks.isNamed(network) ? [...aliases, container.id.slice(0, 12)] : aliases;
    context.networks.join(network, container.id, own, false);
  }
  if (image.layers.length > 0) {
    const root = context.store.root(image.layers);
    for (const { volume, target } of spec.mounts) if (volume) await context.volumes.fill(volume, root, target);
  }
  sendJson(response, 201, { Id: container.id, Warnings: warnings });
}

function rename(call: ApiCall): void {
  const name = (call.query.get("name") ?? "").replace(/^\//, "");
  if (name === "") throw new ApiError(400, "Neither old nor new names may be empty");
  const container = requestedContainer(call);
  if (container.name === name) throw new ApiError(400, "Renaming a container with the same name as its current name");
  call.context.containers.rename(container, name);
  sendNothing(call.response);
}

async function remove(call: ApiCall): Promise<void> {
  const { context, query, response } = call;
  const container = requestedContainer(call);
  if (isOn(query, "link")) throw notDone("links of containers (`docker rm --link`)");
  if (container.isRunning && !isOn(query, "force")) throw stillRunning(container);
  await context.containers.remove(container, isOn(query, "v"));
  sendNothing(response);
}

const stillRunning = (container: Container): ApiError =>
  new ApiError(
    409,
    `cannot remove container "/${container.name}": container is running: stop the container before removing or force remove`,
  );

async function prune({ context, query, response }: ApiCall): Promise<void> {
  const filters = Filters.of(query, ["until", "label", "label!"]);
  const untilMs = timeParameter(filters.values("until")[0], "until", context.clock.nowMs());
  const gone: string[] = [];
  let bytes = 0;
  for (const container of context.containers.list()) {
    const isOver = ["created", "exited"].includes(container.status) && !container.starting;
    const isOld = untilMs === undefined || container.createdMs <= untilMs;
    if (!isOver || !isOld || !filters.labels(container.spec.config.Labels)) continue;
    bytes += await treeSizeBytes(container.upperDir);
    await context.containers.remove(container, false);
    gone.push(container.id);
  }
  sendJson(response, 200, { ContainersDeleted: gone.length === 0 ? null : gone, SpaceReclaimed: bytes });
}

export const createRoutes: readonly ApiRoute[] = [
  { method: "POST", pattern: /^\/containers\/create$/, handle: create },
  { method: "POST", pattern: /^\/containers\/prune$/, handle: prune },
  { method: "POST", pattern: /^\/containers\/([^/]+)\/rename$/, handle: rename },
  { method: "DELETE", pattern: /^\/containers\/([^/]+)$/, handle: remove },
];
