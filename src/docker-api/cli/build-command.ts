/**
 * `docker build`, `docker buildx build`: BuildKit's words and exit codes, as on CodeBuild; the classic builder's under
 * DOCKER_BUILDKIT=0 and where the engine is not Kiln's own. Texts: buildx 0.32, observed in its newest form.
 */
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Readable } from "node:stream";
import { systemClock } from "../../core/clock.ts";
import { type BuildPreamble, PREAMBLE_HEADER } from "../embedded/buildkit/build-preamble.ts";
import { StatusResponse } from "../embedded/buildkit/messages.ts";
import { NoDaemon, streamMessages } from "./api-client.ts";
import {
  argumentsOf,
  BUILD_FLAGS,
  buildTags,
  bytesOfSize,
  cacheReferences,
  checkBuildFlags,
  isPush,
  ulimitOf,
} from "./build-flags.ts";
import { readBuildInput, readSecrets } from "./build-input.ts";
import type { CliCommand } from "./cli-command.ts";
import { configPath, readLogins } from "./credentials.ts";
import { flagOf, isSet, listOf, type ParsedFlags, parseFlags, UsageError } from "./flags.ts";
import { push } from "./image-commands.ts";
import { PlainProgress, sourceExcerpt } from "./plain-progress.ts";
import { NO_DAEMON } from "./wrapper.ts";

export async function build(command: CliCommand): Promise<number> {
  const builder = await builderKind(command);
  if (builder !== "buildkit") return classicBuild(command, builder);
  try {
    return await buildkitBuild(command);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    command.stderr.write(`ERROR: failed to build: ${(error as Error).message}\n`);
    return 1;
  }
}

/** BuildKit unless told otherwise, where Kiln's own builder answers; with nobody there, flags are checked first. */
async function builderKind({ environment, api }: CliCommand): Promise<"buildkit" | "classic" | "none"> {
  if (["0", "false", "f"].includes((environment["DOCKER_BUILDKIT"] ?? "").toLowerCase())) return "classic";
  try {
    const { headers } = (await api.send("GET", "/_ping")).resume();
    return headers["server"] === "Kiln" && headers["builder-version"] === "2" ? "buildkit" : "classic";
  } catch (error) {
    // In a build without docker nothing else matters.
    if (error instanceof NoDaemon && environment[NO_DAEMON] === undefined) return "none";
    throw error;
  }
}

async function classicBuild(command: CliCommand, builder: "classic" | "none"): Promise<number> {
  const parsed = parseFlags(command.args, BUILD_FLAGS);
  const tags = buildTags(parsed, false);
  if (parsed.rest.length !== 1) throw new UsageError('"docker build" requires exactly 1 argument.');
  if (builder === "classic") checkBuildFlags(parsed, false);
  const [path = ""] = parsed.rest;
  const context = await readBuildInput(command, path, flagOf(parsed, "file"), false);
  const query = queryOf(command, parsed, tags, context.dockerfile);
  const response = await command.api.send("POST", `/build?${query}`, {
    headers: { "content-type": "application/x-tar", ...(await loginHeader(command)) },
    body: Readable.from(context.tar, { objectMode: false }),
  });
  let id = "";
  for await (const message of streamMessages(response)) {
    if (message.error !== undefined) {
      command.stderr.write(`${message.errorDetail?.message ?? message.error}\n`);
      return message.errorDetail?.code || 1;
    }
    if (typeof message.aux?.["ID"] === "string") id = message.aux["ID"];
    if (message.stream !== undefined) command.stdout.write(message.stream);
    else if (message.status !== undefined)
      command.stdout.write(`${message.id === undefined ? "" : `${message.id}: `}${message.status}\n`);
  }
  await writeAside(command, parsed, "iidfile", id);
  return 0;
}

async function buildkitBuild(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, BUILD_FLAGS);
  if (parsed.rest.length !== 1) throw new UsageError("docker: 'docker buildx build' requires 1 argument");
  checkBuildFlags(parsed, true);
  const tags = buildTags(parsed, true);
  const isPushed = isPush(parsed);
  if (isPushed && tags.length === 0) throw new Error("tag is needed when pushing to registry");
  const isQuiet = isSet(parsed, "quiet") || flagOf(parsed, "progress") === "quiet";
  const [path = ""] = parsed.rest;
  const secrets = await readSecrets(command, listOf(parsed, "secret"));
  const context = await readBuildInput(command, path, flagOf(parsed, "file"), true);
  const query = queryOf(command, parsed, tags, context.dockerfile);
  query.set("version", "2");
  const print = (text: string): void => void (isQuiet || command.stderr.write(text));
  const { dockerfile: name, contents } = context;
  const apart = contents && { dockerfile: { name, contents: contents.toString("base64") } };
  const preamble = Buffer.from(JSON.stringify({ secrets, ...apart } satisfies BuildPreamble));
  const body = async function* (): AsyncGenerator<Uint8Array> {
    yield preamble;
    yield* context.tar;
  };
  const response = await command.api.send("POST", `/build?${query}`, {
    headers: {
      "content-type": "application/x-tar",
      [PREAMBLE_HEADER]: String(preamble.length),
      ...(await loginHeader(command)),
    },
    body: Readable.from(body(), { objectMode: false }),
  });
  const outcome = await showBuild(response, print);
  if (outcome.failure !== undefined) throw new Error(outcome.failure);
  for (const tag of isPushed ? tags : []) {
    const ended = await push({ ...command, stdout: command.stderr, args: [tag] });
    if (ended !== 0) return ended;
  }
  if (isQuiet) command.stdout.write(`${outcome.id}\n`);
  await writeAside(command, parsed, "iidfile", outcome.id);
  await writeAside(command, parsed, "metadata-file", `${JSON.stringify(outcome.metadata, null, 2)}\n`);
  return 0;
}

