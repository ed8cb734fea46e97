/** A temporary stage: a copy of the sample app, a state folder, a running endpoint, and what a scene may do on it. */
import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findAwsCli, runAwsCommand } from "./aws-commands.mjs";

const repository = fileURLToPath(new URL("..", import.meta.url));
const kilnMain = join(repository, "dist/main.js");

export function say(text = "") {
  process.stdout.write(`${text}\n`);
}

export function sayTitle(text) {
  say(`\n${"━".repeat(100)}\n${text}\n${"━".repeat(100)}`);
}

/** Starts the endpoint on a free port with a state folder of its own. */
export async function openStage() {
  const folder = mkdtempSync(join(tmpdir(), "kiln-demo-"));
  const appDir = join(folder, "sample-python-flask-app");
  cpSync(join(repository, "examples/sample-python-flask-app"), appDir, { recursive: true });
  const stateDir = join(folder, "state");
  const environment = { ...process.env, KILN_STATE_DIR: stateDir, NO_COLOR: "1", AWS_PAGER: "" };
  for (const name of ["AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"]) delete environment[name];
  const endpoint = await startEndpoint(appDir, environment);
  const aws = findAwsCli();

  const stage = {
    folder,
    appDir,
    stateDir,
    url: endpoint.url,
    environment,
    aws,
    /** Runs a kiln command in the app's folder, shows it, returns `{ status, output }`. */
    async kiln(args, { status: expected, quiet = false } = {}) {
      if (!quiet) say(`\n$ kiln ${args.join(" ")}`);
      const result = await run(process.execPath, ["--", kilnMain, ...args], { cwd: appDir, env: environment }, quiet);
      if (expected !== undefined && result.status !== expected) {
        throw new Error(`\`kiln ${args.join(" ")}\` ended with exit code ${result.status}, expected ${expected}`);
      }
      return result;
    },
    /** Runs an `aws …` command line against the endpoint, shows it, returns the parsed JSON answer. */
    async awsCommand(commandLine, { fails = false } = {}) {
      say(`\n$ ${commandLine}`);
      const answer = await runAwsCommand(aws, commandLine, { url: endpoint.url, environment, cwd: appDir });
      say(answer.text.trimEnd());
      if (answer.ok === fails) throw new Error(`\`${commandLine}\` was expected to ${fails ? "fail" : "succeed"}`);
      return answer.json;
    },
    readApp: (path) => readFileSync(join(appDir, path), "utf8"),
    async close() {
      // All of them write to the folder until they have ended.
      await Promise.all([...commands].map((stop) => stop()));
      await endpoint.stop();
      if (!process.env["KILN_DEMO_KEEP"]) rmSync(folder, { recursive: true, force: true });
    },
  };
  return stage;
}

/** Throws with what was expected unless `text` contains `wanted`. */
export function expectText(text, wanted, where) {
  if (!text.includes(wanted)) throw new Error(`expected ${where} to say: ${wanted}`);
}

export function expectThat(condition, what) {
  if (!condition) throw new Error(what);
}

async function startEndpoint(cwd, env) {
  const child = spawn(process.execPath, ["--", kilnMain, "start", "--port", "0", "-o", "json"], {
    cwd,
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => void child.once("exit", resolve));
  const url = await new Promise((resolve, reject) => {
    let text = "";
    child.stdout.on("data", (chunk) => {
      text += chunk;
      // Not the beginning of a number that goes on in the next chunk.
      const match = /http:\/\/127\.0\.0\.1:\d+(?=\D)/.exec(text);
      if (match) resolve(match[0]);
    });
    child.once("error", reject);
    void ended.then((code) => reject(new Error(`kiln start ended with exit code ${code}`)));
  });
  return {
    url,
    stop: () => {
      child.kill("SIGTERM");
      return ended;
    },
  };
}

/** What ends the commands that run, each when it has. */
const commands = new Set();

/** Runs a process, passing its output through while collecting it. */
export function run(command, args, options, quiet = false) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const collect = (chunk) => {
      output += chunk;
      if (!quiet) process.stdout.write(chunk);
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    const closed = new Promise((done) => void child.once("close", done));
    const stop = () => {
      child.kill("SIGTERM");
      return closed;
    };
    commands.add(stop);
    child.once("error", reject);
    child.once("close", (status) => {
      commands.delete(stop);
      resolve({ status, output });
    });
  });
}

export function commandExists(command, args = ["--version"]) {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}
