/** C and C++ (gcc, clang, ld, cmake), .NET, Swift: errors as `file:line:column: error`. Sources: https://gcc.gnu.org/onlinedocs/gcc/, https://learn.microsoft.com/dotnet/csharp/language-reference/compiler-messages/ */
import { place, placed } from "../code-places.ts";
import { knownTrouble, quote, short } from "../known-trouble.ts";
import { lineReader } from "../line-reader.ts";
import { MAX_LINES, type ToolReader } from "../tool-failure.ts";
import { find, findAll } from "../tool-log.ts";

const ERROR =
  /^(?:In file included from .+)?((?:\/|[\w.~+-]+\/)?[^\s:()]{1,300}?):(\d+):(?:(\d+):)? (?:fatal )?error: (.+)$/;

export const gcc: ToolReader = {
  tool: "gcc",
  marks: [" error: ", "undefined reference to", "ld: "],
  read(log) {
    const errors = findAll(log, " error: ", ERROR, 100).filter(
      ({ match }) => !/\.(?:java|scala|kt|groovy|py|go)$/.test(match[1] ?? ""),
    );
    const [first] = errors;
    if (first) {
      const header = /^(?:'?(\S+?\.h(?:pp|xx)?)'? file not found|(\S+\.h(?:pp|xx)?): No such file or directory)/.exec(
        first.match[4] ?? "",
      );
      const source = [1, 2]
        .map((below) => first.at + below)
        .filter((at) => /^\s*(?:\d+ )?\||^\s+\S|\^/.test(log.lines[at] ?? "") && !ERROR.test(log.lines[at] ?? ""));
      const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
      const name = header?.[1] ?? header?.[2];
      return {
        rank: "verdict",
        at: first.at,
        to: errors.at(-1)?.at ?? first.at,
        lines: [first.at, ...source, ...errors.slice(1, 3).map(({ at }) => at)]
          .sort((a, b) => a - b)
          .slice(0, MAX_LINES),
        kind: header ? "dependency-not-found" : "compile-error",
        headline: header
          ? `the compiler finds no header ${quote(name)}`
          : `the compiler says: ${short(first.match[4])}${more}`,
        ...placed(place(first.match[1], first.match[2], first.match[3])),
        ...(header
          ? {
              next: `install the package that has it in the install phase (\`…-dev\` on Debian and Ubuntu, \`…-devel\` on Amazon Linux)`,
            }
          : {}),
      };
    }
    const undefined_ = find(
      log,
      "undefined reference to",
      /(?:(\S+\.(?:c|cc|cpp|cxx|o)):)?.*undefined reference to [`'‘](.+?)['’]/,
    );
    const library = find(log, "cannot find -l", /ld: cannot find -l(\S+?)(?::|$)/);
    const found = undefined_ ?? library;
    if (!found) return undefined;
    const end = find(log, "ld returned", /ld returned \d+ exit status/, found.at);
    return {
      rank: "verdict",
      at: found.at,
      to: end?.at ?? found.at,
      lines: [found.at, ...(end ? [end.at] : [])],
      kind: library === found ? "dependency-not-found" : "compile-error",
      headline:
        library === found
          ? `the linker finds no library ${quote(library.match[1])}`
          : `the linker finds no definition of ${quote(found.match[2])}`,
      next:
        library === found
          ? "install the package that has it in the install phase (`…-dev`, `…-devel`)"
          : "link the file or library that defines it (`-l…`, behind the objects that need it)",
    };
  },
};

export const cmake = lineReader("cmake", [
  {
    mark: "CMake Error at ",
    pattern: /^CMake Error at (\S+?):(\d+) \((\w+)\):/,
    kind: "configuration",
    say: ([, file, line, what]) => `cmake failed in ${quote(what)} (${file}:${line})`,
    place: ([, file, line]) => place(file, line) ?? { file: file ?? "CMakeLists.txt" },
    below: /^ {2}\S/,
  },
  {
    mark: "CMake Error: ",
    pattern: /^CMake Error: (.+)$/,
    kind: ([, text]) => (/does not appear to contain CMakeLists/.test(text ?? "") ? "file-not-found" : "configuration"),
    say: ([, text]) => `cmake failed: ${short(text)}`,
  },
]);

const DOTNET =
  /^\s*(?:\d+>)?(.+?\.(?:cs|vb|fs|csproj|fsproj|vbproj|proj|sln|targets|props))(?:\((\d+)(?:,(\d+))?\))? ?: error (\w+): (.+?)(?: \[(.+?)\])?$/;

/** dotnet: compiler CS, NuGet NU, MSBuild MSB, SDK NETSDK; tests of `dotnet test`. */
export const dotnet: ToolReader = {
  tool: "dotnet",
  marks: [
    ": error ",
    "error MSB",
    "error NU",
    "Failed!  - Failed:",
    "A compatible .NET SDK was not found",
    "A compatible installed .NET",
    "Test Run Failed",
  ],
  read(log) {
    const errors = findAll(log, "error ", DOTNET, 200);
    const seen = new Set<string>();
    const unique = errors.filter(
      ({ match }) => !seen.has(`${match[1]}${match[2]}${match[4]}`) && seen.add(`${match[1]}${match[2]}${match[4]}`),
    );
    const [first] = unique;
    if (first) {
      const [, file, line, column, code = "", text = ""] = first.match;
      const trouble = knownTrouble(text);
      const isNu = code.startsWith("NU");
      // MSBuild ran a program: what that printed stands above.
      const ran = code === "MSB3073" ? /exited with code (\d+)/.exec(text)?.[1] : undefined;
      return {
        rank: ran === undefined ? "verdict" : "wrapper",
        at: first.at,
        to: errors.at(-1)?.at ?? first.at,
        lines: unique.slice(0, MAX_LINES).map(({ at }) => at),
        kind:
          code === "NU1301" || code === "NU1302"
            ? (trouble?.kind ?? "network")
            : code === "NU1004" || code === "NU1403"
              ? "lock-out-of-date"
              : isNu
                ? /^NU11(?:07|08|06)|^NU1605/.test(code)
                  ? "dependency-conflict"
                  : "dependency-not-found"
                : /^NETSDK1045|^NETSDK1141/.test(code)
                  ? "version-mismatch"
                  : /^CS|^FS|^BC/.test(code)
                    ? code === "CS0246" || code === "CS0234"
                      ? "compile-error"
                      : "compile-error"
                    : "configuration",
        ...(ran === undefined ? {} : { within: ["a command of MSBuild"] }),
        headline: `dotnet: ${short(text)} (${code})${unique.length > 1 ? ` (and ${unique.length - 1} more)` : ""}`,
        ...placed(place(file, line, column)),
        ...(code === "NETSDK1045"
          ? { next: "choose the SDK under `phases.install.runtime-versions.dotnet`" }
          : trouble?.next === undefined
            ? {}
            : { next: trouble.next }),
      };
    }
    const sdk = find(
      log,
      "compatible",
      /^A compatible (?:installed )?\.NET (?:Core )?SDK (?:for global\.json version: \[([^\]]+)\] )?.*was not found|A compatible .NET SDK was not found/,
    );
    if (sdk)
      return {
        rank: "verdict",
        at: sdk.at,
        lines: [sdk.at, sdk.at + 1, sdk.at + 2, sdk.at + 3]
          .filter((at) => (log.lines[at] ?? "").trim() !== "")
          .slice(0, MAX_LINES),
        kind: "version-mismatch",
        headline: "the SDK that global.json names is not installed",
        next: "choose it under `phases.install.runtime-versions.dotnet`, or change global.json",
      };
    const bare = find(log, "error ", /^(?:MSBUILD : )?error (MSB\d+|NU\d+): (.+)$/);
    if (bare)
      return {
        rank: "verdict",
        at: bare.at,
        lines: [bare.at],
        kind: bare.match[1] === "MSB1003" || bare.match[1] === "MSB1009" ? "file-not-found" : "configuration",
        headline: `dotnet: ${short(bare.match[2])} (${bare.match[1]})`,
      };
    const test = find(log, "Failed ", /^\s*Failed (\S.*?) \[[^\]]+\]$/);
    if (!test) return undefined;
    const said = find(log, "Error Message:", /^\s*Error Message:$/, test.at);
    const frame = find(log, ":line ", / in (.+):line (\d+)$/, test.at);
    const total =
      find(log, "Failed!", /^Failed!\s+- Failed:\s+(\d+)/, test.at) ??
      find(log, "Failed: ", /^\s*Failed: (\d+)/, test.at);
    const more = Number(total?.match[1] ?? 1) - 1;
    return {
      rank: "verdict",
      at: test.at,
      to: total?.at ?? test.at + 10,
      lines: [
        test.at,
        ...(said
          ? [
              said.at + 1,
              ...(/^\s+\S/.test(log.lines[said.at + 2] ?? "") && !/Stack Trace/.test(log.lines[said.at + 2] ?? "")
                ? [said.at + 2]
                : []),
            ]
          : []),
        ...(frame ? [frame.at] : []),
        ...(total ? [total.at] : []),
      ].slice(0, MAX_LINES),
      kind: "test-failure",
      headline: `the test ${quote(test.match[1])} failed: ${quote(said ? log.lines[said.at + 1] : "")}${more > 0 ? ` (and ${more} more)` : ""}`,
      ...placed(frame && place(frame.match[1], frame.match[2])),
    };
  },
};

export const swift = lineReader("swift", [
  {
    mark: ".swift:",
    pattern: /^(\S+\.swift):(\d+):(\d+): error: (.+)$/,
    kind: "compile-error",
    say: ([, , , , text]) => `swift does not compile: ${short(text)}`,
    place: ([, file, line, column]) => place(file, line, column),
  },
]);
