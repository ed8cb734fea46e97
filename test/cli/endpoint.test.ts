/** `kiln start`, `status`, `env`, `stop`, `params` as processes. */
import { createServer } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isBuilt, kiln, startProcess, temporaryFolder } from "./kiln-process.ts";

describe.skipIf(!isBuilt)("the endpoint", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  it("starts detached, says where, and stops", async () => {
    const started = await kiln(folder.path, ["start", "--detach", "--port", "0", "-o", "json"]);
    expect(started.exitCode).toBe(0);
    const { url, pid } = JSON.parse(started.out) as { url: string; pid: number };
    try {
      expect(JSON.parse((await kiln(folder.path, ["status", "-o", "json"])).out)).toMatchObject({
        running: true,
        url,
        pid,
      });
      expect((await kiln(folder.path, ["env", "--shell", "sh"])).out).toContain(`export AWS_ENDPOINT_URL='${url}'\n`);
      const second = await kiln(folder.path, ["start"]);
      expect(second.exitCode).toBe(4);
      expect(second.err).toContain(`error: Kiln already runs on this state folder: ${url} (process ${pid})\n`);
      // Another process writes the same state while the endpoint runs.
      await kiln(folder.path, ["params", "put", "/a/b", "value", "--plain"]);
      expect((await kiln(folder.path, ["params", "get", "/a/b"])).out).toBe("value\n");
    } finally {
      expect((await kiln(folder.path, ["stop"])).out).toBe(`stopped (process ${pid})\n`);
    }
    expect((await kiln(folder.path, ["status"])).out).toContain("not running\n");
  });

  it("goes to the background once, also by its variable", async () => {
    const variables = { KILN_DETACH: "1" };
    const started = await kiln(folder.path, ["start", "--port", "0", "-o", "json"], "", variables);
    expect(started).toMatchObject({ exitCode: 0, err: "" });
    const { pid } = JSON.parse(started.out) as { pid: number };
    expect((await kiln(folder.path, ["stop"])).out).toBe(`stopped (process ${pid})\n`);
  });

  it("ends with 0 on SIGTERM and 130 on Ctrl-C", async () => {
    for (const [signal, exitCode] of [
      ["SIGTERM", 0],
      ["SIGINT", 130],
    ] as const) {
      const running = startProcess(folder.path, ["start", "--port", "0"]);
      await running.printed("Kiln is ready at http://127.0.0.1:");
      running.kill(signal);
      expect((await running.finished).exitCode).toBe(exitCode);
    }
  });

  it("says that the port is in use, also when detached", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    try {
      for (const flags of [[], ["--detach"]]) {
        const { exitCode, err } = await kiln(folder.path, ["start", "--port", String(port), ...flags]);
        expect(exitCode).toBe(4);
        expect(err.split("\n")[0]).toBe(`error: port ${port} of \`127.0.0.1\` is in use`);
      }
    } finally {
      server.close();
    }
  });

  it("imports, hides, exports and executes parameters", async () => {
    const env = "URL=docker.io\nPASSWORD='pass word'\n";
    expect((await kiln(folder.path, ["params", "import", "-", "--prefix", "/app/"], env)).err).toBe(
      "stored 2 parameters\n",
    );
    const { out } = await kiln(folder.path, ["params", "ls"]);
    expect(out).not.toContain("pass word");
    expect((await kiln(folder.path, ["params", "ls", "--show"])).out).toContain("pass word");
    expect((await kiln(folder.path, ["params", "export", "/app"])).out).toBe('PASSWORD="pass word"\nURL=docker.io\n');
    const executed = await kiln(folder.path, ["params", "exec", "/app", "--", "sh", "-c", 'echo "$URL"; exit 7']);
    expect(executed).toMatchObject({ exitCode: 7, out: "docker.io\n" });
    expect((await kiln(folder.path, ["params", "rm", "/app", "-r"])).exitCode).toBe(2);
    expect((await kiln(folder.path, ["params", "rm", "/app", "-r", "-y"])).err).toBe("deleted 2 parameters\n");
  });
});
