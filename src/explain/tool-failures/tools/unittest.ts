/** Python's unittest: the first failing test with its traceback. Source: https://docs.python.org/3/library/unittest.html */
import { quote } from "../known-trouble.ts";
import type { ToolReader } from "../tool-failure.ts";
import { find, findAll } from "../tool-log.ts";
import { traceAt } from "./python.ts";

export const unittest: ToolReader = {
  tool: "unittest",
  marks: ["FAILED (failures=", "FAILED (errors="],
  read(log) {
    const result = find(log, "FAILED (", /^FAILED \((?:failures|errors)=/);
    const titles = findAll(log, ": ", /^(?:ERROR|FAIL): (\S+) \(/, 200).filter(
      ({ at }) =>
        /^-{20,}$/.test(log.lines[at + 1] ?? log.lines[at + 2] ?? "") || /^-{20,}$/.test(log.lines[at + 2] ?? ""),
    );
    const [first] = titles;
    if (!result || !first) return undefined;
    const trace = find(log, "Traceback", /^Traceback \(most/, first.at);
    const inside = trace && traceAt(log, trace.at);
    const more = titles.length > 1 ? ` (and ${titles.length - 1} more)` : "";
    const failure = inside?.to === undefined ? "" : (log.lines[inside.to] ?? "");
    return {
      rank: "verdict",
      at: first.at,
      from: first.at - 1,
      to: result.at,
      lines: [first.at, ...(inside?.lines ?? []), result.at].slice(0, 5),
      ...(inside?.place ? { place: inside.place } : {}),
      kind: inside?.kind === "dependency-not-found" ? "dependency-not-found" : "test-failure",
      headline: `the test ${quote(first.match[1])} failed: ${quote(failure)}${more}`,
      ...(inside?.next === undefined ? {} : { next: inside.next }),
    };
  },
};
