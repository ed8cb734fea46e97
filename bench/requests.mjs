/** Signed, authorised reads and durable writes at 64 connections, against bare `node:http` + JSON, in turn. */
import { load } from "./load.mjs";
import { median, row } from "./report.mjs";
import { startBaseline, startKilnProcess } from "./servers.mjs";
import { signedHeaders } from "./sign.mjs";

export async function run({ smoke }) {
  const settings = { connections: 64, durationMs: smoke ? 300 : 3000 };
  const rounds = smoke ? 1 : 3;
  const [baseline, kiln] = [await startBaseline(), await startKilnProcess()];
  try {
    const host = new URL(kiln.url).host;
    const sign = (operation, input) => {
      const body = JSON.stringify(input);
      return { body, headers: signedHeaders({ host, service: "ssm", target: `AmazonSSM.${operation}`, body }) };
    };
    const put = (index) =>
      sign("PutParameter", { Name: `/bench/${index % 500}`, Value: "value", Type: "String", Overwrite: true });
    const idleMebibytes = kiln.residentMebibytes();
    await load(kiln.url, { ...settings, durationMs: 200, make: put });
    const get = sign("GetParameter", { Name: "/bench/1" });
    const results = { baseline: [], reads: [], writes: [] };
    for (let round = 0; round < rounds; round++) {
      results.baseline.push(await load(baseline.url, { ...settings, make: () => get }));
      results.reads.push(await load(kiln.url, { ...settings, make: () => get }));
      results.writes.push(await load(kiln.url, { ...settings, make: put }));
    }
    const rate = (name) => median(results[name].map((r) => r.perSecond));
    row("bare node:http + JSON", `${Math.round(rate("baseline"))}/s`);
    row(
      "GetParameter",
      `${Math.round(rate("reads"))}/s`,
      `${(rate("reads") / rate("baseline")).toFixed(2)} x baseline (bar 0.5 x)`,
    );
    row(
      "PutParameter, durable",
      `${Math.round(rate("writes"))}/s`,
      `${(rate("writes") / rate("baseline")).toFixed(2)} x baseline (bar 0.4 x)`,
    );
    row("PutParameter p99", `${median(results.writes.map((r) => r.p99)).toFixed(1)} ms`, "(bar 20 ms)");
    row("resident memory, idle", `${idleMebibytes.toFixed(0)} MiB`, "(bar 80 MiB)");
    row("resident memory, after load", `${kiln.residentMebibytes().toFixed(0)} MiB`, "(bar 120 MiB)");
  } finally {
    await Promise.all([baseline.stop(), kiln.stop()]);
  }
}
