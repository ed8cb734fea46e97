/** One request of the log in full: who asked for what through which service, and each decision with its reason and fix. */
import type { DecisionRecord } from "../authorize/decision.ts";
import { outcomeOf } from "../authorize/decision-record.ts";
import { explainDecision, renderDecision } from "../explain/index.ts";
import type { CommandContext } from "./command-context.ts";

/** For `kiln explain <request id>` and `kiln requests show`; `-o json` adds `outcome` and each decision's `explanation`. */
export function printRequests(context: CommandContext, records: readonly DecisionRecord[]): number {
  if (context.settings.output === "json") {
    context.printJson({ requests: records.map(requestJson) });
    return 0;
  }
  for (const [index, record] of records.entries()) {
    if (index > 0) context.print("");
    for (const line of linesOf(record)) context.print(line);
  }
  return 0;
}

function linesOf(record: DecisionRecord): string[] {
  const { service, operation, principalArn, calledVia, errorCode, decisions } = record;
  const lines = [
    `${service}:${operation} by ${principalArn}`,
    `  at ${new Date(record.atMs).toISOString()}, request ${record.requestId}`,
  ];
  if (record.lenientKey !== undefined) {
    lines.push(`  signed with the key ${record.lenientKey}, taken leniently: nobody looked at the signature`);
  }
  if (record.injectedFault !== undefined) lines.push(`  injected by the control API: ${record.injectedFault}`);
  if (calledVia !== undefined) lines.push(`  asked by ${calledVia} on the caller's behalf`);
  lines.push(`  ${outcomeText(record)}`);
  if (decisions.length === 0 && errorCode === undefined && record.lenientKey === undefined)
    lines.push("  it needs no permission");
  for (const decision of decisions) {
    lines.push("", ...renderDecision(decision, explainDecision(decision, principalArn, serviceOf(record))));
  }
  return lines;
}

/** The outcome with the code of the error. */
export function outcomeText(record: DecisionRecord): string {
  const outcome = outcomeOf(record);
  // After a mere delay the error is the call's own.
  if (outcome === "error" && /(?:^|, )(?!delay )/.test(record.injectedFault ?? "delay "))
    return `made to fail: ${record.errorCode}`;
  if (outcome === "error") return `allowed, then ${record.errorCode}`;
  return outcome === "denied" && record.errorCode !== undefined ? `denied: ${record.errorCode}` : outcome;
}

const requestJson = (record: DecisionRecord) => ({
  ...record,
  outcome: outcomeOf(record),
  decisions: record.decisions.map((decision) => ({
    ...decision,
    explanation: explainDecision(decision, record.principalArn, serviceOf(record)),
  })),
});

/** A key is used through the service that asked for it: `ssm.us-east-1.amazonaws.com`. */
function serviceOf({ calledVia, decisions, service }: DecisionRecord): string | undefined {
  const region = /^arn:[^:]+:kms:([^:]+):/.exec(decisions[0]?.resource ?? "")?.[1];
  if (service !== "kms" || calledVia === undefined || region === undefined) return undefined;
  return `${calledVia.split(".")[0]}.${region}.amazonaws.com`;
}
