/**
 * The role's denials as findings: one for each group of permissions that miss for the same reason, at the first place that
 * needs them. Which rule reports which kind is said by the rules role-*.ts.
 */
import type { Span } from "../../core/diagnostics.ts";
import type { KnownRole } from "../knowledge/knowledge.ts";
import type { CheckContext, Finding } from "../rule.ts";
import { policyFix } from "./policy-fix.ts";
import { type RoleDenial, roleDenials } from "./simulate-role.ts";

/** Findings of one kind. `say` makes the message of a group of one service's permissions. */
export function* roleFindings(
  context: CheckContext,
  kinds: readonly RoleDenial["kind"][],
  say: (group: readonly RoleDenial[], role: string) => Pick<Finding, "message" | "why">,
): Iterable<Finding> {
  const { role } = context.known;
  const groups = new Map<string, RoleDenial[]>();
  for (const denial of roleDenials(context)) {
    if (!kinds.includes(denial.kind)) continue;
    const key = [
      ...[denial.need.action.split(":")[0], severityOf(denial), denial.kind, denial.decision.policyType],
      ...[denial.need.by, denial.need.by === "command" ? denial.need.why : "", denial.nearest?.index ?? ""],
    ].join(" ");
    groups.set(key, [...(groups.get(key) ?? []), denial]);
  }
  for (const group of groups.values()) {
    const [first] = group;
    if (!first || !role) continue;
    const { message, why } = say(group, role.arn === undefined ? "the role" : `role \`${role.name}\``);
    const [span, ...others] = spansOf(group);
    yield {
      severity: severityOf(first),
      message,
      ...(span && { span: span.span }),
      ...(why !== undefined && { why }),
      ...(others.length > 0 && { related: others.map(({ span: at, text }) => ({ span: at, message: text })) }),
      ...fixFor(context, role, group),
    };
  }
}

/** What gives the role the rest: a policy of its own, a grant on the key, or a wider boundary. None against a Deny. */
function fixFor({ project }: CheckContext, role: KnownRole, group: readonly RoleDenial[]): Pick<Finding, "fix"> {
  const [first] = group;
  if (!first || first.kind === "denied") return {};
  const { need, decision } = first;
  const service = need.action.split(":")[0] ?? "allow";
  const name = role.arn === undefined ? undefined : role.name;
  const fix = policyFix(
    "allow exactly this",
    name,
    `kiln-${service.replace(/[^a-z0-9]/g, "")}-${project.name ?? "build"}`,
    group.map((one) => one.need),
  );
  if (decision.policyType === "boundary") {
    return {
      fix: { ...fix, title: `allow it in the permissions boundary \`${role.boundary?.name}\` too`, commands: [] },
    };
  }
  if (decision.policyType === "resource" && service === "kms") {
    const operations = [...new Set(group.map((one) => one.need.action.split(":")[1]))].join(" ");
    return {
      fix: {
        kind: "command",
        title: "let the role use the key: in the key's policy, or by a grant",
        commands: [
          `aws kms create-grant --key-id ${need.resource} --grantee-principal ${role.arn ?? "ROLE-ARN"} --operations ${operations}`,
        ],
      },
    };
  }
  return { fix };
}

/** CodeBuild's own calls end the build; what commands call may be somebody else's business, or a condition's. */
const severityOf = ({ need, isUncertain }: RoleDenial): "error" | "warning" =>
  need.effect === "fails" && need.by === "codebuild" && !isUncertain ? "error" : "warning";

function spansOf(group: readonly RoleDenial[]): { span: Span; text: string }[] {
  const byPlace = new Map<number, { span: Span; text: string }>();
  for (const { need } of group) {
    if (!need.span || byPlace.has(need.span.startOffset)) continue;
    byPlace.set(need.span.startOffset, { span: need.span, text: `\`${need.action}\` on \`${need.resource}\`` });
  }
  return [...byPlace.values()].sort((a, b) => a.span.startOffset - b.span.startOffset);
}

/** `a`, `b` and `c`. */
export function listed(texts: readonly string[], max = 4): string {
  const unique = [...new Set(texts)];
  const shown = unique.slice(0, max).map((text) => `\`${text}\``);
  const more = unique.length - shown.length;
  if (more > 0) return `${shown.join(", ")} and ${more} more`;
  return shown.length < 2 ? shown.join("") : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
}

/** What needs them, and what CodeBuild does without. */
export function whyNeeded(group: readonly RoleDenial[]): string {
  const reasons = [...new Set(group.map(({ need }) => need.why))];
  const [first] = group;
  const shown = reasons.slice(0, 3).join(", ");
  const more = reasons.length > 3 ? ` and ${reasons.length - 3} more` : "";
  const message =
    first?.need.by === "codebuild" ? ENDINGS.find(([action]) => action.test(first.need.action))?.[1] : undefined;
  const condition =
    first?.isUncertain && first.nearest?.failed === "Condition"
      ? `; \`${first.nearest.policyName}\` allows it under a condition that only the build can tell`
      : "";
  return `needed for ${shown}${more}${message === undefined ? "" : `; ${message}`}${condition}`;
}

const ENDINGS: readonly (readonly [RegExp, string])[] = [
  [/^ssm:/, "CodeBuild stops in DOWNLOAD_SOURCE with `Decrypted Variables Error`"],
  [/^secretsmanager:/, "CodeBuild stops in DOWNLOAD_SOURCE with `Secrets Manager Error`"],
  [/^logs:CreateLogStream$/, "the build stops before its first command with `ACCESS_DENIED`"],
  [/^codebuild:(?:Create|Update|BatchPut)/, "UPLOAD_ARTIFACTS fails with `CLIENT_ERROR`"],
  [/^s3:PutObject$/, "UPLOAD_ARTIFACTS fails with `CLIENT_ERROR`"],
  [/^s3:Get/, "DOWNLOAD_SOURCE fails with `CLIENT_ERROR`"],
];
