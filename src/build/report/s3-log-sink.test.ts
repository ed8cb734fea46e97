/** The log of a build as one gzipped object. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, it } from "vitest";
import { scriptedRole } from "../../../test/support/run-test-build.ts";
import { s3Error, scriptedS3 } from "../../../test/support/scripted-s3.ts";
import type { BuildEvent } from "../run/events.ts";
import { createS3LogSink } from "./s3-log-sink.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "kiln-s3-log-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const log = (kind: "container" | "output", text: string): BuildEvent => ({
  type: "log",
  kind,
  text,
  buildId: "app:1",
  atMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
});
const sinkFor = (role: Parameters<typeof scriptedRole>[0]) =>
  createS3LogSink({
    caller: scriptedRole(role),
    bucket: "logs",
    key: "pre/u.gz",
    options: { ServerSideEncryption: "aws:kms" },
    file: join(folder, "log.gz"),
  });

it("holds CodeBuild's lines, whole, and leaves nothing behind", async () => {
  const { role, objects } = scriptedS3();
  const sink = sinkFor(role);
  void sink.write(log("container", "Entering phase BUILD"));
  void sink.write({ type: "notice", level: "info", text: "not AWS's", buildId: "app:1", atMs: 1 });
  const large = "x".repeat(200_000);
  for (let i = 0; i < 5; i++) await sink.write(log("output", `${i}\n${large}`));
  await sink.store();
  await sink.store();
  void sink.write(log("output", "too late"));
  await sink.close();
  const { body = Buffer.alloc(0), input } = objects.get("logs/pre/u.gz") ?? {};
  expect(input).toEqual({
    Bucket: "logs",
    Key: "pre/u.gz",
    ContentLength: body.length,
    ServerSideEncryption: "aws:kms",
  });
  expect(gunzipSync(body).toString()).toBe(
    `[Container] 2026/01/02 03:04:05.678000 Entering phase BUILD\n${[0, 1, 2, 3, 4].map((i) => `${i}\n${large}\n`).join("")}`,
  );
  expect(await readdir(folder)).toEqual([]);
});

it("throws what S3 answers, and may be closed without being stored", async () => {
  const refuse = (): never => {
    throw s3Error("AccessDenied", 403, "no");
  };
  const sink = sinkFor({ PutObject: refuse });
  await expect(sink.store()).rejects.toThrow("no");
  await sink.close();
  const other = sinkFor({});
  void other.write(log("output", "x"));
  await other.close();
  expect(await readdir(folder)).toEqual([]);
});
