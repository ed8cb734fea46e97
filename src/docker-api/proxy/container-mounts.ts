/**
 * What a build's containers mount from a shared engine, beyond the policy's first look: volumes and containers must be the
 * build's own, volumes that a container brings along get its label, and folders are looked at again before each start.
 */
import type { EngineClient } from "../../engine-api/engine-client.ts";
import { type BindScope, isInMemory, isStillOwn, type MountBody } from "./bind-sources.ts";
import { type CreateContainerBody, refusal } from "./container-policy.ts";
import { isHere, isOwnContainer, isOwnNamed, LABEL, type ProxySession } from "./session.ts";

/** Policies under which an engine starts a container without being asked. */
export const RESTARTS: ReadonlySet<string> = new Set(["always", "unless-stopped", "on-failure"]);

export const bindScope = ({ request, engine, socketPath }: ProxySession): BindScope => ({
  workDir: request.workDir,
  isHere: isHere(engine),
  socketPath,
  ...(request.sharedPath ? { sharedPath: request.sharedPath } : {}),
});

/** Why a container is refused, or undefined; the body then says what the engine is to mount. */
export async function mayCreate(
  body: CreateContainerBody,
  scope: BindScope,
  session: ProxySession,
): Promise<string | undefined> {
  // Without one, an engine takes the members of a HostConfig from the body itself.
  const host = body.HostConfig ?? {};
  body.HostConfig = host;
  const refused = await refusal(body, scope);
  if (refused !== undefined) return refused;
  for (const from of host.VolumesFrom ?? []) {
    const id = from.split(":")[0] ?? "";
    if (!(await isOwnContainer(session, id))) return `--volumes-from ${id} is refused: this build did not make it`;
  }
  for (const mode of [host.PidMode, host.IpcMode, host.NetworkMode]) {
    const id = /^container:(.+)$/.exec(mode ?? "")?.[1];
    if (id !== undefined && !(await isOwnContainer(session, id)))
      return `namespaces of the container ${id} are refused: this build did not make it`;
  }
  for (const name of volumeNames(host)) {
    if (!(await isOwnNamed(session, "volumes", name))) {
      return `the volume ${name} was not made by this build; kiln leaves it`;
    }
    await labelledVolume(session.client, name, session.request.buildId);
  }
  if (RESTARTS.has(host.RestartPolicy?.Name ?? "") && (await mountsFolder(host, session))) {
    host.RestartPolicy = { Name: "no" };
    session.request.onNotice("docker: containers that mount folders of the build are not started again by themselves");
  }
  return undefined;
}

async function mountsFolder(host: CreateContainerBody["HostConfig"] & {}, { client }: ProxySession): Promise<boolean> {
  const isBound = (host.Binds ?? []).some((bind) => bind.startsWith("/"));
  if (isBound || (host.Mounts ?? []).some(isFolder)) return true;
  for (const name of volumeNames(host)) if ((await folderOfVolume(client, name)) !== undefined) return true;
  return false;
}

const isFolder = ({ Type: type, VolumeOptions: options }: MountBody): boolean =>
  type === "bind" || options?.DriverConfig?.Options?.["device"] !== undefined;

/** The folder that a container of the build mounts and that is the build's no more; undefined: it may start. */
export async function changedMount(
  id: string,
  scope: BindScope,
  { client }: ProxySession,
): Promise<string | undefined> {
  const found = await client.json<{ Mounts?: { Type?: string; Source?: string; Name?: string }[] | null }>(
    `/containers/${encodeURIComponent(id)}/json`,
  );
  for (const { Type: type, Source: source = "", Name: name } of found?.Mounts ?? []) {
    const folder = type === "bind" ? source : type === "volume" ? await folderOfVolume(client, name ?? "") : undefined;
    if (folder !== undefined && !(await isStillOwn(folder, scope))) return folder;
  }
  return undefined;
}

function volumeNames({ Binds: binds, Mounts: mounts }: CreateContainerBody["HostConfig"] & {}): string[] {
  const bound = (binds ?? []).map((bind) => bind.split(":")).filter(([, target]) => target !== undefined);
  const mounted = (mounts ?? [])
    .filter(({ Type: type }) => type === "volume")
    .map(({ Source: source }) => source ?? "");
  return [...bound.map(([name]) => name ?? ""), ...mounted].filter((name) => name !== "" && !name.startsWith("/"));
}

/** An engine that makes a volume for a container gives it no label: nobody would remove it. */
async function labelledVolume(client: EngineClient, name: string, buildId: string): Promise<void> {
  if ((await client.json(`/volumes/${encodeURIComponent(name)}`)) !== undefined) return;
  await client.call("POST", "/volumes/create", { Name: name, Labels: { [LABEL]: buildId } });
}

async function folderOfVolume(client: EngineClient, name: string): Promise<string | undefined> {
  const found = await client.json<{ Options?: Record<string, string> | null }>(`/volumes/${encodeURIComponent(name)}`);
  const options = found?.Options ?? {};
  return isInMemory(options) ? undefined : options["device"];
}
