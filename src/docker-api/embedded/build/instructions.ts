/**
 * What each Dockerfile instruction does to the stage's image.
 * Source: https://docs.docker.com/reference/dockerfile/ ; history texts as docker's classic builder writes them.
 * Gaps, each refused by name: RUN --mount=type=secret|ssh|bind, RUN --security, COPY --link has no effect.
 */
import { createHash } from "node:crypto";
import {
  environmentOf,
  type HistoryEntry,
  type Image,
  type ImageConfig,
  imageOf,
  type RunConfig,
} from "../../../images/image.ts";
import type { LayerContents } from "../../../images/layer-store.ts";
import type { FileOwner } from "../../../images/layer-writer.ts";
import type { LayeredRoot } from "../../../images/layered-root.ts";
import { imageUser } from "../image-user.ts";
import { BuildError, type BuildRequest, PREDEFINED, shortId } from "./build-request.ts";
import { type CopyRequest, copySources, findSources, hashSources } from "./copy.ts";
import { DockerfileError, type Heredoc, type Instruction, parseInstruction } from "./dockerfile.ts";
import type { IgnoreRules } from "./ignore-file.ts";
import { runStep, SCRIPT_PATH } from "./run-step.ts";
import { expandWord, expandWords, splitWords } from "./words.ts";

export interface StageState {
  image: Image;
  /** Declared in this stage, with value. */
  readonly args: Map<string, string>;
  hasOwnCmd: boolean;
  readonly escape: string;
  readonly run: {
    readonly request: BuildRequest;
    readonly context: LayeredRoot;
    readonly ignore: IgnoreRules;
    readonly globalArgs: Readonly<Record<string, string>>;
    readonly consumed: Set<string>;
    resolveStage(name: string): Promise<Image>;
  };
}

export interface StepCache {
  /** The image of an equal earlier step, else what `make` gives. */
  cached(parts: readonly unknown[], make: () => Promise<Image>): Promise<Image>;
}

const DEFAULT_SHELL = ["/bin/sh", "-c"];

export const displayInstruction = (instruction: Instruction): string => instruction.original;

