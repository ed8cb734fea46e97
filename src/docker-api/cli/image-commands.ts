/** Commands on images: tag, push, pull, images, inspect, history, rmi, save, load. */
import { createReadStream, createWriteStream } from "node:fs";
import { resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import {
  familiarName,
  type ImageReference,
  InvalidReference,
  parseReference,
  withDefaultTag,
} from "../../images/reference.ts";
import { streamMessages } from "./api-client.ts";
import type { CliCommand } from "./cli-command.ts";
import { configPath, readLogins, registryAuth } from "./credentials.ts";
import { flagOf, isSet, parseFlags, UsageError } from "./flags.ts";

const requires = (name: string, count: string): UsageError =>
  new UsageError(`docker: 'docker ${name}' requires ${count}`);

export async function tag(command: CliCommand): Promise<number> {
  const { rest } = parseFlags(command.args, []);
  const [source = "", target = ""] = rest;
  if (rest.length !== 2) throw requires("tag", "2 arguments");
  const reference = withDefaultTag(
    referenceFor(target, (text) => `Error parsing reference: "${target}" is not a valid repository/tag: ${text}`),
  );
  const query = new URLSearchParams({ repo: `${reference.host}/${reference.repository}`, tag: reference.tag ?? "" });
  await command.api.json("POST", `/images/${encodeURIComponent(source)}/tag?${query}`);
  return 0;
}

export async function push(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, [
    { name: "all-tags", short: "a", kind: "bool" },
    { name: "quiet", short: "q", kind: "bool" },
    { name: "disable-content-trust", kind: "bool" },
    { name: "platform", kind: "string" },
  ]);
  if (parsed.rest.length !== 1) throw requires("push", "1 argument");
  const given = referenceFor(parsed.rest[0] ?? "", (text) => text);
  const reference = isSet(parsed, "all-tags") ? given : withDefaultTag(given);
  const quiet = isSet(parsed, "quiet");
  if (given.tag === undefined && reference.tag !== undefined && !quiet)
    command.stdout.write(`Using default tag: ${reference.tag}\n`);
  const auth = registryAuth(await readLogins(configPath(command.environment)), reference.host);
  const query = reference.tag === undefined ? "" : `?tag=${encodeURIComponent(reference.tag)}`;
  const response = await command.api.send(
    "POST",
    `/images/${encodeURIComponent(familiarName(reference))}/push${query}`,
    {
      headers: { "x-registry-auth": auth, "content-length": "0" },
    },
  );
  return showProgress(command, response, quiet);
}

export async function pull(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, [
    { name: "quiet", short: "q", kind: "bool" },
    { name: "platform", kind: "string" },
    { name: "disable-content-trust", kind: "bool" },
  ]);
  if (parsed.rest.length !== 1) throw requires("pull", "1 argument");
  return pullImage(command, parsed.rest[0] ?? "", isSet(parsed, "quiet"));
}

/** Also what `docker run` does when the image is missing. */
export async function pullImage(command: CliCommand, name: string, quiet: boolean): Promise<number> {
  const given = referenceFor(name, (text) => text);
  const reference = withDefaultTag(given);
  if (given.tag === undefined && given.digest === undefined && !quiet)
    command.stdout.write("Using default tag: latest\n");
  const auth = registryAuth(await readLogins(configPath(command.environment)), reference.host);
  const query = new URLSearchParams({
    fromImage: `${reference.host}/${reference.repository}`,
    tag: reference.digest ?? reference.tag ?? "latest",
  });
  const response = await command.api.send("POST", `/images/create?${query}`, {
    headers: { "x-registry-auth": auth, "content-length": "0" },
  });
  const code = await showProgress(command, response, quiet);
  const suffix = reference.digest === undefined ? `:${reference.tag}` : `@${reference.digest}`;
  if (code === 0) command.stdout.write(`${reference.host}/${reference.repository}${suffix}\n`);
  return code;
}

export async function images(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, [
    { name: "quiet", short: "q", kind: "bool" },
    { name: "all", short: "a", kind: "bool" },
    { name: "no-trunc", kind: "bool" },
  ]);
  const [wanted] = parsed.rest;
  const filters =
    wanted === undefined ? "" : `?filters=${encodeURIComponent(JSON.stringify({ reference: { [wanted]: true } }))}`;
  const found = await command.api.json<{ Id: string; RepoTags: string[] | null; Created: number; Size: number }[]>(
    "GET",
    `/images/json${filters}`,
  );
  const shortId = (id: string): string => (isSet(parsed, "no-trunc") ? id : id.replace("sha256:", "").slice(0, 12));
  if (isSet(parsed, "quiet")) {
    for (const image of found) command.stdout.write(`${shortId(image.Id)}\n`);
    return 0;
  }
  const rows = found.flatMap((image) =>
    (image.RepoTags?.length ? image.RepoTags : ["<none>:<none>"]).map((name) => {
      const at = name.lastIndexOf(":");
      return [
        name.slice(0, at),
        name.slice(at + 1),
        shortId(image.Id),
        new Date(image.Created * 1000).toISOString(),
        size(image.Size),
      ];
    }),
  );
  command.stdout.write(table([["REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"], ...rows]));
  return 0;
}

