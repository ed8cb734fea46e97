/** Process start to the first signed SSM answer, against the start of a bare Node process. */
import { spawnSync } from "node:child_process";
import { median, row } from "./report.mjs";
import { startKilnProcess } from "./servers.mjs";
import { callIam, post, signedHeaders } from "./sign.mjs";

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
    const { status } = await post(kiln.url, headers, body);
    if (status !== 200) throw new Error(`${kiln.url} answered ${status}`);
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
  await managedPolicies(smoke);
}

/** What the archive of AWS's managed policies costs: one policy out of it, then the list of all. */
async function managedPolicies(smoke) {
  const kiln = await startKilnProcess();
  const step = async (title, operation, input) => {
    const startedMs = performance.now();
    await callIam(kiln.url, operation, input);
    row(
      title,
      `${(performance.now() - startedMs).toFixed(0)} ms`,
      `${kiln.residentMebibytes().toFixed(0)} MiB after it`,
    );
  };
  const versionOf = (path, VersionId) => ({ PolicyArn: `arn:aws:iam::aws:policy/${path}`, VersionId });
  try {
    await callIam(kiln.url, "ListUsers");
    await step("a call of IAM", "ListUsers");
    await step("a common managed policy, first", "GetPolicyVersion", versionOf("AmazonSSMReadOnlyAccess", "v1"));
    const rare = versionOf("service-role/AWSLambdaBasicExecutionRole", "v1");
    await step("any other managed policy, first", "GetPolicyVersion", rare);
    if (!smoke) await step("any other managed policy, second", "GetPolicyVersion", rare);
    await step("a list of 1,000 of them", "ListPolicies", { Scope: "AWS", MaxItems: "1000" });
  } finally {
    await kiln.stop();
  }
}
