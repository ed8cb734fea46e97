/**
 * npm (6 to 11): its code decides, with the lines that name packages. A script that failed is a wrapper: what ran in it
 * is the cause. Source: https://docs.npmjs.com/cli/v10/using-npm/scripts
 */
import { command } from "../command-fix.ts";
import { knownTrouble, quote, short } from "../known-trouble.ts";
import { MAX_LINES, type Reading, type ToolReader } from "../tool-failure.ts";
import { find, type ToolLog } from "../tool-log.ts";

/** npm 6 to 9 write `ERR!`, 10 and later `error`. */
const PREFIX = /^npm (?:ERR!|error)(?: |$)/;
const CODE = /^npm (?:ERR!|error) code (\S+)$/;

export const npm: ToolReader = {
  tool: "npm",
  marks: ["npm ERR!", "npm error"],
  read(log) {
    const said = ["npm ERR!", "npm error"].map((mark) => find(log, mark, PREFIX)).find((found) => found !== undefined);
    if (!said) return undefined;
    const block = blockFrom(log, said.at);
    const end = block.at(-1)?.at ?? said.at;
    // A later install that worked: somebody tried again.
    if (find(log, "added ", /^(?:added|changed|up to date|removed) .{0,60}packages? .{0,60}in \d/, end))
      return undefined;
    const code = block.map(({ line }) => CODE.exec(line)?.[1]).find((found) => found !== undefined) ?? "";
    const reading = byCode(block, code) ?? script(block, code) ?? other(block, code);
    return {
      ...reading,
      rank: reading.rank ?? "verdict",
      at: said.at,
      to: end,
      lines: reading.lines.slice(0, MAX_LINES),
    };
  },
};

interface BlockLine {
  readonly at: number;
  readonly line: string;
  /** Without npm's prefix and the word after it. */
  readonly text: string;
}

function blockFrom(log: ToolLog, from: number): BlockLine[] {
  const block: BlockLine[] = [];
  for (let at = from; at < log.lines.length && at < from + 400; at += 1) {
    const line = log.lines[at] ?? "";
    if (PREFIX.test(line)) block.push({ at, line, text: line.replace(PREFIX, "") });
    else if (
      block.length > 0 &&
      line.trim() !== "" &&
      !/^npm (?:WARN|warn|notice)/.test(line) &&
      at > from + 3 &&
      !PREFIX.test(log.lines[at + 1] ?? "")
    )
      break;
  }
  return block;
}

type Partial = Omit<Reading, "rank" | "at"> & { readonly rank?: Reading["rank"] };
const matching = (block: readonly BlockLine[], pattern: RegExp): BlockLine[] =>
  block.filter(({ text }) => pattern.test(text));
const ats = (lines: readonly BlockLine[]): number[] => lines.map(({ at }) => at);

