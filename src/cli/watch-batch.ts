/**
 * Follows a batch to its end on the terminal: the output of its builds side by side, each line with its build's name,
 * then a table, why builds failed, and the exit code. Ctrl-C stops the batch with all its builds.
 */
import type { Kiln } from "../app.ts";
import { createAwsReporter, createPlainReporter, createQuietReporter, type Reporter } from "../build/report/index.ts";
import type { BuildEvent } from "../build/run/events.ts";
import { systemClock } from "../core/clock.ts";
import { KilnError } from "../core/errors.ts";
import { BuildLeaks } from "./build-leaks.ts";
import type { CommandContext } from "./command-context.ts";
import { buildIdOf, diagnoseBatch } from "./explain/diagnose-batch.ts";
import { groupTable } from "./group-table.ts";
import { onWire } from "./on-wire.ts";
import { paint } from "./paint.ts";
import { prefixedOutput } from "./prefixed-output.ts";
import { aborted, type Interruption } from "./signals.ts";
import { exitCodeOf, pause } from "./watch-build.ts";
import { findBatch, type WireBatch } from "./wire-batch.ts";

const POLL_MS = 100;
const DOWNLOAD_SOURCE = "DOWNLOAD_SOURCE";

/** Answers the exit code: 0, 1, 124 (timed out) or 130 (interrupted). */
export async function watchBatch(
  context: CommandContext,
  kiln: Kiln,
  batchId: string,
  format: "kiln" | "aws",
  interruption: Interruption,
  /** Ids of builds that were over before: the good ones of an earlier try. */
  shown: ReadonlySet<string> = new Set(),
  /** Told how many leaks the builds have. */
  onLeaks: (count: number) => void = () => {},
): Promise<number> {
  const stopped = aborted(interruption.first).then(async () => {
    context.note("stopping the batch with its builds; Ctrl-C once more kills them");
    await kiln.root.call("codebuild", "StopBuildBatch", { id: batchId });
  });
  const followed = new Set<string>();
  const following: Promise<void>[] = [];
  const display = new BatchDisplay(context, format);
  const follow = async (): Promise<WireBatch> => {
    for (;;) {
      const batch = await requireBatch(kiln, batchId);
      for (const group of batch.buildGroups ?? []) {
        const id = buildIdOf(group);
        if (id === undefined || followed.has(id) || shown.has(id)) continue;
        followed.add(id);
        following.push(display.follow(kiln, group.identifier ?? "", id, batch));
      }
      if (batch.complete) {
        await Promise.all(following);
        return batch;
      }
      if (!(await pause(POLL_MS, interruption.second))) return batch;
    }
  };
  const batch = await Promise.race([follow(), aborted(interruption.second)]);
  if (interruption.first.aborted && !interruption.second.aborted) await stopped;
  if (interruption.first.aborted || !batch) return 130;
  await printEnd(context, kiln, batch, display.leaks);
  for (const leaks of display.leaks.values()) onLeaks(leaks.count);
  return exitCodeOf(batch.buildBatchStatus);
}

async function requireBatch(kiln: Kiln, id: string): Promise<WireBatch> {
  const batch = await findBatch(kiln, id);
  if (batch) return batch;
  throw new KilnError({
    code: "KILN_E_NO_BUILD",
    message: `the batch \`${id}\` was deleted while it was followed`,
    exitCode: 2,
  });
}

/** How the events of a batch's builds are shown. */
class BatchDisplay {
  readonly #context: CommandContext;
  readonly #format: "kiln" | "aws";
  /** By the build's identifier. */
  readonly leaks = new Map<string, BuildLeaks>();
  #colours = 0;

  constructor(context: CommandContext, format: "kiln" | "aws") {
    this.#context = context;
    this.#format = format;
  }

