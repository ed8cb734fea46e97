/** `kiln lsp` in Neovim, with its own client, headless: diagnostics, completion, hover, a fix, definition, symbols. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isBuilt, MAIN } from "../cli/kiln-process.ts";

const script = fileURLToPath(new URL("neovim.lua", import.meta.url));
const version = spawnSync("nvim", ["--version"], { encoding: "utf8" }).stdout?.split("\n")[0];
if (version === undefined) process.stderr.write("skipped: no nvim on PATH (apt-get install neovim)\n");

interface Seen {
  readonly diagnostics: readonly {
    readonly code: string;
    readonly lnum: number;
    readonly col: number;
    readonly severity: number;
  }[];
  readonly labels: readonly string[];
  readonly hover: string;
  readonly fixed: readonly string[];
  readonly after: readonly string[];
  readonly definition: { readonly uri: string; readonly line: number };
  readonly symbols: readonly string[];
  readonly messages: string;
}

describe.skipIf(!isBuilt || version === undefined)(`Neovim (${version ?? "absent"})`, () => {
  let folder: string;
  let seen: Seen;
  const text =
    "version: 0.2\nenv:\n  variables:\n    STAGE: dev\nphases:\n  build:\n    comands:\n      - echo 'é😀' $STAGE\n";

  beforeAll(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), "kiln-nvim-")));
    writeFileSync(join(folder, "buildspec.yml"), text);
    const out = join(folder, "seen.json");
    const { status, stderr, stdout } = spawnSync("nvim", ["--clean", "--headless", "-n", "-c", `luafile ${script}`], {
      cwd: folder,
      encoding: "utf8",
      timeout: 170_000,
      env: {
        ...process.env,
        HOME: folder,
        XDG_STATE_HOME: folder,
        KILN_NODE: process.execPath,
        KILN_MAIN: MAIN,
        KILN_SEEN: out,
      },
    });
    if (status !== 0) throw new Error(`nvim ended with ${status}: ${stdout}${stderr}`);
    seen = JSON.parse(readFileSync(out, "utf8")) as Seen;
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("shows findings where they are", () => {
    expect(seen.diagnostics).toContainEqual({ code: "buildspec/unknown-key", lnum: 6, col: 4, severity: 1 });
  });

  it("completes keys and variables", () => {
    expect(seen.labels).toEqual(expect.arrayContaining(["STAGE", "CODEBUILD_SRC_DIR"]));
  });

  it("shows what a variable is, after characters of two units", () => {
    expect(seen.hover).toContain("Plaintext in `env.variables`: `dev`.");
  });

  it("goes to the declaration", () => {
    expect(seen.definition).toEqual({ uri: expect.stringMatching(/buildspec\.yml$/), line: 3 });
  });

  it("lists phases and variables", () => {
    expect(seen.symbols).toEqual(["env", "STAGE", "build"]);
  });

  it("applies a fix, and the finding goes away", () => {
    expect(seen.fixed[6]).toBe("    commands:");
    expect(seen.after).not.toContain("buildspec/unknown-key");
  });
});
