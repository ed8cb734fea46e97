import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { filesOfShard, type ShardingStrategy, shardFrom } from "./test-shards.ts";
import { runTests, type ShellCall, type ToolIo } from "./tests-run.ts";

const names = fc.uniqueArray(fc.stringMatching(/^[a-z/._ ]{1,12}$/), { maxLength: 40 });
const count = fc.integer({ min: 1, max: 8 });
const shards = (files: readonly string[], n: number, strategy: ShardingStrategy): string[][] =>
  Array.from({ length: n }, (_, index) => filesOfShard(files, { index, count: n }, strategy));

describe("shards of test files", () => {
  it("hold every file exactly once, with both strategies", () => {
    fc.assert(
      fc.property(names, count, fc.constantFrom<ShardingStrategy>("equal-distribution", "stability"), (files, n, s) => {
        expect(shards(files, n, s).flat().sort()).toEqual([...files].sort());
      }),
    );
  });

  it("differ by one file at most and keep neighbours together under equal-distribution", () => {
    expect(shards(["d", "b", "a", "c", "e"], 2, "equal-distribution")).toEqual([
      ["a", "b"],
      ["c", "d", "e"],
    ]);
    fc.assert(
      fc.property(names, count, (files, n) => {
        const sizes = shards(files, n, "equal-distribution").map(({ length }) => length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("under stability, a file that comes moves no other, and one more shard only takes", () => {
    fc.assert(
      fc.property(names, count, fc.stringMatching(/^[A-Z]{3}$/), (files, n, more) => {
        const before = shards(files, n, "stability");
        const after = shards([...files, more], n, "stability");
        expect(after.map((part) => part.filter((file) => file !== more))).toEqual(before);
        for (const [index, part] of shards(files, n + 1, "stability")
          .slice(0, n)
          .entries()) {
          expect(part.filter((file) => !before[index]?.includes(file))).toEqual([]);
        }
      }),
    );
  });

  it("are one outside a fan-out", () => {
    expect(shardFrom({})).toEqual({ index: 0, count: 1 });
    expect(shardFrom({ KILN_SHARD_INDEX: "2", KILN_SHARD_COUNT: "3" })).toEqual({ index: 2, count: 3 });
    expect(shardFrom({ KILN_SHARD_INDEX: "3", KILN_SHARD_COUNT: "3" })).toEqual({ index: 0, count: 1 });
  });
});

describe("codebuild-tests-run", () => {
  const tool = async (argv: readonly string[], search: { exitCode: number; output: string }, variables = {}) => {
    const said: string[] = [];
    const calls: ShellCall[] = [];
    const io: ToolIo = {
      variables,
      cwd: "/",
      say: (line) => void said.push(line),
      run: async (call) => {
        calls.push(call);
        return call.capture ? search : { exitCode: 7, output: "" };
      },
    };
    return { exitCode: await runTests(argv, io), said, calls };
  };
  const argv = ["--test-command", "npx jest", "--files-search=find . -name x"];

  it("appends the shard's files to the command and names them in the environment", async () => {
    const output = "b.js\na b.js\n\nc.js\nb.js\n";
    const { exitCode, said, calls } = await tool(
      argv,
      { exitCode: 0, output },
      {
        KILN_SHARD_INDEX: "1",
        KILN_SHARD_COUNT: "2",
      },
    );
    expect(exitCode).toBe(7);
    expect(said).toEqual(["shard 2 of 2: 2 of 3 files (equal-distribution)"]);
    expect(calls).toEqual([
      { text: "find . -name x", words: [], variables: {}, capture: true },
      {
        text: 'npx jest "$@"',
        words: ["b.js", "c.js"],
        variables: { CODEBUILD_CURRENT_SHARD_FILES: "b.js\nc.js" },
        capture: false,
      },
    ]);
  });

  it("runs nothing in a shard without files", async () => {
    const variables = { KILN_SHARD_INDEX: "0", KILN_SHARD_COUNT: "2" };
    const { exitCode, calls } = await tool(argv, { exitCode: 0, output: "a\n" }, variables);
    expect([exitCode, calls.length]).toEqual([0, 1]);
  });

  it.each([
    [["--files-search", "x"], "--test-command is missing"],
    [["--test-command", "x"], "--files-search is missing"],
    [["--test-command"], "--test-command needs a value"],
    [["-x"], "unknown argument -x, expected --test-command, --files-search, --sharding-strategy"],
    [[...argv, "--sharding-strategy", "luck"], "--sharding-strategy is luck, expected equal-distribution or stability"],
  ])("refuses %j", async (words, message) => {
    expect(await tool(words, { exitCode: 0, output: "a" })).toEqual({ exitCode: 2, said: [message], calls: [] });
  });

  it("fails with the search, and when nothing is found", async () => {
    expect(await tool(argv, { exitCode: 4, output: "" })).toMatchObject({
      exitCode: 4,
      said: ["the files search ended with exit status 4: find . -name x"],
    });
    expect(await tool(argv, { exitCode: 0, output: "\n" })).toMatchObject({
      exitCode: 1,
      said: ["the files search found no file: find . -name x"],
    });
  });
});
