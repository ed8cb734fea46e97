/** Process start to the first signed SSM answer, against the start of a bare Node process. */
import { spawnSync } from "node:child_process";
import { request } from "node:http";
import { median, row } from "./report.mjs";
import { startKilnProcess } from "./servers.mjs";
import { signedHeaders } from "./sign.mjs";

export async function run({ smoke }) {
  const [bare, first, resident] = [[], [], []];
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
    await answered(kiln.url, headers, body);
    first.push(performance.now() - startedMs);
    resident.push(kiln.residentMebibytes());
    await kiln.stop();
  }
  row("bare node process", `${median(bare).toFixed(0)} ms`);
  row(
    "first signed SSM answer",
    `${median(first).toFixed(0)} ms`,
    `${(median(first) / median(bare)).toFixed(1)} x baseline (bar 400 ms)`,
  );
  row("resident memory after it", `${median(resident).toFixed(0)} MiB`, "(bar 80 MiB)");
}

function answered(url, headers, body) {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: "POST", headers, agent: false }, (response) => {
      response
        .resume()
        .on("end", () =>
          response.statusCode === 200 ? resolve() : reject(new Error(`${url} answered ${response.statusCode}`)),
        );
    });
    outgoing.on("error", reject).end(body);
  });
}
