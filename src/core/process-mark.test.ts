import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";
import { isAlive, markOf, ownMark } from "./process-mark.ts";

it("tells a process from another one that has its number later", async () => {
  const child = spawn("sleep", ["300"], { stdio: "ignore" });
  const mark = markOf(child.pid ?? 0);
  if (!mark) throw new Error("no such process");
  expect(isAlive(mark)).toBe(true);
  expect(isAlive({ ...mark, started: `${mark.started}0` })).toBe(false);
  // Where the start is not known the number is all there is.
  expect(isAlive({ ...mark, started: "" })).toBe(true);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(isAlive(mark)).toBe(false);
  expect(markOf(mark.pid)).toBeUndefined();
  expect(isAlive(ownMark())).toBe(true);
});