function byCode(block: readonly BlockLine[], code: string): Partial | undefined {
  const codeLine = ats(matching(block, /^code /)).slice(0, 1);
  const group = (pattern: RegExp, index = 1): string | undefined =>
    block.map(({ text }) => pattern.exec(text)?.[index]).find((found) => found !== undefined);
  switch (code) {
    case "ERESOLVE": {
      const wanted =
        group(/^(?:ERESOLVE )?(?:Could not resolve dependency|Conflicting peer dependency)/) === undefined
          ? matching(block, /^\s*(?:peer|peerOptional|dev|optional)? ?\S+@".+" from /)
          : [];
      const peer = block.find(({ text }) => /^\s*peer(?:Optional)? /.test(text)) ?? wanted[0];
      const [, dependency, range, by] = /peer(?:Optional)? (\S+?)@"([^"]+)" from (\S+)/.exec(peer?.text ?? "") ?? [];
      const found = group(/^Found: (\S+)/);
      return {
        lines: ats(
          matching(
            block,
            /^(?:ERESOLVE (?:unable|could not)|Found: |Could not resolve dependency|\s*peer(?:Optional)? |Conflicting peer)/,
          ),
        ).slice(0, MAX_LINES),
        kind: "dependency-conflict",
        headline:
          dependency === undefined
            ? "npm cannot fit the dependencies together"
            : `${quote(by)} wants ${quote(`${dependency}@${range}`)}, but the project has ${quote(found ?? dependency)}`,
        next: "choose versions that fit together (`npm install …`) and commit the lock file; `npm ci --legacy-peer-deps` ignores peers",
      };
    }
    case "E404":
    case "ETARGET": {
      const url = group(/404 .*?(?:Not Found|not found) - \w+ (\S+)/);
      const name =
        group(/'([^']+)' (?:could not be found|is not in)/) ?? group(/No matching version found for (\S+?)\.?$/);
      return {
        lines: [
          ...codeLine,
          ...ats(
            matching(
              block,
              /Not [Ff]ound - |could not be found|is not in (?:this|the npm) registry|No matching version/,
            ),
          ),
        ],
        kind: "dependency-not-found",
        headline: `npm finds no package ${quote(name?.replace(/\.$/, "") ?? url)}${code === "ETARGET" ? " in that version" : ""}`,
        next:
          code === "ETARGET"
            ? `see which there are: \`npm view ${/^(@?[^@]+)/.exec(name ?? "")?.[1] ?? "NAME"} versions\``
            : "is the name right? a private package needs its registry and a token in `.npmrc`",
      };
    }
    case "E401":
    case "E403":
    case "ENEEDAUTH":
    case "EOTP":
      return {
        lines: [...codeLine, ...ats(block.filter(({ text }) => !/^code |complete log|^\s*$/.test(text)))],
        kind: code === "E403" ? "permission" : "authentication",
        headline:
          code === "E403"
            ? `the registry refuses: ${short(block.find(({ text }) => /403/.test(text) && !/^code/.test(text))?.text)}`
            : "the npm registry wants a login: no token, or one that is no longer good",
        next: "write the token into `.npmrc` (`//registry/:_authToken=${NPM_TOKEN}`), with `NPM_TOKEN` from Secrets Manager; for CodeArtifact run `aws codeartifact login --tool npm …` first",
      };
    case "EUSAGE": {
      const missing = matching(block, /^(?:Missing|Invalid): /);
      const isUnlocked = block.some(({ text }) => /can only install with an existing package-lock\.json/.test(text));
      if (!isUnlocked && missing.length === 0 && !block.some(({ text }) => /in sync/.test(text))) return undefined;
      return {
        lines: [...ats(matching(block, /are in sync|existing package-lock/)).slice(0, 1), ...ats(missing)],
        kind: "lock-out-of-date",
        headline: isUnlocked
          ? "`npm ci` needs a package-lock.json, and there is none"
          : `package-lock.json does not fit package.json: ${short(missing[0]?.text ?? "they are out of sync")}${missing.length > 1 ? ` (and ${missing.length - 1} more)` : ""}`,
        fix: command(
          isUnlocked ? "make the lock file and commit it" : "refresh the lock file and commit it",
          "npm install",
          "git add package-lock.json",
        ),
      };
    }
    case "EBADENGINE":
    case "ENOTSUP":
    case "EBADPLATFORM": {
      const required = group(/^notsup Required: +(.+)$/) ?? group(/wanted (\{.+?\})/);
      const who =
        group(/Not compatible with your version of node\/npm: (\S+)/) ??
        group(/Unsupported (?:engine|platform) for (\S+?):/);
      return {
        lines: ats(matching(block, /^(?:notsup|engine)/)).slice(-MAX_LINES),
        kind: "version-mismatch",
        headline: `${quote(who)} wants ${quote(required)}, which this node is not`,
        next: "choose the version under `phases.install.runtime-versions.nodejs`, or an image that has it",
      };
    }
    case "EJSONPARSE":
      return {
        lines: ats(matching(block, /JSON\.parse|parse/)).slice(0, 3),
        kind: "syntax",
        headline: `package.json cannot be read: ${short(group(/(?:JSONParseError|JSON\.parse).*?: (.+)$/) ?? group(/^JSON\.parse (.+)$/))}`,
        place: { file: "package.json" },
      };
    case "EINTEGRITY":
      return {
        lines: [...codeLine, ...ats(matching(block, /sha\d+-/))],
        kind: "lock-out-of-date",
        headline: "a package is not the one that package-lock.json remembers: its checksum is another",
        next: "has the registry another build of it, or is the cache spoilt (`npm cache clean --force`)? else make the lock anew",
      };
    case "ENOENT": {
      const path = group(/open '([^']+)'/) ?? group(/^path (.+)$/);
      const isManifest = path?.endsWith("package.json");
      return {
        lines: ats(matching(block, /^(?:path |enoent (?!This is|$))/)),
        kind: "file-not-found",
        headline: isManifest
          ? `there is no package.json in ${quote(path?.replace(/\/package\.json$/, ""))}`
          : `npm finds no file ${quote(path)}`,
        next: isManifest
          ? "change to the folder of package.json first (`cd`), or name it: `npm --prefix FOLDER …`"
          : "see which package asks for it",
      };
    }
    default:
      return undefined;
  }
}

