/** `npm run demo`: five scenes of the main job, with real output; exit code 0 only if each ended as it must. */
import { prepare } from "./prepare.mjs";
import * as parameters from "./scenes/1-parameters-and-role.mjs";
import * as denied from "./scenes/2-denied.mjs";
import * as pushed from "./scenes/3-built-and-pushed.mjs";
import * as wrongPath from "./scenes/4-wrong-path.mjs";
import * as wrongPassword from "./scenes/5-wrong-password.mjs";
import { openStage, say, sayTitle } from "./stage.mjs";

const SCENES = [parameters, denied, pushed, wrongPath, wrongPassword];

const stage = await openStage();
const results = [];
let interrupted = false;
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    interrupted = true;
    await stage.close();
    process.exit(130);
  });
}

try {
  await prepare(stage);
  for (const [index, scene] of SCENES.entries()) {
    sayTitle(`Scene ${index + 1} of ${SCENES.length}: ${scene.title}`);
    say(scene.shows);
    const startedMs = Date.now();
    try {
      await scene.play(stage);
      results.push({ title: scene.title, ok: true, ms: Date.now() - startedMs });
    } catch (error) {
      if (interrupted) break;
      results.push({ title: scene.title, ok: false, ms: Date.now() - startedMs, why: error.message });
      say(`this scene did not end as it must: ${error.message}`);
      break;
    }
  }
} finally {
  await stage.close();
}
if (interrupted) process.exit(130);

sayTitle("Summary");
for (const [index, scene] of SCENES.entries()) {
  const result = results[index];
  const state = result === undefined ? "not played" : result.ok ? "ok" : "FAILED";
  say(`  ${index + 1}. ${state.padEnd(10)} ${scene.title}${result ? ` (${(result.ms / 1000).toFixed(1)} s)` : ""}`);
}
const allEnded = results.length === SCENES.length && results.every((r) => r.ok);
say(allEnded ? "\nEvery scene ended as it must." : "\nThe demo failed.");
process.exitCode = allEnded ? 0 : 1;
