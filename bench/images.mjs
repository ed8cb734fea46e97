/**
 * The embedded builder against the engine of this machine, on the same Dockerfiles with the same docker CLI, in turn: a small
 * image built anew and pushed, the same again from the cache, and a step on a base of 300 MB. Both push to Kiln's registry.
 * The engine: `KILN_TEST_DOCKER_HOST`, `DOCKER_HOST` or the usual socket; without one nothing is measured.
 */
import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { openDockerSocket } from "../dist/docker-api/index.js";
import { makeBaseImage } from "../dist/images/base-image.js";
import { writeImageArchive } from "../dist/images/image-archive.js";
import { startKiln } from "../dist/index.js";
import { median, row } from "./report.mjs";

const BASE = "kiln-bench/base:1";
const BIG = "kiln-bench/big:1";

export async function run({ smoke }) {
  const engineHost = process.env.KILN_TEST_DOCKER_HOST ?? process.env.DOCKER_HOST ?? "unix:///var/run/docker.sock";
  const enginePath = engineHost.replace(/^unix:\/\//, "");
  const isThere = await api(enginePath, "GET", "/_ping").catch(() => undefined);
  if (isThere === undefined) return row("images", "skipped", `no Docker engine at ${engineHost}`);
  const cli = process.env.KILN_TEST_BUILDKIT_CLI ?? "docker";
  const version = await promisify(execFile)(cli, ["--version"]).catch(() => undefined);
  if (!version) return row("images", "skipped", "no docker CLI");
  // Docker's CLI before 23 brings its BuildKit client with it.
  const styles = Number(/version (\d+)/.exec(version.stdout)?.[1]) < 23 ? ["classic", "buildkit"] : ["classic"];
  const dir = mkdtempSync(join(tmpdir(), "kiln-bench-"));
  const kiln = await startKiln({ stateDir: join(dir, "state"), port: 0 });
  const socket = await openDockerSocket({
    buildId: "bench:1",
    workDir: mkdir(join(dir, "work")),
    registryUrl: kiln.url,
    rootKey: { accessKeyId: "test", secretAccessKey: "test" },
    scope: { partition: "aws", region: "us-east-1", accountId: "000000000000" },
    imageStoreDir: join(dir, "images"),
    privileged: true,
    pushForReal: false,
    signal: new AbortController().signal,
    onPushed: () => undefined,
    onNotice: () => undefined,
    backend: "embedded",
  });
  const sides = { docker: engineHost, kiln: socket.dockerHost };
  const config = mkdir(join(dir, "config"));
  const docker = (side, args, style = "classic") =>
    new Promise((resolve, reject) => {
      const env = {
        PATH: process.env.PATH,
        HOME: config,
        DOCKER_CONFIG: config,
        DOCKER_HOST: sides[side],
        DOCKER_BUILDKIT: style === "buildkit" ? "1" : "0",
      };
      const child = spawn(cli, args, { env, stdio: ["ignore", "pipe", "pipe"] });
      let text = "";
      for (const stream of [child.stdout, child.stderr])
        stream.on("data", (chunk) => {
          text += chunk;
        });
      child.on("error", reject);
      child.on("close", (code) =>
        code === 0 ? resolve(text) : reject(new Error(`docker ${args[0]} with ${side}: ${text}`)),
      );
    });
  const registry = new URL(kiln.url).host;
  try {
    const made = await makeBaseImage("busybox", {
      outputDir: join(dir, "base"),
      onProgress: () => undefined,
      signal: new AbortController().signal,
    });
    const bigMegabytes = smoke ? 20 : 300;
    const bigContext = context(dir, "big", `FROM ${BASE}\nCOPY data /data\n`);
    // Neither all alike nor pure noise: about what programs compress to.
    for (let part = 0; part < bigMegabytes / 10; part++)
      writeFileSync(
        join(mkdir(join(bigContext, "data")), `part-${part}`),
        Buffer.concat(Array.from({ length: 10 }, megabyte)),
      );
    for (const side of ["docker", "kiln"]) {
      await load(
        sides[side].slice("unix://".length),
        writeImageArchive(made.store, [{ image: made.image, tags: [BASE] }]),
      );
      await docker(side, ["build", "--network", "none", "-q", "-t", BIG, bigContext]);
      await docker(side, ["login", "-u", "test", "-p", "test", registry]);
    }
    const rounds = smoke ? 1 : 5;
    for (const style of styles) {
      const times = {
        small: { docker: [], kiln: [] },
        cached: { docker: [], kiln: [] },
        big: { docker: [], kiln: [] },
      };
      for (let round = 0; round < rounds; round++) {
        const small = context(
          dir,
          `small-${style}-${round}`,
          `FROM ${BASE}\nWORKDIR /app\nCOPY app app\nRUN mkdir out && cp app/* out/ && echo built > out/built\nCMD ["cat", "out/built"]\n`,
        );
        for (let file = 0; file < 20; file++)
          writeFileSync(join(mkdir(join(small, "app")), `file-${file}`), randomBytes(5000));
        const big = context(dir, `above-${style}-${round}`, `FROM ${BIG}\nCOPY app /app\nRUN touch /done\n`);
        writeFileSync(join(big, "app"), randomBytes(5000));
        // The one that goes first is another one each time.
        for (const side of round % 2 === 0 ? ["docker", "kiln"] : ["kiln", "docker"]) {
          const name = `${registry}/kiln-bench/small-${side}:${style}-${round}`;
          const build = (where, tag) => docker(side, ["build", "--network", "none", "-t", tag, where], style);
          times.small[side].push(await timed(() => build(small, name).then(() => docker(side, ["push", name]))));
          times.cached[side].push(await timed(() => build(small, name)));
          times.big[side].push(await timed(() => build(big, `kiln-bench/above:${style}-${round}`)));
        }
      }
      const show = (what, { docker: engine, kiln: ours }, bar) =>
        row(
          `${what}, ${style}`,
          `${median(ours).toFixed(0)} ms`,
          `engine ${median(engine).toFixed(0)} ms: ${(median(engine) / median(ours)).toFixed(2)} x as fast (bar ${bar})`,
        );
      show("small image, COPY + RUN + push", times.small, "1 x");
      show("the same again, from the cache", times.cached, "faster");
      show(`a step on ${bigMegabytes} MB`, times.big, "0.67 x");
    }
  } finally {
    for (const image of await ours(enginePath))
      await api(enginePath, "DELETE", `/images/${encodeURIComponent(image)}?force=1`);
    await socket.close();
    await kiln.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

function context(dir, name, dockerfile) {
  const folder = mkdir(join(dir, "contexts", name));
  writeFileSync(join(folder, "Dockerfile"), dockerfile);
  return folder;
}

function mkdir(path) {
  mkdirSync(path, { recursive: true });
  return path;
}

const megabyte = () => {
  const noise = randomBytes(1 << 19);
  return Buffer.concat([noise, Buffer.from(noise.toString("hex").slice(0, 1 << 19))]);
};

async function timed(work) {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

function api(socketPath, method, path) {
  return new Promise((resolve, reject) => {
    request({ socketPath, method, path, headers: { host: "docker" } }, (response) => {
      let text = "";
      response.on("data", (chunk) => {
        text += chunk;
      });
      response.on("end", () => resolve(text));
    })
      .on("error", reject)
      .end();
  });
}

/** Names that this benchmark gave. */
const ours = async (socketPath) =>
  JSON.parse(await api(socketPath, "GET", "/images/json"))
    .flatMap(({ RepoTags }) => RepoTags ?? [])
    .filter((name) => name.includes("kiln-bench/"));

async function load(socketPath, archive) {
  await new Promise((resolve, reject) => {
    const sent = request(
      {
        socketPath,
        method: "POST",
        path: "/images/load?quiet=1",
        headers: { host: "docker", "content-type": "application/x-tar" },
      },
      (response) => {
        response.resume().on("end", () => (response.statusCode === 200 ? resolve() : reject(new Error("load failed"))));
      },
    );
    sent.on("error", reject);
    pipeline(Readable.from(archive, { objectMode: false }), sent).catch(reject);
  });
}