export async function history(command: CliCommand): Promise<number> {
  const { rest } = parseFlags(command.args, [{ name: "no-trunc", kind: "bool" }]);
  if (rest.length !== 1) throw requires("history", "1 argument");
  const found = await command.api.json<{ Id: string; Created: number; CreatedBy: string; Size: number }[]>(
    "GET",
    `/images/${encodeURIComponent(rest[0] ?? "")}/history`,
  );
  const rows = found.map((entry) => [
    entry.Id.replace("sha256:", "").slice(0, 12),
    new Date(entry.Created * 1000).toISOString(),
    entry.CreatedBy,
    size(entry.Size),
  ]);
  command.stdout.write(table([["IMAGE", "CREATED", "CREATED BY", "SIZE"], ...rows]));
  return 0;
}

export async function inspect(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, [
    { name: "type", kind: "string" },
    { name: "format", short: "f", kind: "string" },
  ]);
  if (parsed.rest.length === 0) throw requires("inspect", "at least 1 argument");
  if (flagOf(parsed, "format") !== undefined)
    throw new Error("kiln's docker does not do `inspect --format`; read the JSON with jq");
  const found: unknown[] = [];
  let code = 0;
  for (const name of parsed.rest) {
    const image = await command.api.json("GET", `/images/${encodeURIComponent(name)}/json`).catch(() => undefined);
    const object =
      image ?? (await command.api.json("GET", `/containers/${encodeURIComponent(name)}/json`).catch(() => undefined));
    if (object) found.push(object);
    else {
      command.stderr.write(`Error: No such object: ${name}\n`);
      code = 1;
    }
  }
  command.stdout.write(`${JSON.stringify(found, undefined, 4)}\n`);
  return code;
}

export async function rmi(command: CliCommand): Promise<number> {
  const { rest } = parseFlags(command.args, [
    { name: "force", short: "f", kind: "bool" },
    { name: "no-prune", kind: "bool" },
  ]);
  if (rest.length === 0) throw requires("rmi", "at least 1 argument");
  let code = 0;
  for (const name of rest) {
    try {
      const gone = await command.api.json<{ Untagged?: string; Deleted?: string }[]>(
        "DELETE",
        `/images/${encodeURIComponent(name)}`,
      );
      for (const entry of gone)
        command.stdout.write(
          entry.Untagged === undefined ? `Deleted: ${entry.Deleted}\n` : `Untagged: ${entry.Untagged}\n`,
        );
    } catch (error) {
      command.stderr.write(`Error response from daemon: ${(error as Error).message}\n`);
      code = 1;
    }
  }
  return code;
}

export async function save(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, [{ name: "output", short: "o", kind: "string" }]);
  if (parsed.rest.length === 0) throw requires("save", "at least 1 argument");
  const query = parsed.rest.map((name) => `names=${encodeURIComponent(name)}`).join("&");
  const response = await command.api.send("GET", `/images/get?${query}`);
  const output = flagOf(parsed, "output");
  if (output !== undefined) await pipeline(response, createWriteStream(resolve(command.workingDirectory, output)));
  else await pipeline(response, command.stdout, { end: false });
  return 0;
}

export async function load(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, [
    { name: "input", short: "i", kind: "string" },
    { name: "quiet", short: "q", kind: "bool" },
  ]);
  const input = flagOf(parsed, "input");
  const body = input === undefined ? command.stdin : createReadStream(resolve(command.workingDirectory, input));
  const response = await command.api.send("POST", "/images/load", {
    headers: { "content-type": "application/x-tar" },
    body: body as never,
  });
  return showProgress(command, response, false);
}

async function showProgress(command: CliCommand, response: AsyncIterable<Buffer>, quiet: boolean): Promise<number> {
  for await (const message of streamMessages(response)) {
    if (message.error !== undefined) {
      command.stderr.write(`${message.errorDetail?.message ?? message.error}\n`);
      return 1;
    }
    if (message.stream !== undefined) command.stdout.write(message.stream);
    // Without a terminal docker leaves out the steps of a transfer and keeps its results.
    const isStep = message.status === "Pushing" || message.status === "Downloading" || message.status === "Extracting";
    if (quiet || message.status === undefined || isStep) continue;
    command.stdout.write(`${message.id === undefined ? "" : `${message.id}: `}${message.status}\n`);
  }
  return 0;
}

function referenceFor(text: string, message: (problem: string) => string): ImageReference {
  try {
    return parseReference(text);
  } catch (error) {
    if (error instanceof InvalidReference) throw new Error(message(error.message));
    throw error;
  }
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join("   ")
          .trimEnd()}\n`,
    )
    .join("");
}

function size(bytes: number): string {
  const units = ["B", "kB", "MB", "GB"];
  const power = Math.min(units.length - 1, bytes > 0 ? Math.floor(Math.log10(bytes) / 3) : 0);
  return `${Number((bytes / 1000 ** power).toPrecision(3))}${units[power]}`;
}