/** Changes `state.image`. */
export async function applyInstruction(state: StageState, instruction: Instruction, cache: StepCache): Promise<void> {
  const { keyword, line } = instruction;
  switch (keyword) {
    case "ARG":
      return declareArgs(state, instruction, cache);
    case "RUN":
      return runCommand(state, instruction, cache);
    case "COPY":
    case "ADD":
      return copy(state, instruction, cache);
    case "WORKDIR":
      return workdir(state, instruction, cache);
    case "ONBUILD": {
      const trigger = parseInstruction(instruction.text, state.escape === "`" ? "`" : "\\", line).keyword;
      if (trigger === "ONBUILD") throw new DockerfileError("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
      if (trigger === "FROM" || trigger === "MAINTAINER")
        throw new DockerfileError(`${trigger} isn't allowed as an ONBUILD trigger`);
      return configure(state, instruction, cache, (config) => ({
        ...config,
        OnBuild: [...(config.OnBuild ?? []), instruction.text],
      }));
    }
    default:
      return configure(state, instruction, cache, (config) => metadata(state, instruction, config));
  }
}

/** Instructions that change only the config. */
function metadata(state: StageState, instruction: Instruction, config: RunConfig): RunConfig {
  const { keyword, text, json } = instruction;
  const word = (value: string): string => expandWord(value, lookupIn(state), state.escape);
  switch (keyword) {
    case "ENV": {
      const environment = { ...environmentOf(config), ...Object.fromEntries(pairs(state, instruction)) };
      return { ...config, Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`) };
    }
    case "LABEL":
      return { ...config, Labels: { ...config.Labels, ...Object.fromEntries(pairs(state, instruction)) } };
    case "USER":
      return { ...config, User: word(text) };
    case "EXPOSE": {
      const ports = expandWords(text, lookupIn(state), state.escape).flatMap(portsOf);
      return {
        ...config,
        ExposedPorts: { ...config.ExposedPorts, ...Object.fromEntries(ports.map((port) => [port, {}])) },
      };
    }
    case "VOLUME": {
      const folders = json?.map(word) ?? expandWords(text, lookupIn(state), state.escape);
      return {
        ...config,
        Volumes: { ...config.Volumes, ...Object.fromEntries(folders.map((folder) => [folder, {}])) },
      };
    }
    case "CMD":
      state.hasOwnCmd = true;
      return { ...config, Cmd: commandOf(instruction, config) };
    case "ENTRYPOINT":
      return { ...config, Entrypoint: commandOf(instruction, config), ...(!state.hasOwnCmd && { Cmd: null }) };
    case "SHELL":
      if (!json) throw new DockerfileError("SHELL requires the arguments to be in JSON form");
      return { ...config, Shell: [...json] };
    case "STOPSIGNAL":
      return { ...config, StopSignal: word(text) };
    case "HEALTHCHECK":
      return { ...config, Healthcheck: healthcheck(instruction) };
    case "MAINTAINER":
      return config;
    default:
      throw new DockerfileError(`unexpected instruction ${keyword}`);
  }
}

async function configure(
  state: StageState,
  instruction: Instruction,
  cache: StepCache,
  change: (config: RunConfig) => RunConfig,
): Promise<void> {
  const config = change(state.image.config.config);
  const createdBy = `/bin/sh -c #(nop)  ${instruction.keyword} ${instruction.text}`;
  const author = instruction.keyword === "MAINTAINER" ? instruction.text : undefined;
  state.image = await cache.cached(["config", createdBy, config, author], async () =>
    withHistory(state, { ...state.image.config, config, ...(author !== undefined && { author }) }, createdBy),
  );
}

async function declareArgs(state: StageState, instruction: Instruction, cache: StepCache): Promise<void> {
  const { request, globalArgs, consumed } = state.run;
  for (const word of splitWords(instruction.text, state.escape)) {
    const at = word.indexOf("=");
    const name = at < 0 ? word : word.slice(0, at);
    const fallback = at < 0 ? globalArgs[name] : expandWord(word.slice(at + 1), lookupIn(state), state.escape);
    const value = request.buildArgs[name] ?? fallback ?? PLATFORM(state)[name];
    consumed.add(name);
    if (value !== undefined) state.args.set(name, value);
  }
  await configure(state, instruction, cache, (config) => config);
}

const PLATFORM = (state: StageState): Record<string, string> => {
  const { architecture } = state.image.config;
  return {
    TARGETPLATFORM: `linux/${architecture}`,
    TARGETOS: "linux",
    TARGETARCH: architecture,
    BUILDPLATFORM: `linux/${architecture}`,
    BUILDOS: "linux",
    BUILDARCH: architecture,
  };
};

async function runCommand(state: StageState, instruction: Instruction, cache: StepCache): Promise<void> {
  const { request } = state.run;
  const { config } = state.image.config;
  const flags = runFlags(instruction);
  const shell = config.Shell ?? DEFAULT_SHELL;
  const { argv, script } = commandWithHeredocs(instruction, shell);
  const environment = environmentOf(config);
  const visibleArgs = Object.fromEntries([...state.args].filter(([name]) => !(name in environment)));
  const predefined = Object.fromEntries(Object.entries(request.buildArgs).filter(([name]) => PREDEFINED.has(name)));
  const usedArgs = Object.entries(visibleArgs).filter(([name]) => !PREDEFINED.has(name));
  const argText =
    usedArgs.length > 0 ? `|${usedArgs.length} ${usedArgs.map(([name, value]) => `${name}=${value}`).join(" ")} ` : "";
  const createdBy = `${argText}${argv.join(" ")}`;
  state.image = await cache.cached(["run", createdBy, script, instruction.flags], async () => {
    const id = createHash("sha256").update(`${state.image.id}${createdBy}${request.clock.nowMs()}`).digest("hex");
    request.onOutput(` ---> Running in ${shortId(id)}\n`);
    const outcome = await runStep({
      request,
      image: state.image,
      argv,
      script,
      environment: { ...predefined, ...visibleArgs, ...environment },
      network: flags.network ?? request.network,
      caches: flags.caches,
      onOutput: request.onOutput,
    });
    if (outcome.exitCode !== 0) {
      const { isolation } = request;
      if (isolation.kind === "user" && !isolation.hasRange) request.onOutput(`${ONE_ID_HINT}\n`);
      throw new BuildError(
        `The command '${argv.join(" ")}' returned a non-zero code: ${outcome.exitCode}`,
        outcome.exitCode,
      );
    }
    request.onOutput(` ---> Removed intermediate container ${shortId(id)}\n`);
    return withLayer(state, outcome.contents, createdBy);
  });
}

/** What an ordinary user without a range of ids may have met. */
const ONE_ID_HINT =
  "kiln: as an ordinary user without newuidmap, RUN has no user but root (chown and apt fail): install newuidmap (Debian: apt-get install uidmap) or run kiln as root";

interface RunFlags {
  readonly network: "host" | "none" | undefined;
  /** Folders kept between builds, by target path. */
  readonly caches: readonly { readonly id: string; readonly target: string }[];
}

function runFlags(instruction: Instruction): RunFlags {
  let network: RunFlags["network"];
  const caches: { id: string; target: string }[] = [];
  for (const { name, value } of instruction.flags) {
    if (name === "network" && (value === "none" || value === "host" || value === "default")) {
      network = value === "none" ? "none" : "host";
    } else if (name === "mount") {
      const fields = Object.fromEntries(
        value.split(",").map((field) => [field.split("=")[0] ?? "", field.split("=").slice(1).join("=")]),
      );
      const type = fields["type"] ?? "bind";
      const target = fields["target"] ?? fields["dst"] ?? fields["destination"];
      if (type !== "cache" || target === undefined) {
        throw new DockerfileError(
          `kiln's embedded builder does not do RUN --mount=type=${type} (line ${instruction.line})`,
        );
      }
      caches.push({ target, id: fields["id"] ?? target });
    } else {
      throw new DockerfileError(
        `kiln's embedded builder does not do RUN --${name}=${value} (line ${instruction.line})`,
      );
    }
  }
  return { network, caches };
}

/** The command line of RUN; a heredoc that is the whole command becomes the shell's script, or its own with `#!`. */
function commandWithHeredocs(
  instruction: Instruction,
  shell: readonly string[],
): { argv: string[]; script: string | undefined } {
  const { json, text, heredocs } = instruction;
  if (json) return { argv: [...json], script: undefined };
  const [only] = heredocs;
  if (only && heredocs.length === 1 && /^<<-?(["']?)[\w.-]+\1$/.test(text)) {
    if (only.content.startsWith("#!")) return { argv: [SCRIPT_PATH], script: only.content };
    return { argv: [...shell, only.content], script: undefined };
  }
  const body = heredocs.map((heredoc) => `\n${heredoc.content}${heredoc.name}`).join("");
  return { argv: [...shell, text + body], script: undefined };
}

async function copy(state: StageState, instruction: Instruction, cache: StepCache): Promise<void> {
  const { request, context, ignore } = state.run;
  const keyword = instruction.keyword === "ADD" ? "ADD" : "COPY";
  const flag = (name: string): string | undefined => instruction.flags.find((entry) => entry.name === name)?.value;
  for (const { name } of instruction.flags) {
    if (!["from", "chown", "chmod", "link"].includes(name))
      throw new DockerfileError(`kiln's embedded builder does not do ${keyword} --${name} (line ${instruction.line})`);
  }
  const words = (instruction.json ?? splitWords(instruction.text, state.escape)).map((word) =>
    instruction.json ? word : expandWord(word, lookupIn(state), state.escape),
  );
  const destination = words.at(-1) ?? "";
  const heredocs = new Map(instruction.heredocs.map((heredoc) => [heredoc.name, heredoc]));
  const named = words
    .slice(0, -1)
    .map((word) => heredocs.get(word.replace(/^<<-?/, "").replace(/^(["'])(.*)\1$/, "$2")) ?? word);
  const patterns = named.filter((word): word is string => typeof word === "string");
  const texts = named.filter((word): word is Heredoc => typeof word !== "string");
  if (named.length === 0) {
    throw new DockerfileError(
      `dockerfile parse error on line ${instruction.line}: ${keyword} requires at least two arguments, but only one was provided. Destination could not be determined`,
    );
  }
  const from = flag("from");
  const source =
    from === undefined ? undefined : await state.run.resolveStage(expandWord(from, lookupIn(state), state.escape));
  const chown = flag("chown");
  const chmod = flag("chmod");
  const mode = chmod === undefined ? undefined : Number.parseInt(expandWord(chmod, lookupIn(state), state.escape), 8);
  if (mode !== undefined && Number.isNaN(mode))
    throw new DockerfileError(`kiln's embedded builder does ${keyword} --chmod with octal numbers only, not ${chmod}`);
  const owner =
    chown === undefined ? undefined : await ownerIn(state, expandWord(chown, lookupIn(state), state.escape));
  const copyRequest: CopyRequest = {
    keyword,
    source: source
      ? { root: request.store.root(source.layers), ignore: undefined, isContext: false }
      : { root: context, ignore, isContext: true },
    patterns,
    destination,
    workingDirectory: state.image.config.config.WorkingDir ?? "/",
    owner,
    mode,
  };
  const sources = patterns.length > 0 ? await findSources(copyRequest) : [];
  const contentHash = sources.length > 0 ? await hashSources(copyRequest, sources) : "";
  const files = texts.map((heredoc) => ({
    name: heredoc.name,
    text: heredoc.isExpanded ? expandHeredoc(heredoc.content, state) : heredoc.content,
  }));
  const createdBy = `/bin/sh -c #(nop) ${keyword} ${words.join(" ")} `;
  state.image = await cache.cached(
    [keyword, createdBy, contentHash, files, owner, mode, copyRequest.workingDirectory],
    async () => {
      return request.store.newLayer(state.image.layers, async (writer) => {
        if (sources.length > 0) await copySources(copyRequest, sources, writer, request.signal);
        for (const file of files) {
          const absolute = destination.startsWith("/") ? destination : `${copyRequest.workingDirectory}/${destination}`;
          const target = await writer.root.resolve(absolute.endsWith("/") ? `${absolute}${file.name}` : absolute);
          const parent = target.path.includes("/") ? target.path.slice(0, target.path.lastIndexOf("/")) : "";
          if (parent !== "") await writer.folder(parent);
          await writer.write(target.path, Buffer.from(file.text), {
            mode: mode ?? 0o644,
            uid: 0,
            gid: 0,
            ...owner,
            mtimeSeconds: 0,
          });
        }
        await writer.finish();
        return withLayer(state, writer, createdBy);
      });
    },
  );
}

async function workdir(state: StageState, instruction: Instruction, cache: StepCache): Promise<void> {
  const { request } = state.run;
  const { config } = state.image.config;
  const word = expandWord(instruction.text, lookupIn(state), state.escape);
  const path = normalize(word.startsWith("/") ? word : `${config.WorkingDir ?? "/"}/${word}`);
  const createdBy = `/bin/sh -c #(nop) WORKDIR ${path}`;
  state.image = await cache.cached(["workdir", path], async () => {
    const next = { ...state.image.config, config: { ...config, WorkingDir: path } };
    const root = request.store.root(state.image.layers);
    const resolved = await root.resolve(path);
    if (resolved.found?.stats.isDirectory()) return withHistory(state, next, createdBy);
    return request.store.newLayer(state.image.layers, async (writer) => {
      await writer.folder(resolved.path, config.User === undefined ? undefined : await ownerIn(state, config.User));
      await writer.finish();
      return withLayer(state, writer, createdBy, next);
    });
  });
}

function healthcheck(instruction: Instruction): NonNullable<RunConfig["Healthcheck"]> {
  const [kind = "", ...rest] = instruction.text.split(/\s+/);
  if (kind.toUpperCase() === "NONE") return { Test: ["NONE"] };
  if (kind.toUpperCase() !== "CMD")
    throw new DockerfileError(`Unknown type "${kind.toUpperCase()}" in HEALTHCHECK (try CMD)`);
  const text = instruction.text.slice(kind.length).trim();
  let exec: string[] | undefined;
  try {
    const parsed: unknown = text.startsWith("[") ? JSON.parse(text) : undefined;
    if (Array.isArray(parsed)) exec = parsed.map(String);
  } catch {
    exec = undefined;
  }
  if (rest.length === 0) throw new DockerfileError("Missing command after HEALTHCHECK CMD");
  const flag = (name: string): string | undefined => instruction.flags.find((entry) => entry.name === name)?.value;
  const nanoseconds = (name: string): number | undefined => {
    const value = flag(name);
    return value === undefined ? undefined : durationNs(value);
  };
  const [interval, timeout, start] = [nanoseconds("interval"), nanoseconds("timeout"), nanoseconds("start-period")];
  return {
    Test: exec ? ["CMD", ...exec] : ["CMD-SHELL", text],
    ...(interval !== undefined && { Interval: interval }),
    ...(timeout !== undefined && { Timeout: timeout }),
    ...(start !== undefined && { StartPeriod: start }),
    ...(flag("retries") !== undefined && { Retries: Number(flag("retries")) }),
  };
}

function durationNs(text: string): number {
  const unit: Readonly<Record<string, number>> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, m: 6e10, h: 3.6e12 };
  let total = 0;
  for (const [, value = "0", name = ""] of text.matchAll(/([\d.]+)(ns|us|ms|s|m|h)/g))
    total += Number(value) * (unit[name] ?? 0);
  if (!/^([\d.]+(ns|us|ms|s|m|h))+$/.test(text)) throw new DockerfileError(`time: invalid duration "${text}"`);
  return total;
}

/** `KEY=value …`, or the old `KEY rest of line`. */
function pairs(state: StageState, instruction: Instruction): [string, string][] {
  const expand = (text: string): string => expandWord(text, lookupIn(state), state.escape);
  const words = splitWords(instruction.text, state.escape);
  const [first = ""] = words;
  if (!first.includes("=")) {
    const rest = instruction.text.slice(first.length).trim();
    if (words.length < 2)
      throw new DockerfileError(
        `dockerfile parse error on line ${instruction.line}: ${instruction.keyword} must have two arguments`,
      );
    return [[expand(first), expand(rest)]];
  }
  return words.map((word) => {
    const at = word.indexOf("=");
    if (at < 0)
      throw new DockerfileError(
        `dockerfile parse error on line ${instruction.line}: Syntax error - can't find = in "${word}". Must be of the form: name=value`,
      );
    return [expand(word.slice(0, at)), expand(word.slice(at + 1))];
  });
}

function portsOf(text: string): string[] {
  const match = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/i.exec(text);
  if (!match) throw new DockerfileError(`invalid containerPort: ${text}`);
  const from = Number(match[1]);
  const to = Number(match[2] ?? from);
  const protocol = (match[3] ?? "tcp").toLowerCase();
  if (to > 65535 || from > to) throw new DockerfileError(`invalid containerPort: ${text}`);
  return Array.from({ length: to - from + 1 }, (_, i) => `${from + i}/${protocol}`);
}

const commandOf = (instruction: Instruction, config: RunConfig): string[] =>
  instruction.json ? [...instruction.json] : [...(config.Shell ?? DEFAULT_SHELL), instruction.text];

/** ENV wins over ARG. */
const lookupIn =
  (state: StageState) =>
  (name: string): string | undefined =>
    environmentOf(state.image.config.config)[name] ??
    state.args.get(name) ??
    (PREDEFINED.has(name) ? state.run.request.buildArgs[name] : undefined);

/** In a heredoc only variables are replaced; quotes stay. */
const expandHeredoc = (text: string, state: StageState): string =>
  text.replace(/\\\$|\$\{[^}]*\}|\$[A-Za-z_]\w*/g, (found) =>
    found === "\\$" ? "$" : expandWord(found, lookupIn(state), state.escape),
  );

async function ownerIn(state: StageState, spec: string): Promise<FileOwner> {
  const { uid, gid } = await imageUser(state.run.request.store.root(state.image.layers), spec);
  // `--chown=1000` means that group too.
  return { uid, gid: /^\d+$/.test(spec) && gid === 0 ? uid : gid };
}

function withHistory(state: StageState, config: ImageConfig, createdBy: string): Image {
  const created = new Date(state.run.request.clock.nowMs()).toISOString();
  const entry: HistoryEntry = { created, created_by: createdBy, empty_layer: true };
  return imageOf({ ...config, created, history: [...config.history, entry] }, state.image.layers);
}

async function withLayer(
  state: StageState,
  contents: LayerContents,
  createdBy: string,
  config = state.image.config,
): Promise<Image> {
  const { store, clock } = state.run.request;
  const layer = await store.commit(state.image.layers.at(-1), contents);
  const created = new Date(clock.nowMs()).toISOString();
  const rootfs = { type: "layers" as const, diff_ids: [...config.rootfs.diff_ids, layer.diffId] };
  const history = [...config.history, { created, created_by: createdBy }];
  return imageOf({ ...config, created, history, rootfs }, [...state.image.layers, layer]);
}

function normalize(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}
