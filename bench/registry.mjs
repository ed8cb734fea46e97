/**
 * Pushing and pulling images: Kiln against Debian's `docker-registry` (filesystem driver), both on random ports, both
 * with a store of their own that is emptied before each case, in turn. Each flushes what it flushes: Kiln file, folder
 * and records before it answers, docker-registry the file. Kiln checks a password with every request.
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash, randomFillSync } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { transfer } from "./registry-load.mjs";
import { median, row } from "./report.mjs";
import { startKilnProcess, usageOf } from "./servers.mjs";

const MEGABYTE = 1_000_000;

export async function run({ smoke }) {
  const hasBaseline = isRunnable("docker-registry", "--version");
  if (!hasBaseline) {
    row("skipped", "", "no `docker-registry` on this machine (Debian's package of that name)");
    return;
  }
  const size = smoke
    ? { layers: 2, layerBytes: 2 * MEGABYTE, small: 50, rounds: 1, pushers: 2 }
    : { layers: 5, layerBytes: 100 * MEGABYTE, small: 2_000, rounds: 3, pushers: 8 };
  const dir = mkdtempSync(join(tmpdir(), "kiln-bench-registry-"));
  try {
    await transfers(size, dir);
    if (isRunnable("skopeo", "--version")) await skopeo(size, dir);
    else row("skopeo", "", "skipped: no `skopeo` on this machine");
    await memory(size);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** A raw client: large layers in parallel and in turn, then many small ones. */
async function transfers(size, dir) {
  const layers = { kind: "layers", count: size.layers, bytes: size.layerBytes };
  const small = { kind: "small", count: size.small, bytes: 4_500 };
  const cases = [
    { name: `${label(size)} at once`, blobs: layers, connections: size.layers },
    { name: `${label(size)} in turn`, blobs: layers, connections: 1 },
    { name: `${size.small} blobs of 4.5 kB, 16 connections`, blobs: small, connections: 16 },
  ];
  for (const { name, blobs, connections } of cases) {
    const measured = { kiln: { push: [], pull: [], cpu: [] }, baseline: { push: [], pull: [], cpu: [] } };
    for (let round = 0; round < size.rounds; round++) {
      for (const which of round % 2 === 0 ? ["kiln", "baseline"] : ["baseline", "kiln"]) {
        await withServer(which, dir, async (server) => {
          const startedCpuMs = server.cpuMs();
          const result = await transfer(server, { ...blobs, connections, seed: round + 1 });
          measured[which].cpu.push(server.cpuMs() - startedCpuMs);
          measured[which].push.push(result.pushMs);
          measured[which].pull.push(result.pullMs);
        });
      }
    }
    const perSecond = blobs.kind === "small" ? (ms) => `${Math.round((blobs.count / ms) * 1000)}/s` : seconds;
    print(`push, ${name}`, measured.kiln.push, measured.baseline.push, perSecond);
    print(`pull, ${name}`, measured.kiln.pull, measured.baseline.pull, perSecond);
    // Moves less with the machine's other work.
    print("  CPU time of both", measured.kiln.cpu, measured.baseline.cpu, seconds);
  }
}

/** The same image with a client people use. */
async function skopeo(size, dir) {
  const image = join(dir, "image");
  writeImage(image, size);
  const measured = { kiln: { push: [], pull: [] }, baseline: { push: [], pull: [] } };
  for (let round = 0; round < size.rounds; round++) {
    for (const which of round % 2 === 0 ? ["baseline", "kiln"] : ["kiln", "baseline"]) {
      await withServer(which, dir, async (server) => {
        const remote = `docker://${new URL(server.url).host}/bench:1`;
        const out = join(dir, "pulled");
        measured[which].push.push(
          await copy(["--dest-tls-verify=false", "--dest-creds=test:test", `dir:${image}`, remote]),
        );
        measured[which].pull.push(
          await copy(["--src-tls-verify=false", "--src-creds=test:test", remote, `dir:${out}`]),
        );
        rmSync(out, { recursive: true, force: true });
      });
    }
  }
  print(`push, skopeo, ${label(size)}`, measured.kiln.push, measured.baseline.push, seconds);
  print(`pull, skopeo, ${label(size)}`, measured.kiln.pull, measured.baseline.pull, seconds);
}

