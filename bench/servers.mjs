/** The processes that are measured: Kiln's endpoint, and the baseline, each on a random port of 127.0.0.1. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const kilnMain = fileURLToPath(new URL("../dist/main.js", import.meta.url));

const BASELINE = `
  require("node:http").createServer((request, response) => {
    const chunks = [];
    request.on("data", (c) => chunks.push(c)).on("end", () => {
      const input = JSON.parse(Buffer.concat(chunks).toString());
      const body = JSON.stringify({ Parameter: { Name: input.Name ?? "", Value: "value", Version: 1 } });
      response.writeHead(200, { "content-type": "application/x-amz-json-1.1", "content-length": Buffer.byteLength(body) });
      response.end(body);
    });
  }).listen(0, "127.0.0.1", function () { console.log("http://127.0.0.1:" + this.address().port); });`;

export const startBaseline = () => start([process.execPath, "-e", BASELINE]);

/** Kiln with a state folder of its own. */
export async function startKilnProcess() {
  const stateDir = mkdtempSync(join(tmpdir(), "kiln-bench-"));
  const server = await start([process.execPath, kilnMain, "start", "--port", "0", "--state-dir", stateDir]);
  return {
    ...server,
    async stop() {
      await server.stop();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}

/**
 * moto's server, with its state in memory, or undefined where the machine has none: `moto_server` on the PATH, else the module.
 * What it is asked must be what Kiln is asked; it verifies no signature and keeps nothing on a disk.
 */
export async function startMoto() {
  const args = ["-H", "127.0.0.1", "-p", "0"];
  try {
    return await start(["moto_server", ...args]).catch(() => start(["python3", "-m", "moto.server", ...args]));
  } catch {
    return undefined;
  }
}

/** For what says nothing and does not end: nobody waits for ever. */
const START_LIMIT_MS = 120_000;

/** Resolves when the program has printed its URL. */
function start([command, ...args]) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], cwd: tmpdir() });
    // A benchmark that ends by an error, such as a closed output, leaves nothing behind.
    const end = () => child.kill("SIGTERM");
    process.once("exit", end);
    child.once("exit", () => process.off("exit", end));
    let text = "";
    let isStarted = false;
    // Also when it ends before it is stopped: who waits for that afterwards is answered.
    const closed = new Promise((done) => void child.once("close", done));
    const limit = setTimeout(() => {
      reject(new Error(`${command} did not say where it listens: ${text}`));
      end();
    }, START_LIMIT_MS);
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${command} ended with exit code ${code}: ${text}`)));
    child.once("close", () => clearTimeout(limit));
    const onOutput = (chunk) => {
      // Once it runs, what it says (a line a request, of moto's) is only read away.
      if (isStarted) return;
      text += chunk;
      // Not the beginning of a number that goes on in the next chunk.
      const url = /http:\/\/127\.0\.0\.1:\d+(?=\D)/.exec(text)?.[0];
      if (url) {
        isStarted = true;
        clearTimeout(limit);
        resolve({
          url,
          ...usageOf(child.pid),
          async stop() {
            child.kill("SIGTERM");
            await closed;
          },
        });
      }
    };
    child.stdout.on("data", onOutput);
    child.stderr.on("data", onOutput);
  });
}

/** Resident set size of a process, now and at its highest, and its CPU time, by /proc (Linux), else NaN. */
export const usageOf = (pid) => ({
  cpuMs: () => cpuMs(pid),
  residentMebibytes: () => statusMebibytes(pid, "VmRSS"),
  peakMebibytes: () => statusMebibytes(pid, "VmHWM"),
});

function statusMebibytes(pid, field) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024;
  } catch {
    return Number.NaN;
  }
}

/** CPU time of all threads by /proc (Linux, 100 ticks a second), else NaN. */
function cpuMs(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return Number.NaN;
  }
}
