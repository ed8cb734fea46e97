/** `POST /commit`: what a container wrote becomes a layer, the container's config the image's. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { imageOf, saveImage } from "../../../images/image.ts";
import { removeTree } from "../../../images/remove-tree.ts";
import { type ApiCall, type ApiRoute, namedReference, readJson, sendJson } from "../api.ts";
import type { ContainerConfig } from "../containers/container.ts";
import { requireContainer } from "../containers/requested-container.ts";
import { TOOL_PATH } from "../isolation.ts";
import { applyChanges } from "./config-changes.ts";

async function commit({ context, query, incoming, response }: ApiCall): Promise<void> {
  const { store, clock, names, events } = context;
  const container = requireContainer(context, query.get("container") ?? "");
  const body = await readJson<ContainerConfig>(incoming);
  const repo = query.get("repo") ?? "";
  const tag = query.get("tag") ?? "";
  const reference = repo === "" ? undefined : namedReference(tag === "" ? repo : `${repo}:${tag}`);
  const { image, config: own } = container.spec;
  const changed = applyChanges(
    {
      ...image.config.config,
      ...pick(own),
      ...pick(body),
    },
    query.getAll("changes"),
  );
  const dir = await store.newFolder();
  try {
    await copyUpper(container.upperDir, dir);
  } catch (error) {
    await removeTree(join(dir, ".."));
    throw error;
  }
  const layer = await store.commitUpper(image.layers.at(-1), dir);
  const created = new Date(clock.nowMs()).toISOString();
  const author = query.get("author") ?? "";
  const comment = query.get("comment") ?? "";
  const made = imageOf(
    {
      ...image.config,
      created,
      ...(author !== "" && { author }),
      config: changed,
      history: [
        ...image.config.history,
        {
          created,
          created_by: [...(own.Entrypoint ?? []), ...(own.Cmd ?? [])].join(" "),
          ...(author !== "" && { author }),
          ...(comment !== "" && { comment }),
        },
      ],
      rootfs: { type: "layers", diff_ids: [...image.config.rootfs.diff_ids, layer.diffId] },
    },
    [...image.layers, layer],
  );
  await saveImage(store, made);
  names.add(made);
  if (reference) names.tag(reference, made);
  events.add("container", "commit", container.id, { comment, imageID: made.id, name: container.name });
  sendJson(response, 201, { Id: made.id });
}

/** What of a container's config belongs to an image; empty members say nothing. */
function pick(config: ContainerConfig): Partial<ContainerConfig> {
  const names = [
    ...(["User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels"] as const),
    ...(["StopSignal", "Healthcheck", "OnBuild"] as const),
  ];
  const isGiven = (value: unknown): boolean =>
    value !== undefined &&
    value !== null &&
    value !== "" &&
    !(typeof value === "object" && Object.keys(value).length === 0);
  return Object.fromEntries(names.flatMap((name) => (isGiven(config[name]) ? [[name, config[name]]] : [])));
}

/** With the marks of overlayfs, which are devices and extended attributes. */
function copyUpper(from: string, to: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn("cp", ["-a", "--reflink=auto", "--", `${from}/.`, to], {
      env: { PATH: TOOL_PATH },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let problem = "";
    child.stderr.on("data", (chunk: Buffer) => {
      problem += chunk.toString();
    });
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0 ? resolve() : reject(new Error(`cannot copy the container's files: ${problem.trim()}`)),
    );
  });
}

export const commitRoutes: readonly ApiRoute[] = [{ method: "POST", pattern: /^\/commit$/, handle: commit }];
