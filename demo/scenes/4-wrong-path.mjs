import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expectText } from "../stage.mjs";

export const title = "the wrong path: found before the run, explained after it, fixed";
export const shows =
  "`pip install -r day_14/simple_python_app/requirements.txt` where the file is at the root: `kiln check` finds it before\n" +
  "the run, `kiln explain` names it after the failed run, `kiln check --fix` mends it and the build passes.";

const WRONG = "day_14/simple_python_app/requirements.txt";

export async function play(stage) {
  const buildspec = join(stage.appDir, "buildspec.yml");
  const right = stage.readApp("buildspec.yml");
  writeFileSync(buildspec, right.replace("pip install -r requirements.txt", `pip install -r ${WRONG}`));
  const line = right.slice(0, right.indexOf("pip install -r")).split("\n").length;
  const found = await stage.kiln(["check"], { status: 3 });
  expectText(found.output, `buildspec.yml:${line}:`, "the check");
  expectText(found.output, "requirements.txt", "the check");

  const failed = await stage.kiln(["run", "--project", "sample-python-flask-app"], { status: 1 });
  expectText(failed.output, "Could not open requirements file", "the build's output");
  const explained = await stage.kiln(["explain"]);
  expectText(explained.output, `buildspec.yml:${line}`, "the explanation");
  expectText(explained.output, WRONG, "the explanation");

  await stage.kiln(["check", "--fix"], { status: 0 });
  await stage.kiln(["run", "--project", "sample-python-flask-app", "-q"], { status: 0 });
  writeFileSync(buildspec, right);
}
