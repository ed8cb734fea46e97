/** Process start to the first signed SSM answer, against the start of a bare Node process. */
import { spawnSync } from "node:child_process";
import { load } from "./load.mjs";
import { median, row } from "./report.mjs";
import { startKilnProcess } from "./servers.mjs";
import { signedHeaders } from "./sign.mjs";

export async function run({ smoke }) {
  const [bare, first] = [[], []];
  for (let round = 0; round < (smoke ? 1 : 7); round++) {
    const bareMs = performance.now();
    spawnSync(process.execPath, ["-e", "0"]);
    bare.push(performance.now() - bareMs);
    const startedMs = performance.now();
    const kiln = await startKilnProcess();
    const body = JSON.stringify({ Names: ["/absent"] });
    const headers = signedHeaders({
      host: new URL(kiln.url).host,
      service: "ssm",
      target: "AmazonSSM.GetParameters",
      body,
    });
    await load(kiln.url, { connections: 1, durationMs: 1, make: () => ({ headers, body }) });
    first.push(performance.now() - startedMs);
    await kiln.stop();
  }
  row("bare node process", `${median(bare).toFixed(0)} ms`);
  row(
    "first signed SSM answer",
    `${median(first).toFixed(0)} ms`,
    `${(median(first) / median(bare)).toFixed(1)} x baseline (bar 400 ms)`,
  );
}
