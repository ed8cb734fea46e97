/**
 * Signed, authorised reads and durable writes at 64 connections, against bare `node:http` + JSON, in turn; and, where the
 * machine has it, against moto's server.
 */
import { load, rawRequest } from "./load.mjs";
import { median, row } from "./report.mjs";
import { startBaseline, startKilnProcess, startMoto } from "./servers.mjs";
import { callIam, signedHeaders } from "./sign.mjs";

/** An account has room for 100,000 parameters of the tier: two rounds of three seconds stay below. */
const CREATION_ROUNDS = 2;

export async function run({ smoke }) {
  const settings = { connections: 64, durationMs: smoke ? 300 : 3000 };
  const rounds = smoke ? 1 : 5;
  const [baseline, kiln, moto] = [await startBaseline(), await startKilnProcess(), await startMoto()];
  try {
    const idleMebibytes = kiln.residentMebibytes();
    const { host } = new URL(kiln.url);
    const names = Array.from({ length: 500 }, (_, n) => `/bench/${n}`);
    const put = (name) => signed(host, "PutParameter", { Name: name, Value: "value", Type: "String", Overwrite: true });
    const create = (round) =>
      Array.from({ length: 60_000 }, (_, n) =>
        signed(host, "PutParameter", { Name: `/new/${round}/${n}`, Value: "value", Type: "String", Tier: "Advanced" }),
      );
    // Each parameter must be there before it is read.
    const fill = ({ url }) => load(url, { connections: 16, requests: names.map(put) });
    await fill(kiln);
    const reads = [signed(host, "GetParameter", { Name: "/bench/1" })];
    const user = await makeUser(kiln.url);
    const results = {
      baseline: [],
      reads: [],
      userReads: [],
      writes: [],
      creations: [],
      motoReads: [],
      motoWrites: [],
    };
    const measure = async (name, server, requests) => {
      const cpuBeforeMs = server.cpuMs();
      const result = await load(server.url, { ...settings, requests });
      results[name].push({ ...result, cpuMicros: ((server.cpuMs() - cpuBeforeMs) * 1000) / result.count });
    };
    await load(baseline.url, { ...settings, durationMs: 1000, requests: reads });
    await load(kiln.url, { ...settings, durationMs: 1000, requests: reads });
    // Another's server may be too slow or end connections; that is said, and no failure of this benchmark.
    let motoTrouble = moto
      ? undefined
      : "`moto_server` is not on the PATH, and `python3 -m moto.server` does not start";
    const askMoto = async (work) => {
      if (!motoTrouble) await work().catch((error) => (motoTrouble = error.message.split("\r\n", 1)[0]));
    };
    await askMoto(() => fill(moto));
    for (let round = 0; round < rounds; round++) {
      // Signed anew: a signature is good for five minutes.
      await measure("baseline", baseline, reads);
      await measure("reads", kiln, [signed(host, "GetParameter", { Name: "/bench/1" })]);
      await measure("writes", kiln, names.map(put));
      await askMoto(() => measure("motoReads", moto, [signed(host, "GetParameter", { Name: "/bench/1" })]));
      await askMoto(() => measure("motoWrites", moto, names.map(put)));
    }
    const afterMebibytes = kiln.residentMebibytes();
    for (let round = 0; round < rounds; round++) {
      await measure("userReads", kiln, [signed(host, "GetParameter", { Name: "/bench/1" }, user)]);
      if (round < CREATION_ROUNDS) await measure("creations", kiln, create(round));
    }
    const middle = (name, figure) => median(results[name].map((result) => result[figure]));
    // Ratios of neighbours in time, so that a change of the machine's speed touches both.
    const ratio = (name) => median(results[name].map((r, n) => r.perSecond / results.baseline[n].perSecond));
    const print = (title, name, bar) =>
      row(
        title,
        `${Math.round(middle(name, "perSecond"))}/s`,
        `${middle(name, "cpuMicros").toFixed(0)} µs CPU each${bar ? `; ${ratio(name).toFixed(2)} x baseline (bar ${bar} x)` : ""}`,
      );
    print("bare node:http + JSON", "baseline");
    print("GetParameter", "reads", 0.5);
    print("PutParameter, durable", "writes", 0.4);
    row("GetParameter p99", `${middle("reads", "p99").toFixed(1)} ms`);
    row("PutParameter p99", `${middle("writes", "p99").toFixed(1)} ms`, "(bar 20 ms)");
    row("resident memory, idle", `${idleMebibytes.toFixed(0)} MiB`, "(bar 80 MiB)");
    row("resident memory, after load", `${afterMebibytes.toFixed(0)} MiB`, "(bar 120 MiB)");
    print("GetParameter by a user, put on record", "userReads");
    print("PutParameter of a new one, durable", "creations");
    row("resident memory, after that", `${kiln.residentMebibytes().toFixed(0)} MiB`);
    if (motoTrouble) {
      row("moto's server", "not measured", motoTrouble);
      return;
    }
    const overMoto = (mine, its) =>
      `Kiln: ${median(results[mine].map((r, n) => r.perSecond / results[its][n].perSecond)).toFixed(0)} x`;
    row(
      "moto's server: GetParameter",
      `${Math.round(middle("motoReads", "perSecond"))}/s`,
      overMoto("reads", "motoReads"),
    );
    row(
      "moto's server: PutParameter, in memory",
      `${Math.round(middle("motoWrites", "perSecond"))}/s`,
      overMoto("writes", "motoWrites"),
    );
    row(
      "moto's server: p99 of both",
      `${middle("motoReads", "p99").toFixed(0)} and ${middle("motoWrites", "p99").toFixed(0)} ms`,
    );
    row("moto's server: resident memory", `${moto.residentMebibytes().toFixed(0)} MiB`);
  } finally {
    await Promise.all([baseline.stop(), kiln.stop(), moto?.stop()]);
  }
}

/** A user with two policies and a key. */
async function makeUser(url) {
  const UserName = "bench";
  const statement = { Effect: "Allow", Action: "ssm:GetParameter*", Resource: "arn:aws:ssm:*:*:parameter/bench/*" };
  await callIam(url, "CreateUser", { UserName });
  await callIam(url, "AttachUserPolicy", {
    UserName,
    PolicyArn: "arn:aws:iam::aws:policy/CloudWatchLogsReadOnlyAccess",
  });
  const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
  await callIam(url, "PutUserPolicy", { UserName, PolicyName: "read", PolicyDocument });
  const answer = await callIam(url, "CreateAccessKey", { UserName });
  const textOf = (element) => new RegExp(`<${element}>([^<]+)</${element}>`).exec(answer)?.[1];
  return { accessKeyId: textOf("AccessKeyId"), secretAccessKey: textOf("SecretAccessKey") };
}

function signed(host, operation, input, key = {}) {
  const body = JSON.stringify(input);
  const about = { host, service: "ssm", target: `AmazonSSM.${operation}`, body, ...key };
  return rawRequest({ body, headers: signedHeaders(about) });
}
