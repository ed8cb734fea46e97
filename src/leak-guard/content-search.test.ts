/** Archives of all kinds, damaged ones and bombs: what is found in them, and that nothing fills memory or time. */
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { ZipFile } from "yazl";
import { TAR_END, tarHeader, tarPadding } from "../images/tar.ts";
import { CONTENT_LIMITS, type ContentLimits, ContentSearch } from "./content-search.ts";
import { PatternSet } from "./pattern-search.ts";
import { secretForms } from "./secret-forms.ts";

const SECRET = "s3cr3t-of-the-build";
const patterns = new PatternSet(secretForms(SECRET).map(({ form, bytes }) => ({ bytes, value: form })));

interface Told {
  readonly hits: (readonly [string, string])[];
  readonly skipped: string[];
  readonly bytes: number;
}

async function search(
  path: string,
  bytes: Uint8Array | AsyncIterable<Uint8Array>,
  limits: Partial<ContentLimits> = {},
  isLayer = false,
): Promise<Told> {
  const hits: (readonly [string, string])[] = [];
  const skipped: string[] = [];
  const searching = new ContentSearch({
    patterns,
    limits: { ...CONTENT_LIMITS, ...limits },
    signal: new AbortController().signal,
    onHit: (found) => hits.push([found.path, found.hit.value]),
    onSkipped: (where, reason) => skipped.push(`${where}: ${reason}`),
  });
  const chunks = bytes instanceof Uint8Array ? inPieces(bytes) : bytes;
  await (isLayer ? searching.tar(path, chunks) : searching.file(path, chunks));
  return { hits, skipped, bytes: searching.bytes };
}

async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
}

function tar(files: Readonly<Record<string, string | Buffer>>): Buffer {
  const common = { type: "file", mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, linkName: "" } as const;
  const blocks = Object.entries(files).flatMap(([name, content]) => {
    const body = Buffer.from(content as string);
    return [tarHeader({ ...common, name, sizeBytes: body.length }), body, tarPadding(body.length)];
  });
  return Buffer.concat([...blocks, TAR_END]);
}

async function zip(files: Readonly<Record<string, Buffer>>): Promise<Buffer> {
  const made = new ZipFile();
  for (const [name, content] of Object.entries(files)) made.addBuffer(content, name);
  made.end();
  const chunks: Buffer[] = [];
  for await (const chunk of made.outputStream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

describe("an archive", () => {
  it("is searched in each other kind, to a depth", async () => {
    const inner = await zip({ "conf/app.yml": Buffer.from(`password: ${SECRET}\n`) });
    const outer = gzipSync(tar({ "lib/inner.jar": inner, README: "nothing" }));
    expect((await search("app.tgz", outer)).hits).toEqual([["app.tgz!/lib/inner.jar!/conf/app.yml", "raw"]]);
    expect((await search("app.tgz", outer, { depth: 2 })).hits).toEqual([]);
  });

  it("is searched in the names of its entries, which are shown without", async () => {
    const told = await search("a.tar", tar({ [`keys/${SECRET}.pem`]: "x" }));
    expect(told.hits).toEqual([["a.tar!/keys/***.pem", "raw"]]);
  });

  it("is searched as a layer, packed or not", async () => {
    const layer = tar({ "root/.npmrc": `t=${Buffer.from(SECRET).toString("base64")}` });
    for (const bytes of [layer, gzipSync(layer)]) {
      expect((await search("layer", bytes, {}, true)).hits).toEqual([["root/.npmrc", "base64"]]);
    }
  });

  it("that is damaged is named, and what was read of it is searched", async () => {
    const packed = gzipSync(tar({ a: SECRET, b: "x".repeat(100_000) }), { level: 0 });
    const told = await search("layer", packed.subarray(0, 50_000), {}, true);
    expect(told.hits).toEqual([["a", "raw"]]);
    expect(told.skipped).toEqual([expect.stringMatching(/^layer: it cannot be unpacked: /)]);
  });

  it("is searched as it is where it only begins like one", async () => {
    expect((await search("a", Buffer.from(`PK\u0003\u0004 ${SECRET}`))).hits).toEqual([["a", "raw"]]);
  });
});

describe("a bomb", () => {
  it("is searched up to the limit, and named", async () => {
    const told = await search("bomb.gz", gzipSync(Buffer.alloc(50_000_000)), { archiveBytes: 1_000_000 });
    expect(told.skipped).toEqual([expect.stringMatching(/^bomb\.gz: it unpacks to more than 0\.9\d* MiB$/)]);
    expect(told.bytes).toBeLessThan(2_000_000);
  });

  it("of archives in archives ends at the depth", async () => {
    let bytes = Buffer.from(SECRET);
    for (let depth = 0; depth < 30; depth++) bytes = gzipSync(bytes);
    const told = await search("deep.gz", bytes);
    expect([told.hits, told.skipped]).toEqual([[], []]);
  });

  it("of a zip too large for memory is searched as it is, and named", async () => {
    const big = await zip({ "big.bin": Buffer.from(`${"noise ".repeat(40_000)}${SECRET}`) });
    const told = await search("big.zip", big, { zipBytes: 400 });
    expect(told.skipped).toEqual(["big.zip: a zip of more than 0 MiB is not unpacked"]);
  });

  it("has an end with the signal", async () => {
    const controller = new AbortController();
    const searching = new ContentSearch({
      patterns,
      signal: controller.signal,
      onHit: () => {},
      onSkipped: () => {},
    });
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (let count = 0; ; count++) {
        if (count === 100) controller.abort("enough");
        yield Buffer.alloc(1000, 1);
      }
    }
    await expect(searching.file("endless", endless())).rejects.toBe("enough");
  });
});