interface Outcome {
  readonly id: string;
  readonly metadata: Record<string, unknown>;
  readonly failure: string | undefined;
}

/** Prints the progress and, of a failed build, what failed where. */
async function showBuild(response: AsyncIterable<Buffer>, print: (text: string) => void): Promise<Outcome> {
  print('#0 building with "default" instance using docker driver\n\n');
  const progress = new PlainProgress(print, () => systemClock.nowMs());
  let id = "";
  let metadata: Record<string, unknown> = {};
  let excerpt = "";
  let failure: string | undefined;
  for await (const message of streamMessages(response)) {
    if (message.id === "moby.buildkit.trace" && typeof message.aux === "string")
      progress.update(StatusResponse.decode(Buffer.from(message.aux, "base64")));
    else if (message.id === "moby.image.id") id = String((message.aux as { ID?: unknown } | undefined)?.ID ?? "");
    else if (message.id === "kiln.result") metadata = { ...(message.aux as object) };
    else if (message.id === "kiln.source") excerpt = excerptOf(message.aux as unknown as SourceDetail);
    else if (message.error !== undefined) failure = message.errorDetail?.message ?? message.error;
  }
  if (failure !== undefined) print(progress.failures() + progress.warnings() + excerpt);
  else if (id === "") failure = "the builder ended the connection before the build was over";
  else print(progress.warnings());
  return { id, metadata, failure };
}

/** As `errdefs.Source` has it. */
interface SourceDetail {
  readonly info: { readonly filename: string; readonly data: string };
  readonly ranges: readonly { readonly start: { readonly line: number }; readonly end: { readonly line: number } }[];
}

function excerptOf({ info, ranges }: SourceDetail): string {
  const [range] = ranges;
  if (!range) return "";
  return sourceExcerpt(
    info.filename,
    Buffer.from(info.data, "base64").toString("utf8"),
    range.start.line,
    range.end.line,
  );
}

function queryOf(
  command: CliCommand,
  parsed: ParsedFlags,
  tags: readonly string[],
  dockerfile: string,
): URLSearchParams {
  const query = new URLSearchParams();
  for (const tag of tags) query.append("t", tag);
  query.set("dockerfile", dockerfile);
  query.set("buildargs", JSON.stringify(argumentsOf(listOf(parsed, "build-arg"), command.environment)));
  query.set("labels", JSON.stringify(argumentsOf(listOf(parsed, "label"), {})));
  query.set("target", flagOf(parsed, "target") ?? "");
  query.set("networkmode", flagOf(parsed, "network") ?? "default");
  query.set("platform", listOf(parsed, "platform").join(","));
  query.set("cachefrom", JSON.stringify(cacheReferences(parsed)));
  query.set("ulimits", JSON.stringify(listOf(parsed, "ulimit").map(ulimitOf)));
  query.set("rm", "1");
  for (const host of listOf(parsed, "add-host")) query.append("extrahosts", host);
  const shmSize = flagOf(parsed, "shm-size");
  if (shmSize !== undefined) query.set("shmsize", String(bytesOfSize(shmSize)));
  const filter = listOf(parsed, "no-cache-filter");
  if (filter.length > 0) query.set("nocachefilter", filter.join(","));
  for (const [flag, name] of [
    ["no-cache", "nocache"],
    ["pull", "pull"],
    ["quiet", "q"],
  ] as const)
    if (isSet(parsed, flag)) query.set(name, "1");
  return query;
}

async function loginHeader(command: CliCommand): Promise<Record<string, string>> {
  const logins = Buffer.from(JSON.stringify(await readLogins(configPath(command.environment)))).toString("base64");
  return { "x-registry-config": logins.replaceAll("+", "-").replaceAll("/", "_") };
}

async function writeAside(command: CliCommand, parsed: ParsedFlags, flag: string, text: string): Promise<void> {
  const path = flagOf(parsed, flag);
  if (path !== undefined && path !== "") await writeFile(resolve(command.workingDirectory, path), text);
}
