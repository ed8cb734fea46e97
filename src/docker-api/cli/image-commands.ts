/** Commands on images: tag, push, pull, images, history, rmi, save, load, import. */
import { once } from "node:events";
import { createReadStream, type ReadStream } from "node:fs";
import { resolve } from "node:path";
import { systemClock } from "../../core/clock.ts";
import {
  familiarName,
  type ImageReference,
  InvalidReference,
  parseReference,
  withDefaultTag,
} from "../../images/reference.ts";
import { humanDuration, humanSize } from "../human-units.ts";
import { DaemonError, streamMessages } from "./api-client.ts";
import type { CliCommand } from "./cli-command.ts";
import { requireArguments, writeTo } from "./container-commands.ts";
import { configPath, readLogins, registryAuth } from "./credentials.ts";
import { flagOf, isSet, listOf, parseFlags, UsageError } from "./flags.ts";
import { filtersQuery, LIST_FLAGS, type Listing, printList, shortId } from "./listing.ts";

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
    { name: "all-tags", short: "a", kind: "bool" },
    { name: "platform", kind: "string" },
    { name: "disable-content-trust", kind: "bool" },
  ]);
  if (parsed.rest.length !== 1) throw requires("pull", "1 argument");
  const options = { isAll: isSet(parsed, "all-tags"), platform: flagOf(parsed, "platform") };
  return pullImage(command, parsed.rest[0] ?? "", isSet(parsed, "quiet"), options);
}

/** Also what `docker run` does when the image is missing. */
export async function pullImage(
  command: CliCommand,
  name: string,
  quiet: boolean,
  options: { readonly isAll?: boolean; readonly platform?: string | undefined } = {},
): Promise<number> {
  const given = referenceFor(name, (text) => text);
  if (options.isAll && (given.tag !== undefined || given.digest !== undefined))
    throw new Error("tag can't be used with --all-tags/-a");
  const reference = options.isAll ? given : withDefaultTag(given);
  if (reference !== given && !quiet) command.stdout.write("Using default tag: latest\n");
  const auth = registryAuth(await readLogins(configPath(command.environment)), reference.host);
  const query = new URLSearchParams({
    fromImage: `${reference.host}/${reference.repository}`,
    tag: reference.digest ?? reference.tag ?? "",
    ...(options.platform !== undefined && { platform: options.platform }),
  });
  const response = await command.api.send("POST", `/images/create?${query}`, {
    headers: { "x-registry-auth": auth, "content-length": "0" },
  });
  const code = await showProgress(command, response, quiet);
  const { digest, tag: named } = reference;
  const suffix = digest !== undefined ? `@${digest}` : named === undefined ? "" : `:${named}`;
  if (code === 0) command.stdout.write(`${reference.host}/${reference.repository}${suffix}\n`);
  return code;
}

interface ListedImage {
  readonly Id: string;
  readonly RepoTags: readonly string[] | null;
  readonly RepoDigests: readonly string[] | null;
  readonly Created: number;
  readonly Size: number;
}

export async function images(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, [
    ...LIST_FLAGS,
    { name: "all", short: "a", kind: "bool" },
    { name: "digests", kind: "bool" },
  ]);
  requireArguments(parsed, "images", 0, 1);
  const wanted = [...listOf(parsed, "filter"), ...parsed.rest.map((name) => `reference=${name}`)];
  const found = await command.api.json<ListedImage[]>("GET", `/images/json?${filtersQuery(wanted)}`);
  const isWhole = isSet(parsed, "no-trunc");
  const nowMs = systemClock.nowMs();
  const rows = found.flatMap((image): Listing[] => {
    const tags = image.RepoTags?.length ? image.RepoTags : ["<none>:<none>"];
    const id = shortId(image.Id, isWhole);
    return tags.map((name) => {
      const cut = name.lastIndexOf(":");
      const repository = name.slice(0, cut);
      const digest = image.RepoDigests?.find((one) => one.startsWith(`${repository}@`))?.split("@")[1] ?? "<none>";
      const since = `${humanDuration(nowMs - image.Created * 1000)} ago`;
      const created = new Date(image.Created * 1000).toISOString();
      const fields = { ID: id, Repository: repository, Tag: name.slice(cut + 1), Digest: digest, CreatedSince: since };
      return { id, fields: { ...fields, CreatedAt: created, Size: humanSize(image.Size) } };
    });
  });
  const digest = isSet(parsed, "digests") ? ([["DIGEST", "Digest"]] as const) : [];
  const columns = [
    ...([
      ["REPOSITORY", "Repository"],
      ["TAG", "Tag"],
    ] as const),
    ...digest,
    ...([
      ["IMAGE ID", "ID"],
      ["CREATED", "CreatedSince"],
      ["SIZE", "Size"],
    ] as const),
  ];
  printList(command, parsed, columns, isSet(parsed, "quiet") ? unique(rows) : rows);
  return 0;
}

