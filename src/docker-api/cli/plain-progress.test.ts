import { expect, it } from "vitest";
import { TestClock } from "../../core/clock.ts";
import { StatusResponse } from "../embedded/buildkit/messages.ts";
import { StatusStream } from "../embedded/buildkit/status-stream.ts";
import { PlainProgress, sourceExcerpt } from "./plain-progress.ts";

/** Plays a build's report through the wire's bytes and returns what is printed. */
function printed(play: (build: StatusStream, clock: TestClock) => void): { text: string; failures: string } {
  const clock = new TestClock(1_700_000_000_000);
  const build = new StatusStream(clock, "b");
  let text = "";
  const progress = new PlainProgress(
    (more) => {
      text += more;
    },
    () => clock.nowMs(),
  );
  build.listen((message) => progress.update(StatusResponse.decode(StatusResponse.encode(message))));
  play(build, clock);
  return { text, failures: progress.failures() };
}

const step = (digest: string, name: string) => ({ digest, name, inputs: [] });

it("prints a build as docker does on CodeBuild", () => {
  const { text } = printed((build, clock) => {
    build.started(step("a", "[internal] load build definition from Dockerfile"));
    build.status("a", { id: "transferring dockerfile:", currentBytes: 0, totalBytes: 0, isDone: false });
    clock.advance(120);
    build.status("a", { id: "transferring dockerfile:", currentBytes: 186, totalBytes: 0, isDone: true });
    build.completed("a", { isCached: false });
    build.started(step("b", "[1/3] FROM docker.io/library/python:3.11-slim"));
    build.completed("b", { isCached: true });
    build.started(step("c", "[2/3] RUN echo hello"));
    clock.advance(105);
    build.output("c", 1, "hello\nwor");
    clock.advance(1000);
    build.output("c", 1, "ld\r\n\nlast");
    clock.advance(200);
    build.completed("c", { isCached: false });
    build.started(step("d", "exporting to image"));
    build.status("d", { id: "exporting layers", currentBytes: 1_980_000, totalBytes: 2_000_000, isDone: true });
    build.completed("d", { isCached: false });
    build.remark("3 warnings found\n");
  });
  expect(text).toBe(`#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile:
#1 transferring dockerfile: 186B 0.1s done
#1 DONE 0.1s

#2 [1/3] FROM docker.io/library/python:3.11-slim
#2 CACHED

#3 [2/3] RUN echo hello
#3 0.105 hello
#3 0.105 world
#3 1.105 
#3 1.105 last
#3 DONE 1.3s

#4 exporting to image
#4 exporting layers 1.98MB / 2.00MB done
#4 DONE 0.0s

#5 3 warnings found
#5 DONE 0.0s
`);
});

it("keeps steps apart that run side by side", () => {
  const { text } = printed((build, clock) => {
    build.started(step("a", "[a 1/1] RUN a"));
    build.started(step("b", "[b 1/1] RUN b"));
    build.output("b", 1, "b one\n");
    build.output("a", 1, "a one\n");
    clock.advance(5_001);
    build.output("b", 1, "b two\n");
    build.output("a", 1, "a two\n");
    build.completed("b", { isCached: false });
    build.completed("a", { isCached: false });
  });
  expect(text).toBe(`#1 [a 1/1] RUN a
#1 0.000 a one
#1 ...

#2 [b 1/1] RUN b
#2 0.000 b one
#2 5.001 b two
#2 DONE 5.0s

#1 [a 1/1] RUN a
#1 5.001 a two
#1 DONE 5.0s
`);
});

it("says what failed, with the last ten lines before it", () => {
  const error = 'process "/bin/sh -c x" did not complete successfully: exit code: 7';
  const { text, failures } = printed((build) => {
    build.started(step("a", "[2/2] RUN x"));
    build.started(step("b", "[other 1/1] RUN y"));
    for (let at = 1; at <= 12; at++) build.output("a", 2, `line ${at}\n`);
    build.completed("a", { isCached: false, error });
    build.completed("b", { isCached: false, error: "context canceled" });
  });
  expect(text).toContain(`#1 0.000 line 12\n#1 ERROR: ${error}\n\n#2 [other 1/1] RUN y\n#2 CANCELED\n`);
  const lines = Array.from({ length: 10 }, (_, at) => `0.000 line ${at + 3}\n`).join("");
  expect(failures).toBe(`------\n > [2/2] RUN x:\n${lines}------\n`);
});

it.each<[string, number, number, string]>([
  ["FROM a\nRUN b\nRUN c\n", 2, 2, "   1 |     FROM a\n   2 | >>> RUN b\n   3 |     RUN c\n   4 |     \n"],
  ["1\n2\n3\n4\n5\n6\n7", 4, 4, "   2 |     2\n   3 |     3\n   4 | >>> 4\n   5 |     5\n   6 |     6\n"],
  ["1\n2\n3\n4\n5\n6", 3, 4, "   2 |     2\n   3 | >>> 3\n   4 | >>> 4\n   5 |     5\n"],
  ["1", 1, 1, "   1 | >>> 1\n"],
])("marks lines of %j", (text, first, last, lines) => {
  expect(sourceExcerpt("Dockerfile", text, first, last)).toBe(
    `Dockerfile:${first}\n--------------------\n${lines}--------------------\n`,
  );
});

it("shows no lines that a file does not have", () => {
  expect(sourceExcerpt("Dockerfile", "FROM a", 3, 4)).toBe("");
});

it("prints warnings below the step that read the Dockerfile, also late ones, and all of them at the end", () => {
  const clock = new TestClock(1_700_000_000_000);
  const build = new StatusStream(clock, "b");
  let text = "";
  const progress = new PlainProgress(
    (more) => {
      text += more;
    },
    () => clock.nowMs(),
  );
  build.listen((message) => progress.update(StatusResponse.decode(StatusResponse.encode(message))));
  expect(progress.warnings()).toBe("");
  const warn = (short: string): void =>
    build.warning("a", { short, detail: "d", url: "u", source: { file: "f", text: "t", startLine: 1, endLine: 1 } });
  build.started(step("a", "[internal] load build definition from Dockerfile"));
  warn("FromAsCasing: x (line 1)");
  build.completed("a", { isCached: false });
  expect(progress.warnings()).toBe("\n 1 warning found (use docker --debug to expand):\n - FromAsCasing: x (line 1)\n");
  build.started(step("b", "[internal] load metadata for docker.io/library/x:latest"));
  build.completed("b", { isCached: false });
  warn("UndefinedVar: y (line 2)");
  expect(text).toBe(`#1 [internal] load build definition from Dockerfile
#1 WARN: FromAsCasing: x (line 1)
#1 DONE 0.0s

#2 [internal] load metadata for docker.io/library/x:latest
#2 DONE 0.0s

#1 [internal] load build definition from Dockerfile
#1 WARN: UndefinedVar: y (line 2)
#1 DONE 0.0s
`);
  expect(progress.warnings()).toBe(`
 2 warnings found (use docker --debug to expand):
 - FromAsCasing: x (line 1)
 - UndefinedVar: y (line 2)
`);
});
