import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { basename, dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeSeenFolder } from "../../../test/support/seen-folder.ts";
import { makeOwnedFolder } from "../../core/owned-folders.ts";
import { allProcesses, childrenOf, readProcess } from "../../core/process-table.ts";
import { engineContract } from "../contract.ts";
import type { BuildEnvironment, EnvironmentSpec } from "../engine.ts";
import { createSandboxEngine } from "./sandbox.ts";

const problem = await createSandboxEngine().problem?.(AbortSignal.timeout(60_000));
if (problem !== undefined) process.stderr.write(`tests of the engine sandbox are skipped: ${problem}\n`);
const isRoot = process.getuid?.() === 0;
if (!isRoot) process.stderr.write("tests of the engine sandbox are skipped in part: this is not root\n");

if (problem === undefined) engineContract("sandbox", () => createSandboxEngine({ graceMs: 200 }));

describe.skipIf(problem !== undefined)("the sandbox engine", () => {
  let place = "";
  let workDir = "";
  let environment: BuildEnvironment;

  beforeAll(() => {
    place = makeSeenFolder(".kiln-sandbox-");
  });
  afterAll(() => rmSync(place, { recursive: true, force: true }));

  const open = async (more: Partial<EnvironmentSpec> = {}, options: Parameters<typeof createSandboxEngine>[0] = {}) => {
    workDir = mkdtempSync(join(place, "work-"));
    const spec = { buildId: "p:sandbox-test", image: "", workDir, variables: {}, pathPrefix: [], ...more };
    environment = await createSandboxEngine({ graceMs: 200, ...options }).open(spec, AbortSignal.timeout(60_000));
  };
  const run = async (script: string, more: { user?: string; signal?: AbortSignal } = {}) => {
    let text = "";
    const outcome = await environment.run({
      shell: "sh",
      script,
      scriptPath: join(workDir, "script.sh"),
      workingDirectory: workDir,
      onOutput: (chunk) => {
        text += chunk;
      },
      signal: AbortSignal.timeout(60_000),
      ...more,
    });
    return { outcome, text };
  };

  describe("with one environment", () => {
    beforeEach(() => open());
    afterEach(async () => {
      await environment.close();
      expect(existsSync(join(workDir, "sandbox"))).toBe(false);
    });

    it.runIf(isRoot)("keeps what a command installs for the next one, and the machine as it was", async () => {
      const before = readFileSync("/etc/passwd", "utf8");
      await run(
        "mkdir -p /usr/lib/kiln-test && echo lib > /usr/lib/kiln-test/file; echo line >> /etc/passwd; mv /etc/apt /etc/moved",
      );
      expect((await run("cat /usr/lib/kiln-test/file; tail -n 1 /etc/passwd")).text).toBe("lib\nline\n");
      expect(existsSync("/usr/lib/kiln-test")).toBe(false);
      expect(readFileSync("/etc/passwd", "utf8")).toBe(before);
    });

    it.runIf(isRoot)("has back in the next build what one deleted", async () => {
      expect((await run("rm /etc/passwd; cat /etc/passwd 2>/dev/null || echo gone")).text).toBe("gone\n");
      await environment.close();
      await open();
      expect((await run("head -c 5 /etc/passwd")).text).toBe("root:");
    });

    it("gives a build temporary folders and processes of its own", async () => {
      const name = join("/tmp", `kiln-outside-${process.pid}`);
      writeFileSync(name, "");
      try {
        const { text } = await run(
          "ls -A /tmp /var/tmp /dev/shm; echo x > /tmp/kiln-inside; ps -e -o comm= | sort | uniq",
        );
        expect(text).not.toContain("kiln-outside");
        expect(text).not.toContain("node");
        expect(existsSync("/tmp/kiln-inside")).toBe(false);
        expect((await run("cat /tmp/kiln-inside")).text).toBe("x\n");
      } finally {
        rmSync(name);
      }
    });

    it("has the build's folders where they are, HOME and TMPDIR among them", async () => {
      await run('echo made > here; echo home > "$HOME/file"; echo temporary > "$TMPDIR/file"; cd "$HOME" && pwd');
      expect(readFileSync(join(workDir, "here"), "utf8")).toBe("made\n");
      expect(readFileSync(join(workDir, "home", "file"), "utf8")).toBe("home\n");
      expect(readFileSync(join(workDir, "tmp", "file"), "utf8")).toBe("temporary\n");
      expect((await run(`ls -A ${join(workDir, "sandbox")}; pwd`)).text).toBe(`${workDir}\n`);
    });

    it("does not let a command undo the view, nor change the kernel's settings", async () => {
      const { text } = await run(
        "umount /tmp && echo undone; umount -l /proc && echo undone; mount -t proc proc /mnt && echo mounted; echo 1 > /proc/sys/vm/drop_caches && echo changed; mknod disk b 8 0 && echo made; ls /run/.old; unshare -Urm sh -c 'umount /tmp && echo undone'; true\n",
      );
      expect(text).not.toMatch(/^(?:undone|mounted|changed|made)$/m);
    });

    it("starts commands also after one has ended all processes it could", async () => {
      await run("sleep 4201 & (setsid sleep 4202 &)\nkill -9 -1");
      expect((await run("ps -e -o args= | grep -c '[s]leep 420'")).text).toBe("0\n");
    });

    it("leaves no zombies of background processes behind", async () => {
      await run("(sleep 0.05 &)");
      const zombies = "$(ps -e -o stat= | grep -c Z)";
      expect((await run(`sleep 0.2; while [ ${zombies} != 0 ]; do sleep 0.1; done; echo none`)).text).toBe("none\n");
    });

    it("ends what ran away when a command is cancelled", async () => {
      const controller = new AbortController();
      const running = environment.run({
        shell: "sh",
        script: "(env -i setsid sh -c 'cd /; /bin/sleep 4203 & exec /bin/sleep 4204' &)\necho up\n/bin/sleep 4205\n",
        scriptPath: join(workDir, "script.sh"),
        workingDirectory: workDir,
        onOutput: () => controller.abort(),
        signal: controller.signal,
      });
      expect(await running).toEqual({ kind: "cancelled" });
      expect((await run("ps -e -o args= | grep -c '[s]leep 420'")).text).toBe("0\n");
    });

    it("lets a cancelled command end, and leaves nothing of it to the machine's first process", async () => {
      await environment.close();
      // Longer than the test may take: that it is not waited for is what is tested.
      await open({}, { graceMs: 600_000 });
      const before = new Set(allProcesses().map(({ pid }) => pid));
      let groups: number[] = [];
      const controller = new AbortController();
      let text = "";
      const outcome = await environment.run({
        shell: "sh",
        script: "trap 'echo trapped; exit' TERM\nsetsid sleep 4206 &\necho up\nsleep 4207 &\nwait\n",
        scriptPath: join(workDir, "script.sh"),
        workingDirectory: workDir,
        onOutput: (chunk) => {
          text += chunk;
          groups = childrenOf(process.pid).filter((pid) => !before.has(pid));
          controller.abort();
        },
        signal: controller.signal,
      });
      expect(outcome).toEqual({ kind: "cancelled" });
      expect(text).toBe("up\ntrapped\n");
      expect(groups).not.toEqual([]);
      expect(allProcesses().filter(({ group }) => groups.includes(group))).toEqual([]);
    });

    it("starts nothing anywhere once the view was ended from outside", async () => {
      const holder = childrenOf(process.pid).find((pid) =>
        childrenOf(pid).some((child) => readProcess(child)?.group === pid),
      );
      process.kill(childrenOf(holder ?? 0)[0] as number, "SIGKILL");
      const command = { shell: "sh" as const, script: "echo ran\n", scriptPath: join(workDir, "script.sh") };
      let text = "";
      const start = (): Promise<unknown> =>
        environment.run({
          ...command,
          workingDirectory: workDir,
          onOutput: (chunk) => {
            text += chunk;
          },
          signal: AbortSignal.timeout(60_000),
        });
      // At once nobody has told this process yet; its number may be anybody's.
      await start().catch(() => undefined);
      await expect.poll(() => readProcess(holder ?? 0)).toBeUndefined();
      await expect(start()).rejects.toMatchObject({ code: "KILN_E_SANDBOX_ENDED" });
      expect(text).not.toContain("ran");
    });

    it("ends a cancelled command that has stopped itself", async () => {
      const controller = new AbortController();
      const running = environment.run({
        shell: "sh",
        script: "(while :; do sleep 0.01; echo up; done) &\nkill -STOP $$\n",
        scriptPath: join(workDir, "script.sh"),
        workingDirectory: workDir,
        onOutput: () => controller.abort(),
        signal: controller.signal,
      });
      expect(await running).toEqual({ kind: "cancelled" });
    });

    it.runIf(isRoot)("runs commands as users of the machine, and as one that the build has made", async () => {
      expect(await environment.userProblem("nobody")).toBeUndefined();
      expect((await run("id -un\n", { user: "nobody" })).text).toBe("nobody\n");
      await run("echo 'kiln-user:x:54321:54321::/nonexistent:/bin/sh' >> /etc/passwd");
      expect(await environment.userProblem("kiln-user")).toBeUndefined();
      expect((await run("id -u\n", { user: "kiln-user" })).text).toBe("54321\n");
    });

    it("reads files outside the build's folders as commands see them, links and all", async () => {
      const secret = join(mkdtempSync(join(place, "secret-")), "file");
      writeFileSync(secret, "outside");
      await run(
        `mkdir -p /tmp/out && echo made > /tmp/out/file && ln -s ${dirname(secret)} /tmp/link; rm -f ${secret}; echo other > ${secret}`,
      );
      const outside = environment.outside;
      const read = async (path: string): Promise<string> => {
        const chunks: Buffer[] = [];
        for await (const chunk of (await outside?.get(path, AbortSignal.timeout(60_000))) ?? []) chunks.push(chunk);
        return Buffer.concat(chunks).toString("latin1");
      };
      expect(await read("/tmp/out")).toContain("made\n");
      expect(await read("/tmp/link/file")).toContain("other\n");
      expect(await read("/tmp/none")).toBe("");
      expect(await outside?.realFolder("/tmp/out/../out/.")).toBe("/tmp/out");
      expect(await outside?.realFolder("/tmp/out/file")).toBeUndefined();
      await run("ln -s /tmp/out /tmp/way; ln -s /root/.ssh /tmp/hidden");
      expect(await outside?.realFolder("/tmp/way")).toBe("/tmp/out");
      expect(await outside?.realFolder("/tmp/hidden")).toBeUndefined();
      expect(outside?.toHostPath("/tmp/out/file")).toBe(join(workDir, "sandbox", "outside", "tmp", "out", "file"));
      expect(outside?.toEnvironmentPath(join(workDir, "sandbox", "outside", "tmp"))).toBe("/tmp");
      expect(outside?.toHostPath(join(workDir, "x"))).toBe(join(workDir, "x"));
    });

    it("starts nothing outside where a folder is a link that leads out", async () => {
      const hidden = mkdtempSync(join(place, "linked-"));
      writeFileSync(join(hidden, "file"), "machine's");
      await run(`rm ${hidden}/file; mkdir real; ln -s ${hidden} ${join(workDir, "link")}`);
      let text = "";
      await environment.run({
        shell: "sh",
        script: "cat file 2>&1; ls\n",
        scriptPath: join(workDir, "script.sh"),
        workingDirectory: join(workDir, "link"),
        onOutput: (chunk) => {
          text += chunk;
        },
        signal: AbortSignal.timeout(60_000),
      });
      expect(text).toBe("cat: file: No such file or directory\n");
    });

    it("gives the dynamic loader's variables to the command only", async () => {
      await environment.close();
      await open({ variables: { LD_LIBRARY_PATH: "/nowhere" } });
      expect((await run('printf %s "$LD_LIBRARY_PATH"')).text).toBe("/nowhere");
    });
  });

  describe("keeps from a build", () => {
    let sockets: Server[] = [];
    afterEach(async () => {
      await environment.close();
      for (const socket of sockets.splice(0)) socket.close();
    });

    it("keys and tokens of the user, but not the files around them", async () => {
      const home = mkdtempSync(join(place, "home-"));
      for (const folder of [".ssh", ".aws", ".docker", ".config/gcloud", ".gnupg"])
        mkdirSync(join(home, folder), { recursive: true });
      for (const file of [
        ".ssh/id_rsa",
        ".aws/credentials",
        ".netrc",
        ".docker/config.json",
        ".config/gcloud/token",
        ".config/seen",
        "seen",
      ]) {
        writeFileSync(join(home, file), "secret");
      }
      writeFileSync(join(home, ".npmrc"), "registry=http://mirror/\n//mirror/:_authToken=secret\n");
      await open({}, { machine: { ...process.env, HOME: home } });
      const { text } = await run(
        `cd ${home}; find . -type f | sort; cat .npmrc; mkdir .ssh && echo new > .ssh/known_hosts && cat .ssh/*`,
      );
      expect(text).toBe("./.config/seen\n./.npmrc\n./seen\nregistry=http://mirror/\nnew\n");
      expect(readFileSync(join(home, ".ssh", "id_rsa"), "utf8")).toBe("secret");
    });

    it("Kiln's state, except for the build's own folder in it", async () => {
      const stateDir = mkdtempSync(join(place, "state-"));
      for (const name of ["builds/other", "builds/own", "cache/own", "cache/other"])
        mkdirSync(join(stateDir, name), { recursive: true });
      for (const name of ["master.key", "builds/other/env.sh", "cache/own/warm"])
        writeFileSync(join(stateDir, name), "secret");
      const own = join(stateDir, "builds", "own");
      const cache = join(stateDir, "cache", "own");
      await open({ workDir: own, sharedFolders: [{ path: cache, isReadOnly: false }] }, { hidden: [stateDir] });
      workDir = own;
      const { text } = await run(
        `cd ${stateDir}; find . -maxdepth 3 | grep -v ./builds/own/ | sort; echo kept > cache/own/new`,
      );
      expect(text).toBe(".\n./builds\n./builds/own\n./cache\n./cache/own\n./cache/own/warm\n");
      expect(readFileSync(join(cache, "new"), "utf8")).toBe("kept\n");
    });

    it("the machine's container engine, but not the socket of its own", async () => {
      const listen = async (path: string): Promise<void> => {
        const server = createServer().listen(path);
        sockets = [...sockets, server];
        await new Promise((resolve) => server.once("listening", resolve));
      };
      const machines = join(mkdtempSync(join(place, "e-")), "docker.sock");
      const ownFolder = mkdtempSync(join("/tmp", "kiln-own-"));
      const own = join(ownFolder, "docker.sock");
      await Promise.all([listen(machines), listen(own)]);
      await open(
        { variables: { DOCKER_HOST: `unix://${own}` } },
        { machine: { ...process.env, DOCKER_HOST: `unix://${machines}` } },
      );
      const { text } = await run(
        `[ -e ${machines} ] && echo seen; [ -S ${own} ] && echo own; ls /run/docker.sock /var/run/docker.sock 2>/dev/null`,
      );
      expect(text).toBe("own\n");
      rmSync(ownFolder, { recursive: true });
    });

    it("the rest of /tmp, where folders of PATH lie there", async () => {
      const folder = mkdtempSync(join("/tmp", "kiln-path-"));
      mkdirSync(join(folder, "bin"));
      writeFileSync(join(folder, "bin", "own-tool"), "#!/bin/sh\necho works\n", { mode: 0o755 });
      writeFileSync(join(folder, "beside"), "");
      const machine = { ...process.env, PATH: `${join(folder, "bin")}:${process.env["PATH"]}` };
      await open({}, { machine, hidden: ["/tmp"] });
      const { text } = await run(`own-tool; ls ${folder}; touch ${folder}/bin/x 2>/dev/null && echo written`);
      expect(text).toBe("works\nbin\n");
      rmSync(folder, { recursive: true });
    });
  });

  it("removes what processes that are gone have left of trying, and nothing of those that try now", async () => {
    const tryIn = mkdtempSync(join(place, "try-"));
    const own = makeOwnedFolder(tryIn, "kiln-try-");
    mkdirSync(join(own.replace(`-${process.pid}-`, "-999999999-"), "sandbox"), { recursive: true });
    expect(await createSandboxEngine({ tryIn }).problem?.(AbortSignal.timeout(60_000))).toBeUndefined();
    expect(readdirSync(tryIn)).toEqual([basename(own)]);
  });

  it("is entered within 60 ms, or on a busy machine in the time of thirty shells", async () => {
    const engine = createSandboxEngine();
    await engine.problem?.(AbortSignal.timeout(60_000));
    const seen: string[] = [];
    let isWithin = false;
    // The best of some rounds: other work on this machine makes any of them late.
    for (let round = 0; round < 7 || (!isWithin && round < 40); round++) {
      const shellsMs = timed(() => Array.from({ length: 30 }, () => spawnSync("sh", ["-c", "true"])));
      workDir = mkdtempSync(join(place, "work-"));
      const spec = { buildId: "p:sandbox-test", image: "", workDir, variables: {}, pathPrefix: [] };
      const startedMs = performance.now();
      environment = await engine.open(spec, AbortSignal.timeout(60_000));
      const enterMs = performance.now() - startedMs;
      await environment.close();
      isWithin ||= enterMs <= Math.max(60, shellsMs);
      seen.push(`${enterMs.toFixed(0)} (${shellsMs.toFixed(0)})`);
    }
    process.stderr.write(`entering the sandbox (starting thirty shells): ${seen.join(", ")} ms\n`);
    expect(isWithin, seen.join(", ")).toBe(true);
  });
});

function timed(run: () => unknown): number {
  const startedMs = performance.now();
  run();
  return performance.now() - startedMs;
}
