/** `kiln start --control` as a process. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
  });
  expect(status).toBe(2);
  expect(stderr).toContain("the control API is for this machine only, and `0.0.0.0` can be reached from others");
});

test("`kiln status` shows what is not as at the start, under a root key of one's own", async () => {
  const folder = mkdtempSync(join(tmpdir(), "kiln-status-"));
  const key = { KILN_ROOT_ACCESS_KEY_ID: "own", KILN_ROOT_SECRET_ACCESS_KEY: "own-secret" };
  const kiln = (...args: string[]): string => {
    const env = { ...process.env, ...key, KILN_STATE_DIR: folder };
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: "utf8", env });
    expect([status, stderr]).toEqual([0, ""]);
    return stdout;
  };
  try {
    kiln("start", "--detach", "--control", "--port", "0", "-q");
    const { url } = JSON.parse(kiln("status", "-o", "json")) as { url: string };
    expect(kiln("status")).toMatch(/^running at .*\nstate folder .*\ncontrol API is on\n$/);
    expect(kiln("env")).toContain("export AWS_ACCESS_KEY_ID='own'\nexport AWS_SECRET_ACCESS_KEY='own-secret'\n");
    const set = (method: string, path: string, body: object): Promise<Response> =>
      fetch(`${url}/_kiln/control/${path}`, {
        method,
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
      });
    await set("POST", "clock", { to: "2090-01-01T00:00:00Z" });
    await set("PUT", "keys", { lenient: true });
    await set("POST", "faults", { service: "ssm", operation: "Get*", kind: "throttle", times: 2 });
    expect(kiln("status").split("\n").slice(2)).toEqual([
      "control API is on",
      expect.stringMatching(/^clock moved: it is 2090-01-01T00:0\S+ for the services$/),
      "lenient keys: any key acts as root of 000000000000, nothing is enforced",
      "fault-1: throttle of ssm:Get*, 2 times, hit 0 so far",
      "",
    ]);
    expect(JSON.parse(kiln("status", "-o", "json"))).toMatchObject({ control: { keys: { lenient: true } } });
  } finally {
    kiln("stop");
    rmSync(folder, { recursive: true, force: true });
  }
});

test("half a root key is refused", () => {
  const { status, stderr } = spawnSync(process.execPath, [main, "start", "--memory", "--port", "0"], {
    encoding: "utf8",
    env: { ...process.env, KILN_ROOT_ACCESS_KEY_ID: "own" },
  });
  expect(status).toBe(2);
  expect(stderr).toContain("KILN_ROOT_ACCESS_KEY_ID is set and KILN_ROOT_SECRET_ACCESS_KEY is not");
});
