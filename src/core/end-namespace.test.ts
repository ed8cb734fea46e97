import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";
import { endNamespace } from "./end-namespace.ts";
import { allProcesses, childrenOf, type ProcessEntry } from "./process-table.ts";

const FLAGS = [...(process.geteuid?.() === 0 ? [] : ["--user", "--map-root-user"]), "--pid", "--fork", "--kill-child"];
const works = spawnSync("unshare", [...FLAGS, "true"]).status === 0;
if (!works) process.stderr.write("tests of process namespaces are skipped: this machine gives none\n");

const inGroup = (group: number): ProcessEntry[] => allProcesses().filter((one) => one.group === group);

it.runIf(works)(
  "ends everything in a process namespace, and leaves nothing to the machine's first process",
  async () => {
    const script = "(trap '' TERM HUP INT; sleep 300) & echo ready; sleep 300";
    const child = spawn("unshare", [...FLAGS, "sh", "-c", script], {
      detached: true,
      stdio: ["ignore", "pipe", "ignore"],
    });
    await once(child.stdout, "data");
    expect(endNamespace(child)).toBe(true);
    await once(child, "exit");
    // Not even one that has ended and that nobody has asked about.
    expect(inGroup(child.pid ?? 0)).toEqual([]);
  },
);

it.runIf(works)("ends a program that has not made its namespace", async () => {
  const child = spawn("sh", ["-c", "sleep 300 & echo ready; wait"], {
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  await once(child.stdout, "data");
  const [sleep = 0] = childrenOf(child.pid ?? 0);
  endNamespace(child);
  expect(await once(child, "exit")).toEqual([null, "SIGKILL"]);
  expect(endNamespace(child)).toBe(false);
  process.kill(sleep, "SIGKILL");
});
