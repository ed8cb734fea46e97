/** The sandbox engine in processes with other rights than the test's, and in one that is killed: compiled, then run by Node. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeSeenFolder } from "../../../test/support/seen-folder.ts";
import { transpileSources } from "../../../test/support/transpiled-sources.ts";
import { findProcesses } from "../process-sweep.ts";
import { findProgram } from "../run-as.ts";
import { createSandboxEngine } from "./sandbox.ts";

const problem = await createSandboxEngine().problem?.(AbortSignal.timeout(60_000));
const reason =
  problem ??
  (process.getuid?.() !== 0 ? "this is not root, who alone can be others" : undefined) ??
  (findProgram("setpriv") === undefined ? "there is no `setpriv`" : undefined) ??
  (process.execPath.startsWith("/root/") ? "Node lies in root's home" : undefined);
if (reason !== undefined)
  process.stderr.write(`tests of the engine sandbox with other rights are skipped: ${reason}\n`);

/** Prints what each script of the arguments printed and how it ended, as JSON; a first argument `hang` stays in the last one. */
const PROGRAM = `
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createSandboxEngine } from "SANDBOX";
const [root, hidden, ...scripts] = process.argv.slice(2);
const engine = createSandboxEngine({ graceMs: 200, hidden: hidden === "" ? [] : [hidden], tryIn: root });
const problem = await engine.problem(AbortSignal.timeout(60_000));
const results = [];
if (problem === undefined) {
  const workDir = mkdtempSync(join(root, "work-"));
  console.log(workDir);
  const spec = { buildId: "p:rights-test", image: "", workDir, variables: {}, pathPrefix: [] };
  const environment = await engine.open(spec, AbortSignal.timeout(60_000));
  for (const script of scripts) {
    let text = "";
    const onOutput = (chunk) => { text += chunk; if (text.includes("hanging")) console.log("hanging"); };
    const paths = { scriptPath: join(workDir, "script.sh"), workingDirectory: workDir };
    const outcome = await environment.run({ shell: "sh", script, ...paths, onOutput, signal: AbortSignal.timeout(60_000) });
    results.push({ text, outcome });
  }
  await environment.close();
  rmSync(workDir, { recursive: true });
}
console.log(JSON.stringify({ problem, view: engine.describe(), results }));
`;

interface Answer {
  readonly problem?: string;
  readonly view: string;
  readonly results: readonly { readonly text: string; readonly outcome: unknown }[];
}

describe.skipIf(reason !== undefined)("the sandbox engine in another process", () => {
  let root = "";
  let program = "";

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), "kiln-rights-"));
    chmodSync(root, 0o777);
    const compiled = join(root, "compiled");
    const url = transpileSources(compiled, ["core", "engines", "engine-api"]);
    program = join(compiled, "program.js");
    writeFileSync(program, PROGRAM.replace("SANDBOX", url("engines/sandbox/sandbox.ts")));
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  const start = (words: readonly string[], hidden: string, scripts: readonly string[]): string[] => [
    ...words,
    process.execPath,
    program,
    root,
    hidden,
    ...scripts,
  ];
  const answerOf = async (words: readonly string[], hidden: string, ...scripts: string[]): Promise<Answer> => {
    const [file = "", ...args] = start(words, hidden, scripts);
    const { stdout } = await promisify(execFile)(file, args, {
      cwd: "/",
      env: { PATH: process.env["PATH"], HOME: root },
    });
    return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Answer;
  };
  const ORDINARY = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", "--"];

  it("gives an ordinary user a view with the own id, in which what was no right of theirs is none", async () => {
    const {
      problem: why,
      view,
      results,
    } = await answerOf(
      ORDINARY,
      "",
      "id -u; echo x > /tmp/inside; [ -r /etc/passwd ] && echo readable",
      "cat /tmp/inside; touch /usr/kiln-test /etc/kiln-test 2>/dev/null || echo refused; ps -e -o comm= > /tmp/list; sort -u /tmp/list | tr '\\n' ' '",
      "umount /tmp 2>/dev/null; cat /tmp/inside; unshare -Urm umount /tmp 2>/dev/null; (kill -9 -1) 2>/dev/null",
      "cat /tmp/inside",
    );
    expect(why).toBeUndefined();
    expect(view).toBe(
      "sandbox: this machine's tools in a throw-away view of the machine, as an ordinary user: what commands change stays in the build, and system packages cannot be installed",
    );
    expect(results.map(({ text }) => text)).toEqual(["12345\nreadable\n", "x\nrefused\ncat ps sh ", "x\n", "x\n"]);
    expect(existsSync("/tmp/inside")).toBe(false);
    expect(readdirSync(root)).toEqual(["compiled"]);
  });

  it("protects an ordinary user's own files", async () => {
    const home = makeSeenFolder(".kiln-rights-");
    const secret = join(home, "state");
    mkdirSync(secret);
    writeFileSync(join(home, "file"), "mine");
    for (const path of [home, secret, join(home, "file")]) await promisify(execFile)("chown", ["12345:12345", path]);
    const { results } = await answerOf(
      ORDINARY,
      secret,
      `cd ${home} && echo changed > file && cat file && ls -A && rm file`,
    );
    expect(results).toEqual([{ text: "changed\nfile\n", outcome: { kind: "exited", exitCode: 0 } }]);
    expect(readFileSync(join(home, "file"), "utf8")).toBe("mine");
    rmSync(home, { recursive: true });
  });

  it("says why it cannot work where mounting is not allowed", async () => {
    const { problem: why } = await answerOf(["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-all", "--"], "");
    expect(why).toBe("unshare: unshare failed: Operation not permitted");
  });

  it("ends everything when Kiln is killed, and the next one removes what is left", async () => {
    const [file = "", ...args] = start([], "", [
      "sleep 4301 & (env -i setsid sleep 4302 &)\necho hanging; exec sleep 4303",
    ]);
    const child: ChildProcess = spawn(file, args, { cwd: "/", stdio: ["ignore", "pipe", "ignore"] });
    let text = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      text += chunk;
    });
    while (!text.includes("hanging")) await once(child.stdout as NodeJS.ReadableStream, "data");
    const workDir = text.split("\n")[0] ?? "";
    const left = { buildId: "p:rights-test", workDir };
    await expect.poll(async () => (await findProcesses(left)).length).toBeGreaterThan(2);
    child.kill("SIGKILL");
    await once(child, "exit");
    await createSandboxEngine().reclaim(left);
    expect(await findProcesses(left)).toEqual([]);
    expect(existsSync(join(workDir, "script.sh"))).toBe(true);
    expect(existsSync(join(workDir, "sandbox"))).toBe(false);
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(workDir);
  });
});
