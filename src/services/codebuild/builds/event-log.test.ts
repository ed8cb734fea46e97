import { appendFileSync, readFileSync, statSync, truncateSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { BuildEvent } from "../../../build/run/index.ts";
import { systemClock } from "../../../core/clock.ts";
import { EventLogs } from "./event-log.ts";

const output = (text: string): BuildEvent => ({ type: "log", kind: "output", text, buildId: "p:1", atMs: 1 });
const END: BuildEvent = { type: "build-finished", buildStatus: "SUCCEEDED", phases: [], buildId: "p:1", atMs: 2 };

describe("the event log of a build", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "kiln-events-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const logs = () => new EventLogs(() => folder, systemClock);
  const file = () => join(folder, "u", "events.log");
  async function textsOf(reader: EventLogs, joined = false): Promise<string[]> {
    const texts: string[] = [];
    for await (const event of reader.read("u", () => true, joined)) if (event.type === "log") texts.push(event.text);
    return texts;
  }

  it("is read to its end when the writer was killed in the middle of a line", async () => {
    const writer = logs().open("u");
    writer.append(output("one"));
    writer.close();
    appendFileSync(file(), '{"type":"log","kind":"output","te');
    expect(await textsOf(logs())).toEqual(["one"]);
  });

  it("goes on behind half a line, which readers pass over", async () => {
    const first = logs().open("u");
    first.append(output("one"));
    first.close();
    appendFileSync(file(), '{"type":"log","kind":"output","text":"hal');
    const second = logs().open("u");
    second.append(output("two"));
    second.append(END);
    second.close();
    expect(await textsOf(logs())).toEqual(["one", "two"]);
    expect(readFileSync(file(), "utf8").split("\n")).toHaveLength(7);
  });

  it("gives the same events to a reader here, to one far behind, and to one of another process", async () => {
    const here = logs();
    const writer = here.open("u");
    const texts = Array.from({ length: 200 }, (_, index) => `${index} ü\n${"x".repeat(40_000)}`);
    const live: string[] = [];
    const following = (async () => {
      for await (const event of here.read("u", () => false, true)) if (event.type === "log") live.push(event.text);
    })();
    for (const [index, text] of texts.entries()) {
      writer.append(output(text));
      if (index % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    const behind = textsOf(here, true);
    writer.append(END);
    await following;
    // Where a chunk is cut when it is read back is not said.
    const all = texts.join("\n");
    expect(live.join("\n") === all).toBe(true);
    expect((await behind).join("\n") === all).toBe(true);
    writer.close();
    expect((await textsOf(logs(), true)).join("\n") === all).toBe(true);
    expect(await textsOf(logs())).toEqual(texts.flatMap((text) => text.split("\n")));
  });

  it("gives back every text as it was: empty lines, marks, braces, control characters", async () => {
    const writer = logs().open("u");
    const texts = ["", "\n", '|\n||x\n{"a":1}\n{', 'a "b" \\c\r\u001b[1m\u0000\u2028', "{\n|\n", "last"];
    for (const text of texts) writer.append(output(text));
    writer.append({ ...output("one\ntwo"), kind: "container" } as BuildEvent);
    writer.append(END);
    writer.close();
    expect(await textsOf(logs(), true)).toEqual([...texts, "one\ntwo"]);
  });

  it("shows the whole lines and the half one of output that was cut off, and goes on behind it", async () => {
    const first = logs().open("u");
    first.append(output("one\ntwo"));
    first.close();
    truncateSync(file(), statSync(file()).size - 2);
    const second = logs().open("u");
    second.append(output("three"));
    second.append(END);
    second.close();
    expect(await textsOf(logs())).toEqual(["one", "tw", "three"]);
  });

  it("reads a line longer than its buffer", async () => {
    const writer = logs().open("u");
    writer.append(output("y".repeat(1_000_000)));
    writer.append(END);
    writer.close();
    expect((await textsOf(logs()))[0]?.length).toBe(1_000_000);
  });
});
