/** What pip and its installed packages say beside an install: `pip check`, a `setup.py` that old versions run. Source: https://pip.pypa.io/en/stable/cli/pip_check/ */
import { quote, short } from "../known-trouble.ts";
import { lineReader } from "../line-reader.ts";

const HEADERS =
  "install what its build needs (a compiler, headers `…-dev`), or take a version that has a wheel for this python";

export const pipCheck = lineReader("pip", [
  {
    mark: " has requirement ",
    pattern: /^(\S+) (\S+) has requirement (\S+), but you have (\S+) (\S+?)\.?$/,
    kind: "dependency-conflict",
    say: ([, name, version, wanted, other, has]) =>
      `${quote(`${name} ${version}`)} wants ${quote(wanted)}, and ${quote(`${other} ${has}`)} is installed`,
    below: / has requirement /,
    next: "pin versions that fit each other, or install into an environment of its own (`python -m venv`): the image brings packages, too",
  },
  {
    mark: ", which is not installed",
    pattern: /^(\S+) (\S+) requires (\S+), which is not installed\.$/,
    kind: "dependency-not-found",
    say: ([, name, version, wanted]) => `${quote(`${name} ${version}`)} wants ${quote(wanted)}, which is not installed`,
    below: /, which is not installed\./,
  },
  {
    mark: "setup.py egg_info",
    pattern: /^(?:ERROR: )?Command "python setup\.py egg_info" failed with error code \d+ in (\S+)/,
    rank: "symptom",
    kind: "compile-error",
    say: ([, folder]) =>
      `pip could not prepare ${quote(folder?.replace(/\/$/, "").split("/").at(-1))}: its setup.py failed`,
    why: "this form of the message is of an old pip, which cannot read packages that are built the new way",
    next: `upgrade it first (\`pip install --upgrade pip setuptools wheel\`), choose a newer python under \`runtime-versions\`, or ${HEADERS}`,
  },
  {
    mark: "Command errored out with exit status",
    pattern: /^ERROR: Command errored out with exit status (\d+): (.+?) Check the logs for full command output\.$/,
    rank: "symptom",
    kind: "compile-error",
    say: ([, code, ran]) => `a step of pip ended with exit status ${code}: ${short(ran)}`,
    next: HEADERS,
  },
]);
