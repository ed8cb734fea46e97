/** Commands on containers that are there: ps, logs, stop, kill, restart, rm, rename, wait, port, top, diff, export, commit. */
import { createWriteStream } from "node:fs";
import { resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { systemClock } from "../../core/clock.ts";
import { humanDuration } from "../human-units.ts";
import { DaemonError } from "./api-client.ts";
import type { CliCommand } from "./cli-command.ts";
import { demultiplex } from "./demultiplex.ts";
import { type FlagSpec, flagOf, isSet, listOf, type ParsedFlags, parseFlags, UsageError } from "./flags.ts";
import { filtersQuery, LIST_FLAGS, type Listing, printList, shortId, table } from "./listing.ts";

const pathOf = (name: string): string => `/containers/${encodeURIComponent(name)}`;

export function requireArguments(
  parsed: ParsedFlags,
  name: string,
  least: number,
  most = Number.POSITIVE_INFINITY,
): void {
  const { length } = parsed.rest;
  if (length >= least && length <= most) return;
  const count = `${least === most ? "" : "at least "}${least} argument${least === 1 ? "" : "s"}`;
  throw new UsageError(`docker: 'docker ${name}' requires ${count}`);
}

/** Runs `act` for each name, prints the name, goes on after a refusal. */
async function forEach(
  command: CliCommand,
  names: readonly string[],
  act: (name: string) => Promise<string | undefined>,
): Promise<number> {
  let code = 0;
  for (const name of names) {
    try {
      const shown = await act(name);
      if (shown !== undefined) command.stdout.write(`${shown}\n`);
    } catch (error) {
      if (!(error instanceof DaemonError)) throw error;
      command.stderr.write(`Error response from daemon: ${error.message}\n`);
      code = 1;
    }
  }
  return code;
}

interface ListedContainer {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly Image: string;
  readonly Command: string;
  readonly Created: number;
  readonly State: string;
  readonly Status: string;
  readonly Ports: readonly { IP?: string; PrivatePort: number; PublicPort?: number; Type: string }[];
  readonly Labels: Readonly<Record<string, string>>;
  readonly Mounts: readonly { Name?: string; Source: string }[];
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, unknown>> };
}

export async function ps(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, [
    ...LIST_FLAGS,
    { name: "all", short: "a", kind: "bool" },
    { name: "latest", short: "l", kind: "bool" },
    { name: "last", short: "n", kind: "string" },
    { name: "size", short: "s", kind: "bool" },
  ]);
  const limit = isSet(parsed, "latest") ? "1" : flagOf(parsed, "last");
  const query = [
    isSet(parsed, "all") || limit !== undefined ? "all=1" : "",
    limit === undefined ? "" : `limit=${encodeURIComponent(limit)}`,
    filtersQuery(listOf(parsed, "filter")),
  ].filter((part) => part !== "");
  const found = await command.api.json<ListedContainer[]>("GET", `/containers/json?${query.join("&")}`);
  const isWhole = isSet(parsed, "no-trunc");
  const nowMs = systemClock.nowMs();
  const rows = found.map((container): Listing => {
    const quoted = JSON.stringify(container.Command);
    return {
      id: shortId(container.Id, isWhole),
      fields: {
        ID: shortId(container.Id, isWhole),
        Image: container.Image,
        Command:
          isWhole || container.Command.length <= 20 ? quoted : JSON.stringify(`${container.Command.slice(0, 19)}…`),
        CreatedAt: new Date(container.Created * 1000).toISOString(),
        RunningFor: `${humanDuration(nowMs - container.Created * 1000)} ago`,
        Status: container.Status,
        State: container.State,
        Ports: container.Ports.map(shownPort).join(", "),
        Names: container.Names.map((name) => name.replace(/^\//, "")).join(","),
        Labels: Object.entries(container.Labels)
          .map(([name, value]) => `${name}=${value}`)
          .join(","),
        Mounts: container.Mounts.map((mount) => mount.Name ?? mount.Source).join(","),
        Networks: Object.keys(container.NetworkSettings.Networks).join(","),
      },
    };
  });
  const columns = [
    ["CONTAINER ID", "ID"],
    ["IMAGE", "Image"],
    ["COMMAND", "Command"],
    ["CREATED", "RunningFor"],
    ["STATUS", "Status"],
    ["PORTS", "Ports"],
    ["NAMES", "Names"],
  ] as const;
  printList(command, parsed, columns, rows);
  return 0;
}

const shownPort = (port: ListedContainer["Ports"][number]): string =>
  port.PublicPort === undefined
    ? `${port.PrivatePort}/${port.Type}`
    : `${port.IP ?? ""}:${port.PublicPort}->${port.PrivatePort}/${port.Type}`;

export async function logs(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, [
    { name: "follow", short: "f", kind: "bool" },
    { name: "timestamps", short: "t", kind: "bool" },
    { name: "details", kind: "bool" },
    { name: "tail", short: "n", kind: "string" },
    { name: "since", kind: "string" },
    { name: "until", kind: "string" },
  ]);
  requireArguments(parsed, "logs", 1, 1);
  const path = pathOf(parsed.rest[0] ?? "");
  const { Config } = await command.api.json<{ Config: { Tty?: boolean } }>("GET", `${path}/json`);
  const query = new URLSearchParams({ stdout: "1", stderr: "1", tail: flagOf(parsed, "tail") ?? "all" });
  for (const name of ["follow", "timestamps"]) if (isSet(parsed, name)) query.set(name, "1");
  for (const name of ["since", "until"]) if (flagOf(parsed, name)) query.set(name, flagOf(parsed, name) ?? "");
  await demultiplex(await command.api.send("GET", `${path}/logs?${query}`), command, Config.Tty === true);
  return 0;
}

