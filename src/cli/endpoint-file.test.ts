import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ownMark } from "../core/process-mark.ts";
import { findEndpoint, writeEndpoint } from "./endpoint-file.ts";

let stateDir = "";
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), "kiln-endpoint-"));
});
afterEach(() => rmSync(stateDir, { recursive: true, force: true }));

const file = { pid: process.pid, url: "http://x", region: "r", accountId: "a", startedMs: 0 };
const onDisk = (): object => JSON.parse(readFileSync(join(stateDir, "endpoint.json"), "utf8")) as object;

it("is found while its process runs", () => {
  writeEndpoint(stateDir, file);
  expect(findEndpoint(stateDir)).toEqual(file);
  expect(onDisk()).toEqual({ ...file, started: ownMark().started });
});

it("is none when the number of its process has become another program's: `kiln stop` would end that", () => {
  writeEndpoint(stateDir, file);
  writeFileSync(join(stateDir, "endpoint.json"), JSON.stringify({ ...onDisk(), started: "1" }));
  expect(findEndpoint(stateDir)).toBeUndefined();
});

it("goes by the number alone in a file of an older Kiln", () => {
  writeFileSync(join(stateDir, "endpoint.json"), JSON.stringify(file));
  expect(findEndpoint(stateDir)).toEqual(file);
});
