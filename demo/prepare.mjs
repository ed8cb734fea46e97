/**
 * What the build needs and a bare machine may lack: Python with pip, the Python packages, the base image. Each is looked
 * for first; only what is missing is made, from Debian packages, and said on screen.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { makeWheelhouse, unpackPython } from "../dist/images/index.js";
import { commandExists, say, sayTitle } from "./stage.mjs";

const BASE_IMAGE = "python:3.11-slim";

export async function prepare(stage) {
  sayTitle("Before the first scene");
  say(
    stage.aws
      ? `aws CLI: ${stage.aws.version}`
      : "aws CLI: none here; the same calls are made with the AWS SDK for JavaScript",
  );
  say(`endpoint: ${stage.url}`);
  await providePython(stage);
  await providePythonPackages(stage);
  await provideBaseImage(stage);
}

/** The sample app is Python's: this machine's, or one unpacked beside the demo's state. */
async function providePython(stage) {
  if (commandExists("python3", ["-m", "pip", "--version"])) return;
  say("python3 with pip: none here; unpacking one from Debian packages …");
  const { bin, version } = await unpackPython(join(stage.folder, "python"), {
    cacheDir: join(stage.folder, "apt"),
    onProgress: (text) => say(`  ${text}`),
    signal: new AbortController().signal,
  });
  stage.environment.PATH = `${bin}:${stage.environment.PATH ?? process.env.PATH}`;
  say(`python3: ${version}, for this demo only`);
}

/** Wheels for every build of the demo: downloaded once from the package index, else made from Debian's packages. */
async function providePythonPackages(stage) {
  const wheelhouse = join(stage.folder, "wheelhouse");
  mkdirSync(wheelhouse);
  if (!downloadWheels(stage, wheelhouse)) {
    say("python packages: no index in reach; making wheels from Debian packages …");
    const { wheels } = await makeWheelhouse(stage.readApp("requirements.txt"), wheelhouse, {
      cacheDir: join(stage.folder, "apt"),
      onProgress: (text) => say(`  ${text}`),
      signal: new AbortController().signal,
    });
    say(`python packages: ${wheels.join(", ")}`);
  }
  Object.assign(stage.environment, { PIP_NO_INDEX: "1", PIP_FIND_LINKS: wheelhouse, PIP_CONFIG_FILE: "/dev/null" });
}

function downloadWheels(stage, wheelhouse) {
  if (process.env["KILN_DEMO_OFFLINE"]) return false;
  say("python packages: asking the package index …");
  const { status } = spawnSync(
    "python3",
    [
      "-m",
      "pip",
      "download",
      "--quiet",
      "--timeout",
      "5",
      "--retries",
      "0",
      "--dest",
      wheelhouse,
      "-r",
      "requirements.txt",
    ],
    { cwd: stage.appDir, env: stage.environment, timeout: 90_000, stdio: "ignore" },
  );
  if (status === 0) say("python packages: downloaded from the package index");
  return status === 0;
}

async function provideBaseImage(stage) {
  say(`base image ${BASE_IMAGE}: making it from Debian packages, once (up to two minutes) …`);
  const made = await stage.kiln(["images", "make", "python", "--as", BASE_IMAGE], { quiet: false });
  if (made.status !== 0) throw new Error(`the base image could not be made (exit code ${made.status})`);
}
