import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fileChunks } from "./file-chunks.ts";
import { bytesOf } from "./streaming-blob.ts";

describe("a file as a body", () => {
  it("is read when it is asked for", async () => {
    const folder = mkdtempSync(join(tmpdir(), "kiln-chunks-"));
    try {
      const path = join(folder, "file");
      const body = fileChunks(path);
      writeFileSync(path, "later");
      expect((await bytesOf(body)).toString()).toBe("later");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("tells its reader that the file is gone, and nobody else", async () => {
    const unread = fileChunks("/nowhere/at/all");
    const read = fileChunks("/nowhere/at/all");
    await expect(bytesOf(read)).rejects.toMatchObject({ code: "ENOENT" });
    await unread.return(undefined);
  });
});
