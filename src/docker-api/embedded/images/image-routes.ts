/** Images of a build: list, inspect, history, tag, remove, prune. */
import { type HistoryEntry, type Image, imageSizeBytes } from "../../../images/image.ts";
import { type ImageReference, parseReference } from "../../../images/reference.ts";
import { type ApiCall, ApiError, type ApiRoute, type BuilderContext, isOn, namedReference, sendJson } from "../api.ts";
import type { Container } from "../containers/container.ts";
import { Filters, timeParameter } from "../filters.ts";
import type { NamedImage, RemovedName } from "./image-names.ts";
import { requireImage } from "./requested-image.ts";

const createdSeconds = (image: Image): number => Math.floor((Date.parse(image.config.created) || 0) / 1000);
const shortId = (id: string): string => id.replace(/^sha256:/, "").slice(0, 12);
const ALLOWED = ["before", "dangling", "label", "label!", "reference", "since", "until"];
/** Before this one an image without a name had one that says so. */
const FIRST_MINOR_WITH_EMPTY_NAMES = 43;

function list({ context, query, response, minorVersion }: ApiCall): void {
  const filters = Filters.of(query, ALLOWED);
  const wanted = filters.values("reference");
  const none = minorVersion < FIRST_MINOR_WITH_EMPTY_NAMES;
  const shown = matching(context, filters).flatMap((named) => {
    const [tags, digests] = [named.tags, named.digests].map((names) =>
      wanted.length === 0 ? names : names.filter((name) => wanted.some((pattern) => isMatch(pattern, name))),
    ) as [readonly string[], readonly string[]];
    if (wanted.length > 0 && tags.length + digests.length === 0) return [];
    const { image } = named;
    return {
      Id: image.id,
      ParentId: "",
      RepoTags: none && tags.length === 0 ? ["<none>:<none>"] : tags,
      RepoDigests: none && digests.length === 0 ? ["<none>@<none>"] : digests,
      Created: createdSeconds(image),
      Size: imageSizeBytes(image),
      ...(minorVersion < 44 && { VirtualSize: imageSizeBytes(image) }),
      SharedSize: -1,
      Labels: image.config.config.Labels ?? null,
      Containers: -1,
    };
  });
  sendJson(response, 200, shown);
}

/** By every filter but `reference`. */
function matching(
  context: BuilderContext,
  filters: Filters,
  dangling: boolean | undefined | null = filters.flag("dangling"),
): NamedImage[] {
  const nowMs = context.clock.nowMs();
  const untilMs = timeParameter(filters.values("until")[0], "until", nowMs);
  const times = (name: string): number[] =>
    filters.values(name).map((value) => createdSeconds(requireImage(context, value)));
  const [before, since] = [times("before"), times("since")];
  return context.names.list().filter(({ image, tags, digests }) => {
    const created = createdSeconds(image);
    return (
      ((dangling ?? undefined) === undefined || dangling === (tags.length + digests.length === 0)) &&
      filters.labels(image.config.config.Labels) &&
      before.every((seconds) => created < seconds) &&
      since.every((seconds) => created > seconds) &&
      (untilMs === undefined || created * 1000 <= untilMs)
    );
  });
}

