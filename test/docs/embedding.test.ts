/** Runs the example of docs/embedding.md as a program of its own, against the built package. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("the embedding example prints true", () => {
  const code = /```js\n([\s\S]*?)```/.exec(readFileSync(join(root, "docs/embedding.md"), "utf8"))?.[1] ?? "";
  const folder = mkdtempSync(join(root, "node_modules/.embedding-"));
  try {
    writeFileSync(
      join(folder, "example.mjs"),
      code.replace('from "kiln"', `from ${JSON.stringify(join(root, "dist/index.js"))}`),
    );
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, "example.mjs")], { encoding: "utf8" });
    expect({ status, stdout, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stdout: "true\n", stderr: "" });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
