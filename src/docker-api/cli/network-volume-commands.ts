/** `docker network …` and `docker volume …`. */
import { DaemonError } from "./api-client.ts";
import { argumentsOf } from "./build-flags.ts";
import type { CliCommand } from "./cli-command.ts";
import { requireArguments } from "./container-commands.ts";
import { flagOf, isSet, listOf, parseFlags } from "./flags.ts";
import { filtersQuery, LIST_FLAGS, type Listing, printList, shortId } from "./listing.ts";

export async function networkList(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, LIST_FLAGS);
  const found = await command.api.json<
    { Id: string; Name: string; Driver: string; Scope: string; Labels: Record<string, string> }[]
  >("GET", `/networks?${filtersQuery(listOf(parsed, "filter"))}`);
  const isWhole = isSet(parsed, "no-trunc");
  const rows = found
    .sort((a, b) => (a.Name < b.Name ? -1 : 1))
    .map(({ Id, Name, Driver, Scope, Labels }): Listing => {
      const id = shortId(Id, isWhole);
      return { id, fields: { ID: id, Name, Driver, Scope, Labels: shownLabels(Labels) } };
    });
  printList(
    command,
    parsed,
    [
      ["NETWORK ID", "ID"],
      ["NAME", "Name"],
      ["DRIVER", "Driver"],
      ["SCOPE", "Scope"],
    ],
    rows,
  );
  return 0;
}

const shownLabels = (labels: Readonly<Record<string, string>> | null): string =>
  Object.entries(labels ?? {})
    .map(([name, value]) => `${name}=${value}`)
    .join(",");

export async function networkCreate(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, [
    { name: "driver", short: "d", kind: "string" },
    { name: "label", kind: "list" },
    { name: "opt", short: "o", kind: "list" },
    { name: "subnet", kind: "list" },
    { name: "gateway", kind: "list" },
    { name: "attachable", kind: "bool" },
    { name: "internal", kind: "bool" },
  ]);
  requireArguments(parsed, "network create", 1, 1);
  const { Id } = await command.api.json<{ Id: string }>("POST", "/networks/create", {
    Name: parsed.rest[0],
    Driver: flagOf(parsed, "driver") ?? "bridge",
    Internal: isSet(parsed, "internal"),
    Attachable: isSet(parsed, "attachable"),
    Labels: argumentsOf(listOf(parsed, "label"), {}),
    Options: argumentsOf(listOf(parsed, "opt"), {}),
    CheckDuplicate: true,
  });
  command.stdout.write(`${Id}\n`);
  return 0;
}

const removing =
  (kind: "network" | "volume") =>
  async (command: CliCommand): Promise<number> => {
    const parsed = parseFlags(command.args, [{ name: "force", short: "f", kind: "bool" }]);
    requireArguments(parsed, `${kind} rm`, 1);
    let code = 0;
    for (const name of parsed.rest) {
      try {
        const force = kind === "volume" && isSet(parsed, "force") ? "?force=1" : "";
        await command.api.json("DELETE", `/${kind}s/${encodeURIComponent(name)}${force}`);
        command.stdout.write(`${name}\n`);
      } catch (error) {
        if (!(error instanceof DaemonError)) throw error;
        command.stderr.write(`Error response from daemon: ${error.message}\n`);
        code = 1;
      }
    }
    return code;
  };

export const networkRemove = removing("network");
export const volumeRemove = removing("volume");

const connecting =
  (act: "connect" | "disconnect") =>
  async (command: CliCommand): Promise<number> => {
    const parsed = parseFlags(command.args, [
      { name: "alias", kind: "list" },
      { name: "force", short: "f", kind: "bool" },
    ]);
    requireArguments(parsed, `network ${act}`, 2, 2);
    const [network = "", container = ""] = parsed.rest;
    await command.api.json("POST", `/networks/${encodeURIComponent(network)}/${act}`, {
      Container: container,
      ...(act === "connect" && { EndpointConfig: { Aliases: listOf(parsed, "alias") } }),
    });
    return 0;
  };

export const networkConnect = connecting("connect");
export const networkDisconnect = connecting("disconnect");

export async function volumeList(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, LIST_FLAGS);
  const { Volumes } = await command.api.json<{
    Volumes: { Name: string; Driver: string; Mountpoint: string; Labels: Record<string, string> | null }[] | null;
  }>("GET", `/volumes?${filtersQuery(listOf(parsed, "filter"))}`);
  const rows = (Volumes ?? [])
    .sort((a, b) => (a.Name < b.Name ? -1 : 1))
    .map(
      ({ Name, Driver, Mountpoint, Labels }): Listing => ({
        id: Name,
        fields: { Name, Driver, Mountpoint, Scope: "local", Labels: shownLabels(Labels) },
      }),
    );
  printList(
    command,
    parsed,
    [
      ["DRIVER", "Driver"],
      ["VOLUME NAME", "Name"],
    ],
    rows,
  );
  return 0;
}

export async function volumeCreate(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, [
    { name: "driver", short: "d", kind: "string" },
    { name: "label", kind: "list" },
    { name: "opt", short: "o", kind: "list" },
    { name: "name", kind: "string" },
  ]);
  requireArguments(parsed, "volume create", 0, 1);
  const { Name } = await command.api.json<{ Name: string }>("POST", "/volumes/create", {
    Name: parsed.rest[0] ?? flagOf(parsed, "name") ?? "",
    Driver: flagOf(parsed, "driver") ?? "local",
    DriverOpts: argumentsOf(listOf(parsed, "opt"), {}),
    Labels: argumentsOf(listOf(parsed, "label"), {}),
  });
  command.stdout.write(`${Name}\n`);
  return 0;
}