  /** Shows one build until it is over. */
  async follow(kiln: Kiln, identifier: string, buildId: string, batch: WireBatch): Promise<void> {
    const write = (text: string): void => void this.#context.io.stdout.write(text);
    const leaks = new BuildLeaks();
    this.leaks.set(identifier, leaks);
    if (this.#context.settings.output === "json") {
      for await (const event of kiln.events(buildId)) {
        leaks.see(event);
        write(`${JSON.stringify({ identifier, ...event })}\n`);
      }
      return;
    }
    const width = Math.max(...(batch.buildGroups ?? []).map((group) => (group.identifier ?? "").length));
    const output = prefixedOutput(`${this.#paint(identifier.padEnd(width))} | `, write);
    const reporter = this.#reporter(identifier, output);
    for await (const event of kiln.events(buildId, { joined: true })) {
      leaks.see(event);
      reporter.event(event);
    }
    reporter.close();
    output.close();
  }

  /** The source build has little to say as long as it succeeds. */
  #reporter(identifier: string, output: ReturnType<typeof prefixedOutput>): Reporter {
    const options = { output, clock: systemClock, colour: this.#context.settings.hasColor };
    if (this.#format === "aws") return createAwsReporter(options);
    if (identifier === DOWNLOAD_SOURCE) return unlessGood(createQuietReporter(options));
    return this.#context.settings.isQuiet ? createQuietReporter(options) : createPlainReporter(options);
  }

  #paint(text: string): string {
    const colours = paint(this.#context.settings.hasColor);
    const all = [colours.cyan, colours.magenta, colours.yellow, colours.blue, colours.green];
    const colour = all[this.#colours++ % all.length];
    return colour ? colour(text) : text;
  }
}

/** Leaves out the last line of a build that succeeded. */
const unlessGood = (reporter: Reporter): Reporter => ({
  event(event: BuildEvent) {
    if (event.type === "build-finished" && event.buildStatus === "SUCCEEDED") return;
    reporter.event(event);
  },
  close: () => reporter.close(),
});

async function printEnd(
  context: CommandContext,
  kiln: Kiln,
  batch: WireBatch,
  leaks: ReadonlyMap<string, BuildLeaks>,
): Promise<void> {
  const isGood = batch.buildBatchStatus === "SUCCEEDED";
  const found = await diagnoseBatch(context, kiln, batch);
  if (context.settings.output === "json") {
    const { builds: members, ...diagnosis } = found.diagnosis;
    const diagnoses = members.map(({ identifier, diagnosis: own }) => ({ identifier, diagnosis: own }));
    context.io.stdout.write(
      `${JSON.stringify({ ...onWire(batch), ...(isGood ? {} : { diagnosis }), ...(diagnoses.length > 0 ? { diagnoses } : {}) })}\n`,
    );
    return;
  }
  for (const { identifier, buildId, text } of found.builds) {
    context.print(`\n${identifier}`);
    context.print(text);
    context.print(`  build ${buildId}`);
  }
  for (const [identifier, found] of leaks) {
    const text = found.text(context);
    if (text !== "") context.print(`\n${identifier}\n${text}`);
  }
  // What is wrong with the batch itself; that builds failed is in the table.
  if (!isGood && found.diagnosis.code !== "batch/builds-failed") context.print(`\n${found.text}`);
  context.print("");
  if (!context.settings.isQuiet) context.print(await groupTable(kiln, batch));
  for (const text of contextLines(batch)) context.print(text);
  const seconds = (((batch.endTime ?? 0) - (batch.startTime ?? 0)) / 1000).toFixed(1);
  const text = `batch ${batch.buildBatchStatus} in ${seconds} s`;
  const colours = paint(context.settings.hasColor);
  context.print(`${colours.bold(isGood ? colours.green(text) : colours.red(text))} (${batch.id})`);
}

/** `IN_PROGRESS FAILED CLIENT_ERROR: …` for each context of the newest try. */
function contextLines({ phases = [] }: WireBatch): string[] {
  const start = phases.findLastIndex(({ phaseType }) => phaseType === "SUBMITTED");
  return phases
    .slice(Math.max(start, 0))
    .flatMap(({ phaseType, phaseStatus, contexts = [] }) =>
      contexts
        .filter(({ statusCode, message }) => statusCode || message)
        .map(({ statusCode, message }) => `${phaseType} ${phaseStatus}: ${statusCode}: ${message}`),
    );
}
