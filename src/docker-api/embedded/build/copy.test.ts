/** COPY and ADD: what goes where, with which owner, mode and time; archives, downloads; contexts that mean harm. */
import { execFile } from "node:child_process";
import { link, mkdir, symlink, utimes, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BASE, BuildFixture } from "../../../../test/support/build-fixture.ts";
import { staticBusybox } from "../../../../test/support/docker-fixture.ts";
import { TAR_END, tarHeader, tarPadding } from "../../../images/tar.ts";

const run = promisify(execFile);
const isRoot = process.geteuid?.() === 0;

describe.skipIf((await staticBusybox()) === undefined)("COPY and ADD", () => {
  let at: BuildFixture;
  let server: Server;
  let url = "";
  beforeAll(async () => {
    at = await BuildFixture.open();
    at.images.set("base", (await at.build(BASE)).image);
    server = createServer((request, response) => {
      if (request.url === "/moved") return void response.writeHead(302, { location: "/dir/tool.bin" }).end();
      if (request.url !== "/dir/tool.bin") return void response.writeHead(404).end("nothing here");
      response.writeHead(200, { "last-modified": "Thu, 02 Jan 2020 03:04:05 GMT" }).end("downloaded");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server.close();
    await at.close();
  });

  it.runIf(isRoot)(
    "gives files to whom --chown names: numbers, names, unknown names to root as BuildKit does",
    async () => {
      const built = await at.build(
        "FROM base\nCOPY --chown=7 a /7\nCOPY --chown=app a /app\nCOPY --chown=app:extra a /extra\nCOPY --chown=stranger a /s\nCOPY a /new/deep/\nCOPY --chown=7:8 --chmod=u=rw,go=r a /made/x/\n",
        { a: { text: "a", mode: 0o755 } },
      );
      const metas = await Promise.all(
        ["/7", "/app", "/extra", "/s", "/new/deep/a", "/made", "/made/x/a"].map(built.meta),
      );
      expect(metas).toEqual(["755 7:7", "755 1000:1001", "755 1000:50", "755 0:0", "755 0:0", "755 7:8", "644 7:8"]);
    },
  );

  it("keeps times of files, hard links and modes, and what .dockerignore leaves", async () => {
    const dir = await at.context({
      "d/a": "x",
      "d/skip.md": "no",
      "d/sub/b": { text: "b", mode: 0o600 },
      ".dockerignore": "**/*.md\n",
    });
    await link(join(dir, "d/a"), join(dir, "d/same"));
    await utimes(join(dir, "d/a"), 1_577_934_245, 1_577_934_245);
    const built = await at.build(
      "FROM base\nCOPY d /d\nRUN stat -c '%Y %h' /d/a > /seen; stat -c %i /d/a /d/same | uniq | wc -l >> /seen; ls -R /d >> /seen\n",
      {},
      { context: { dir } },
    );
    expect(await built.file("/seen")).toBe("1577934245 2\n1\n/d:\na\nsame\nsub\n\n/d/sub:\nb\n");
    expect(await built.meta("/d/sub/b")).toMatch(/^600 /);
  });

  it("keeps the folders above with --parents, leaves out with --exclude, does without what is below with --link", async () => {
    const files = { "x/y/a.txt": "a", "x/y/b.md": "b", "x/z/c.txt": "c" };
    const built = await at.build(
      "FROM base\nCOPY --parents x/y/a.txt x/./z /p/\nCOPY --exclude=**/*.md x /e\nRUN ln -s /tmp /l\nCOPY --link x/y/a.txt /l/\nRUN find /p /e -type f | sort > /seen; test -L /l || echo folder >> /seen\n",
      files,
    );
    expect(await built.file("/seen")).toBe("/e/y/a.txt\n/e/z/c.txt\n/p/x/y/a.txt\n/p/z/c.txt\nfolder\n");
  });

  it("takes a pattern that matches nothing for nothing to do, and the contents of folders", async () => {
    const built = await at.build(
      'FROM base\nCOPY none* d* /x/\nCOPY <<one <<"two" /t/\n$PATH_NOT_SET.\none\n$keep\ntwo\n',
      { "d1/a": "1", "d2/b": "2" },
    );
    expect([await built.file("/x/a"), await built.file("/x/b")]).toEqual(["1", "2"]);
    expect([await built.file("/t/one"), await built.file("/t/two")]).toEqual([".\n", "$keep\n"]);
    expect(built.image.config.history.at(-1)?.created_by).toBe("COPY <<one <<two /t/ # buildkit");
  });

  it("copies from stages, images, named contexts and nothing", async () => {
    const other = await at.context({ f: "from a folder" });
    const built = await at.build(
      "FROM base AS one\nRUN echo 1 > /1\nFROM scratch AS empty\nFROM base\nCOPY --from=0 /1 /a\nCOPY --from=base /etc/passwd /b\nCOPY --from=extra f /c\nCOPY --from=alias /etc/group /d\n",
      {},
      {
        namedContexts: {
          extra: { kind: "folder", folder: { dir: other } },
          alias: { kind: "image", reference: "base" },
        },
      },
    );
    expect([await built.file("/a"), await built.file("/c")]).toEqual(["1\n", "from a folder"]);
    expect(await built.file("/d")).toContain("app:x:1001");
    expect(built.names).toContain("[context extra] load from client");
  });

  it("brings what it needs from the client, once, when it needs it", async () => {
    const dir = await at.context({ ".dockerignore": "*.md\n" });
    const asked: unknown[] = [];
    await at.build(
      "FROM base\nCOPY a sub/b* /x/\nRUN --mount=type=bind,source=c,target=/c true\n",
      {},
      {
        context: {
          dir,
          fetch: async (wanted) => {
            asked.push(wanted);
            if (wanted.paths?.includes(".dockerignore")) return;
            await writeFile(join(dir, "a"), "a");
            await mkdir(join(dir, "c"));
          },
        },
      },
    );
    expect(asked).toEqual([
      { paths: [".dockerignore"], excludes: [] },
      { paths: ["a", "c", "sub/b*"], excludes: ["*.md"] },
    ]);
  });

  it.each(["czf", "cjf", "cJf", "cf"])(
    "unpacks an archive of `tar %s`, and not with COPY or --unpack=false",
    async (how) => {
      const dir = await at.context({ "in/f": "packed" });
      await run("tar", [how, join(dir, "a.t"), "-C", join(dir, "in"), "f"]);
      const built = await at.build(
        "FROM base\nADD a.t /in/\nCOPY a.t /copy\nADD --unpack=false a.t /kept/\n",
        {},
        { context: { dir } },
      );
      expect(await built.file("/in/f")).toBe("packed");
      expect(await built.file("/in/a.t")).toBeUndefined();
      expect([(await built.file("/copy")) !== undefined, (await built.file("/kept/a.t")) !== undefined]).toEqual([
        true,
        true,
      ]);
    },
  );

  it("downloads, with mode 0600 and the server's time, checks checksums, and does not unpack", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const closed = (other.address() as AddressInfo).port;
    await new Promise((resolve) => other.close(resolve));
    const right = "sha256:f3dd62ce0b67b3eca7cd1aa8a4b0ba5a0e8be2e96a6f4b5b2ad7de3a07b1a6cb";
    const built = await at.build(
      `FROM base\nADD ${url}/moved /x/\nADD --chmod=755 ${url}/dir/tool.bin /bin/tool\nRUN stat -c '%a %Y' /x/moved > /seen\n`,
    );
    expect(await built.file("/seen")).toBe("600 1577934245\n");
    expect(await built.meta("/bin/tool")).toMatch(/^755 /);
    const wrong = await at.failure(`FROM base\nADD --checksum=${right} ${url}/dir/tool.bin /x\n`);
    expect(wrong.message).toMatch(
      new RegExp(`^failed to load cache key: digest mismatch sha256:[0-9a-f]{64}: ${right}$`),
    );
    expect((await at.failure(`FROM base\nADD ${url}/none /x\n`)).message).toBe(
      "failed to load cache key: invalid response status 404",
    );
    expect((await at.failure(`FROM base\nADD http://127.0.0.1:${closed}/x /x\n`)).message).toMatch(
      /^failed to load cache key: connect ECONNREFUSED/,
    );
    expect((await at.failure(`FROM base\nCOPY ${url}/x /x\n`)).message).toBe("source can't be a URL for COPY");
  });

  it("never leaves the context or the image through links", async () => {
    const dir = await at.context({});
    await symlink("/etc/hostname", join(dir, "out"));
    await symlink("..", join(dir, "up"));
    expect((await at.failure("FROM base\nCOPY out /x\n", {}, { context: { dir } })).message).toContain(
      '"/out": not found',
    );
    expect(
      (await at.failure("FROM base\nCOPY up/../../etc/hostname /x\n", {}, { context: { dir } })).message,
    ).toContain("not found");
    const through = await at.build(
      "FROM base\nRUN ln -s /etc /link && ln -s ../../../../tmp /far\nCOPY a /link/a\nCOPY a /far/a\nRUN cat /etc/a /tmp/a > /seen\n",
      { a: "x" },
    );
    expect(await through.file("/seen")).toBe("xx");
  });

  it("refuses archives that climb out, and puts those with links inside", async () => {
    const file = (name: string, more: object = {}): Buffer =>
      tarHeader({
        name,
        type: "file",
        sizeBytes: 0,
        mode: 0o644,
        uid: 0,
        gid: 0,
        mtimeSeconds: 0,
        linkName: "",
        ...more,
      });
    const dir = await at.context({});
    await writeFile(join(dir, "up.tar"), Buffer.concat([file("../../escape"), TAR_END]));
    expect((await at.failure("FROM base\nADD up.tar /x/\n", {}, { context: { dir } })).message).toBe(
      "ADD failed: invalid path in archive: ../../escape",
    );
    const body = Buffer.from("inside");
    await writeFile(
      join(dir, "link.tar"),
      Buffer.concat([
        file("l", { type: "symlink", linkName: "/etc" }),
        file("l/planted", { sizeBytes: body.length }),
        body,
        tarPadding(body.length),
        TAR_END,
      ]),
    );
    const built = await at.build("FROM base\nADD link.tar /x/\n", {}, { context: { dir } });
    expect(await built.file("/etc/planted")).toBe("inside");
  });

  it("stops an archive that grows beyond measure", async () => {
    const dir = await at.context({});
    const header = tarHeader({
      name: "zeros",
      type: "file",
      sizeBytes: 6 * 1024 ** 3,
      mode: 0o644,
      uid: 0,
      gid: 0,
      mtimeSeconds: 0,
      linkName: "",
    });
    // Members of gzip may follow each other: a thousand times the same compressed megabyte.
    const megabytes = gzipSync(Buffer.alloc(16 * 1024 * 1024));
    await writeFile(
      join(dir, "bomb.tgz"),
      Buffer.concat([gzipSync(header), ...Array.from({ length: 8 }, () => megabytes)]),
    );
    const error = await at.failure("FROM base\nADD bomb.tgz /x/\n", {}, { context: { dir } });
    expect(error.message).toMatch(/^ADD failed: /);
  });

  it("copies names that are hard to write, and pipes and sockets neither", async () => {
    const dir = await at.context({ "d/new\nline": "1", "d/ü €": "2", "d/-rf": "3", "d/#x": "4" });
    await run("mkfifo", [join(dir, "d/pipe")]);
    const built = await at.build("FROM base\nCOPY d /d\nRUN ls /d | wc -l > /count\n", {}, { context: { dir } });
    expect(await built.file("/d/new\nline")).toBe("1");
    expect(await built.file("/count")).toBe("4\n");
  });
});
