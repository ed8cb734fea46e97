/**
 * A build of four phases with one `true` each, and output through masking to CloudWatch Logs, the event log and a terminal
 * view, against the bare `sh` script. Output is counted by what reached the reporter, from the start of the first command
 * to the end of the last.
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

export async function run({ smoke }) {
  const stateDir = mkdtempSync(join(tmpdir(), "kiln-bench-"));
  const kiln = await startKiln({ stateDir, port: 0 });
  try {
    const rounds = smoke ? 1 : 7;
    const measure = async (commandsAPhase, command) => {
      const times = [];
      await makeProject(kiln, commandsAPhase, command);
      for (let round = 0; round < rounds; round++) {
        times.push(await timedBuild(kiln));
      }
      return median(times);
    };
    const script = (commands, command) => {
      const times = [];
      for (let round = 0; round < rounds; round++) {
        const startedMs = performance.now();
        spawnSync("sh", ["-c", Array(commands).fill(command).join("\n")], { stdio: "ignore" });
        times.push(performance.now() - startedMs);
      }
      return median(times);
    };
    const [one, many] = [await measure(1, "true"), await measure(11, "true")];
    const bare = script(4, "true");
    row("bare sh script, 4 x true", `${bare.toFixed(0)} ms`);
    row(
      "build, four phases of one `true`",
      `${one.toFixed(0)} ms`,
      `+${(one - bare).toFixed(0)} ms over baseline (bar +200 ms)`,
    );
    row("a further command", `${((many - one) / 40).toFixed(1)} ms`, "(bar 8 ms)");
    const lines = smoke ? 80_000 : 640_000;
    const print = `yes ${"x".repeat(LINE_BYTES - 1)} | head -n ${lines}`;
    await makeProject(kiln, 1, print);
    const megabytes = (4 * lines * LINE_BYTES) / 1e6;
    const rates = [];
    for (let round = 0; round < (smoke ? 1 : 5); round++) rates.push(megabytes / (await printed(kiln, megabytes)));
    const barePrinted = script(4, print);
    row(
      "build output, masked, stored and shown",
      `${median(rates).toFixed(0)} MB/s`,
      `bare script ${(megabytes / (barePrinted / 1000)).toFixed(0)} MB/s (bar 100 MB/s)`,
    );
    await makeProject(kiln, 1, "echo at=$(date +%s%3N)");
    const delays = [];
    for (let round = 0; round < rounds; round++) delays.push(await firstLineDelayMs(kiln));
    row("first line, from its writing to its showing", `${median(delays)} ms`, "(bar 50 ms)");
  } finally {
    await kiln.close();
    rmSync(stateDir, { recursive: true, force: true });
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