/** Resident memory while several clients push an image each. */
async function memory(size) {
  const dir = mkdtempSync(join(tmpdir(), "kiln-bench-registry-"));
  const peak = {};
  try {
    for (const which of ["kiln", "baseline"]) {
      await withServer(which, dir, async (server) => {
        const clients = Array.from({ length: size.pushers }, (_, index) =>
          transfer(server, {
            kind: "layers",
            count: size.layers,
            bytes: size.layerBytes,
            connections: 1,
            seed: 100 + index,
            pushOnly: true,
          }),
        );
        await Promise.all(clients);
        peak[which] = server.peakMebibytes();
      });
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  row(
    `peak memory, ${size.pushers} clients push ${label(size)}`,
    `${peak.kiln.toFixed(0)} MiB`,
    `docker-registry ${peak.baseline.toFixed(0)} MiB`,
  );
}

function print(what, kiln, baseline, show) {
  const [ours, theirs] = [median(kiln), median(baseline)];
  const ratio = theirs / ours;
  row(what, show(ours), `docker-registry ${show(theirs)}: ${ratio.toFixed(2)} x`);
}

const seconds = (ms) => `${(ms / 1000).toFixed(2)} s`;
const label = ({ layers, layerBytes }) => `${layers} x ${Math.round(layerBytes / MEGABYTE)} MB`;

const isRunnable = (command, flag) => spawnSync(command, [flag], { stdio: "ignore" }).error === undefined;

async function withServer(which, dir, work) {
  const server = which === "kiln" ? await startKilnProcess() : await startDockerRegistry(dir);
  try {
    spawnSync("sync");
    await work(server);
  } finally {
    await server.stop();
  }
}

async function startDockerRegistry(dir) {
  for (let attempt = 0; attempt < 5; attempt++) {
    const server = await startDockerRegistryAt(await freePort(), dir);
    if (server) return server;
  }
  throw new Error("docker-registry did not start");
}

/** Undefined when it ends at once: somebody else may have taken the port. */
async function startDockerRegistryAt(port, dir) {
  const root = mkdtempSync(join(dir, "docker-registry-"));
  const config = join(root, "config.yml");
  writeFileSync(
    config,
    `version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: ${root}/data}}\nhttp: {addr: "127.0.0.1:${port}"}\n`,
  );
  const child = spawn("docker-registry", ["serve", config], { stdio: "ignore", cwd: root });
  let hasEnded = false;
  const closed = new Promise((done) => void child.once("close", done)).then(() => {
    hasEnded = true;
  });
  const url = `http://127.0.0.1:${port}`;
  const isUp = () =>
    fetch(`${url}/v2/`).then(
      (response) => response.ok,
      () => false,
    );
  // As long as it takes: a busy machine is slow to start programs.
  while (!hasEnded && !(await isUp())) await sleep(25);
  if (hasEnded) return undefined;
  return {
    url,
    ...usageOf(child.pid),
    async stop() {
      child.kill("SIGTERM");
      await closed;
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** A port nobody listens on at this moment. */
async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

async function copy(args) {
  const startedMs = performance.now();
  await new Promise((resolve, reject) => {
    const child = spawn("skopeo", ["copy", "-q", "--insecure-policy", ...args], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let text = "";
    child.stderr.on("data", (chunk) => {
      text += chunk;
    });
    child.once("error", reject);
    child.once("close", (code) => (code === 0 ? resolve() : reject(new Error(`skopeo: ${text}`))));
  });
  return performance.now() - startedMs;
}

/** An image in skopeo's `dir:` form, its layers random and said to be compressed. */
function writeImage(dir, { layers, layerBytes }) {
  mkdirSync(dir, { recursive: true });
  const put = (content) => {
    const hex = createHash("sha256").update(content).digest("hex");
    writeFileSync(join(dir, hex), content);
    return { digest: `sha256:${hex}`, size: content.length };
  };
  const config = put(Buffer.from('{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}'));
  const manifest = {
    schemaVersion: 2,
    mediaType: "application/vnd.docker.distribution.manifest.v2+json",
    config: { mediaType: "application/vnd.docker.container.image.v1+json", ...config },
    layers: Array.from({ length: layers }, () => ({
      mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip",
      ...put(randomFillSync(Buffer.allocUnsafe(layerBytes))),
    })),
  };
  writeFileSync(join(dir, "manifest.json"), JSON.stringify(manifest));
  writeFileSync(join(dir, "version"), "Directory Transport Version: 1.1\n");
}
