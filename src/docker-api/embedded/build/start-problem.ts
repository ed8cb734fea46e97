/**
 * Why the kernel would not start a program that is there and executable: another machine's, no program at all, an interpreter
 * that is missing. Asked before, because the tools that start a command would hand a text without `#!` to a shell.
 */
import { open } from "node:fs/promises";
import { posix } from "node:path";
import type { LayeredRoot } from "../../../images/layered-root.ts";

/** e_machine of elf(5) by Node's names. */
const MACHINES: Readonly<Record<string, number>> = {
  x64: 0x3e,
  arm64: 0xb7,
  ia32: 0x03,
  arm: 0x28,
  riscv64: 0xf3,
  s390x: 0x16,
  ppc64: 0x15,
};
const HEAD_BYTES = 256;

/** The words after `exec PROGRAM: `, or undefined. */
export async function startProblem(
  root: LayeredRoot,
  program: string,
  place: { readonly path: string; readonly workingDirectory: string },
): Promise<string | undefined> {
  const folders = program.includes("/") ? [""] : place.path.split(":");
  for (const folder of folders) {
    const { found } = await root.resolve(posix.resolve(place.workingDirectory, folder, program));
    if (!found?.stats.isFile() || (found.stats.mode & 0o111) === 0) continue;
    return problemOf(root, await headOf(found.hostPath));
  }
  return undefined;
}

async function headOf(path: string): Promise<Buffer | undefined> {
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch {
    // Executable but not readable, for this process at least.
    return undefined;
  }
}

async function problemOf(root: LayeredRoot, head: Buffer | undefined): Promise<string | undefined> {
  if (!head) return undefined;
  if (head.subarray(0, 4).toString("latin1") === "\u007fELF") {
    const machine = head[5] === 2 ? head.readUInt16BE(18) : head.readUInt16LE(18);
    const own = MACHINES[process.arch];
    const isCompatible = machine === own || (process.arch === "x64" && machine === MACHINES["ia32"]);
    return own === undefined || isCompatible ? undefined : "exec format error";
  }
  if (head.toString("latin1", 0, 2) !== "#!") return "exec format error";
  const interpreter =
    head
      .toString("utf8", 2)
      .trimStart()
      .split(/[\s\n]/)[0] ?? "";
  const { found } = await root.resolve(interpreter);
  return found ? undefined : "no such file or directory";
}
