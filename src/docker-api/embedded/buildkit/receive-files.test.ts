/** Files from a client, well-meant and not: the client's side is played here. */
import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { duplexPair } from "node:stream";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { WantedFiles } from "../build/build-request.ts";
import { goModeOf } from "./go-file-mode.ts";
import { type GrpcCall, serveGrpc } from "./grpc-server.ts";
import { PACKET, Packet, type StatMessage } from "./messages.ts";
import type { MessageOf } from "./protobuf.ts";
import { DIFF_COPY, receiveFiles } from "./receive-files.ts";
import { ClientSession } from "./sessions.ts";

let dir: string;
beforeEach(async () => {
  dir = join(await mkdtemp(join(tmpdir(), "kiln-receive-")), "context");
  await mkdir(dir);
});
afterEach(() => rm(join(dir, ".."), { recursive: true, force: true }));

type Client = (call: GrpcCall) => Promise<void>;
type Entry = Partial<StatMessage> & { readonly path: string };
const EVERYTHING: WantedFiles = { paths: undefined, excludes: [] };

async function receive(client: Client, wanted = EVERYTHING, signal = new AbortController().signal): Promise<void> {
  const [ours, theirs] = duplexPair();
  serveGrpc(theirs, { [DIFF_COPY]: client });
  const session = new ClientSession("s", [DIFF_COPY], ours);
  try {
    await receiveFiles({ session, name: "context", wanted, dir, signal, onProgress: () => undefined });
  } finally {
    session.grpc.close();
  }
}

const send = (call: GrpcCall, packet: Partial<MessageOf<typeof Packet>>): Promise<void> =>
  call.send(Packet.encode(packet));

/** A client that tells these entries and answers what it is asked, as fsutil's sender does. */
const clientWith =
  (entries: readonly Entry[], contents: Readonly<Record<string, Buffer>> = {}): Client =>
  async (call) => {
    for (const entry of entries)
      await send(call, {
        type: PACKET.stat,
        stat: { mode: 0o644, uid: 0, gid: 0, size: 0, modTime: 0, linkname: "", ...entry },
      });
    await send(call, { type: PACKET.stat });
    for await (const bytes of call.requests) {
      const packet = Packet.decode(bytes);
      if (packet.type === PACKET.end) return send(call, { type: PACKET.end });
      const body = contents[entries[packet.id]?.path ?? ""] ?? Buffer.alloc(0);
      for (let at = 0; at < body.length; at += 32 * 1024)
        await send(call, { type: PACKET.data, id: packet.id, data: body.subarray(at, at + 32 * 1024) });
      await send(call, { type: PACKET.data, id: packet.id });
    }
  };

const folder = (path: string): Entry => ({ path, mode: goModeOf(0o755, "directory") });
const link = (path: string, linkname: string): Entry => ({ path, mode: goModeOf(0o777, "link"), linkname });

it("writes folders, files, links and hard links with their modes and times", async () => {
  const modTime = 1_600_000_000 * 1e9;
  const body = Buffer.alloc(3_000_000, "kiln");
  await receive(
    clientWith(
      [
        { path: "a.txt", mode: goModeOf(0o4755, "file"), modTime },
        { ...folder("d"), mode: goModeOf(0o1500, "directory"), modTime },
        { path: "d/big", mode: 0o600 },
        { path: "d/hard", linkname: "d/big" },
        link("d/out", "/etc/passwd"),
        { path: "empty" },
        { path: "fifo", mode: 2 ** 25 },
      ],
      { "a.txt": Buffer.from("hello"), "d/big": body },
    ),
  );
  expect(await readFile(join(dir, "a.txt"), "utf8")).toBe("hello");
  const { mode, mtimeMs } = await stat(join(dir, "a.txt"));
  expect([mode & 0o7777, mtimeMs]).toEqual([0o4755, 1_600_000_000_000]);
  expect((await stat(join(dir, "d"))).mode & 0o7777).toBe(0o1500);
  expect((await stat(join(dir, "d"))).mtimeMs).toBe(1_600_000_000_000);
  expect((await readFile(join(dir, "d/big"))).equals(body)).toBe(true);
  expect((await stat(join(dir, "d/hard"))).ino).toBe((await stat(join(dir, "d/big"))).ino);
  expect(await readlink(join(dir, "d/out"))).toBe("/etc/passwd");
  expect((await readdir(dir)).sort()).toEqual(["a.txt", "d", "empty"]);
});

it("brings many files, and a second time on top of the first", async () => {
  const entries = Array.from({ length: 500 }, (_, at) => ({ path: `f${String(at).padStart(3, "0")}` }));
  const contents = Object.fromEntries(entries.map(({ path }) => [path, Buffer.from(path)]));
  await receive(clientWith(entries, contents));
  await receive(clientWith(entries, contents));
  expect(await readdir(dir)).toHaveLength(500);
  expect(await readFile(join(dir, "f499"), "utf8")).toBe("f499");
});

