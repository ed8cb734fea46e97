import { expect, it } from "vitest";
import { commandFirst } from "./command-first.ts";

it("lets common flags stand before the command", () => {
  expect(commandFirst(["-o", "json", "status"])).toEqual(["status", "-o", "json"]);
  expect(commandFirst(["--state-dir", "run", "params", "ls", "/a"])).toEqual([
    "params",
    "ls",
    "--state-dir",
    "run",
    "/a",
  ]);
  expect(commandFirst(["-q", "registry", "accounts", "ls"])).toEqual(["registry", "accounts", "ls", "-q"]);
});

it("names the command of a line without one, and leaves help alone", () => {
  expect(commandFirst([])).toEqual(["here"]);
  expect(commandFirst(["-o", "json"])).toEqual(["here", "-o", "json"]);
  expect(commandFirst(["--help"])).toEqual(["--help"]);
});
