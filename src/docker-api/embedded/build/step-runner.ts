/** Does one step: from the cache, from an image of `--cache-from`, or by doing it. */
import type { Image } from "../../../images/image.ts";
import type { LayerRecord } from "../../../images/layer-store.ts";
import type { BuildScope, Step, StepRun } from "./stage-state.ts";
import { type CachedStep, StepCache } from "./step-cache.ts";
import type { RunningVertex } from "./vertexes.ts";

export interface StepResult extends CachedStep {
  /** For the history. */
  readonly createdBy: string | undefined;
}

export interface StepOrder {
  readonly step: Step;
  readonly below: readonly LayerRecord[];
  readonly vertex: RunningVertex;
  readonly ignoresCache: boolean;
  /** Of the conversion. */
  readonly createdBy: string | undefined;
  /** What else the result depends on; in the classic style the image below. */
  readonly parent: string;
  /** Called when the step is really to be done. */
  onWork?(): void;
  readonly source: StepRun["source"];
}

/** Changes when the same instruction would give another layer. */
const CACHE_VERSION = 2;

export class StepRunner {
  readonly #scope: BuildScope;
  readonly #cache: StepCache;
  readonly #cacheImages: () => Promise<readonly Image[]>;

  constructor(scope: BuildScope, cacheImages: () => Promise<readonly Image[]>) {
    this.#scope = scope;
    this.#cache = new StepCache(scope.request.store);
    this.#cacheImages = cacheImages;
  }

  async run(order: StepOrder): Promise<StepResult> {
    const { request, epochSeconds } = this.#scope;
    const { step, below, vertex } = order;
    const nowSeconds = epochSeconds ?? Math.floor(request.clock.nowMs() / 1000);
    request.signal.throwIfAborted();
    const prepared = await step.prepare({ below, vertex, nowSeconds, source: order.source });
    const createdBy = prepared.createdBy ?? order.createdBy;
    const chain = below.at(-1)?.chainId ?? "";
    const key = [CACHE_VERSION, request.style, epochSeconds ?? "", order.parent, chain, ...prepared.key];
    return this.#cache.exclusively(key, async () => {
      try {
        const hit = order.ignoresCache
          ? undefined
          : ((await this.#cache.find(key)) ?? (await this.#fromImages(below, createdBy)));
        if (hit) {
          vertex.end.isCached = true;
          return { ...hit, createdBy };
        }
        order.onWork?.();
        const made = await prepared.make();
        const twin = order.ignoresCache || !made ? undefined : await this.#sameInImages(below, createdBy, made);
        const result = twin ?? { layer: made, createdMs: this.#createdMs() };
        await this.#cache.keep(key, result);
        return { ...result, createdBy };
      } finally {
        await prepared.release?.();
      }
    });
  }

  /** Of a step that changes the config only; classic images have a time for each. */
  async note(
    key: readonly unknown[],
    ignoresCache: boolean,
    onWork: () => void,
  ): Promise<CachedStep & { isCached: boolean }> {
    const whole = [CACHE_VERSION, "note", this.#scope.epochSeconds ?? "", ...key];
    const hit = ignoresCache ? undefined : await this.#cache.find(whole);
    if (hit) return { ...hit, isCached: true };
    onWork();
    const result = { layer: undefined, createdMs: this.#createdMs() };
    await this.#cache.keep(whole, result);
    return { ...result, isCached: false };
  }

  #createdMs(): number {
    const { request, epochSeconds } = this.#scope;
    return epochSeconds === undefined ? request.clock.nowMs() : epochSeconds * 1000;
  }

  /** A command's layer in an image that has the same layers below and the same history. */
  async #fromImages(below: readonly LayerRecord[], createdBy: string | undefined): Promise<CachedStep | undefined> {
    if (createdBy === undefined || !/^(?:RUN |\||\/bin\/sh -c (?!#\(nop\)))/.test(createdBy)) return undefined;
    return (await this.#candidates(below, createdBy))[0];
  }

  /** The layer of such an image that differs from the one made in times only. */
  async #sameInImages(
    below: readonly LayerRecord[],
    createdBy: string | undefined,
    made: LayerRecord,
  ): Promise<CachedStep | undefined> {
    const { store } = this.#scope.request;
    for (const candidate of await this.#candidates(below, createdBy)) {
      if (!candidate.layer) continue;
      if ((await store.contentDigest(candidate.layer)) === (await store.contentDigest(made))) return candidate;
    }
    return undefined;
  }

  async #candidates(below: readonly LayerRecord[], createdBy: string | undefined): Promise<CachedStep[]> {
    const found: CachedStep[] = [];
    for (const image of await this.#cacheImages()) {
      const layer = image.layers[below.length];
      const isOnSame = (image.layers[below.length - 1]?.chainId ?? "") === (below.at(-1)?.chainId ?? "");
      const entry = image.config.history.filter((one) => !one.empty_layer)[below.length];
      if (layer && entry && isOnSame && entry.created_by === createdBy)
        found.push({ layer, createdMs: Date.parse(entry.created) || 0 });
    }
    return found;
  }
}
