/** Layers that nobody honest makes: what is outside of the layer stays as it is, and the refusal says what is wrong. */
import { execFile } from "node:child_process";
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LayerStore } from "./layer-store.ts";
import { removeTree } from "./remove-tree.ts";
import { TAR_END, tarHeader, tarPadding } from "./tar.ts";

const run = promisify(execFile);
const CAPABILITY = Buffer.from("0100000200200000000000000000000000000000", "hex").toString("latin1");

let dir = "";
let outside = "";
let store: LayerStore;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "kiln-hostile-"));
  outside = join(dir, "outside");
  await mkdir(join(outside, "folder"), { recursive: true });
  await writeFile(join(outside, "file"), "mine", { mode: 0o640 });
  await writeFile(join(outside, "folder/inner"), "mine");
  await chmod(join(outside, "folder"), 0o750);
  store = await LayerStore.open(join(dir, "store"));
});
afterEach(async () => {
  expect((await readdir(outside)).sort()).toEqual(["file", "folder"]);
  expect(await readdir(join(outside, "folder"))).toEqual(["inner"]);
  expect(await readFile(join(outside, "file"), "utf8")).toBe("mine");
  expect((await lstat(join(outside, "file"))).mode & 0o7777).toBe(0o640);
  expect((await lstat(join(outside, "folder"))).mode & 0o7777).toBe(0o750);
  if (process.platform === "linux") {
    const { stdout } = await run("tar", ["--xattrs", "--xattrs-include=*", "-cf", "-", "--format=pax", "outside"], {
      cwd: dir,
      encoding: "latin1",
    });
    expect(stdout).not.toContain("SCHILY.xattr.");
  }
  expect(await readdir(join(dir, "store/tmp"))).toEqual([]);
  await removeTree(dir);
});

type Entry = Partial<Parameters<typeof tarHeader>[0]> & { readonly text?: string };

function tar(...entries: readonly (Entry & { readonly name: string })[]): Buffer {
  const parts = entries.flatMap(({ text = "", ...header }) => {
    const base = { type: "file" as const, mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 7, linkName: "" };
    return [tarHeader({ ...base, sizeBytes: text.length, ...header }), Buffer.from(text), tarPadding(text.length)];
  });
  return Buffer.concat([...parts, TAR_END]);
}

async function* chunks(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}
const add = (bytes: Buffer) => store.add([], chunks(bytes));
const folder = (name: string) => ({ name, type: "directory", mode: 0o755 }) as const;
const link = (name: string, linkName: string) => ({ name, type: "symlink", linkName }) as const;

describe("a folder that becomes a link to a folder of this machine", () => {
  it("takes no whiteout there", async () => {
    const layer = await add(tar(folder("a"), { name: "a/.wh.file" }, link("a", outside)));
    expect(layer.whiteouts).toEqual([]);
  });

  it("takes no mark of an opaque folder there", async () => {
    const marked = await add(tar(folder("a/folder"), { name: "a/folder/.wh..wh..opq" }, link("a", outside)));
    expect(marked.opaque).toEqual([]);
    expect((await add(tar(folder("b"), { name: "b/.wh..wh..opq" }, link("b", outside)))).opaque).toEqual([]);
  });

  it("takes no capability there", async () => {
    const layer = await add(
      tar(
        folder("a"),
        { name: "a/file", text: "theirs", xattrs: { "security.capability": CAPABILITY } },
        link("a", outside),
      ),
    );
    expect(layer.extras?.["a/file"]).toBeUndefined();
  });

  it("takes no file through it", async () => {
    const layer = await add(
      tar(link("a", outside), { name: "a/file", text: "theirs" }, { name: "a/new", text: "theirs" }),
    );
    expect(await readFile(join(store.layerDir(layer), outside, "file"), "utf8")).toBe("theirs");
  });
});

it("whiteouts of the folder itself and above it are refused", async () => {
  for (const name of [".wh...", "a/.wh...", ".wh..", ".wh."])
    await expect(add(tar({ name }))).rejects.toThrow(`invalid path in archive: ${name}`);
  await expect(add(tar({ name: "../.wh.outside" }))).rejects.toThrow("invalid path in archive: ../.wh.outside");
});

it("a mark of an opaque root hides what is below and nothing else", async () => {
  const below = await add(tar({ name: "old", text: "1" }));
  const above = await store.add([below], chunks(tar({ name: ".wh..wh..opq" }, { name: "new", text: "2" })));
  const root = store.root([below, above]);
  const { found } = await root.resolve("/");
  expect((found ? await root.list(found) : []).map(({ path }) => path)).toEqual(["new"]);
});

