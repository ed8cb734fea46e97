/**
 * A stage's end: config, history and layers as one image. Member order and times as BuildKit's exporter and the classic
 * builder have them.
 */
import { type HistoryEntry, type Image, type ImageConfig, imageOf, type RunConfig } from "../../../images/image.ts";
import type { LayerRecord } from "../../../images/layer-store.ts";
import type { DraftEntry, StageState } from "./stage-state.ts";

/** The time of an image of which nothing says when it was made. */
const NEVER = "0001-01-01T00:00:00Z";

const MEMBERS: readonly (keyof RunConfig)[] = [
  ...(["User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels", "StopSignal"] as const),
  ...(["ArgsEscaped", "Healthcheck", "OnBuild", "Shell"] as const),
];

export function finishImage(
  state: StageState,
  base: Pick<ImageConfig, "architecture" | "os" | "variant">,
  drafts: readonly DraftEntry[],
  layers: readonly LayerRecord[],
): Image {
  const history = datedHistory(drafts);
  const config: ImageConfig = {
    architecture: base.architecture,
    ...(state.author !== undefined && state.author !== "" && { author: state.author }),
    config: onlyKnown(state.config),
    created: history.findLast(({ created }) => created !== NEVER)?.created ?? NEVER,
    history,
    os: base.os,
    rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
    ...(base.variant !== undefined && { variant: base.variant }),
  };
  return imageOf(config, layers);
}

function onlyKnown(config: RunConfig): RunConfig {
  const entries = MEMBERS.map((name) => [name, config[name]] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined && value !== null)) as RunConfig;
}

/**
 * Entries without a time of their own have that of the first new layer, or of the layer before. So a build whose layers
 * all come from the cache gives the same image.
 */
function datedHistory(drafts: readonly DraftEntry[]): HistoryEntry[] {
  const own = drafts.map(timeOf);
  let current: string | undefined;
  let hasGap = false;
  for (const time of own) {
    if (time === undefined) {
      hasGap = true;
      continue;
    }
    current = time;
    if (hasGap) break;
  }
  hasGap = false;
  return drafts.map(({ createdMs: _, created: __, ...entry }, i) => {
    const time = own[i];
    if (time === undefined) hasGap = true;
    else if (hasGap) current = time;
    return { created: time ?? current ?? NEVER, ...entry };
  });
}

const timeOf = ({ created, createdMs }: DraftEntry): string | undefined =>
  created ?? (createdMs === undefined ? undefined : new Date(createdMs).toISOString());
