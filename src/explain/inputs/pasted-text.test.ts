/** What a page or a mail puts around a log is taken off; what only looks alike stays. */
import { describe, expect, it } from "vitest";
import { explainBuild, readEvidence } from "../index.ts";
import { unwrapped } from "./pasted-text.ts";

const LINES = [
  "[Container] 2026/01/02 03:04:05.100001 Phase complete: DOWNLOAD_SOURCE State: SUCCEEDED",
  "[Container] 2026/01/02 03:04:05.100001 Phase context status code:  Message: ",
  "[Container] 2026/01/02 03:04:05.100001 Entering phase BUILD",
  "[Container] 2026/01/02 03:04:05.100001 Running command npm ci && npm test",
  "npm error code EUSAGE",
  "npm error `npm ci` can only install packages when your package.json and package-lock.json are in sync.",
  "npm error Missing: left-pad@1.3.0 from lock file",
  "",
  "[Container] 2026/01/02 03:04:06.100001 Command did not exit successfully npm ci && npm test exit status 1",
  "[Container] 2026/01/02 03:04:06.100001 Phase complete: BUILD State: FAILED",
  "[Container] 2026/01/02 03:04:06.100001 Phase context status code: COMMAND_EXECUTION_ERROR Message: Error while executing command: npm ci && npm test. Reason: exit status 1",
];
const LOG = LINES.join("\n");
const escaped = LOG.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
const numbered = LINES.map((line, index) => `${index + 7} | ${line}`);

const PASTES: readonly (readonly [string, string])[] = [
  ["nothing around it", LOG],
  ["blanks at the ends of its lines", LINES.map((line) => `${line} `).join("\n")],
  ["a code fence in a question", `it fails:\n\n\`\`\`text\n${LOG}\n\`\`\`\n\nany idea?\n`],
  ["a quote", LINES.map((line) => `> ${line}`).join("\n")],
  ["a quote of a quote", LINES.map((line) => `> > ${line}`).join("\n")],
  ["a code block", LINES.map((line) => `    ${line}`).join("\n")],
  ["the console's line numbers", numbered.join("\n")],
  ["line numbers with tabs", LINES.map((line, index) => `${index + 1}\t${line}`).join("\n")],
  [
    "a Markdown table",
    [LINES[0], "--", ...numbered.slice(1).map((line) => line.replace(/^\d+ \| (?=$)/, ""))].join("\n"),
  ],
  ["a page's tags", `<html>\n<body>\n\n${LOG}\n\n<br class="x">\n</body>\n</html>\n`],
  ["a page's tags and entities", `<pre>\n${escaped}\n</pre>`],
  ["entities", escaped],
  ["its first character lost", LOG.slice(1)],
];

describe("unwrapped", () => {
  it.each(PASTES)("reads a log with %s", (_, text) => {
    const { kind, builds } = readEvidence(text);
    expect({ kind, builds: builds.length }).toEqual({ kind: "log", builds: 1 });
    expect(builds[0] && explainBuild(builds[0])).toMatchObject({
      code: "commands/tool-failed",
      cause: "package-lock.json does not fit package.json: Missing: left-pad@1.3.0 from lock file",
    });
    const finished = builds[0]?.events.find((event) => event.type === "command-finished");
    expect(finished).toMatchObject({ command: "npm ci && npm test", exitStatus: 1 });
  });

  it("takes a numbered line for output also where CodeBuild's own line has no number", () => {
    const text = `${LINES.slice(2, 3).join("\n")}\n[Container] 2026/01/02 03:04:05.100001 Running command sort a \\| uniq\n--\n12 | sort: a \\| b\n13 |  \n`;
    expect(unwrapped(text)).toContain("\nsort: a | b\n");
  });

  it.each([
    [
      "a Dockerfile's excerpt",
      "ERROR: x\n--------------------\n  11 |     COPY a b\n  12 | >>> RUN make\n--------------------",
    ],
    ["what npm runs", "> shop@1.0.0 build\n> tsc\n\nsrc/a.ts(1,1): error TS1005: ';' expected."],
    ["an XML file", '<a b="1">&lt;x&gt;</a>'],
    ["a shell's `&&` beside an entity", "echo a && echo &lt;b&gt;"],
    ["a rule of dashes", "a\n-----\nb"],
  ])("leaves %s as it is", (_, text) => {
    expect(unwrapped(text)).toBe(text);
  });

  it("reads a build's record out of a code fence", () => {
    const record = JSON.stringify({ builds: [{ id: "shop:1", buildStatus: "SUCCEEDED", phases: [] }] }, undefined, 2);
    expect(readEvidence(`\`\`\`json\n${record}\n\`\`\`\n`)).toMatchObject({
      kind: "build",
      builds: [{ build: { id: "shop:1" } }],
    });
  });
});