it("hard links to what is outside are refused", async () => {
  for (const linkName of [join(outside, "file"), "../../../../../../outside/file"])
    await expect(add(tar({ name: "hard", type: "hardlink", linkName }))).rejects.toThrow(
      linkName.startsWith("/") ? `hard link to a missing file: ${linkName}` : `invalid path in archive: ${linkName}`,
    );
  await expect(add(tar(link("a", outside), { name: "hard", type: "hardlink", linkName: "a/file" }))).rejects.toThrow(
    "hard link to a missing file: a/file",
  );
});

it("a hard link to a link keeps it a link", async () => {
  const layer = await add(
    tar(
      link("a", join(outside, "file")),
      { name: "b", type: "hardlink", linkName: "a" },
      { name: "b", text: "theirs" },
    ),
  );
  expect(await readFile(join(store.layerDir(layer), "b"), "utf8")).toBe("theirs");
});

describe("numbers and names of a header", () => {
  const pax = (records: Readonly<Record<string, string>>, text = ""): Buffer => {
    const data = Buffer.concat(
      Object.entries(records).map(([key, value]) => {
        const rest = Buffer.byteLength(` ${key}=${value}\n`);
        let total = rest + 1;
        while (String(total).length + rest !== total) total = String(total).length + rest;
        return Buffer.from(`${total} ${key}=${value}\n`);
      }),
    );
    const meta = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 7, linkName: "", type: "file" as const };
    const head = tarHeader({ ...meta, name: "x", sizeBytes: data.length });
    head.write("x", 156);
    head.fill(" ", 148, 156);
    head.write(
      `${head
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, "0")}\0 `,
      148,
      "latin1",
    );
    return Buffer.concat([head, data, tarPadding(data.length), tar({ name: "file", text })]);
  };

  it.each(["-1", "1e3", "NaN", "0x10", "99999999999999999999", ""])("a size of `%s` is refused", async (size) => {
    await expect(add(pax({ size }, "abc"))).rejects.toThrow("tar number out of range");
  });

  it.each(["uid", "gid"])("an %s that no user has is refused", async (name) => {
    for (const value of ["-1", "4294967296", "1.5", "root"])
      await expect(add(pax({ [name]: value }))).rejects.toThrow("tar number out of range");
  });

  it("a name or a link with a zero byte is refused", async () => {
    await expect(add(pax({ path: "a\0b" }))).rejects.toThrow("tar name with a zero byte");
    await expect(add(pax({ linkpath: "a\0b" }))).rejects.toThrow("tar name with a zero byte");
  });

  it("a path that climbs out is refused, wherever it is given", async () => {
    await expect(add(pax({ path: "../outside/file" }))).rejects.toThrow("invalid path in archive: ../outside/file");
    await expect(add(pax({ path: "/a/../../outside" }))).rejects.toThrow("invalid path in archive: /a/../../outside");
    await expect(add(tar({ name: `${"x".repeat(90)}/../${"y".repeat(90)}` }))).rejects.toThrow(
      "invalid path in archive",
    );
  });

  it("an absolute path goes below the layer", async () => {
    const layer = await add(pax({ path: join(outside, "file") }, "theirs"));
    expect(await readFile(join(store.layerDir(layer), outside, "file"), "utf8")).toBe("theirs");
  });

  it("a sparse file and a body that never comes are refused", async () => {
    await expect(add(pax({ "GNU.sparse.major": "1", "GNU.sparse.realsize": "9999999999999" }))).rejects.toThrow(
      "unsupported tar entry type `0`",
    );
    const huge = tarHeader({
      ...{ name: "huge", type: "file", mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 7, linkName: "" },
      sizeBytes: 2 ** 50,
    });
    await expect(add(huge)).rejects.toThrow("unexpected end of tar stream");
  });
});

it("devices and set-id programs are kept for the layer's tar, and nobody opens a device of this machine", async () => {
  const layer = await add(
    tar(
      { name: "dev/sda", type: "block-device", device: { major: 8, minor: 0 }, mode: 0o666 },
      { name: "su", text: "x", mode: 0o4755 },
    ),
  );
  expect((await lstat(join(store.layerDir(layer), "dev/sda"))).isFile()).toBe(true);
  expect((await lstat(join(dir, "store/layers"))).mode & 0o777).toBe(0o700);
});
