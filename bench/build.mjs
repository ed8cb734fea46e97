/**
 * A build of four phases with one `true` each, and output through masking to CloudWatch Logs, the event log and a terminal
 * view, against the bare `sh` script: in the engine that `auto` takes here (the sandbox on most machines), then in `host`.
 * Measured in turn, so that the machine's other work hits both. Output is counted by what reached the reporter, from the
 * start of the first command to the end of the last.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPlainReporter } from "../dist/build/report/index.js";
import { startKiln } from "../dist/index.js";
import { ensureBenchProject, timedBuild } from "./build-project.mjs";
import { median, row } from "./report.mjs";

const PHASES = ["install", "pre_build", "build", "post_build"];
const LINE_BYTES = 101;
const IMAGE = "aws/codebuild/standard:7.0";

export async function run({ smoke }) {
  const engines = [];
  const open = async (engine) => {
    const stateDir = mkdtempSync(join(tmpdir(), "kiln-bench-"));
    const kiln = await startKiln({ stateDir, port: 0, engine });
    engines.push({ kiln, stateDir });
    return kiln;
  };
  try {
    const auto = await open("auto");
    const chosen = await auto.engineFor(IMAGE);
    const kilns = new Map([[chosen.ok ? chosen.value : "auto", auto]]);
    if (!kilns.has("host")) kilns.set("host", await open("host"));
    await compare(kilns, smoke);
  } finally {
    for (const { kiln, stateDir } of engines) {
      await kiln.close();
      rmSync(stateDir, { recursive: true, force: true });
    }
  }
}

async function compare(kilns, smoke) {
  const rounds = smoke ? 1 : 9;
  const script = (commands, command) => () => {
    const startedMs = performance.now();
    spawnSync("sh", ["-c", Array(commands).fill(command).join("\n")], { stdio: "ignore" });
    return performance.now() - startedMs;
  };
  /** Median and least of each engine's, and of the bare script's. */
  const inTurn = async (times, commandsAPhase, command, measure) => {
    for (const kiln of kilns.values()) await makeProject(kiln, commandsAPhase, command);
    const values = new Map([...kilns.keys(), "bare"].map((name) => [name, []]));
    for (let round = 0; round < times; round++) {
      for (const [name, kiln] of kilns) values.get(name).push(await measure(kiln));
      values.get("bare").push(script(4 * commandsAPhase, command)());
    }
    return (name) => ({ median: median(values.get(name)), least: Math.min(...values.get(name)) });
  };

  const one = await inTurn(rounds, 1, "true", timedBuild);
  const many = await inTurn(rounds, 11, "true", timedBuild);
  const bare = one("bare");
  row("bare sh script, 4 x true", `${bare.median.toFixed(0)} ms`);
  for (const name of kilns.keys()) {
    const [few, more] = [one(name), many(name)];
    row(
      `build, four phases of one \`true\`, ${name}`,
      `${few.median.toFixed(0)} ms`,
      `+${(few.median - bare.median).toFixed(0)} ms over baseline, at least +${(few.least - bare.least).toFixed(0)} (bar +200 ms)`,
    );
    const each = (key) => ((more[key] - few[key]) / 40).toFixed(1);
    row(`a further command, ${name}`, `${each("median")} ms`, `between the fastest builds ${each("least")} (bar 8 ms)`);
  }

  const lines = smoke ? 80_000 : 640_000;
  const print = `yes ${"x".repeat(LINE_BYTES - 1)} | head -n ${lines}`;
  const megabytes = (4 * lines * LINE_BYTES) / 1e6;
  const seconds = await inTurn(smoke ? 1 : 5, 1, print, (kiln) => printed(kiln, megabytes));
  const delays = await inTurn(rounds, 1, "echo at=$(date +%s%3N)", firstLineDelayMs);
  for (const name of kilns.keys()) {
    row(
      `build output, masked, stored and shown, ${name}`,
      `${(megabytes / seconds(name).median).toFixed(0)} MB/s`,
      `bare script ${(megabytes / (seconds("bare").median / 1000)).toFixed(0)} MB/s (bar 100 MB/s)`,
    );
    row(`first line, from its writing to its showing, ${name}`, `${delays(name).median} ms`, "(bar 50 ms)");
  }
}

/** Runs the project's build as `kiln run` shows it; seconds from the first command to the last. */
async function printed(kiln, megabytes) {
  let [shown, startMs, endMs] = [0, 0, 0];
  const output = {
    write(text) {
      shown += text.length;
    },
  };
  const reporter = createPlainReporter({ output, clock: { nowMs: Date.now }, colour: false });
  const { build } = await kiln.root.call("codebuild", "StartBuild", { projectName: "bench" });
  for await (const event of kiln.events(build.id, { joined: true })) {
    reporter.event(event);
    if (event.type === "command-started" && startMs === 0) startMs = event.atMs;
    if (event.type === "command-finished") endMs = event.atMs;
  }
  if (shown < megabytes * 1e6) throw new Error(`${shown} bytes were shown of ${megabytes} MB`);
  return (endMs - startMs) / 1000;
}

async function firstLineDelayMs(kiln) {
  const { build } = await kiln.root.call("codebuild", "StartBuild", { projectName: "bench" });
  let delayMs;
  for await (const event of kiln.events(build.id)) {
    const at = event.type === "log" && /^at=(\d+)$/.exec(event.text)?.[1];
    if (at) delayMs ??= Date.now() - Number(at);
  }
  return delayMs;
}

async function makeProject(kiln, commandsAPhase, command) {
  const folder = join(kiln.stateDir, "bench-source");
  mkdirSync(folder, { recursive: true });
  const phases = PHASES.map(
    (p) => `  ${p}:\n    commands:\n${`      - ${JSON.stringify(command)}\n`.repeat(commandsAPhase)}`,
  );
  writeFileSync(join(folder, "buildspec.yml"), `version: 0.2\nphases:\n${phases.join("")}`);
  await ensureBenchProject(kiln, folder);
}
