/**
 * Decisions as they are kept and shown later, and what can be told of them without their policies: what became of the call,
 * and the names in its caller's ARN.
 */
import type { Decision, DecisionRecord, RequestContext } from "./decision.ts";

/** What is kept of one decision. */
export const recordedDecision = (decision: Decision): DecisionRecord["decisions"][number] => ({
  effect: decision.effect,
  action: decision.action,
  resource: decision.resource,
  policyType: decision.policyType,
  message: decision.message,
  ...(decision.isCrossAccount && { isCrossAccount: true }),
  ...purposeOf(decision.context),
  // A denial keeps every statement with its reason; for an allowed call the ones that decided are enough.
  ...(decision.effect === "allowed"
    ? { trace: decision.decidedBy }
    : { trace: decision.explain(), byType: decision.byType() }),
});

/** What SSM and Secrets Manager tell KMS about the value they want decrypted; ARNs, never secret. */
const PURPOSE_KEYS = ["kms:EncryptionContext:PARAMETER_ARN", "kms:EncryptionContext:SecretARN"] as const;

function purposeOf(context: RequestContext): { purpose?: RequestContext } {
  const told = PURPOSE_KEYS.filter((key) => context[key] !== undefined);
  return told.length === 0 ? {} : { purpose: Object.fromEntries(told.map((key) => [key, context[key] ?? ""])) };
}

/** What became of a call: allowed and done, denied by policies, or allowed and ended in another error. */
export type RequestOutcome = "allowed" | "denied" | "error";

/** What became of the call of a record. */
export function outcomeOf({ decisions, errorCode }: Pick<DecisionRecord, "decisions" | "errorCode">): RequestOutcome {
  if (decisions.some(({ effect }) => effect !== "allowed")) return "denied";
  return errorCode === undefined ? "allowed" : "error";
}

/** The same text for one record read twice, and another for each item of a batch that was refused. */
export const recordIdentity = ({ requestId, atMs, operation, decisions }: DecisionRecord): string =>
  [requestId, atMs, operation, ...decisions.map(({ action, resource }) => `${action} ${resource}`)].join(" ");

/** Names in the ARN of a caller. */
export interface CallerNames {
  readonly role?: string;
  readonly session?: string;
  /** An IAM user, or a federated one. */
  readonly user?: string;
}

/** `arn:aws:sts::<account>:assumed-role/<role>/<session>`, `…:user/<path>/<name>`, `…:federated-user/<name>` */
export function callerOf(principalArn: string): CallerNames {
  const [kind = "", ...names] = principalArn.slice(principalArn.lastIndexOf(":") + 1).split("/");
  if (kind === "assumed-role") return { role: names[0] ?? "", session: names.slice(1).join("/") };
  return kind === "user" || kind === "federated-user" ? { user: names.at(-1) ?? "" } : {};
}
