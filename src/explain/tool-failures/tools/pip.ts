/**
 * pip (and uv, poetry, pipenv): what it could not find, fit together, build or write. What a build backend printed is the
 * cause of a failed wheel. Source: https://pip.pypa.io/en/stable/topics/dependency-resolution/
 */

import { place, placed } from "../code-places.ts";
import { command } from "../command-fix.ts";
import { knownTrouble, quote, short } from "../known-trouble.ts";
import { lineReader } from "../line-reader.ts";
import { MAX_LINES, type Reading, type ToolReader } from "../tool-failure.ts";
import { find, findAll, findBefore, lineAfter, type ToolLog } from "../tool-log.ts";

export const pip: ToolReader = {
  tool: "pip",
  marks: [
    "ERROR: ",
    "error: externally-managed-environment",
    "error: subprocess-exited-with-error",
    "error: metadata-generation-failed",
    "pip's dependency resolver",
  ],
  read(log) {
    const readings = [notFound, conflict, built, managed, hashes, oneLine].flatMap((read) => read(log) ?? []);
    readings.sort((a, b) => a.at - b.at);
    const [first] = readings;
    if (!first) return undefined;
    // Another attempt that worked.
    const done = find(log, "Successfully installed", /^Successfully installed /, first.to ?? first.at);
    return done && log.exitStatus !== 0 && find(log, "ERROR: ", /^ERROR: /, done.at) === undefined ? undefined : first;
  },
};

function notFound(log: ToolLog): Reading | undefined {
  const none = find(
    log,
    "No matching distribution",
    /^\s*(?:╰─> )?ERROR: No matching distribution found for (.+?)(?: \(from (.+)\))?$/,
  );
  if (!none) return undefined;
  const tried = findBefore(
    log,
    "Could not find a version",
    /^\s*ERROR: (?:Could not find a version that satisfies the requirement .+\(from versions: (.*)\)|Ignored the following versions)/,
    none.at,
  );
  const retry =
    findBefore(log, "Retrying (Retry(", /^WARNING: Retrying .+'[^']*?(?:\]|>): ?(.+)'/, none.at) ??
    findBefore(log, "Retrying (Retry(", /^WARNING: Retrying/, none.at);
  const trouble = retry && knownTrouble(log.lines[retry.at] ?? "");
  const name = none.match[1] ?? "";
  const bare = /^[\w.-]+(?:\[[^\]]*\])?/.exec(name)?.[0] ?? name;
  const versions = tried?.match[1];
  const python = findBefore(
    log,
    "Requires-Python",
    /Requires-Python (.+)$|require a different python version: (.+)$/,
    none.at,
  );
  const lines = [
    ...(retry && trouble ? [retry.at] : []),
    ...(python ? [python.at] : []),
    ...(tried && tried.at !== python?.at ? [tried.at] : []),
    none.at,
  ];
  if (trouble) {
    return {
      rank: "verdict",
      at: retry.at,
      to: none.at,
      lines,
      kind: trouble.kind,
      headline: `pip cannot reach its index for ${quote(name)}: ${trouble.what}`,
      ...(trouble.next ? { next: trouble.next } : {}),
    };
  }
  const isUnknown = versions === "none" || versions === undefined || versions === "";
  return {
    rank: "verdict",
    at: lines[0] ?? none.at,
    to: none.at,
    lines,
    kind: python ? "version-mismatch" : "dependency-not-found",
    headline: `pip finds no ${isUnknown ? "package" : "version"} ${quote(name)}${isUnknown ? "" : `; there are ${short(versions.split(", ").slice(-3).join(", "))}`}`,
    next: python
      ? "it wants another python: choose it under `phases.install.runtime-versions.python`, or an older version of the package"
      : isUnknown
        ? `is the name right, and is it for this python? see \`pip index versions ${bare}\`; a private index needs \`--index-url\``
        : `choose one of them in the requirements`,
  };
}

