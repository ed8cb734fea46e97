/** `kiln start --control` as a process. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const main = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

test.each([
  [["--control"], {}],
  [[], { KILN_CONTROL: "1" }],
])("is refused where others could reach it: %j %j", (flags, variables) => {
  const key = { KILN_ROOT_ACCESS_KEY_ID: "own", KILN_ROOT_SECRET_ACCESS_KEY: "own-secret" };
  const args = [main, "start", "--memory", "--port", "0", "--host", "0.0.0.0", ...flags];
  const { status, stderr } = spawnSync(process.execPath, args, {
    encoding: "utf8",
    env: { ...process.env, ...key, ...variables },
    timeout: 20_000,
  });
  expect(status).toBe(2);
  expect(stderr).toContain("the control API is for this machine only, and `0.0.0.0` can be reached from others");
});
