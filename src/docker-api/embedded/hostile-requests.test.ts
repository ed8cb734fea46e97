/** Requests that nobody's client sends: the server answers, lives, and leaves nothing behind. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { mkdir, readdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { busyboxRootTar } from "../../../test/support/busybox-image.ts";
import { type DockerFixture, openDockerFixture, smallDocker } from "../../../test/support/docker-fixture.ts";
import { TAR_END, tarHeader, tarPadding } from "../../images/tar.ts";

const rootTar = await busyboxRootTar();

interface Answer {
  readonly status: number;
  readonly text: string;
}

describe.skipIf(!rootTar)("the embedded Docker API", () => {
  let at: DockerFixture;
  let socketPath: string;
  beforeEach(async () => {
    at = await openDockerFixture();
    socketPath = (at.socket.dockerHost ?? "").slice("unix://".length);
    await send("POST", "/images/create?fromSrc=-&repo=bb&tag=1", rootTar);
  });
  afterEach(async () => {
    expect((await send("GET", "/_ping")).text).toBe("OK");
    await at.socket.close();
    expect(existsSync(socketPath)).toBe(false);
    expect(await readdir(join(at.dir, "images/tmp"))).toEqual([]);
    expect(namespacesWith(at.dir)).toEqual([]);
    await at.close();
  });

  const send = (method: string, path: string, body?: Buffer | string | object): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const bytes =
        body === undefined || typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
      const sent = request({ socketPath, method, path, headers: { host: "docker" } }, (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => {
          text += chunk.toString("latin1");
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      });
      sent.on("error", reject);
      sent.end(bytes);
    });
  const create = async (body: object): Promise<string> => {
    const answer = await send("POST", "/containers/create", { Image: "bb:1", Cmd: ["sleep", "100"], ...body });
    expect(answer.status).toBe(201);
    return (JSON.parse(answer.text) as { Id: string }).Id;
  };

  it("answers wrong JSON, wrong shapes and too much of it", async () => {
    for (const body of ["{", "[]", '"x"', "7"])
      expect((await send("POST", "/containers/create", body)).status).toBe(400);
    expect(await send("POST", "/containers/create", "{}")).toMatchObject({
      status: 400,
      text: '{"message":"config cannot be empty in order to create a container"}\n',
    });
    expect((await send("POST", "/containers/create", `{"a":"${"x".repeat(5_000_000)}"}`)).status).toBe(413);
    for (const body of [
      { Env: "A=b" },
      { Cmd: 7 },
      { HostConfig: { Binds: "x" } },
      { HostConfig: { Ulimits: [7] } },
      { Labels: [] },
    ])
      expect((await send("POST", "/containers/create", { Image: "bb:1", ...body })).status).toBeGreaterThanOrEqual(400);
    expect((await send("GET", "/containers/json?filters=nope")).status).toBe(400);
    expect((await send("GET", '/containers/json?filters={"nope":["a"]}')).text).toBe(
      `{"message":"invalid filter 'nope'"}\n`,
    );
    expect((await send("GET", "/v1.10/info")).text).toContain(
      "client version 1.10 is too old. Minimum supported API version is 1.24",
    );
    expect((await send("GET", "/v1.99/info")).text).toContain(
      "client version 1.99 is too new. Maximum supported API version is 1.43",
    );
  });

  it("takes no path for an id", async () => {
    for (const id of ["..%2f..%2fetc", "%2e%2e", "a%2fb", "%00", "%zz", "*", "-"]) {
      const answer = await send("GET", `/containers/${id}/json`);
      expect([400, 404]).toContain(answer.status);
      expect([400, 404]).toContain((await send("GET", `/images/${id}/json`)).status);
      expect([400, 404]).toContain((await send("GET", `/volumes/${id}`)).status);
    }
    expect((await send("POST", "/volumes/create", { Name: "../../x" })).status).toBe(400);
    expect((await send("POST", "/containers/create?name=../x", { Image: "bb:1", Cmd: ["true"] })).status).toBe(400);
    expect((await send("GET", "/nothing/here")).text).toBe(
      '{"message":"kiln\'s embedded builder does not do GET /nothing/here; start Docker or Podman for it"}\n',
    );
    expect((await send("POST", "/swarm/init")).text).toContain("swarm is the machine's, not a build's");
  });

  it("keeps archives inside the container, whatever they and the container hold", async () => {
    const outside = join(at.dir, "outside");
    await writeFile(outside, "mine");
    const id = await create({ Cmd: ["sh", "-c", `ln -s ${at.dir} /out; ln -s / /root; ln -s /out/outside /link`] });
    await send("POST", `/containers/${id}/start`);
    await send("POST", `/containers/${id}/wait`);
    const entry = (name: string, type: "file" | "symlink" | "hardlink", linkName = ""): Buffer => {
      const bytes = Buffer.from(type === "file" ? "theirs" : "");
      const meta = { name, type, linkName, mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, sizeBytes: bytes.length };
      return Buffer.concat([tarHeader(meta), bytes, tarPadding(bytes.length)]);
    };
    const put = (path: string, ...entries: Buffer[]) =>
      send("PUT", `/containers/${id}/archive?path=${encodeURIComponent(path)}`, Buffer.concat([...entries, TAR_END]));
    expect((await put("/", entry("../../../outside", "file"))).status).toBe(400);
    expect((await put("/out", entry("outside", "file"))).status).toBe(404);
    await put("/", entry("out/outside", "file"));
    await put("/tmp", entry("up", "symlink", at.dir), entry("up/outside", "file"));
    await put("/tmp", entry("hard", "hardlink", "../../../../outside"));
    await put("/root/tmp", entry("fine", "file"));
    expect(await readFile(outside, "utf8")).toBe("mine");
    expect((await send("GET", `/containers/${id}/archive?path=/link/`)).status).toBe(404);
    // Its own file of that path, made above, not this machine's.
    expect((await send("GET", `/containers/${id}/archive?path=/../../../..${outside}`)).text).not.toContain("mine");
    expect((await send("GET", `/containers/${id}/archive?path=/tmp/fine`)).text).toContain("theirs");
    expect((await put("/tmp", Buffer.from("no tar at all".repeat(100)))).status).toBe(400);
    expect((await put("/etc/passwd", entry("x", "file"))).text).toContain("extraction point is not a directory");
    expect((await send("DELETE", `/containers/${id}`)).status).toBe(204);
  });

  it("does not follow the container's links when it makes mount points", async () => {
    const id = await create({
      Cmd: ["sh", "-c", `ln -s ${join(at.dir, "trap")} /mnt; rm -rf /tmp; ln -s ${at.dir} /tmp`],
    });
    await send("POST", `/containers/${id}/start`);
    await send("POST", `/containers/${id}/wait`);
    await send("POST", `/commit?container=${id}&repo=trapped`, "null");
    const answer = await send("POST", "/containers/create", {
      ...{ Image: "trapped", Cmd: ["true"] },
      HostConfig: { Binds: ["vol:/mnt/x", "vol2:/tmp/made"], Tmpfs: { "/mnt/y": "" } },
    });
    const { Id: other } = JSON.parse(answer.text) as { Id: string };
    await send("POST", `/containers/${other}/start`);
    expect(existsSync(join(at.dir, "trap"))).toBe(false);
    expect(existsSync(join(at.dir, "made"))).toBe(false);
  });

  it("mounts nothing through links that a volume or a copied file brought along", async () => {
    const outside = join(at.dir, "outside");
    await mkdir(outside);
    const id = await create({ Cmd: ["ln", "-s", outside, "/v/out"], HostConfig: { Binds: ["vol:/v"] } });
    await send("POST", `/containers/${id}/start`);
    await send("POST", `/containers/${id}/wait`);
    for (const inner of ["/v/out", "/v/out/made"]) {
      const nested = await create({ Cmd: ["true"], HostConfig: { Binds: ["vol:/v", `other:${inner}`] } });
      expect((await send("POST", `/containers/${nested}/start`)).text).toContain("a symbolic link is on the way");
      expect((await send("GET", `/containers/${nested}/archive?path=/v`)).text).toContain(
        "a symbolic link is on the way",
      );
    }
    const inProc = await create({ Cmd: ["true"], HostConfig: { Binds: ["vol:/proc/1/root/usr/bin"] } });
    expect((await send("POST", `/containers/${inProc}/start`)).text).toContain("because it is inside /proc");
    const copied = await create({ Cmd: ["true"] });
    const meta = { type: "symlink" as const, mode: 0o777, uid: 0, gid: 0, mtimeSeconds: 0, sizeBytes: 0 };
    const links = ["dev", "etc/hosts"].map((name) => tarHeader({ ...meta, name, linkName: outside }));
    await send("PUT", `/containers/${copied}/archive?path=/`, Buffer.concat([...links, TAR_END]));
    expect((await send("POST", `/containers/${copied}/start`)).status).toBe(500);
    expect(await readdir(outside)).toEqual([]);
  });

  it("shows no other folder than the one that was asked about", async () => {
    const folder = join(at.dir, "work", "shared");
    await mkdir(folder);
    await writeFile(join(at.dir, "secret"), "mine");
    const id = await create({ Cmd: ["ls", "/x"], HostConfig: { Binds: [`${folder}:/x`] } });
    await rename(folder, `${folder}.old`);
    await symlink(at.dir, folder);
    const refused = `bind mounts outside the build's folder are refused: ${folder} is elsewhere now`;
    expect((await send("POST", `/containers/${id}/start`)).text).toContain(refused);
    expect((await send("GET", `/containers/${id}/archive?path=/x`)).text).toContain(refused);
  });

  it("gives commands of a running container its own root folder, whatever their working folder", async () => {
    const id = await create({});
    await send("POST", `/containers/${id}/start`);
    for (const folder of ["/proc/self/cwd", "/proc/self/root", "/proc/1/cwd"]) {
      const exec = { Cmd: ["ls", "../../../.."], AttachStdout: true, AttachStderr: true, WorkingDir: folder };
      const made = await send("POST", `/containers/${id}/exec`, exec);
      const { Id: execId = "" } = JSON.parse(made.text) as { Id?: string };
      const { text } = await send("POST", `/exec/${execId}/start`, { Detach: false, Tty: false });
      expect(text).not.toContain("boot");
      expect(text).toMatch(/proc|denied|no such file|not found/i);
    }
  });

  it("takes no options of a mount for numbers", async () => {
    for (const HostConfig of [
      { ShmSize: "1,dev,suid" },
      { Mounts: [{ Type: "tmpfs", Target: "/t", TmpfsOptions: { SizeBytes: "1,dev,suid" } }] },
      { Mounts: [{ Type: "tmpfs", Target: "/t", TmpfsOptions: { Mode: "1,dev" } }] },
      { Ulimits: [{ Name: "pid", Soft: 1, Hard: 1 }] },
    ])
      expect((await send("POST", "/containers/create", { Image: "bb:1", Cmd: ["true"], HostConfig })).status).toBe(400);
    for (const query of ["shmsize=1,dev", `ulimits=${encodeURIComponent('[{"Name":"pid","Soft":1}]')}`])
      expect((await send("POST", `/build?${query}`, TAR_END)).text).toMatch(/invalid (?:shmsize|ulimit)/);
  });

  it("lives on when connections break at any moment", async () => {
    const id = await create({ Cmd: ["sh", "-c", "while :; do echo 0123456789012345678901234567890123456789; done"] });
    await send("POST", `/containers/${id}/start`);
    const lines = [
      `POST /containers/${id}/attach?stream=1&stdout=1 HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`,
      `GET /containers/${id}/logs?follow=1&stdout=1 HTTP/1.1\r\nHost: d\r\n\r\n`,
      `POST /containers/${id}/wait HTTP/1.1\r\nHost: d\r\n\r\n`,
      `GET /containers/${id}/export HTTP/1.1\r\nHost: d\r\n\r\n`,
      "GET /events HTTP/1.1\r\nHost: d\r\n\r\n",
      "POST /images/load HTTP/1.1\r\nHost: d\r\nContent-Length: 100000\r\n\r\nabc",
      `PUT /containers/${id}/archive?path=/ HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab`,
      "POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: 50\r\n\r\n{",
      `POST /exec/none/start HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 9\r\n\r\n{"a"`,
      "nonsense\r\n\r\n",
    ];
    await Promise.all(
      lines.flatMap((text) =>
        [0, 1, 2].map((round) => brokenConnection(text, round === 0 ? 0 : round === 1 ? 1 : 2_000)),
      ),
    );
    // The attached clients that did not read are gone: it goes on.
    expect((await send("GET", `/containers/${id}/json`)).text).toContain('"Running":true');
    expect((await send("DELETE", `/containers/${id}?force=1`)).status).toBe(204);
  });

  /** Sends, reads at most so many bytes, and breaks off. */
  const brokenConnection = (text: string, bytes: number): Promise<void> =>
    new Promise((resolve) => {
      const socket = connect(socketPath, () => {
        socket.write(text);
        if (bytes === 0) socket.destroy();
      });
      let seen = 0;
      socket.on("data", (chunk: Buffer) => {
        seen += chunk.length;
        if (seen >= bytes) socket.destroy();
      });
      const timer = setTimeout(() => socket.destroy(), 300);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        clearTimeout(timer);
        resolve();
      });
    });

  it("runs 200 containers at once, and removes what still runs with the build", async () => {
    const docker = smallDocker(at.socket);
    const ids = await Promise.all(
      Array.from({ length: 200 }, (_, index) => create({ Cmd: ["sh", "-c", `echo ${index}; exec sleep 1000`] })),
    );
    const started = await Promise.all(ids.map((id) => send("POST", `/containers/${id}/start`)));
    expect(new Set(started.map(({ status }) => status))).toEqual(new Set([204]));
    expect((await docker(["ps", "-q"])).out.trim().split("\n")).toHaveLength(200);
    await vi.waitFor(async () => expect((await docker(["logs", ids[199] ?? ""])).out).toBe("199\n"), {
      timeout: 40_000,
    });
    const gone = await Promise.all(ids.slice(0, 100).map((id) => send("DELETE", `/containers/${id}?force=1`)));
    expect(new Set(gone.map(({ status }) => status))).toEqual(new Set([204]));
  });

  it("starts a container once, however many ask for it at once", async () => {
    const id = await create({});
    const answers = await Promise.all(Array.from({ length: 10 }, () => send("POST", `/containers/${id}/start`)));
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 304)).toHaveLength(9);
    const removals = await Promise.all(Array.from({ length: 5 }, () => send("DELETE", `/containers/${id}?force=1`)));
    expect(removals.every(({ status }) => status === 204 || status === 404)).toBe(true);
  });
});

/** Processes in other mount namespaces in which a folder is mounted. */
function namespacesWith(folder: string): string[] {
  const own = readlinkSync("/proc/self/ns/mnt");
  return readdirSync("/proc").filter((name) => {
    try {
      if (!/^\d+$/.test(name) || readlinkSync(`/proc/${name}/ns/mnt`) === own) return false;
      return readFileSync(`/proc/${name}/mountinfo`, "utf8").includes(folder);
    } catch {
      return false;
    }
  });
}
