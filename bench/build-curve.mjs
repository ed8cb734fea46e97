/**
 * What a build costs as it grows: 1 to 1,000 commands, against `sh -e` on a script of the same commands; and a source tree
 * of 100 to 100,000 files, against `cp -R` of the tree followed by `sh -e`. Baseline and build take turns.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startKiln } from "../dist/index.js";
import { ensureBenchProject, timedBuild } from "./build-project.mjs";
import { median, row } from "./report.mjs";

const COMMAND = "x=$((${x:-0} + 1))";

export async function run({ smoke }) {
  const stateDir = mkdtempSync(join(tmpdir(), "kiln-bench-"));
  const kiln = await startKiln({ stateDir, port: 0 });
  try {
    const folder = join(stateDir, "bench-source");
    for (const commands of smoke ? [1, 10] : [1, 10, 100, 1000]) {
      writeSource(folder, commands);
      await ensureBenchProject(kiln, folder);
      const script = `${COMMAND}\n`.repeat(commands);
      const { baseMs, buildMs } = await inTurn(
        smoke ? 1 : commands > 100 ? 3 : 7,
        () => shMs(["-e", "-c", script]),
        () => timedBuild(kiln),
      );
      row(
        `${commands} command${commands === 1 ? "" : "s"}`,
        `${buildMs.toFixed(0)} ms`,
        `sh -e ${baseMs.toFixed(0)} ms; ${((buildMs - baseMs) / commands).toFixed(1)} ms over it a command`,
      );
    }
    writeSource(folder, 1);
    let files = 1;
    for (const wanted of smoke ? [100] : [100, 10_000, 100_000]) {
      for (; files < wanted; files++) writeFile(folder, files);
      const copy = join(stateDir, "copy");
      const { baseMs, buildMs } = await inTurn(
        smoke ? 1 : wanted > 10_000 ? 3 : 5,
        () => {
          const ms = shMs(["-e", "-c", `cp -R '${folder}' '${copy}' && cd '${copy}' && ${COMMAND}`]);
          rmSync(copy, { recursive: true });
          return ms;
        },
        () => timedBuild(kiln),
      );
      row(
        `a source of ${wanted.toLocaleString("en")} files`,
        `${buildMs.toFixed(0)} ms`,
        `cp -R and sh -e ${baseMs.toFixed(0)} ms, ${(buildMs / baseMs).toFixed(2)} x`,
      );
    }
  } finally {
    await kiln.close();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

async function inTurn(rounds, base, build) {
  const [bases, builds] = [[], []];
  for (let round = 0; round < rounds; round++) {
    bases.push(base());
    builds.push(await build());
  }
  return { baseMs: median(bases), buildMs: median(builds) };
}

function shMs(args) {
  const startedMs = performance.now();
  const { status } = spawnSync("sh", args, { stdio: "ignore" });
  if (status !== 0) throw new Error(`sh ended with exit status ${status}`);
  return performance.now() - startedMs;
}

function writeSource(folder, commands) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, "buildspec.yml"),
    `version: 0.2\nphases:\n  build:\n    commands:\n${`      - ${JSON.stringify(COMMAND)}\n`.repeat(commands)}`,
  );
}

/** A hundred files of 1 KiB a folder. */
function writeFile(folder, number) {
  const place = join(folder, `folder-${Math.floor(number / 100)}`);
  if (number % 100 === 0 || number === 1) mkdirSync(place, { recursive: true });
  writeFileSync(join(place, `file-${number}.txt`), `${number}\n`.padEnd(1024, "x"));
}
