/**
 * What the build needs and a bare machine may lack: Python with pip, the Python packages, the base image. Each is looked
 * for first; only what is missing is made, from Debian packages, and said on screen.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { makeWheelhouse } from "../dist/images/index.js";
import { commandExists, say, sayTitle } from "./stage.mjs";

const BASE_IMAGE = "python:3.11-slim";

export async function prepare(stage) {
  sayTitle("Before the first scene");
  say(stage.aws ? `aws CLI: ${stage.aws.version}` : "aws CLI: none here; the same calls are made with the AWS SDK for JavaScript");
  say(`endpoint: ${stage.url}`);
  requirePython();
  await providePythonPackages(stage);
  await provideBaseImage(stage);
}

function requirePython() {
  if (commandExists("python3", ["-m", "pip", "--version"])) return;
  throw new Error("the sample app needs python3 with pip on this machine (Debian: apt-get install python3 python3-pip python3-venv)");
}

/** With a package index in reach nothing is done; without one, wheels are made from Debian's packages of the same names. */
async function providePythonPackages(stage) {
  if (!process.env["KILN_DEMO_OFFLINE"]) {
    say("python packages: asking the package index …");
    const probe = spawnSync(
      "python3",
      ["-m", "pip", "download", "--quiet", "--timeout", "5", "--retries", "0", "--dest", join(stage.folder, "probe"), "-r", "requirements.txt"],
      { cwd: stage.appDir, env: { ...stage.environment, PIP_DISABLE_PIP_VERSION_CHECK: "1" }, timeout: 60_000, stdio: "ignore" },
    );
    if (probe.status === 0) {
      say("python packages: from the package index");
      return;
    }
  }
  say("python packages: no index in reach; making wheels from Debian packages (this takes a few seconds) …");
  const wheelhouse = join(stage.folder, "wheelhouse");
  mkdirSync(wheelhouse);
  const wheels = await makeWheelhouse(["flask"], wheelhouse, { onProgress: (text) => say(`  ${text}`) });
  say(`python packages: ${wheels.length} wheels made`);
  Object.assign(stage.environment, { PIP_NO_INDEX: "1", PIP_FIND_LINKS: wheelhouse, PIP_CONFIG_FILE: "/dev/null" });
}

async function provideBaseImage(stage) {
  say(`base image ${BASE_IMAGE}: making it from Debian packages, once (up to two minutes) …`);
  const made = await stage.kiln(["images", "make", "python", "--as", BASE_IMAGE], { quiet: false });
  if (made.status !== 0) throw new Error(`the base image could not be made (exit code ${made.status})`);
}
