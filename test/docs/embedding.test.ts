/** Runs the examples of docs/embedding.md, which are one program, against the built package. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("the embedding examples read a secret and run a build", () => {
  const text = readFileSync(join(root, "docs/embedding.md"), "utf8");
  const code = [...text.matchAll(/```js\n([\s\S]*?)```/g)].map(([, block]) => block).join("");
  const folder = mkdtempSync(join(root, "node_modules/.embedding-"));
  try {
    writeFileSync(
      join(folder, "example.mjs"),
      code.replace('from "kiln"', `from ${JSON.stringify(join(root, "dist/index.js"))}`),
    );
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, "example.mjs")], { encoding: "utf8" });
    expect({ status, stdout, stderr: status === 0 ? "" : stderr }).toEqual({
      status: 0,
      stdout: "true\nSUCCEEDED\n",
      stderr: "",
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
