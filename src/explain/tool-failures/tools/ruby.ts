/** Ruby: exceptions, syntax, rspec, minitest. Source: https://rspec.info */

import { place, placed } from "../code-places.ts";
import { knownTrouble, quote, short } from "../known-trouble.ts";
import type { ToolReader } from "../tool-failure.ts";
import { find, lineAfter } from "../tool-log.ts";

const RUBY = /^(?:(<internal:.{1,200}>|\S[^:]{0,300}):(\d+):in [`'](.+?)': )?(.+) \(((?:[A-Z]\w*(?:::)?)+)\)$/;

export const ruby: ToolReader = {
  tool: "ruby",
  marks: ["Error)", "Exception)", "syntax error,", ") Failure:", "Failures:"],
  read(log) {
    const rspec = find(log, "Failure/Error:", /^\s+Failure\/Error: (.+)$/);
    if (rspec) {
      const frame = find(log, "# ", /^\s+# (\.?\/?\S+\.rb):(\d+):in/, rspec.at);
      const count = find(log, " failure", /^\d+ examples?, (\d+) failures?/, rspec.at);
      const title = find(log, "1) ", /^\s+1\) (.+)$/);
      const said = lineAfter(log, rspec.at, (line) => line.trim() !== "", 4);
      const more = Number(count?.match[1] ?? 1) - 1;
      return {
        rank: "verdict",
        tool: "rspec",
        at: rspec.at,
        to: count?.at ?? rspec.at,
        lines: [
          ...(title && title.at < rspec.at ? [title.at] : []),
          rspec.at,
          ...(said === undefined ? [] : [said]),
          ...(frame ? [frame.at] : []),
          ...(count ? [count.at] : []),
        ].slice(0, 5),
        kind: "test-failure",
        headline: `the test ${quote(title?.match[1])} failed: ${quote(log.lines[said ?? rspec.at], 160)}${more > 0 ? ` (and ${more} more)` : ""}`,
        ...placed(frame && place(frame.match[1], frame.match[2])),
      };
    }
    const minitest = find(log, "1) ", /^\s+1\) (?:Failure|Error):$/);
    if (minitest) {
      const [, name, file, line] =
        /^(\S+) \[(\S+?):(\d+)\]:/.exec(log.lines[minitest.at + 1] ?? "") ??
        /^(\S+?):?$/.exec(log.lines[minitest.at + 1] ?? "") ??
        [];
      const count = find(
        log,
        " failures, ",
        /^\d+ (?:runs|tests), \d+ assertions, (\d+) failures, (\d+) errors/,
        minitest.at,
      );
      const more = Number(count?.match[1] ?? 1) + Number(count?.match[2] ?? 0) - 1;
      const said = [2, 3].map((below) => minitest.at + below).filter((at) => (log.lines[at] ?? "").trim() !== "");
      return {
        rank: "verdict",
        tool: "minitest",
        at: minitest.at,
        to: count?.at ?? minitest.at + 4,
        lines: [minitest.at + 1, ...said, ...(count ? [count.at] : [])],
        kind: "test-failure",
        headline: `the test ${quote(name)} failed: ${quote(said.map((at) => (log.lines[at] ?? "").trim()).join(", "))}${more > 0 ? ` (and ${more} more)` : ""}`,
        ...placed(place(file, line)),
      };
    }
    const syntax =
      find(
        log,
        "syntax error,",
        /^(?:\S+: )?(\S+\.rb|Rakefile|Gemfile):(\d+): (?:--> .+|syntax errors? ?.+|warning: .+)$/,
      ) ?? find(log, "syntax error", /^(\S+\.rb|Rakefile):(\d+): (syntax error, .+)$/);
    if (syntax && /syntax error/.test(syntax.match[0]))
      return {
        rank: "verdict",
        at: syntax.at,
        lines: [syntax.at, syntax.at + 1],
        kind: "syntax",
        headline: `ruby cannot read the source: ${short(syntax.match[0].replace(/^\S+:\d+: /, ""))}`,
        ...placed(place(syntax.match[1], syntax.match[2])),
      };
    const found = find(log, "Error)", RUBY) ?? find(log, "Exception)", RUBY);
    if (!found) return undefined;
    const [, file, line, , text, name] = found.match;
    const frames = [found.at, ...Array.from({ length: 12 }, (_, index) => found.at + 1 + index)]
      .map((at) => ({ at, match: /^\s*(?:from )?(\S[^:<>]{0,300}):(\d+):in/.exec(log.lines[at] ?? "") }))
      .filter(({ match, at }) => match && (at === found.at || /^\s+from /.test(log.lines[at] ?? "")));
    const own = frames
      .map(({ at, match }) => ({ at, place: place(match?.[1], match?.[2]) }))
      .find((frame) => frame.place);
    if (frames.length === 0 && file === undefined) return undefined;
    const missing = /cannot load such file -- (\S+)/.exec(text ?? "")?.[1];
    return {
      rank: "verdict",
      at: found.at,
      lines: [found.at, ...(own && own.at !== found.at ? [own.at] : [])],
      kind: missing === undefined ? (knownTrouble(text ?? "")?.kind ?? "runtime-error") : "dependency-not-found",
      headline:
        missing === undefined
          ? `ruby ended with ${quote(`${name}: ${text}`, 200)}`
          : `ruby finds no ${quote(missing)} to load`,
      ...(missing === undefined
        ? {}
        : { next: "add its gem to the Gemfile and run `bundle install`, or run the script with `bundle exec`" }),
      ...placed(own?.place ?? place(file, line)),
    };
  },
};
