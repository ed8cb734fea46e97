/** What instructions change while a stage is read: config, variables, history. Steps that make layers come out of it. */

import type { EscapeChar, Instruction } from "../../../dockerfile/instruction.ts";
import type { Lookup } from "../../../dockerfile/words.ts";
import { DEFAULT_PATH, environmentOf, type HistoryEntry, type Image, type RunConfig } from "../../../images/image.ts";
import type { LayerRecord } from "../../../images/layer-store.ts";
import { type BuildRequest, PREDEFINED } from "./build-request.ts";
import type { Source } from "./sources.ts";
import type { RunningVertex } from "./vertexes.ts";

/** What all stages of a build share. */
export interface BuildScope {
  readonly request: BuildRequest;
  readonly escape: EscapeChar;
  /** Of ARGs before the first FROM, and of the platform. */
  readonly globalArgs: Readonly<Record<string, string>>;
  /** Names of build arguments that some ARG took. */
  readonly consumed: Set<string>;
  /** SOURCE_DATE_EPOCH. */
  readonly epochSeconds: number | undefined;
}

export interface StageState {
  readonly scope: BuildScope;
  config: RunConfig;
  author: string | undefined;
  /** Set by this stage: ENTRYPOINT leaves it alone then. */
  hasOwnCmd: boolean;
  /** What variables are while the image is built: ENV and ARG. */
  readonly variables: Map<string, string>;
  /** ARGs of this stage in order, with what they had when they were declared. */
  readonly args: Map<string, string | undefined>;
}

/** What an instruction comes to. Undefined history: none. */
export interface Conversion {
  readonly createdBy: string | undefined;
  readonly step?: Step;
}

/** Something that makes a layer. */
export interface Step {
  /** As progress shows it, without `[2/5] `. */
  readonly title: string;
  prepare(run: StepRun): Promise<PreparedStep>;
}

export interface StepRun {
  /** Bottom first. */
  readonly below: readonly LayerRecord[];
  readonly vertex: RunningVertex;
  readonly nowSeconds: number;
  /** The build context, or what `--from` names. */
  source(from: string | undefined): Promise<Source>;
}

export interface PreparedStep {
  /** Equal keys on equal layers mean equal results. */
  readonly key: readonly unknown[];
  /** Where it is known only now, or differs from the conversion's. */
  readonly createdBy?: string;
  /** The new layer, or undefined when there is none. */
  make(): Promise<LayerRecord | undefined>;
  /** Takes back what `make` would have used, when it is not called. */
  release?(): Promise<void>;
}

/** A history entry before it is known when its layer was made. */
export type DraftEntry = Omit<HistoryEntry, "created"> & { readonly createdMs?: number; readonly created?: string };

export function openStage(scope: BuildScope, base: Pick<Image, "config">): StageState {
  const { OnBuild: _, ...config } = base.config.config;
  const variables = new Map(Object.entries(environmentOf(config)));
  const hasPath = variables.has("PATH");
  if (!hasPath) variables.set("PATH", DEFAULT_PATH);
  return {
    scope,
    config: hasPath ? config : { ...config, Env: [...(config.Env ?? []), `PATH=${DEFAULT_PATH}`] },
    author: base.config.author,
    hasOwnCmd: false,
    variables,
    args: new Map(),
  };
}

/** Variables by the rules of expansion in this stage. */
export const lookupIn =
  ({ variables, scope: { request } }: StageState): Lookup =>
  (name) =>
    variables.get(name) ?? (request.style === "classic" && PREDEFINED.has(name) ? request.buildArgs[name] : undefined);

export const DEFAULT_SHELL: readonly string[] = ["/bin/sh", "-c"];

export const shellOf = (config: RunConfig): readonly string[] =>
  config.Shell && config.Shell.length > 0 ? config.Shell : DEFAULT_SHELL;

/** The words of CMD, ENTRYPOINT and RUN. */
export const commandOf = ({ json, text }: Pick<Instruction, "json" | "text">, config: RunConfig): string[] =>
  json ? [...json] : [...shellOf(config), text];