/** Docker's pattern for references: `path.Match` on the familiar name, with and without its tag. */
function isMatch(pattern: string, name: string): boolean {
  const cut = name.includes("@") ? name.indexOf("@") : name.lastIndexOf(":");
  const repository = name.slice(0, cut);
  const normal = ((): string => {
    try {
      const { host, repository: path } = parseReference(pattern.split(/[:@]/)[0] ?? "");
      return host === "docker.io"
        ? pattern.replace(/^(?:index\.)?docker\.io\//, "").replace(/^library\//, "")
        : `${host}/${path}${pattern.slice(`${host}/${path}`.length)}`;
    } catch {
      return pattern;
    }
  })();
  const source = normal
    .split(/(\*|\?)/)
    .map((part) => (part === "*" ? "[^/]*" : part === "?" ? "[^/]" : part.replace(/[.+^${}()|\\]/g, "\\$&")))
    .join("");
  const regex = new RegExp(`^${source}$`);
  return regex.test(name) || regex.test(repository);
}

function inspect({ context, path: [name = ""], response, minorVersion }: ApiCall): void {
  const image = requireImage(context, name);
  const { tags, digests } = context.names.describe(image);
  const { config } = image;
  sendJson(response, 200, {
    Id: image.id,
    RepoTags: tags,
    RepoDigests: digests,
    Parent: "",
    Comment: config.history.at(-1)?.comment ?? "",
    Created: config.created,
    ...(minorVersion < 45 && { Container: "", DockerVersion: "" }),
    Author: config.author ?? "",
    Config: {
      ...{ Hostname: "", Domainname: "", User: "", AttachStdin: false, AttachStdout: false, AttachStderr: false },
      ...{ Tty: false, OpenStdin: false, StdinOnce: false, Env: null, Cmd: null, Image: "", Volumes: null },
      ...{ WorkingDir: "", Entrypoint: null, OnBuild: null, Labels: null },
      ...config.config,
    },
    Architecture: config.architecture,
    ...(config.variant !== undefined && { Variant: config.variant }),
    Os: config.os,
    Size: imageSizeBytes(image),
    ...(minorVersion < 44 && { VirtualSize: imageSizeBytes(image) }),
    GraphDriver: { Data: null, Name: "overlay2" },
    RootFS: { Type: "layers", Layers: config.rootfs.diff_ids },
    Metadata: { LastTagTime: "0001-01-01T00:00:00Z" },
  });
}

function history({ context, path: [name = ""], response }: ApiCall): void {
  const image = requireImage(context, name);
  const { tags } = context.names.describe(image);
  let layer = 0;
  const entries = image.config.history.map((entry: HistoryEntry, at) => {
    const isLast = at === image.config.history.length - 1;
    return {
      Id: isLast ? image.id : "<missing>",
      Created: Math.floor((Date.parse(entry.created) || 0) / 1000),
      CreatedBy: entry.created_by ?? "",
      Tags: isLast && tags.length > 0 ? tags : null,
      Size: entry.empty_layer ? 0 : (image.layers[layer++]?.sizeBytes ?? 0),
      Comment: entry.comment ?? "",
    };
  });
  sendJson(response, 200, entries.reverse());
}

function tag({ context, path: [name = ""], query, response }: ApiCall): void {
  const image = requireImage(context, name);
  const to = query.get("tag");
  const reference: ImageReference = namedReference(`${query.get("repo") ?? ""}${to ? `:${to}` : ""}`);
  if (reference.digest !== undefined) throw new ApiError(400, "refusing to create a tag with a digest reference");
  context.names.tag(reference, image);
  context.events.add("image", "tag", image.id, { name: `${query.get("repo")}:${to || "latest"}` });
  response.writeHead(201).end();
}

const usersOf = (context: BuilderContext, image: Image): Container[] =>
  context.containers.list().filter((container) => container.spec.image.id === image.id);

const repositoryOf = (name: string): string =>
  name.slice(0, name.includes("@") ? name.indexOf("@") : name.lastIndexOf(":"));

/** Docker's rules: a name alone goes while others are left; what a container needs stays unless forced, and always while it runs. */
function remove({ context, path: [name = ""], query, response }: ApiCall): void {
  const { names, events } = context;
  const image = requireImage(context, name);
  const isForced = isOn(query, "force");
  const { tags, digests } = names.describe(image);
  const users = usersOf(context, image);
  const conflict = (text: string): ApiError => new ApiError(409, `conflict: ${text}`);
  const gone: RemovedName[] = [];
  if (names.isName(name)) {
    const [user] = users;
    const repositories = new Set([...tags, ...digests].map(repositoryOf));
    const isOnly = tags.length <= 1 && repositories.size === 1;
    if (isOnly && user && !isForced)
      throw conflict(
        `unable to remove repository reference "${name}" (must force) - container ${shortId(user.id)} is using its referenced image ${shortId(image.id)}`,
      );
    gone.push(...names.untag(name));
    events.add("image", "untag", image.id, { name: image.id });
    const left = names.describe(image);
    if (left.tags.length + left.digests.length > 0 || users.length > 0) {
      sendJson(response, 200, gone);
      return;
    }
  } else {
    const running = users.find((container) => container.isRunning);
    if (running)
      throw conflict(
        `unable to delete ${shortId(image.id)} (cannot be forced) - image is being used by running container ${shortId(running.id)}`,
      );
    const repositories = new Set(tags.map(repositoryOf));
    if (repositories.size > 1 && !isForced)
      throw conflict(
        `unable to delete ${shortId(image.id)} (must be forced) - image is referenced in multiple repositories`,
      );
    if (users[0] && !isForced)
      throw conflict(
        `unable to delete ${shortId(image.id)} (must be forced) - image is being used by stopped container ${shortId(users[0].id)}`,
      );
  }
  gone.push(...names.delete(image));
  events.add("image", "delete", image.id, { name: image.id });
  sendJson(response, 200, gone);
}

function prune({ context, query, response }: ApiCall): void {
  const filters = Filters.of(query, ["dangling", "until", "label", "label!"]);
  const onlyDangling = filters.flag("dangling") ?? true;
  const gone: RemovedName[] = [];
  let bytes = 0;
  for (const { image, tags, digests } of matching(context, filters, null)) {
    if ((onlyDangling && tags.length + digests.length > 0) || usersOf(context, image).length > 0) continue;
    gone.push(...context.names.delete(image));
    bytes += imageSizeBytes(image);
    context.events.add("image", "delete", image.id, { name: image.id });
  }
  sendJson(response, 200, { ImagesDeleted: gone.length === 0 ? null : gone, SpaceReclaimed: bytes });
}

export const imageRoutes: readonly ApiRoute[] = [
  { method: "GET", pattern: /^\/images\/json$/, handle: list },
  { method: "POST", pattern: /^\/images\/prune$/, handle: prune },
  { method: "GET", pattern: /^\/images\/(.+)\/json$/, handle: inspect },
  { method: "GET", pattern: /^\/images\/(.+)\/history$/, handle: history },
  { method: "POST", pattern: /^\/images\/(.+)\/tag$/, handle: tag },
  { method: "DELETE", pattern: /^\/images\/(.+)$/, handle: remove },
];
