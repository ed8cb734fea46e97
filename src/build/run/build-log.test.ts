import { describe, expect, it } from "vitest";
import { TestClock } from "../../core/clock.ts";
import { BuildLog, type BuildLogOptions } from "./build-log.ts";

function openLog(options: BuildLogOptions = {}) {
  const texts: string[] = [];
  const log = new BuildLog(
    "p:1",
    new TestClock(),
    (event) => {
      if (event.type === "log") texts.push(`${event.kind === "container" ? "C " : ""}${event.text}`);
    },
    options,
  );
  return { log, texts };
}

describe("a build's log", () => {
  it("keeps output up to its limit, and says what is not kept", async () => {
    const { log, texts } = openLog({ maxOutputLength: 3 * 1024 * 1024 });
    const line = `${"x".repeat(1023)}\n`;
    const first = log.commandOutput();
    for (let n = 0; n < 3 * 1024 + 5; n++) await first.push(Buffer.from(line));
    await first.end();
    const second = log.commandOutput();
    await second.push(Buffer.from("later\n"));
    await second.end();
    log.container("Phase complete: BUILD State: SUCCEEDED");
    expect(texts.filter((text) => text.startsWith("x"))).toHaveLength(3 * 1024);
    expect(texts.slice(-4)).toEqual([
      "C The log of this build is full: what its commands print beyond 3 MiB is not kept",
      "C 5120 bytes of the command's output were not kept",
      "C 6 bytes of the command's output were not kept",
      "C Phase complete: BUILD State: SUCCEEDED",
    ]);
  });

  it("hides what becomes known while a command runs", async () => {
    const { log, texts } = openLog();
    const output = log.commandOutput();
    await output.push(Buffer.from("before sec"));
    log.hide(["secret-of-the-role"]);
    await output.push(Buffer.from("ret-of-the-role after\n"));
    await output.end();
    expect(texts).toEqual(["before *** after"]);
  });

  it("adds to what is hidden already", () => {
    const { log } = openLog();
    log.hide(["first-one"]);
    log.hide(["second-one"]);
    expect(log.mask("first-one second-one")).toBe("*** ***");
  });

  it("tells once that its events cannot be kept, and does not fail", () => {
    const errors: unknown[] = [];
    const full = new Error("ENOSPC");
    const log = new BuildLog(
      "p:1",
      new TestClock(),
      () => {
        throw full;
      },
      { onBroken: (error) => errors.push(error) },
    );
    log.container("one");
    log.container("two");
    expect(errors).toEqual([full]);
  });
});
