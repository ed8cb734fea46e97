import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";
import { allProcesses, childrenOf, parseStat, readProcess, sendSignal } from "./process-table.ts";

const hasTable = readProcess(process.pid) !== undefined;

it("reads a process whatever its program is called", () => {
  const rest = `S 7 42 42 ${"0 ".repeat(15)}4711 0 0`;
  expect(parseStat(`12 (a) b (c) ${rest}`)).toEqual({
    pid: 12,
    parent: 7,
    group: 42,
    started: "4711",
    isZombie: false,
  });
  expect(parseStat(`12 (sh) ${rest.replace("S", "Z")}`).isZombie).toBe(true);
});

it.runIf(hasTable)("knows the children of a process, its group, and that it has ended", async () => {
  const child = spawn("sleep", ["300"], { detached: true, stdio: "ignore" });
  const pid = child.pid ?? 0;
  expect(childrenOf(process.pid)).toContain(pid);
  expect(readProcess(pid)).toMatchObject({ pid, parent: process.pid, group: pid, isZombie: false });
  expect(allProcesses().filter(({ group }) => group === pid)).toEqual([readProcess(pid)]);
  expect(sendSignal(pid, "SIGKILL")).toBe(true);
  await once(child, "exit");
  expect(readProcess(pid)).toBeUndefined();
  expect(childrenOf(pid)).toEqual([]);
  expect(sendSignal(pid, 0)).toBe(false);
});
