import fc from "fast-check";
import { expect, it } from "vitest";
import { readTar, TAR_END, type TarEntry, tarHeader, tarPadding } from "./tar.ts";

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const entryOf = fc.record({
  name: fc.stringMatching(/^[a-zäé/]{1,250}$/).map((name) => `r/${name}x`.replace(/\/+/g, "/")),
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.integer({ min: 0, max: 4_000_000_000 }),
  gid: fc.integer({ min: 0, max: 4_000_000_000 }),
  mtimeSeconds: fc.integer({ min: 0, max: 4_000_000_000 }),
  body: fc.uint8Array({ maxLength: 1500 }),
});

it("reads back what it writes, in chunks of any size", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(entryOf, { maxLength: 6 }), fc.integer({ min: 1, max: 2000 }), async (entries, size) => {
      const parts = entries.flatMap(({ body, ...meta }) => {
        const header = tarHeader({ ...meta, type: "file", sizeBytes: body.length, linkName: "" });
        return [header, Buffer.from(body), tarPadding(body.length)];
      });
      const seen: (Omit<TarEntry, "xattrs"> & { bytes: string })[] = [];
      for await (const { body, xattrs: _, ...entry } of readTar(inChunks(Buffer.concat([...parts, TAR_END]), size))) {
        const chunks: Buffer[] = [];
        for await (const chunk of body) chunks.push(Buffer.from(chunk));
        seen.push({ ...entry, bytes: Buffer.concat(chunks).toString("hex") });
      }
      expect(seen).toEqual(
        entries.map(({ body, ...meta }) => ({
          ...meta,
          type: "file",
          sizeBytes: body.length,
          linkName: "",
          bytes: Buffer.from(body).toString("hex"),
        })),
      );
    }),
    { numRuns: 60 },
  );
});

it("refuses a damaged header", async () => {
  const header = tarHeader({
    name: "a",
    type: "file",
    sizeBytes: 0,
    mode: 0,
    uid: 0,
    gid: 0,
    mtimeSeconds: 0,
    linkName: "",
  });
  header[0] = 0x62;
  await expect(readTar(inChunks(Buffer.concat([header, TAR_END]), 512)).next()).rejects.toThrow(
    "tar header checksum mismatch",
  );
});
