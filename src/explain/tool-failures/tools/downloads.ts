/** curl, wget, tar, unzip, zip: a download that was no archive is the usual cause of the second. Source: https://curl.se/libcurl/c/libcurl-errors.html */
import { knownTrouble, quote, short } from "../known-trouble.ts";
import { lineReader } from "../line-reader.ts";
import type { ToolReader } from "../tool-failure.ts";
import { find } from "../tool-log.ts";

export const curl = lineReader("curl", [
  {
    mark: "curl: (",
    pattern: /^curl: \((\d+)\) The requested URL returned error: (\d+)(.*)$/,
    kind: ([, , status]) =>
      status === "401"
        ? "authentication"
        : status === "403"
          ? "permission"
          : status === "429"
            ? "rate-limit"
            : status === "404"
              ? "dependency-not-found"
              : "network",
    say: ([, , status, text]) => `curl: the server answered ${status}${text?.trim() ? ` (${short(text)})` : ""}`,
    next: "print the URL it asks for: a variable in it may be empty, or a version gone",
  },
  {
    mark: "curl: (",
    pattern: /^curl: \((23)\) (.+)$/,
    rank: "symptom",
    kind: "disk-full",
    say: ([, , text]) => `curl could not write: ${short(text)}`,
    next: "what it pipes into ended before, or the disk is full",
  },
  {
    mark: "curl: (",
    pattern: /^curl: \((\d+)\) (.+)$/,
    kind: ([, code, text]) =>
      code === "6" ? "network" : code === "60" || code === "35" ? "tls" : (knownTrouble(text ?? "")?.kind ?? "network"),
    say: ([, code, text]) => `curl failed: ${short(text)} (${code})`,
  },
  {
    mark: "curl: option ",
    pattern: /^curl: option (.+)$/,
    kind: "usage",
    say: ([, text]) => `curl does not accept an option: ${short(text)}`,
  },
]);

export const wget = lineReader("wget", [
  {
    mark: "ERROR ",
    pattern: /(?:^| )ERROR (\d{3}): (.+)$/,
    kind: ([, status]) =>
      status === "404"
        ? "dependency-not-found"
        : status === "401"
          ? "authentication"
          : status === "403"
            ? "permission"
            : status === "429"
              ? "rate-limit"
              : "network",
    say: ([, status, text]) => `wget: the server answered ${status} ${short(text?.replace(/\.$/, ""))}`,
    next: "print the URL it asks for: a variable in it may be empty, or a version gone",
  },
  {
    mark: "wget: ",
    pattern:
      /^wget: (unable to resolve host address .+|server returned error: .+|bad address .+|can't connect .+|unrecognized option.+)$/,
    kind: ([, text]) => (/40[34]/.test(text ?? "") ? "dependency-not-found" : "network"),
    say: ([, text]) => `wget failed: ${short(text)}`,
  },
]);

const ARCHIVE = lineReader("tar", [
  {
    mark: "gzip: stdin: not in gzip format",
    pattern: /^gzip: stdin: not in gzip format/,
    kind: "runtime-error",
    say: () => "the archive is no gzip file",
    next: "see what was downloaded (`file`, `head -c 300`): `curl` without `-f` saves a page of the server that says 404",
    below: /^tar: (?!Exiting|Error is not)/,
  },
  {
    mark: "This does not look like a tar archive",
    pattern: /^tar: This does not look like a tar archive/,
    kind: "runtime-error",
    say: () => "the archive is no tar file",
    next: "see what was downloaded (`file`, `head -c 300`): `curl` without `-f` saves a page of the server that says 404",
  },
  {
    mark: "nexpected end of file",
    pattern: /^gzip: (\S+): unexpected end of file/,
    kind: "runtime-error",
    say: () => "the archive ends too early: it was not downloaded whole",
    below: /^tar: Unexpected EOF/,
  },
  {
    mark: "tar (child): ",
    pattern: /^tar \(child\): (\S+): Cannot open: No such file or directory/,
    kind: "file-not-found",
    say: ([, file]) => `tar finds no file ${quote(file)}`,
  },
  {
    mark: "tar (child): ",
    pattern: /^tar \(child\): (\S+): Cannot exec: No such file or directory/,
    kind: "command-not-found",
    say: ([, name]) => `tar needs ${quote(name)}, which is not installed where the build runs`,
  },
  {
    mark: "tar: ",
    pattern: /^tar: (\S+): (?:Cannot (?:stat|open): No such file or directory|Not found in archive)/,
    kind: "file-not-found",
    say: ([, file]) => `tar finds no ${quote(file)}`,
    next: "was it built before, and in the folder the command runs in?",
  },
  {
    mark: "unzip: ",
    pattern: /^unzip:\s+cannot find or open (\S+?),/,
    kind: "file-not-found",
    say: ([, file]) => `unzip finds no file ${quote(file)}`,
  },
  {
    mark: "End-of-central-directory signature not found",
    pattern: /^\s+End-of-central-directory signature not found/,
    kind: "runtime-error",
    say: () => "the archive is no zip file",
    next: "see what was downloaded (`file`, `head -c 300`): `curl` without `-f` saves a page of the server that says 404",
    below: /^unzip:/,
  },
  {
    mark: "zip error: ",
    pattern: /^zip error: (Nothing to do!.*|.+)$/,
    kind: ([, text]) => (text?.startsWith("Nothing to do") ? "file-not-found" : "runtime-error"),
    say: ([, text]) => `zip failed: ${short(text)}`,
    next: "was what it packs built before, and in the folder the command runs in?",
  },
]);

export const archives: ToolReader = {
  tool: "tar",
  marks: ARCHIVE.marks,
  read(log) {
    const reading = ARCHIVE.read(log);
    if (!reading) return undefined;
    const line = log.lines[reading.at] ?? "";
    const above = find(log, "zip warning: name not matched", /zip warning: name not matched: (.+)$/);
    const tool = /^unzip|central-directory/.test(line.trim()) ? "unzip" : line.startsWith("zip ") ? "zip" : "tar";
    return {
      ...reading,
      tool,
      ...(tool === "zip" && above && above.at < reading.at
        ? { lines: [above.at, reading.at], headline: `zip finds no ${quote(above.match[1])}: nothing to pack` }
        : {}),
    };
  },
};