const STOP_FLAGS: readonly FlagSpec[] = [
  { name: "time", short: "t", kind: "string" },
  { name: "timeout", kind: "string" },
  { name: "signal", short: "s", kind: "string" },
];

const stopping =
  (name: "stop" | "restart") =>
  async (command: CliCommand): Promise<number> => {
    const parsed = parseFlags(command.args, STOP_FLAGS);
    requireArguments(parsed, name, 1);
    const query = new URLSearchParams();
    const seconds = flagOf(parsed, "time") ?? flagOf(parsed, "timeout");
    if (seconds !== undefined) query.set("t", seconds);
    if (flagOf(parsed, "signal") !== undefined) query.set("signal", flagOf(parsed, "signal") ?? "");
    return forEach(command, parsed.rest, async (one) => {
      await command.api.json("POST", `${pathOf(one)}/${name}?${query}`);
      return one;
    });
  };

export const stop = stopping("stop");
export const restart = stopping("restart");

export async function kill(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, [{ name: "signal", short: "s", kind: "string" }]);
  requireArguments(parsed, "kill", 1);
  const query = new URLSearchParams({ signal: flagOf(parsed, "signal") ?? "KILL" });
  return forEach(command, parsed.rest, async (name) => {
    await command.api.json("POST", `${pathOf(name)}/kill?${query}`);
    return name;
  });
}

export async function rm(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, [
    { name: "force", short: "f", kind: "bool" },
    { name: "volumes", short: "v", kind: "bool" },
    { name: "link", short: "l", kind: "bool" },
  ]);
  requireArguments(parsed, "rm", 1);
  const query = new URLSearchParams();
  if (isSet(parsed, "force")) query.set("force", "1");
  if (isSet(parsed, "volumes")) query.set("v", "1");
  if (isSet(parsed, "link")) query.set("link", "1");
  return forEach(command, parsed.rest, async (name) => {
    await command.api.json("DELETE", `${pathOf(name)}?${query}`).catch((error: unknown) => {
      // Forced, docker says so and goes on.
      if (!(error instanceof DaemonError) || error.status !== 404 || !isSet(parsed, "force")) throw error;
      command.stderr.write(`Error response from daemon: ${error.message}\n`);
    });
    return name;
  });
}

