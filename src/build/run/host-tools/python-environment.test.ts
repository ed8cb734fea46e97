import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { testBuild } from "../../../../test/support/run-test-build.ts";
import { createHostEngine } from "../../../engines/index.ts";

/** A Python whose `venv` works and whose pip lies at `pip`. */
const python = (pip: string, ensurepip: string): string => `#!/bin/sh
case "$*" in
  --version) echo "Python 3.12.1" ;;
  *"-m venv"*) mkdir -p "$5/bin" && cp "$0" "$5/bin/python" ;;
  *"import pip"*) echo "${pip}" ;;
  *sysconfig*) echo "$0-lib" ;;
  *ensurepip*) ${ensurepip} ;;
esac
`;

describe("the Python environment of a build", () => {
  let tools = "";
  beforeEach(async () => {
    tools = await mkdtemp(join(tmpdir(), "kiln-python-"));
  });
  afterEach(() => rm(tools, { recursive: true, force: true }));

  const build = async (script: string) => {
    const program = join(tools, "python3");
    await writeFile(program, script);
    await chmod(program, 0o755);
    const machine = { PATH: `${tools}:/usr/bin:/bin` };
    const { result, events, log } = await testBuild({
      engine: createHostEngine({ graceMs: 100, machine }),
      dependencies: { machine },
      buildspec:
        'version: 0.2\nphases:\n  build:\n    commands:\n      - python3 --version; echo "pip for the user [$PIP_USER]"\n',
    });
    const warnings = events.flatMap((event) =>
      event.type === "notice" && event.level === "warning" ? [event.text.replaceAll(tools, "TOOLS")] : [],
    );
    return {
      status: result.buildStatus,
      warnings,
      pipUser: /\[(.*)\]\n/.exec(log.split("pip for the user ").at(-1) ?? "")?.[1],
    };
  };

  it("is left out with a warning where the interpreter's pip lies nowhere", async () => {
    expect(await build(python("/nowhere/lib", "exit 1"))).toEqual({
      status: "SUCCEEDED",
      warnings: [
        "no Python environment of the build's own: the pip of TOOLS/python3 cannot be copied: ENOENT: no such file or directory, scandir '/nowhere/lib'",
      ],
      // What pip installs stays in the build's folder all the same.
      pipUser: "1",
    });
  });

  it("is made with ensurepip where pip cannot be copied", async () => {
    expect(await build(python("/nowhere/lib", "exit 0"))).toEqual({ status: "SUCCEEDED", warnings: [], pipUser: "" });
  });

  it("is left out with a warning where there is no pip at all", async () => {
    const script = python("x", "echo no module ensurepip >&2; exit 1").replace('echo "x"', "exit 1");
    expect((await build(script)).warnings).toEqual([
      "no Python environment of the build's own: TOOLS/python3 has no pip: no module ensurepip",
    ]);
  });
});
