/** `kiln requests ls|show`: calls that policies decided, from the state folder: also while another process serves them. */
import { Command } from "commander";
import type { DecisionFilter, Kiln } from "../app.ts";
import type { DecisionRecord } from "../authorize/decision.ts";
import { callerOf, outcomeOf, type RequestOutcome, recordIdentity } from "../authorize/decision-record.ts";
import { systemClock } from "../core/clock.ts";
import { KilnError, usageError } from "../core/errors.ts";
import { type CommandContext, commandContext, withKiln } from "./command-context.ts";
import type { CliIo } from "./io.ts";
import { outcomeText, printRequests } from "./print-requests.ts";
import { addCommonOptions, option, settingsOf } from "./settings.ts";
import { shortDurationMs } from "./short-duration.ts";
import { withSignals } from "./signals.ts";
import { table } from "./table.ts";
import { pause } from "./watch-build.ts";

interface Values {
  readonly denied?: boolean;
  readonly outcome?: RequestOutcome;
  readonly role?: string;
  readonly user?: string;
  readonly session?: string;
  readonly service?: string;
  readonly operation?: string;
  readonly action?: string;
  readonly resource?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit: string;
  readonly follow?: boolean;
}

export function requestsCommand(io: CliIo, exit: (code: number) => void): Command {
  const group = new Command("requests").description(
    "calls that policies decided: who asked for what, and why it was allowed or denied. The root user's calls are not here unless they were denied: no policy decides them",
  );
  const ls = new Command("ls")
    .description("the newest calls, oldest first")
    .addOption(option("--denied", "only denied ones"))
    .addOption(option("--outcome <outcome>", "what became of them").choices(["allowed", "denied", "error"]))
    .addOption(option("--role <role>", "by sessions of this role"))
    .addOption(option("--user <user>", "by this user, or federated user"))
    .addOption(option("--session <name>", "by the role session of this name"))
    .addOption(option("--service <service>", "of this service, e.g. ssm"))
    .addOption(option("--operation <name>", "of this operation, e.g. GetParameters"))
    .addOption(option("--action <action>", "that asked for this action; `*` and `?` are wildcards"))
    .addOption(option("--resource <arn>", "about this resource: part of its ARN, or all of it with wildcards"))
    .addOption(option("--since <when>", "not older than: 10m, 2h, 1d, or a time (UTC) like 2026-01-31T12:00:00Z"))
    .addOption(option("--until <when>", "not newer than, in the same forms"))
    .addOption(option("--limit <count>", "at most so many").default("50"))
    .addOption(option("-f, --follow", "go on as they come"));
  addCommonOptions(ls);
  ls.addHelpText(
    "after",
    "\nExample:\n  kiln requests ls --denied --since 10m\n  kiln requests ls --role Builder --action 'ssm:Get*' -f",
  );
  group.addCommand(
    ls.action(async (values: Values) => {
      const context = commandContext(io, settingsOf(values, io));
      const filter = filterOf(values);
      exit(await withKiln(context, (kiln) => list(context, kiln, filter, values.follow === true)));
    }),
  );
  const show = new Command("show")
    .description("one call with each decision, as `kiln explain` shows it")
    .argument("<id>");
  addCommonOptions(show);
  show.addHelpText("after", "\nExample:\n  kiln requests show 5f0c6a52-0d5b-4e1e-9f0e-0d4c1c9f6f7a");
  group.addCommand(
    show.action(async (id: string, values: object) => {
      const context = commandContext(io, settingsOf(values, io));
      exit(await withKiln(context, async (kiln) => showRequest(context, kiln, id)));
    }),
  );
  return group;
}

function filterOf(values: Values): DecisionFilter & { readonly limit: number } {
  const limit = Number(values.limit);
  if (!Number.isInteger(limit) || limit < 1) {
    throw usageError(`\`--limit ${values.limit}\` is not a count`, ["write a whole number from 1, e.g. --limit 20"]);
  }
  if (values.denied && values.outcome !== undefined && values.outcome !== "denied") {
    throw usageError(`\`--denied\` and \`--outcome ${values.outcome}\` exclude each other`, ["leave one of them away"]);
  }
  if (values.follow && values.until !== undefined) {
    throw usageError("`--follow` and `--until` exclude each other", ["leave one of them away"]);
  }
  const { role, user, session, service, operation, action, resource } = values;
  const outcome = values.denied ? "denied" : values.outcome;
  const given = {
    ...(role !== undefined && { role }),
    ...(user !== undefined && { user }),
    ...(session !== undefined && { sessionName: session }),
    ...(service !== undefined && { service }),
    ...(operation !== undefined && { operation }),
    ...(action !== undefined && { action }),
    ...(resource !== undefined && { resource }),
    ...(outcome !== undefined && { outcome }),
    ...(values.since !== undefined && { sinceMs: momentOf("--since", values.since) }),
    ...(values.until !== undefined && { untilMs: momentOf("--until", values.until) }),
  };
  return { ...given, limit };
}