export async function rename(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, []);
  requireArguments(parsed, "rename", 2, 2);
  const [from = "", to = ""] = parsed.rest;
  await command.api.json("POST", `${pathOf(from)}/rename?${new URLSearchParams({ name: to })}`);
  return 0;
}

export async function wait(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, []);
  requireArguments(parsed, "wait", 1);
  return forEach(command, parsed.rest, async (name) => {
    const { StatusCode } = await command.api.json<{ StatusCode: number }>("POST", `${pathOf(name)}/wait`);
    return String(StatusCode);
  });
}

export async function port(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, []);
  requireArguments(parsed, "port", 1);
  const [name = "", wanted] = parsed.rest;
  const { NetworkSettings } = await command.api.json<{
    NetworkSettings: { Ports: Record<string, { HostIp: string; HostPort: string }[] | null> };
  }>("GET", `${pathOf(name)}/json`);
  const key = wanted === undefined || wanted.includes("/") ? wanted : `${wanted}/tcp`;
  const found = Object.entries(NetworkSettings.Ports).filter(([one]) => key === undefined || one === key);
  if (key !== undefined && !found[0]?.[1]) throw new Error(`Error: No public port '${key}' published for ${name}`);
  for (const [one, bindings] of found)
    for (const { HostIp, HostPort } of bindings ?? [])
      command.stdout.write(`${key === undefined ? `${one} -> ` : ""}${HostIp}:${HostPort}\n`);
  return 0;
}

export async function top(command: CliCommand): Promise<number> {
  const [name, ...args] = command.args;
  if (name === undefined) throw new UsageError("docker: 'docker top' requires at least 1 argument");
  const query = args.length > 0 ? `?${new URLSearchParams({ ps_args: args.join(" ") })}` : "";
  const found = await command.api.json<{ Titles: string[]; Processes: string[][] }>(
    "GET",
    `${pathOf(name)}/top${query}`,
  );
  command.stdout.write(table([found.Titles, ...found.Processes]));
  return 0;
}

export async function diff(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, []);
  requireArguments(parsed, "diff", 1, 1);
  const changes = await command.api.json<{ Path: string; Kind: number }[] | null>(
    "GET",
    `${pathOf(parsed.rest[0] ?? "")}/changes`,
  );
  for (const { Path, Kind } of changes ?? []) command.stdout.write(`${"CAD"[Kind] ?? "?"} ${Path}\n`);
  return 0;
}

export async function exportFiles(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, [{ name: "output", short: "o", kind: "string" }]);
  requireArguments(parsed, "export", 1, 1);
  await writeTo(command, parsed, await command.api.send("GET", `${pathOf(parsed.rest[0] ?? "")}/export`));
  return 0;
}

/** To the file of `--output`, or to standard output, which must not be a terminal. */
export async function writeTo(command: CliCommand, parsed: ParsedFlags, source: NodeJS.ReadableStream): Promise<void> {
  const output = flagOf(parsed, "output");
  if (output !== undefined) await pipeline(source, createWriteStream(resolve(command.workingDirectory, output)));
  else await pipeline(source, command.stdout, { end: false });
}

export async function commit(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, [
    { name: "author", short: "a", kind: "string" },
    { name: "change", short: "c", kind: "list" },
    { name: "message", short: "m", kind: "string" },
    { name: "pause", short: "p", kind: "bool" },
  ]);
  requireArguments(parsed, "commit", 1);
  const [container = "", name = ""] = parsed.rest;
  const cut = name.lastIndexOf(":") > name.lastIndexOf("/") ? name.lastIndexOf(":") : name.length;
  const query = new URLSearchParams({ container, repo: name.slice(0, cut), tag: name.slice(cut + 1) });
  query.set("author", flagOf(parsed, "author") ?? "");
  query.set("comment", flagOf(parsed, "message") ?? "");
  for (const change of listOf(parsed, "change")) query.append("changes", change);
  const { Id } = await command.api.json<{ Id: string }>("POST", `/commit?${query}`, {});
  command.stdout.write(`${Id}\n`);
  return 0;
}
