/** RUN: the command line, its variables and mounts; run-step.ts runs it. */

import type { Instruction } from "../../../dockerfile/instruction.ts";
import { parseMount, type RunMount } from "../../../dockerfile/run-mounts.ts";
import { expandShown, expandWord } from "../../../dockerfile/words.ts";
import { DEFAULT_PATH } from "../../../images/image.ts";
import type { LayerRecord } from "../../../images/layer-store.ts";
import type { Found } from "../../../images/layered-root.ts";
import { PREDEFINED } from "./build-request.ts";
import { CopyError, findSources, hashSources } from "./copy-sources.ts";
import { type ResolvedMount, targetOf } from "./run-binds.ts";
import { runStep, scriptPath } from "./run-step.ts";
import { type Conversion, lookupIn, type PreparedStep, type StageState, type StepRun, shellOf } from "./stage-state.ts";

/** What runs, complete. */
export interface RunOrder {
  readonly argv: readonly string[];
  /** Text of a heredoc with `#!`, shown as a file. */
  readonly script: { readonly path: string; readonly text: string } | undefined;
  readonly environment: Readonly<Record<string, string>>;
  readonly user: string;
  readonly workingDirectory: string;
  readonly network: "host" | "none";
  readonly mounts: readonly RunMount[];
  /** Folders that the classic builder gives the command and takes away with what is in them. */
  readonly volumes: readonly string[];
}

export function convertRun(state: StageState, instruction: Instruction): Conversion {
  const { scope, config } = state;
  const { request } = scope;
  const expand = (text: string): string => expandWord(text, lookupIn(state), scope.escape);
  const flags = (name: string): string[] =>
    instruction.flags.filter((flag) => flag.name === name).map(({ value }) => value);
  const { argv, script } = commandLine(instruction, shellOf(config));
  const network = flags("network").at(-1);
  const isClassic = request.style === "classic";
  const proxies = Object.fromEntries(Object.entries(request.buildArgs).filter(([name]) => PREDEFINED.has(name)));
  const order: RunOrder = {
    ...{ argv, script },
    environment: { PATH: DEFAULT_PATH, ...proxies, ...Object.fromEntries(state.variables) },
    user: config.User ?? "",
    workingDirectory: config.WorkingDir || "/",
    network: network === "none" || network === "host" ? network : request.network,
    mounts: flags("mount").map((text) => parseMount(expand(text), instruction)),
    volumes: isClassic ? Object.keys(config.Volumes ?? {}) : [],
  };
  return {
    createdBy: isClassic
      ? `${argsShown(state)}${argv.join(" ")}`
      : `RUN ${argsShown(state)}${argv.join(" ")} # buildkit`,
    step: { title: titleOf(state, instruction, script?.text), prepare: (run) => prepare(state, order, run) },
  };
}

/** `|2 A=1 B= `: ARGs that the command can see. */
function argsShown(state: StageState): string {
  const isClassic = state.scope.request.style === "classic";
  const shown = [...state.args].flatMap(([name, declared]): string[] => {
    if (isClassic && (declared === undefined || PREDEFINED.has(name) || hasEnv(state, name))) return [];
    return [`${name}=${(isClassic ? undefined : state.variables.get(name)) ?? declared ?? ""}`];
  });
  if (shown.length === 0) return "";
  return `|${shown.length} ${(isClassic ? shown.sort() : shown).join(" ")} `;
}

const hasEnv = (state: StageState, name: string): boolean =>
  (state.config.Env ?? []).some((entry) => entry.startsWith(`${name}=`));

function titleOf(state: StageState, { original, heredocs, text }: Instruction, script: string | undefined): string {
  const first = heredocs[0];
  const isBody = first !== undefined && heredocs.length === 1 && isOneHeredoc(text);
  const lines = (script ?? first?.content ?? "").trim().split("\n");
  const summary = isBody ? ` (${lines[0]}${lines.length > 1 ? "..." : ""})` : "";
  const shown = expandShown(original, lookupIn(state), state.scope.escape);
  return `RUN${shown.slice("RUN".length)}${summary}`;
}

const isOneHeredoc = (text: string): boolean => /^<<-?\s*(["']?)[\w.-]+\1$/.test(text);

/** A heredoc that is the whole command becomes the shell's script, or its own with `#!`. */
function commandLine(
  { json, text, heredocs }: Instruction,
  shell: readonly string[],
): { argv: string[]; script: RunOrder["script"] } {
  if (json) return { argv: [...json], script: undefined };
  const [only] = heredocs;
  if (only && heredocs.length === 1 && isOneHeredoc(text)) {
    const path = scriptPath(only.name);
    if (only.content.startsWith("#!")) return { argv: [path], script: { path, text: only.content } };
    return { argv: [...shell, only.content], script: undefined };
  }
  if (text === "" && heredocs.length === 0) return { argv: [...shell], script: undefined };
  const body = heredocs.map((heredoc) => `\n${heredoc.content}${heredoc.name}`).join("");
  return { argv: [...shell, text + body], script: undefined };
}

async function prepare(state: StageState, order: RunOrder, run: StepRun): Promise<PreparedStep> {
  const { request } = state.scope;
  const resolved: ResolvedMount[] = [];
  const contents: unknown[] = [];
  for (const mount of order.mounts) {
    const target = targetOf(mount, order.workingDirectory);
    const takes = mount.type === "bind" || (mount.type === "cache" && mount.from !== undefined);
    if (!takes) {
      resolved.push({ mount, target, source: undefined, found: undefined });
      continue;
    }
    const source = await run.source(mount.from);
    const origin = {
      root: source.root,
      ignore: source.kind === "folder" ? source.ignore : undefined,
      isContext: source.kind === "folder",
    };
    const query = {
      ...{ style: request.style, keyword: "COPY" as const, origin, exclude: undefined, parents: false },
      patterns: [mount.source || "/"],
    };
    const sources = await findSources(query);
    const found: Found | undefined = sources[0]?.entry;
    if (!found) throw new CopyError(`failed to calculate checksum: "/${mount.source}": not found`);
    // Of a stage or an image its layers say enough; a context's files are read.
    contents.push(source.kind === "layers" ? source.layers.at(-1)?.chainId : await hashSources(query, sources));
    resolved.push({ mount, target, source, found });
  }
  const { extraHosts, shmSizeBytes, ulimits } = request;
  const key = ["RUN", order, contents, extraHosts, shmSizeBytes, ulimits];
  return { key, make: (): Promise<LayerRecord | undefined> => runStep(state.scope, order, resolved, run) };
}