/** `10m` ago, or a time; in UTC, as times are printed, unless it says where. */
function momentOf(flag: string, text: string): number {
  const agoMs = shortDurationMs(text);
  if (agoMs !== undefined) return systemClock.nowMs() - agoMs;
  const isLocal = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?$/.test(text);
  const atMs = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(isLocal ? `${text}Z` : text) : Number.NaN;
  if (!Number.isNaN(atMs)) return atMs;
  throw usageError(`\`${flag} ${text}\` is not a time`, [
    "write 30s, 10m, 2h or 1d, or a time like 2026-01-31T12:00:00Z",
  ]);
}

async function list(
  context: CommandContext,
  kiln: Kiln,
  filter: DecisionFilter & { readonly limit: number },
  isFollowed: boolean,
): Promise<number> {
  const records = kiln.decisions(filter);
  const isJson = context.settings.output === "json";
  if (isJson && !isFollowed)
    context.printJson({ requests: records.map((record) => ({ ...record, outcome: outcomeOf(record) })) });
  else if (isJson) for (const record of records) printLine(context, record);
  else if (records.length > 0)
    context.print(table([["TIME", "OUTCOME", "CALLER", "CALL", "RESOURCE", "REQUEST"], ...records.map(rowOf)]));
  else if (!isFollowed) context.note(nothingFound(kiln));
  if (!isFollowed) return 0;
  return follow(context, kiln, filter, records);
}

const nothingFound = (kiln: Kiln): string =>
  kiln.decisions({ limit: 1 }).length > 0
    ? "no call on record matches"
    : "no calls on record yet: roles, users and services make them; the root user's are not decided by policies";

const POLL_MS = 500;
/** Calls come into the log a moment after their time. */
const LATE_MS = 10_000;

async function follow(
  context: CommandContext,
  kiln: Kiln,
  filter: DecisionFilter,
  printed: readonly DecisionRecord[],
): Promise<number> {
  const { limit: _, ...unlimited } = filter;
  const startMs = systemClock.nowMs();
  const before = kiln.decisions({ ...unlimited, sinceMs: startMs - LATE_MS, untilMs: startMs });
  /** Times of what was printed or is older than this command, by identity: as far back as is still read. */
  const known = new Map([...printed, ...before].map((record) => [recordIdentity(record), record.atMs]));
  return withSignals(async ({ first }) => {
    const stop = AbortSignal.any([first, context.io.outputClosed]);
    let sinceMs = startMs - LATE_MS;
    while (await pause(POLL_MS, stop)) {
      const fresh = kiln.decisions({ ...unlimited, sinceMs: Math.max(sinceMs, filter.sinceMs ?? 0) });
      for (const record of fresh) {
        const identity = recordIdentity(record);
        if (known.has(identity)) continue;
        known.set(identity, record.atMs);
        if (context.settings.output === "json") printLine(context, record);
        else context.print(rowOf(record).join("  "));
      }
      sinceMs = systemClock.nowMs() - LATE_MS;
      for (const [identity, atMs] of known) if (atMs < sinceMs) known.delete(identity);
    }
    return first.aborted ? 130 : 0;
  });
}

const printLine = ({ io }: CommandContext, record: DecisionRecord): void =>
  void io.stdout.write(`${JSON.stringify({ ...record, outcome: outcomeOf(record) })}\n`);

function rowOf(record: DecisionRecord): string[] {
  const { service, operation, calledVia, decisions, lenientKey, principalArn } = record;
  const { role, session, user } = callerOf(principalArn);
  const signer =
    role === undefined ? (user === undefined ? principalArn : `user ${user}`) : `role ${role} (${session})`;
  const caller = lenientKey === undefined ? signer : `${signer}, any key: ${lenientKey}`;
  // What was denied is what one looks for; else the first.
  const shown = decisions.find(({ effect }) => effect !== "allowed") ?? decisions[0];
  const more = decisions.length > 1 ? ` and ${decisions.length - 1} more` : "";
  return [
    new Date(record.atMs).toISOString().slice(0, 19),
    outcomeText(record),
    caller,
    `${service}:${operation}${calledVia === undefined ? "" : ` via ${calledVia.split(".")[0]}`}`,
    `${shown?.resource ?? "-"}${more}`,
    record.requestId,
  ];
}

function showRequest(context: CommandContext, kiln: Kiln, id: string): number {
  const records = kiln.decisions({ requestId: id });
  if (records.length > 0) return printRequests(context, records);
  throw new KilnError({
    code: "KILN_E_NO_REQUEST",
    message: `there is no request \`${id}\` on record`,
    why: "calls of the root user are kept only when denied, and of each kind of call only the newest 5,000",
    fix: ["see the calls with `kiln requests ls`"],
    exitCode: 2,
  });
}
