import { expect, it } from "vitest";
import { didYouMean, goDuration, goQuoted, goQuotedRune, goSet, parseGoDuration } from "./go-text.ts";

it("quotes as Go does", () => {
  expect(goQuoted('a "b" \\ \n\t\u0001é')).toBe('"a \\"b\\" \\\\ \\n\\t\\x01é"');
  expect([0, 2, 10, 39, 65].map(goQuotedRune)).toEqual(["'\\x00'", "'\\x02'", "'\\n'", "'\\''", "'A'"]);
  expect(goSet(["80/tcp", "53/udp", "80/tcp"])).toBe("map[53/udp:{} 80/tcp:{}]");
});

it("prints and reads durations", () => {
  expect([0, 5e9, 9e10, 6e10, 1.5e9, 1e8, 1e3, 3.6e12].map(goDuration)).toEqual([
    ...["0s", "5s", "1m30s", "1m0s", "1.5s", "100ms", "1µs", "1h0m0s"],
  ]);
  expect(["1m30s", "1.5h", "100ms", "0", "5", "x", "-1s"].map(parseGoDuration)).toEqual([
    ...[9e10, 5.4e12, 1e8, 0, undefined, undefined, -1e9],
  ]);
});

it("proposes what is near", () => {
  expect(didYouMean("COP", ["COPY", "CMD"], false)).toBe(" (did you mean COPY?)");
  expect(didYouMean("wholly", ["COPY", "CMD"], false)).toBe("");
});
