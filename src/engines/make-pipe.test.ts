import { closeSync, constants, openSync, readSync, statSync, writeSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makePipe, makePipeWithoutMkfifo, type PipeEnds } from "./make-pipe.ts";

function carries(pipe: PipeEnds): string {
  const further = openSync(pipe.path, constants.O_WRONLY);
  writeSync(further, "from a child, ");
  closeSync(further);
  writeSync(pipe.writeFd, "a mark");
  const bytes = Buffer.alloc(100);
  const text = bytes.toString("utf8", 0, readSync(pipe.readFd, bytes));
  for (const fd of [pipe.readFd, pipe.writeFd]) closeSync(fd);
  pipe.remove();
  return text;
}

describe("the pipe of a build's output", () => {
  it("is a named pipe that goes away with its name", async () => {
    const folder = await mkdtemp(join(tmpdir(), "kiln-pipe-"));
    const pipe = await makePipe(join(folder, "output.fifo"));
    expect(statSync(pipe.path).isFIFO()).toBe(true);
    expect(carries(pipe)).toBe("from a child, a mark");
    expect(await readdir(folder)).toEqual([]);
    await rm(folder, { recursive: true });
  });

  it.skipIf(process.platform !== "linux")("is made by a shell where there is no `mkfifo`", async () => {
    const pipe = await makePipeWithoutMkfifo();
    expect(statSync(pipe.path).isFIFO()).toBe(true);
    expect(carries(pipe)).toBe("from a child, a mark");
  });

  it("names the program that is missing where neither can be", async () => {
    await expect(makePipeWithoutMkfifo("/nowhere/sh")).rejects.toMatchObject({
      code: "KILN_E_NO_MKFIFO",
      message: "the engine `host` needs the program `mkfifo`, and there is none on PATH",
      fix: ["install coreutils or busybox"],
      exitCode: 4,
    });
  });
});
