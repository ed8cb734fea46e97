/** An image with programs of this machine and the libraries they need, on a busybox: made by the engine itself. */
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { RealEngine } from "./real-engines.ts";

const run = promisify(execFile);

/** Debian's docker CLI, where one found first on PATH is another. */
export const DOCKER_CLI = process.env["KILN_TEST_BUILDKIT_CLI"] ?? "/usr/bin/docker";

export interface ProgramImage {
  readonly name: string;
  release(): Promise<void>;
}

/** Throws where a program is not there. */
export async function programImage(
  { client, image }: Pick<RealEngine, "client" | "image">,
  what: string,
  programs: readonly (readonly [from: string, to: string])[],
): Promise<ProgramImage> {
  const dir = await mkdtemp(join(tmpdir(), "kiln-image-"));
  const name = `${image.split(":")[0]}-with-${what}:1`;
  try {
    const libraries = new Set<string>();
    for (const [from] of programs) {
      for (const path of (await run("ldd", [from])).stdout.match(/\/\S+/g) ?? []) libraries.add(path);
    }
    for (const [from, to] of [...programs, ...[...libraries].map((path) => [path, path] as const)]) {
      await mkdir(dirname(join(dir, "root", to)), { recursive: true });
      await copyFile(from, join(dir, "root", to));
    }
    await writeFile(join(dir, "Dockerfile"), `FROM ${image}\nCOPY root /\n`);
    const { stdout } = await run("tar", ["-C", dir, "-cf", "-", "."], { encoding: "buffer", maxBuffer: 1024 ** 3 });
    const { status, text } = await client.text("POST", `/build?t=${encodeURIComponent(name)}`, {
      headers: { "content-type": "application/x-tar" },
      body: stdout,
    });
    if (status >= 400 || text.includes('"errorDetail"')) throw new Error(text);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
  return {
    name,
    async release() {
      await client.text("DELETE", `/images/${encodeURIComponent(name)}`);
    },
  };
}