function conflict(log: ToolLog): Reading | undefined {
  const found = find(
    log,
    "conflicting dependencies",
    /^ERROR: Cannot install (.+) because these package versions have conflicting dependencies/,
  );
  const end = find(log, "ResolutionImpossible", /^ERROR: ResolutionImpossible/);
  if (!found) {
    const later = find(
      log,
      "pip's dependency resolver",
      /^ERROR: pip's dependency resolver does not currently take into account/,
    );
    // AWS's own images print this for tools nobody uses here; pip goes on.
    return (
      later && {
        rank: "symptom",
        at: later.at,
        lines: [later.at, later.at + 1],
        kind: "dependency-conflict",
        headline: `installed packages do not fit together: ${short(log.lines[later.at + 1])}`,
      }
    );
  }
  const start = find(log, "The conflict is caused by", /^The conflict is caused by:/, found.at);
  const causes = start ? findAll(log, " ", /^ {4}(?:The user requested|\S.* depends on) .+$/, 4, start.at) : [];
  return {
    rank: "verdict",
    at: found.at,
    to: end?.at ?? found.at,
    lines: [found.at, ...causes.filter(({ at }) => at <= (start?.at ?? 0) + 8).map(({ at }) => at)].slice(0, MAX_LINES),
    kind: "dependency-conflict",
    headline: `pip cannot fit the requirements together: ${causes.map(({ match }) => short(match[0])).join("; ") || short(found.match[1])}`,
    next: "loosen one of the pins, or take them out and let pip choose (`pip freeze` afterwards)",
  };
}

function built(log: ToolLog): Reading | undefined {
  const start = find(log, "subprocess-exited-with-error", /^(\s*)(?:× |╰─> )?error: subprocess-exited-with-error/);
  if (!start) return undefined;
  const what = find(log, "did not run successfully", /× (.+) did not run successfully/, start.at);
  const open = find(log, "lines of output]", /╰─> \[\d+ lines? of output\]/, start.at);
  const close = open && find(log, "[end of output]", /^\s*\[end of output\]/, open.at);
  const package_ =
    find(log, "ed building wheel", /ERROR: Failed building wheel for (\S+)/, start.at)?.match[1] ??
    findBefore(log, "Building wheel for ", /Building wheel for (\S+)/, start.at)?.match[1] ??
    findBefore(log, "ing ", /^\s*(?:Collecting|Processing|Obtaining) (\S+)/, start.at)?.match[1];
  const inside = open && close ? Array.from({ length: close.at - open.at - 1 }, (_, index) => open.at + 1 + index) : [];
  const last = inside.filter((at) => (log.lines[at] ?? "").trim() !== "").slice(-3);
  const error = inside.find((at) => /\berror: (?!command|subprocess)|(?:Error|Exception): /.test(log.lines[at] ?? ""));
  const end = findAll(
    log,
    "rror",
    /^(?:\s*ERROR: (?:Failed|Could not)|error: (?:metadata-generation-failed|failed-wheel)|hint: )/,
    6,
    close?.at ?? start.at,
  ).at(-1);
  return {
    rank: "verdict",
    at: start.at,
    to: end?.at ?? close?.at ?? start.at,
    lines: [...new Set([...(what ? [what.at] : []), ...(error === undefined ? [] : [error]), ...last])]
      .sort((a, b) => a - b)
      .slice(0, MAX_LINES),
    kind: "compile-error",
    headline: `pip could not build ${quote(package_)}`,
    inner: { lines: inside, strip: /^ {4,8}/ },
    within: [`building the python package ${quote(package_)}`],
    next: "install what its build needs (a compiler, headers `…-dev`), or take a version that has a wheel for this python",
  };
}

function managed(log: ToolLog): Reading | undefined {
  const found = find(log, "externally-managed-environment", /error: externally-managed-environment/);
  return (
    found && {
      rank: "verdict",
      at: found.at,
      to: lineAfter(log, found.at, (line) => line.startsWith("hint: "), 40) ?? found.at,
      lines: [
        found.at,
        ...[lineAfter(log, found.at, (line) => line.startsWith("× "))].filter((at) => at !== undefined),
      ],
      kind: "permission",
      headline: "the python of this image belongs to its system packages: pip may not install into it",
      why: "Debian and Ubuntu mark their python as externally managed (PEP 668)",
      fix: command("install into an environment of its own", "python3 -m venv .venv", ". .venv/bin/activate"),
      next: "or `pip install --break-system-packages`, which is fine in an image that is thrown away",
    }
  );
}

function hashes(log: ToolLog): Reading | undefined {
  const found =
    find(log, "DO NOT MATCH THE HASHES", /^ERROR: THESE PACKAGES DO NOT MATCH/) ??
    find(log, "--require-hashes", /^ERROR: (?:Hashes are required|In --require-hashes mode)/);
  if (!found) return undefined;
  const details = findAll(log, " ", /^ {4}\S.*$|^ {8}(?:Expected|\s+Got)/, 4, found.at + 1)
    .map(({ at }) => at)
    .filter((at) => at < found.at + 8);
  const name =
    /^\s+(\S+) from /.exec(log.lines[details[0] ?? 0] ?? "")?.[1] ??
    /^\s+(\S+)/.exec(log.lines[details[0] ?? 0] ?? "")?.[1];
  return {
    rank: "verdict",
    at: found.at,
    lines: [found.at, ...details],
    kind: "lock-out-of-date",
    headline: `the checksum of ${quote(name)} is not the one in the requirements`,
    next: "make the hashes anew (`pip-compile --generate-hashes`); if nobody changed the version, ask why the file did",
  };
}

