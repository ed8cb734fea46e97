/** Commands whose standard output cannot be written: `/dev/full` is a file on a disk that is full. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { isBuilt, MAIN, temporaryFolder } from "./kiln-process.ts";

const FULL = "/dev/full";
const MESSAGE = `error: standard output could not be written: ENOSPC: no space left on device, write
  fix: free some space where its file is, or send it elsewhere
`;

describe.skipIf(!isBuilt || !existsSync(FULL))("where standard output cannot be written", () => {
  /** The exit code, and what was said on standard error; `onSaid` is given that so far. */
  async function run(argv: readonly string[], onSaid?: (said: string, end: () => void) => void) {
    const folder = temporaryFolder();
    const full = openSync(FULL, "w");
    try {
      const child = spawn(process.execPath, [MAIN, ...argv], { cwd: folder.path, stdio: ["ignore", full, "pipe"] });
      let said = "";
      child.stderr?.setEncoding("utf8").on("data", (text: string) => {
        said += text;
        onSaid?.(said, () => child.kill("SIGTERM"));
      });
      const [exitCode] = await once(child, "close");
      return { exitCode, said };
    } finally {
      closeSync(full);
      folder.remove();
    }
  }

  it.each([[["version"]], [["status", "-q"]]])("%j says so", async (argv) => {
    expect(await run(argv)).toEqual({ exitCode: 4, said: MESSAGE });
  });

  it("says so in JSON where that was asked for", async () => {
    const { exitCode, said } = await run(["status", "-o", "json"]);
    expect([exitCode, JSON.parse(said).error.code]).toEqual([4, "KILN_E_OUTPUT"]);
  });

  it("an endpoint goes on, and says so at its end", async () => {
    let url: string | undefined;
    let answer: Promise<number> | undefined;
    const { exitCode, said } = await run(["start", "--memory", "--port", "0"], (text, end) => {
      url ??= /AWS_ENDPOINT_URL=(\S+)\n/.exec(text)?.[1];
      if (url && !answer) {
        answer = fetch(`${url}/_kiln/health`).then(({ status }) => status);
        void answer.finally(end);
      }
    });
    expect(await answer).toBe(200);
    expect({ exitCode, end: said.slice(-MESSAGE.length) }).toEqual({ exitCode: 4, end: MESSAGE });
  });
});
