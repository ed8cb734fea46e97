/**
 * A Python environment inside the build's folder, so that `pip install` neither finds the machine's packages nor leaves
 * anything on it. Made with `venv --without-pip`, then given a copy of the interpreter's own pip: ensurepip would take
 * seconds. Falls back to ensurepip where pip is not to be found.
 */
import { execFile } from "node:child_process";
import { chmod, cp, readdir, writeFile } from "node:fs/promises";
import { isAbsolute, join } from "node:path";

/** What a fresh environment holds on CodeBuild's images, and pip needs itself. */
const SEED =
  /^(?:pip|setuptools|wheel|pkg_resources|_distutils_hack|distutils-precedence\.pth)$|^(?:pip|setuptools|wheel)-[^/]*\.(?:dist-info|egg-info)$/;

/** Makes the environment; resolves with its `bin` folder, or with why it could not be made. */
export async function createPythonEnvironment(
  python: string,
  folder: string,
  signal: AbortSignal,
): Promise<{ readonly bin: string } | { readonly failure: string }> {
  const made = await run(python, ["-I", "-m", "venv", "--without-pip", folder], signal);
  if (!made.ok) return { failure: `${python} -m venv: ${made.text.split("\n")[0]}` };
  const bin = join(folder, "bin");
  const inside = join(bin, "python");
  const places = await run(
    python,
    ["-I", "-c", "import pip, os; print(os.path.dirname(os.path.dirname(pip.__file__)))"],
    signal,
  );
  const library = await run(inside, ["-I", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], signal);
  let problem: string | undefined;
  const [from, to] = [places.text.trim(), library.text.trim()];
  // What calls itself Python may answer anything: only whole paths are written to.
  if (places.ok && library.ok && isAbsolute(from) && isAbsolute(to)) {
    try {
      await copyPip(from, to);
      const script = pipScript(inside);
      for (const name of ["pip", "pip3"]) {
        await writeFile(join(bin, name), script);
        await chmod(join(bin, name), 0o755);
      }
      return { bin };
    } catch (error) {
      // Its pip lies in an archive, or somewhere this user may not read.
      problem = `the pip of ${python} cannot be copied: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
  const ensured = await run(inside, ["-I", "-m", "ensurepip", "--default-pip"], signal);
  return ensured.ok ? { bin } : { failure: problem ?? `${python} has no pip: ${ensured.text.split("\n")[0]}` };
}

async function copyPip(from: string, to: string): Promise<void> {
  const entries = (await readdir(from)).filter((name) => SEED.test(name));
  await Promise.all(
    entries.map((name) => cp(join(from, name), join(to, name), { recursive: true, preserveTimestamps: true })),
  );
}

/** `--user` means "this build's own place" on CodeBuild; the environment is that place, and pip would refuse it there. */
const pipScript = (python: string): string => `#!${python}
import sys
from pip._internal.cli.main import main
if __name__ == "__main__":
    sys.argv = [argument for argument in sys.argv if argument != "--user"]
    sys.exit(main())
`;

function run(command: string, args: readonly string[], signal: AbortSignal): Promise<{ ok: boolean; text: string }> {
  return new Promise((resolve) => {
    execFile(command, args, { signal }, (error, stdout, stderr) =>
      resolve({ ok: !error, text: error ? stderr.trim() || error.message : stdout }),
    );
  });
}