const ONE_LINE =
  /^ERROR: (Could not open requirements file: .+|Invalid requirement: .+|Could not install packages due to an (?:OSError|EnvironmentError): .+|Package '.+' requires a different Python: .+|.+ requires Python .+ but the running Python is .+|HTTP error \d+ while getting .+|Could not find .+|.+ is not a supported wheel on this platform\.?|Directory '.+' is not installable\..*|File "setup\.py" .+ not found.*|Error \[Errno .+|.+ is not a valid editable requirement.*|unsatisfiable .+)$/;

function oneLine(log: ToolLog): Reading | undefined {
  const found = findAll(log, "ERROR: ", ONE_LINE, 3).find(
    ({ match }) => !match[1]?.startsWith("Could not find a version"),
  );
  if (!found) return undefined;
  const text = found.match[1] ?? "";
  const file = /requirements file: .+: '([^']+)'/.exec(text)?.[1];
  const at = /\(from line (\d+) of ([^)]+)\)/.exec(text);
  const trouble = knownTrouble(text);
  const base = { rank: "verdict" as const, at: found.at, lines: [found.at] };
  if (file !== undefined)
    return {
      ...base,
      kind: "file-not-found",
      headline: `pip finds no requirements file ${quote(file)}`,
      next: "the path counts from the folder the command runs in",
    };
  if (text.startsWith("Invalid requirement"))
    return {
      ...base,
      lines: [found.at, ...(log.lines[found.at + 1]?.startsWith(" ") ? [found.at + 1] : [])],
      kind: "syntax",
      headline: `pip cannot read a requirement: ${quote(/'([^']+)'/.exec(text)?.[1])}`,
      ...placed(place(at?.[2], at?.[1])),
    };
  if (/different Python|requires Python|not a supported wheel/.test(text))
    return {
      ...base,
      kind: "version-mismatch",
      headline: short(text, 200),
      next: "choose the version under `phases.install.runtime-versions.python`, or an image that has it",
    };
  return {
    ...base,
    kind: trouble?.kind ?? "dependency-not-found",
    headline: `pip failed: ${trouble && trouble.kind !== "permission" ? `${trouble.what}: ` : ""}${short(text, 200)}`,
    ...(trouble?.next === undefined ? {} : { next: trouble.next }),
  };
}

export const pythonPackagers = lineReader("poetry", [
  {
    mark: "pyproject.toml changed significantly since poetry.lock",
    pattern: /^(?:Error: )?pyproject\.toml changed significantly since poetry\.lock was last generated/,
    kind: "lock-out-of-date",
    say: () => "poetry.lock does not fit pyproject.toml",
    fix: () => command("refresh the lock file and commit it", "poetry lock"),
  },
  {
    mark: "Because ",
    pattern: /^\s*Because (.+(?:depends on|doesn't match any versions|forbids).+)$/,
    kind: "dependency-conflict",
    say: ([, text]) => `poetry cannot fit the dependencies together: ${short(text)}`,
    below: /^\s*(?:And|So,|because|Thus)\b/,
  },
  {
    mark: "No solution found when resolving",
    pattern: /No solution found when resolving (?:dependencies|.+):?$/,
    kind: "dependency-conflict",
    say: () => "uv cannot fit the dependencies together",
    below: /Because|And because|we can conclude/,
  },
  {
    mark: "The lockfile at `uv.lock` needs to be updated",
    pattern: /The lockfile at `uv\.lock` needs to be updated, but `--(?:locked|frozen)` was provided/,
    kind: "lock-out-of-date",
    say: () => "uv.lock does not fit pyproject.toml",
    fix: () => command("refresh the lock file and commit it", "uv lock"),
  },
  {
    mark: "Your Pipfile.lock",
    pattern: /^Your Pipfile\.lock \(\w+\) is out of date/,
    kind: "lock-out-of-date",
    say: () => "Pipfile.lock does not fit Pipfile",
    fix: () => command("refresh the lock file and commit it", "pipenv lock"),
  },
]);