it("asks for what is wanted in headers, escaped where they are not ASCII", async () => {
  let seen: Record<string, unknown> = {};
  await receive(
    (call) => {
      seen = { ...call.metadata };
      return clientWith([])(call);
    },
    { paths: ["a b", "größe (1)"], excludes: ["*.md", "!keep.md"] },
  );
  expect(seen).toMatchObject({
    "dir-name": "context",
    "exclude-patterns": "*.md, !keep.md",
    followpaths: "a+b, gr%C3%B6%C3%9Fe+%281%29",
    "followpaths-encoded": "1",
  });
});

const refusal = (problem: string): string => `kiln refuses the files that the client sent: ${problem}`;

it.each<[string, Entry[], string]>([
  ["a path upwards", [{ path: "../x" }], "`../x` is no path inside the folder"],
  ["a path upwards in the middle", [folder("a"), { path: "a/../../x" }], "`a/../../x` is no path inside the folder"],
  ["an absolute path", [{ path: "/etc/x" }], "`/etc/x` is no path inside the folder"],
  ["an empty part", [{ path: "a//b" }], "`a//b` is no path inside the folder"],
  ["no path", [{ path: "" }], "`` is no path inside the folder"],
  ["a zero byte", [{ path: "a\0b" }], "`a\\0b` is no path inside the folder"],
  ["a file below a link", [link("l", "/tmp"), { path: "l/x" }], "`l/x` lies in no folder of theirs"],
  ["a file below a file", [{ path: "f" }, { path: "f/x" }], "`f/x` lies in no folder of theirs"],
  ["a file below nothing", [{ path: "n/x" }], "`n/x` lies in no folder of theirs"],
  ["a path twice", [link("l", "/tmp"), folder("l")], "`l` comes twice"],
  ["a hard link to elsewhere", [{ path: "h", linkname: "/etc/passwd" }], "`h` links to no file of theirs"],
  ["a hard link to a link", [link("l", "/etc/passwd"), { path: "m", linkname: "l" }], "`m` links to no file of theirs"],
])("refuses %s", async (_, entries, problem) => {
  await expect(receive(clientWith(entries))).rejects.toThrow(refusal(problem));
});

it.each<[string, Client, string]>([
  [
    "contents nobody asked for",
    (call) => send(call, { type: PACKET.data, id: 7, data: Buffer.from("x") }),
    "contents nobody asked for",
  ],
  ["an end before the end", (call) => send(call, { type: PACKET.end }), "they end before the last one"],
  ["nothing at all", async () => undefined, "they end before the last one"],
  ["an unknown message", (call) => send(call, { type: 9 }), "a message is out of order"],
  [
    "an entry after the last",
    async (call) => {
      await send(call, { type: PACKET.stat });
      await send(call, {
        type: PACKET.stat,
        stat: { path: "late", mode: 0, uid: 0, gid: 0, size: 0, modTime: 0, linkname: "" },
      });
    },
    "a message is out of order",
  ],
])("refuses %s", async (_, client, problem) => {
  await expect(receive(client)).rejects.toThrow(refusal(problem));
});

it("replaces what lies in its way instead of writing through it", async () => {
  const outside = join(dir, "..", "outside");
  await mkdir(outside);
  await writeFile(join(outside, "f"), "kept");
  await symlink(outside, join(dir, "d"));
  await symlink(join(outside, "f"), join(dir, "f"));
  await receive(
    clientWith([folder("d"), { path: "d/f" }, { path: "f" }], { "d/f": Buffer.from("1"), f: Buffer.from("2") }),
  );
  expect(await readFile(join(outside, "f"), "utf8")).toBe("kept");
  expect((await lstat(join(dir, "d"))).isDirectory()).toBe(true);
  expect(await readFile(join(dir, "f"), "utf8")).toBe("2");
});

it("gives the client's own failure", async () => {
  const failing: Client = (call) => send(call, { type: PACKET.error, data: Buffer.from("lstat x: permission denied") });
  await expect(receive(failing)).rejects.toThrow("lstat x: permission denied");
});

it("ends the client's call when the build ends", async () => {
  const build = new AbortController();
  let ended: Promise<void> = Promise.resolve();
  const slow: Client = (call) => {
    ended = new Promise((resolve) => call.signal.addEventListener("abort", () => resolve()));
    build.abort(new Error("over"));
    return ended;
  };
  await expect(receive(slow, EVERYTHING, build.signal)).rejects.toThrow("over");
  await ended;
});

it("fails when the client goes away in the middle", async () => {
  const [ours, theirs] = duplexPair();
  serveGrpc(theirs, {
    [DIFF_COPY]: async (call) => {
      await send(call, {
        type: PACKET.stat,
        stat: { path: "a", mode: 0, uid: 0, gid: 0, size: 9, modTime: 0, linkname: "" },
      });
      ours.destroy();
    },
  });
  const session = new ClientSession("s", [DIFF_COPY], ours);
  const signal = new AbortController().signal;
  const received = receiveFiles({
    session,
    name: "context",
    wanted: EVERYTHING,
    dir,
    signal,
    onProgress: () => undefined,
  });
  await expect(received).rejects.toThrow("the client's session is gone");
  await session.grpc.closed;
});
