/** Needs Debian's apt and a package mirror; skipped, with the reason printed, where they are not. */
import { execFile } from "node:child_process";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDockerFixture, smallDocker, staticBusybox } from "../../test/support/docker-fixture.ts";
import { loadIntoRegistry, makeBaseImage, makeWheelhouse } from "./index.ts";

const signal = new AbortController().signal;

describe.skipIf((await staticBusybox()) === undefined)("base images and wheels from Debian packages", () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "kiln-base-"));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  it("makes a Python image in which pip installs Flask from a wheelhouse", { timeout: 300_000 }, async () => {
    const progress: string[] = [];
    const onProgress = (text: string): void => void progress.push(text);
    const wheels = join(dir, "wheels");
    const made = await makeWheelhouse("Flask\n", wheels, { cacheDir: join(dir, "apt"), onProgress, signal });
    expect(made.requirements.map((line) => line.split("==")[0])).toEqual(
      expect.arrayContaining(["Flask", "Werkzeug", "Jinja2", "MarkupSafe", "itsdangerous", "click"]),
    );
    const at = await openDockerFixture({ imageStoreDir: join(dir, "images") });
    try {
      const { image, store, suggestedReference } = await makeBaseImage("python", {
        outputDir: join(dir, "images"),
        onProgress,
        signal,
      });
      expect(suggestedReference).toMatch(/^docker\.io\/library\/python:3\.\d+-slim$/);
      expect(progress).toContain("packing the layer");
      expect(progress).toContainEqual(expect.stringMatching(/^unpacking \d+ packages$/));
      expect(progress.length).toBeLessThanOrEqual(16);
      const rootKey = { accessKeyId: "test", secretAccessKey: "test" };
      await loadIntoRegistry(store, image, "python:slim", { registryUrl: at.registry.url, rootKey, signal });
      const cwd = await at.context({
        Dockerfile:
          "FROM python:slim\nCOPY wheels /wheels\nRUN pip install --no-index --find-links=/wheels flask && flask --version\nRUN python -c 'import ssl, sqlite3, flask; ssl.create_default_context().get_ca_certs()[0]'\n",
      });
      await cp(wheels, join(cwd, "wheels"), { recursive: true });
      const built = await smallDocker(at.socket)(["build", "-t", "flask", "."], { cwd });
      expect(built.err).toContain("naming to docker.io/library/flask:latest done");
    } finally {
      await at.close();
    }
  });

  it("makes a Node image in which npm installs and runs scripts", { timeout: 300_000 }, async () => {
    const at = await openDockerFixture({ imageStoreDir: join(dir, "images") });
    try {
      const progress: string[] = [];
      const { image, store, suggestedReference } = await makeBaseImage("node", {
        outputDir: join(dir, "images"),
        onProgress: (text) => void progress.push(text),
        signal,
      });
      expect(suggestedReference).toMatch(/^docker\.io\/library\/node:\d+-slim$/);
      expect(progress.length).toBeLessThanOrEqual(12);
      const rootKey = { accessKeyId: "test", secretAccessKey: "test" };
      await loadIntoRegistry(store, image, "node:slim", { registryUrl: at.registry.url, rootKey, signal });
      const cwd = await at.context({
        "dep/package.json": '{"name":"dep","version":"1.0.0"}',
        "dep/index.js": "module.exports = 42;\n",
        "package.json": '{"name":"app","version":"1.0.0","scripts":{"test":"node -p 1+1"}}',
        Dockerfile:
          "FROM node:slim\nWORKDIR /app\nCOPY . .\nRUN npm pack ./dep && npm install ./dep-1.0.0.tgz && npm test\nRUN node -p 'require(\"dep\")'\n",
      });
      const built = await smallDocker(at.socket)(["build", "."], { cwd });
      expect(built.err).toMatch(/^#\d+ \S+ 42$/m);
    } finally {
      await at.close();
    }
  });

  it("names both versions when a pin is not to be had", async () => {
    const options = { cacheDir: join(dir, "apt2"), onProgress: () => undefined, signal };
    await expect(makeWheelhouse("click==0.1", join(dir, "w2"), options)).rejects.toThrow(
      /^`click==0\.1` is not to be had: Debian's package has \d/,
    );
  });

  it("makes a busybox image that runs a shell", { timeout: 300_000 }, async () => {
    const { image } = await makeBaseImage("busybox", {
      outputDir: join(dir, "busybox"),
      onProgress: () => undefined,
      signal,
    });
    expect(image.config.config.Cmd).toEqual(["sh"]);
    expect(image.layers).toHaveLength(1);
  });
});

describe("wheels", () => {
  it("are zip files that Python's own tool accepts", async ({ skip }) => {
    const { zipStored } = await import("./zip.ts");
    const path = join(await mkdtemp(join(tmpdir(), "kiln-zip-")), "x.zip");
    const { writeFile } = await import("node:fs/promises");
    await writeFile(path, zipStored([["a/b.txt", Buffer.from("hello")]]));
    const run = promisify(execFile);
    const script = "import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); print(z.testzip(), z.read('a/b.txt').decode())";
    const result = await run("python3", ["-c", script, path]).catch(() => undefined);
    if (!result) skip();
    expect(result?.stdout).toBe("None hello\n");
    await rm(join(path, ".."), { recursive: true });
  });
});