const unique = (rows: readonly Listing[]): Listing[] => [...new Map(rows.map((row) => [row.id, row])).values()];

export async function history(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, [
    ...LIST_FLAGS.filter(({ name }) => name !== "filter"),
    { name: "human", short: "H", kind: "bool" },
  ]);
  requireArguments(parsed, "history", 1, 1);
  const found = await command.api.json<
    { Id: string; Created: number; CreatedBy: string; Size: number; Comment: string }[]
  >("GET", `/images/${encodeURIComponent(parsed.rest[0] ?? "")}/history`);
  const isWhole = isSet(parsed, "no-trunc");
  const nowMs = systemClock.nowMs();
  const rows = found.map((entry): Listing => {
    const id = entry.Id === "<missing>" ? entry.Id : shortId(entry.Id, isWhole);
    const by = entry.CreatedBy.replaceAll("\t", " ");
    const since = entry.Created > 0 ? `${humanDuration(nowMs - entry.Created * 1000)} ago` : "N/A";
    const fields = {
      ...{ ID: id, CreatedSince: since, CreatedBy: isWhole || by.length <= 45 ? by : `${by.slice(0, 44)}…` },
      ...{
        CreatedAt: new Date(entry.Created * 1000).toISOString(),
        Size: humanSize(entry.Size),
        Comment: entry.Comment,
      },
    };
    return { id, fields };
  });
  const columns = [
    ["IMAGE", "ID"],
    ["CREATED", "CreatedSince"],
    ["CREATED BY", "CreatedBy"],
    ["SIZE", "Size"],
    ["COMMENT", "Comment"],
  ] as const;
  printList(command, parsed, columns, rows);
  return 0;
}

export async function rmi(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, [
    { name: "force", short: "f", kind: "bool" },
    { name: "no-prune", kind: "bool" },
  ]);
  if (parsed.rest.length === 0) throw requires("rmi", "at least 1 argument");
  let code = 0;
  for (const name of parsed.rest) {
    try {
      const gone = await command.api.json<{ Untagged?: string; Deleted?: string }[]>(
        "DELETE",
        `/images/${encodeURIComponent(name)}${isSet(parsed, "force") ? "?force=1" : ""}`,
      );
      for (const entry of gone)
        command.stdout.write(
          entry.Untagged === undefined ? `Deleted: ${entry.Deleted}\n` : `Untagged: ${entry.Untagged}\n`,
        );
    } catch (error) {
      if (!(error instanceof DaemonError)) throw error;
      command.stderr.write(`Error response from daemon: ${error.message}\n`);
      // Forced, a name that is nobody's is no failure.
      if (error.status !== 404 || !isSet(parsed, "force")) code = 1;
    }
  }
  return code;
}

export async function save(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, [{ name: "output", short: "o", kind: "string" }]);
  if (parsed.rest.length === 0) throw requires("save", "at least 1 argument");
  const query = parsed.rest.map((name) => `names=${encodeURIComponent(name)}`).join("&");
  const response = await command.api.send("GET", `/images/get?${query}`);
  await writeTo(command, parsed, response);
  return 0;
}

export async function importFiles(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, [
    { name: "change", short: "c", kind: "list" },
    { name: "message", short: "m", kind: "string" },
    { name: "platform", kind: "string" },
  ]);
  requireArguments(parsed, "import", 1, 2);
  const [source = "", name] = parsed.rest;
  if (/^https?:/.test(source)) throw new Error(`kiln's docker does not import addresses: ${source}`);
  const reference = name === undefined ? undefined : withDefaultTag(referenceFor(name, (text) => text));
  const query = new URLSearchParams({
    fromSrc: "-",
    repo: reference ? familiarName(reference) : "",
    tag: reference?.tag ?? "",
  });
  query.set("message", flagOf(parsed, "message") ?? "");
  for (const change of listOf(parsed, "change")) query.append("changes", change);
  const body = source === "-" ? command.stdin : await openFile(command, source);
  const response = await command.api.send("POST", `/images/create?${query}`, {
    headers: { "content-type": "application/x-tar" },
    body: body as never,
  });
  return showProgress(command, response, false);
}

/** The file is open when this resolves: one that is not there is told by name. */
async function openFile(command: CliCommand, path: string): Promise<ReadStream> {
  const stream = createReadStream(resolve(command.workingDirectory, path));
  await once(stream, "open").catch(() => {
    throw new Error(`open ${path}: no such file or directory`);
  });
  return stream;
}

export async function load(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, [
    { name: "input", short: "i", kind: "string" },
    { name: "quiet", short: "q", kind: "bool" },
  ]);
  const input = flagOf(parsed, "input");
  if (input === undefined && command.stdin.isTTY) throw new Error("requested load from stdin, but stdin is empty");
  const body = input === undefined ? command.stdin : await openFile(command, input);
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
