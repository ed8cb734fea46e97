/** `docker build`. */
import { readFile, stat } from "node:fs/promises";
import { basename, isAbsolute, join, relative, resolve } from "node:path";
import { Readable } from "node:stream";
import { InvalidReference, parseReference } from "../../images/reference.ts";
import { streamMessages } from "./api-client.ts";
import type { CliCommand } from "./cli-command.ts";
import { contextTar } from "./context-tar.ts";
import { configPath, readLogins } from "./credentials.ts";
import { type FlagSpec, flagOf, isSet, listOf, parseFlags, UsageError } from "./flags.ts";

const FLAGS: readonly FlagSpec[] = [
  { name: "tag", short: "t", kind: "list" },
  { name: "file", short: "f", kind: "string" },
  { name: "build-arg", kind: "list" },
  { name: "label", kind: "list" },
  { name: "target", kind: "string" },
  { name: "network", kind: "string" },
  { name: "platform", kind: "string" },
  { name: "progress", kind: "string" },
  { name: "cache-from", kind: "list" },
  { name: "no-cache", kind: "bool" },
  { name: "pull", kind: "bool" },
  { name: "rm", kind: "bool" },
  { name: "force-rm", kind: "bool" },
  { name: "load", kind: "bool" },
  { name: "quiet", short: "q", kind: "bool" },
];

export async function build(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, FLAGS);
  for (const tag of listOf(parsed, "tag")) checkTag(tag);
  if (parsed.rest.length !== 1) throw new UsageError('"docker build" requires exactly 1 argument.');
  const [path = ""] = parsed.rest;
  if (/^(https?:\/\/|git@|git:\/\/)/.test(path))
    throw new Error(`kiln's docker does not fetch build contexts: ${path}`);
  const context = await readContext(command, path, flagOf(parsed, "file"));
  const query = new URLSearchParams();
  for (const tag of listOf(parsed, "tag")) query.append("t", tag);
  query.set("dockerfile", context.dockerfile);
  query.set("buildargs", JSON.stringify(argumentsOf(listOf(parsed, "build-arg"), command.environment)));
  query.set("labels", JSON.stringify(argumentsOf(listOf(parsed, "label"), {})));
  query.set("target", flagOf(parsed, "target") ?? "");
  query.set("networkmode", flagOf(parsed, "network") ?? "default");
  query.set("rm", "1");
  for (const [flag, name] of [
    ["no-cache", "nocache"],
    ["pull", "pull"],
    ["quiet", "q"],
  ] as const)
    if (isSet(parsed, flag)) query.set(name, "1");
  const logins = await readLogins(configPath(command.environment));
  const response = await command.api.send("POST", `/build?${query}`, {
    headers: {
      "content-type": "application/x-tar",
      "x-registry-config": Buffer.from(JSON.stringify(logins))
        .toString("base64")
        .replaceAll("+", "-")
        .replaceAll("/", "_"),
    },
    body: Readable.from(context.tar, { objectMode: false }),
  });
  for await (const message of streamMessages(response)) {
    if (message.error !== undefined) {
      command.stderr.write(`${message.errorDetail?.message ?? message.error}\n`);
      return message.errorDetail?.code || 1;
    }
    if (message.stream !== undefined) command.stdout.write(message.stream);
    else if (message.status !== undefined)
      command.stdout.write(`${message.id === undefined ? "" : `${message.id}: `}${message.status}\n`);
  }
  return 0;
}

interface Context {
  readonly dockerfile: string;
  readonly tar: AsyncIterable<Uint8Array>;
}

async function readContext(command: CliCommand, path: string, file: string | undefined): Promise<Context> {
  if (path === "-") return { dockerfile: file ?? "Dockerfile", tar: command.stdin as AsyncIterable<Uint8Array> };
  const dir = resolve(command.workingDirectory, path);
  const stats = await stat(dir).catch(() => undefined);
  if (!stats) throw new Error(`unable to prepare context: path "${path}" not found`);
  if (!stats.isDirectory()) throw new Error(`unable to prepare context: context must be a directory: ${dir}`);
  if (file === "-") {
    const chunks: Buffer[] = [];
    for await (const chunk of command.stdin) chunks.push(Buffer.from(chunk));
    return { dockerfile: ".dockerfile.stdin", tar: contextTar(dir, ".dockerfile.stdin", Buffer.concat(chunks)) };
  }
  const absolute = resolve(command.workingDirectory, file ?? join(dir, "Dockerfile"));
  const inside = relative(dir, absolute);
  const text = await readFile(absolute).catch(() => undefined);
  if (!text)
    throw new Error(
      `unable to prepare context: unable to evaluate symlinks in Dockerfile path: lstat ${absolute}: no such file or directory`,
    );
  const isOutside = inside.startsWith("..") || isAbsolute(inside);
  const name = isOutside ? `.dockerfile.${basename(absolute)}` : inside;
  return { dockerfile: name, tar: contextTar(dir, name, isOutside ? text : undefined) };
}

/** `NAME=value`, or `NAME` for the variable of that name. */
function argumentsOf(given: readonly string[], environment: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    given.flatMap((text): [string, string][] => {
      const at = text.indexOf("=");
      if (at >= 0) return [[text.slice(0, at), text.slice(at + 1)]];
      const value = environment[text];
      return value === undefined ? [] : [[text, value]];
    }),
  );
}

/** Checks a name given for `-t`, with docker's text. */
function checkTag(text: string): void {
  try {
    parseReference(text);
  } catch (error) {
    if (error instanceof InvalidReference)
      throw new UsageError(`invalid argument "${text}" for "-t, --tag" flag: ${error.message}`);
    throw error;
  }
}
