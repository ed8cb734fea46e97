/** terraform and tofu: the first `Error:` block that says something. Source: https://developer.hashicorp.com/terraform/cli */
import { place, placed } from "../code-places.ts";
import { knownTrouble, short } from "../known-trouble.ts";
import { MAX_LINES, type ToolFailureKind, type ToolReader } from "../tool-failure.ts";
import { findAll, type ToolLog } from "../tool-log.ts";

const BAR = /^[│|] ?/;
const ON = /^(?:[│|] ?)?\s*on (\S+?) line (\d+)(?:, in (.+?))?:?$/;

export const terraform: ToolReader = {
  tool: "terraform",
  marks: ["Error: "],
  read(log) {
    const errors = findAll(log, "Error: ", /^(?:[│|] ?)?Error: (.+)$/, 40).filter(({ at }) => isTerraform(log, at));
    // A summary above the errors it sums up.
    const first = errors.find(({ match }) => !/^Terraform encountered problems/.test(match[1] ?? "")) ?? errors[0];
    if (!first) return undefined;
    const end = Math.min(log.lines.length, errors.find(({ at }) => at > first.at)?.at ?? first.at + 40, first.at + 40);
    const inside = Array.from({ length: end - first.at - 1 }, (_, index) => first.at + 1 + index).filter(
      (at) => !/^[╵╷]/.test(log.lines[at] ?? ""),
    );
    const on = inside.find((at) => ON.test(log.lines[at] ?? ""));
    const [, file, line] = ON.exec(log.lines[on ?? -1] ?? "") ?? [];
    const source =
      on === undefined
        ? undefined
        : inside.find((at) => at > on && new RegExp(`^(?:[│|] ?)?\\s*${line}: `).test(log.lines[at] ?? ""));
    const says = inside.filter(
      (at) =>
        at > (source ?? on ?? first.at) &&
        !/^\s*(?:with |├|│ |\d+: )/.test(text(log, at)) &&
        text(log, at).trim() !== "",
    );
    const words = says
      .slice(0, 4)
      .map((at) => text(log, at).trim())
      .join(" ");
    const title = first.match[1] ?? "";
    const all = `${title} ${words}`;
    const executed = /(?:local|remote)-exec provisioner error/.test(title)
      ? findAll(log, " (", /^\S+ \((?:local|remote)-exec\): ?/, 400)
          .map(({ at }) => at)
          .filter((at) => at < first.at)
      : undefined;
    const more = errors.filter(({ at }) => at > first.at).length;
    return {
      rank: "verdict",
      at: executed?.[0] ?? first.at,
      from: executed?.[0] ?? first.at,
      to: (errors.at(-1)?.at ?? first.at) + 12,
      lines: [first.at, ...(on === undefined ? [] : [on]), ...(source === undefined ? [] : [source]), ...says].slice(
        0,
        MAX_LINES,
      ),
      kind: terraformKind(all),
      headline: `terraform: ${short(title, 260)}${words === "" ? "" : `: ${short(words, 200)}`}${more > 0 ? ` (and ${more} more)` : ""}`,
      ...placed(place(file, line)),
      ...nextOfTerraform(all),
      ...(executed
        ? {
            inner: { lines: executed, strip: /^\S+ \((?:local|remote)-exec\): ?/ },
            within: [`terraform provisioner${file === undefined ? "" : ` (${file}:${line})`}`],
          }
        : {}),
    };
  },
};

const text = (log: ToolLog, at: number): string => (log.lines[at] ?? "").replace(BAR, "");

/** Terraform's blocks are followed by an empty line, `on FILE line N` or `with …`, or stand in a box. */
function isTerraform(log: ToolLog, at: number): boolean {
  const line = log.lines[at] ?? "";
  if (BAR.test(line) || BAR.test(log.lines[at + 1] ?? "")) return true;
  if (!/\b(?:terraform|tofu|terragrunt)\b/i.test(log.text) && !/\bt(?:erraform|ofu|erragrunt)\b/.test(log.command))
    return ON.test(log.lines[at + 2] ?? "");
  return (log.lines[at + 1] ?? "").trim() === "" && !/^\s+at /.test(log.lines[at + 1] ?? "");
}

function terraformKind(all: string): ToolFailureKind {
  if (/is not authorized to perform|AccessDenied|UnauthorizedOperation|403/.test(all)) return "permission";
  if (
    /No valid credential sources|failed to refresh cached credentials|InvalidClientTokenId|ExpiredToken|Required token could not be found/.test(
      all,
    )
  )
    return "authentication";
  if (/Error acquiring the state lock|ConditionalCheckFailed/.test(all)) return "configuration";
  if (/Inconsistent dependency lock file|lock file|checksums/i.test(all)) return "lock-out-of-date";
  if (/Unsupported Terraform Core version|required_version/.test(all)) return "version-mismatch";
  if (
    /Invalid multi-line|Unterminated|Invalid expression|Argument or block definition|Unclosed|Missing newline/.test(all)
  )
    return "syntax";
  const trouble = knownTrouble(all);
  if (trouble) return trouble.kind;
  if (/Failed to query available provider|could not query|Could not find (?:compatible|required)/.test(all))
    return "dependency-not-found";
  if (/api error|creating |updating |deleting |reading |operation error/.test(all)) return "deployment";
  return "configuration";
}

function nextOfTerraform(all: string): { next?: string } {
  if (/state lock/.test(all))
    return {
      next: "another run holds the lock; if none does: `terraform force-unlock ID`, with the ID of the lines above",
    };
  if (
    /Inconsistent dependency lock file|Module not installed|Backend initialization required|Missing required provider/.test(
      all,
    )
  )
    return { next: "run `terraform init -input=false` before" };
  if (/No value for required variable/.test(all))
    return { next: "set it: `TF_VAR_name` under `env.variables`, or `-var` in the command" };
  if (/is not authorized to perform|AccessDenied/.test(all))
    return { next: "give the service role of the project this permission" };
  const next = knownTrouble(all)?.next;
  return next === undefined ? {} : { next };
}
