/** What no tool claims: signals, memory, disk, names, TLS, limits of servers. Source: https://man7.org/linux/man-pages/man7/signal.7.html */
import { knownTrouble, quote, short } from "../known-trouble.ts";
import type { Reading, ToolFailureKind, ToolReader } from "../tool-failure.ts";
import { find, findAll, type ToolLog } from "../tool-log.ts";

const KILLED =
  /^\s*(?:(\S{1,300}): (?:line )?\d+: )?(?:\s*\d+ )?\s*(Killed|Segmentation fault|Aborted|Bus error|Illegal instruction|Terminated)(?:\s+\(core dumped\))?(?:\s+(.+))?$/;

export const signals: ToolReader = {
  tool: "process",
  marks: [
    "Killed",
    "Segmentation fault",
    "Aborted",
    "Bus error",
    "Illegal instruction",
    "Terminated",
    "OOMKilled",
    "signal: killed",
    "signal 9",
  ],
  read(log): Reading | undefined {
    const found = ["Killed", "Segmentation fault", "Aborted", "Bus error", "Illegal instruction", "Terminated"]
      .flatMap((mark) => find(log, mark, KILLED) ?? [])
      .sort((a, b) => a.at - b.at)[0];
    const other = find(log, "ignal", /(signal: killed|terminated by signal 9|died with <Signals\.SIGKILL|OOMKilled)/);
    const at = found?.at ?? other?.at;
    if (at === undefined) return undefined;
    const what = found?.match[2] ?? "Killed";
    const name = found?.match[3];
    const [kind, said] = MEANING[what] ?? ["crash", "crashed"];
    return {
      rank: "verdict",
      at,
      lines: [at],
      kind,
      headline: `${name === undefined ? "a process" : quote(name)} ${said}`,
      ...(kind === "out-of-memory"
        ? { next: "run less at the same time, limit the tool's memory, or take a larger compute type" }
        : {}),
    };
  },
};

const MEANING: Readonly<Record<string, readonly [ToolFailureKind, string]>> = {
  Killed: ["out-of-memory", "was killed (SIGKILL): most often because memory ran out"],
  "Segmentation fault": ["crash", "crashed (segmentation fault)"],
  Aborted: ["crash", "aborted itself (SIGABRT)"],
  "Bus error": ["crash", "crashed (bus error)"],
  "Illegal instruction": ["crash", "uses instructions that this processor does not have"],
  Terminated: ["terminated", "was terminated (SIGTERM)"],
};

const MARKS = [
  "No space left on device",
  "ENOSPC",
  "no space left on device",
  "OutOfMemoryError",
  "MemoryError",
  "Cannot allocate memory",
  "ENOMEM",
  "toomanyrequests",
  "429",
  "rate limit",
  "Rate limit",
  "ENOTFOUND",
  "EAI_AGAIN",
  "resolve host",
  "Temporary failure",
  "Name or service not known",
  "no such host",
  "UnknownHostException",
  "certificate",
  "x509: ",
  "ECONNREFUSED",
  "onnection refused",
  "ETIMEDOUT",
  "timed out",
  "i/o timeout",
  "ECONNRESET",
  "onnection reset",
  "401",
  "403",
  "EACCES",
  "ermission denied",
];

/** Lines that speak of errors, not of progress: a word of the kind, or the tool's name before a colon. */
const SPEAKS =
  /\b(?:error|fatal|fail(?:ed|ure)?|exception|cannot|can't|could not|unable|denied|refused|E[A-Z]{4,}|OSError|status)\b|^\S{1,60}: |No space left|Temporary failure|toomanyrequests|timed out|429|unknown authority/i;

export const system: ToolReader = {
  tool: "process",
  marks: MARKS,
  read(log: ToolLog): Reading | undefined {
    let first: Reading | undefined;
    for (const mark of MARKS) {
      for (const { at } of findAll(log, mark, SPEAKS, 5)) {
        if (first && first.at <= at) break;
        const line = log.lines[at] ?? "";
        const trouble = /\bretrying\b|^\s*(?:WARN|warning\b)/i.test(line) ? undefined : knownTrouble(line);
        if (!trouble) continue;
        first = {
          rank: "symptom",
          at,
          lines: [at],
          kind: trouble.kind,
          headline: `${trouble.what}: ${quote(short(line, 160), 160)}`,
          ...(trouble.next === undefined ? {} : { next: trouble.next }),
        };
        break;
      }
    }
    return first;
  },
};