/** A script that failed: what it printed is inside the block or above it. */
function script(block: readonly BlockLine[], code: string): Partial | undefined {
  const missing = block.find(({ text }) => /^(?:Missing script|missing script):/.test(text));
  if (missing) {
    const name = /script: "?([^"]+?)"?$/.exec(missing.text)?.[1];
    const hint = block.find(({ text }) => /^\s+npm (?:run )?\S+ #|^\s+npm run \S+$/.test(text));
    const meant = /npm (?:run )?(\S+)/.exec(hint?.text ?? "")?.[1];
    return {
      lines: [missing.at, ...(hint ? [hint.at] : [])],
      kind: "configuration",
      headline: `package.json has no script ${quote(name)}${meant === undefined || !hint?.text.includes("#") ? "" : `; did you mean ${quote(meant)}?`}`,
      next: "`npm run` lists the scripts; is it the right package.json?",
    };
  }
  const isScript =
    code === "ELIFECYCLE" ||
    /^\d+$/.test(code) ||
    block.some(({ text }) => /^(?:command failed|Lifecycle script|Test failed)/.test(text));
  if (!isScript) return undefined;
  const ran = block
    .map(
      ({ text }) =>
        /^command (?:sh -c |bash -c )?(?!failed)(.+)$/.exec(text)?.[1] ?? /^\S+@\S+ \w[\w:-]*: `(.+)`$/.exec(text)?.[1],
    )
    .find((found) => found !== undefined);
  const place = block.map(({ text }) => /^path (.+)$/.exec(text)?.[1]).find((found) => found !== undefined);
  const dependency = /node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(place ?? "")?.[1];
  return {
    rank: "wrapper",
    lines: ats(block.filter(({ text }) => !/complete log|^\s*$|_logs|^errno/.test(text))).slice(0, MAX_LINES),
    kind: "runtime-error",
    headline:
      dependency === undefined
        ? `${ran === undefined ? "an npm script" : `the npm script ${quote(ran)}`} failed`
        : `the package ${quote(dependency)} could not be installed: its script ${quote(ran)} failed`,
    inner: { lines: ats(block), strip: PREFIX, ...(ran === undefined ? {} : { command: ran }) },
    within: [
      dependency === undefined
        ? ran === undefined
          ? "an npm script"
          : `npm script ${quote(ran)}`
        : `install script of the package ${quote(dependency)}`,
    ],
    next: "what it printed stands above npm's lines",
  };
}

function other(block: readonly BlockLine[], code: string): Partial {
  const said = block.filter(
    ({ text }) =>
      !/^(?:code|errno|syscall|network This is|network In most|network If you|network$)|complete log|^\s*$|_logs\//.test(
        text,
      ),
  );
  const trouble = knownTrouble(block.map(({ line }) => line).join("\n"));
  return {
    lines: [...ats(matching(block, /^code /)).slice(0, 1), ...ats(said)].slice(0, 4),
    kind: trouble?.kind ?? "runtime-error",
    headline: trouble
      ? `npm failed: ${trouble.what}${code === "" ? "" : ` (${code})`}`
      : `npm failed${code === "" ? "" : ` (${code})`}: ${short(said[0]?.text)}`,
    ...(trouble?.next === undefined ? {} : { next: trouble.next }),
  };
}
