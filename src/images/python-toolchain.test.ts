/** Needs Debian's apt and a package mirror; skipped, with the reason printed, where they are not. */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { staticBusybox } from "../../test/support/docker-fixture.ts";
import { makeWheelhouse, unpackPython } from "./index.ts";

const run = promisify(execFile);

it.skipIf((await staticBusybox()) === undefined)(
  "unpacks a Python that can be moved, makes a venv and installs packages, on a machine without Python",
  { timeout: 300_000 },
  async () => {
    const dir = await mkdtemp(join(tmpdir(), "kiln-python-"));
    try {
      const progress: string[] = [];
      const signal = new AbortController().signal;
      const options = { cacheDir: join(dir, "apt"), onProgress: (text: string) => void progress.push(text), signal };
      const { version } = await unpackPython(join(dir, "made"), options);
      expect(progress.length).toBeLessThanOrEqual(3);
      const moved = join(dir, "it's moved");
      await rename(join(dir, "made"), moved);
      expect((await readdir(join(moved, "bin"))).sort()).toEqual(
        ["pip", "pip3", "python", "python3", `python${version}`].sort(),
      );
      const env = { PATH: `${moved}/bin:/usr/bin:/bin`, PIP_CONFIG_FILE: "/dev/null", HOME: dir };
      const printed = await run(
        "python3",
        [
          "-c",
          "import sys, os; print(sys.executable, sys.prefix); print([n for n in os.environ if n.startswith(('PYTHON', 'LD_'))])",
        ],
        { env },
      );
      expect(printed.stdout).toBe(`${moved}/bin/python3 ${moved}\n[]\n`);
      expect((await run("pip", ["--version"], { env })).stdout).toContain(moved);

      await makeWheelhouse("Flask\n", join(dir, "wheels"), options);
      // The folder of a venv is written into first lines of scripts, where a blank would end the name.
      const venv = join(dir, "venv");
      await run("python3", ["-m", "venv", venv], { env });
      const inVenv = { ...env, PATH: `${venv}/bin:/usr/bin:/bin` };
      await run("pip", ["install", "--no-index", `--find-links=${join(dir, "wheels")}`, "flask"], { env: inVenv });
      const flask = await run("flask", ["--version"], { env: inVenv });
      expect(flask.stdout).toContain(`Python ${version}`);
      const where = await run(
        "python3",
        ["-c", "import sys, flask; print(sys.prefix, sys.base_prefix, flask.__file__)"],
        {
          env: inVenv,
        },
      );
      expect(where.stdout).toBe(`${venv} ${moved} ${venv}/lib/python${version}/site-packages/flask/__init__.py\n`);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  },
);
