/**
 * A command called AWS and was denied: the aws CLI, an SDK, Terraform or a script of the build's own. What the services
 * that CodeBuild itself calls answer has causes of its own.
 */
import { parseArn } from "../../core/arn.ts";
import { policyFromRequirements } from "../../least-privilege/index.ts";
import type { BuildFacts } from "../build-facts.ts";
import { placeOfCommand } from "../buildspec-places.ts";
import type { Cause, Finding } from "../cause.ts";
import { type Denial, decisionEvidence, findDenial, policyFix, recordedDenial, type Statement } from "../denial.ts";
import { remedy, whyDenied } from "../remedy.ts";
import { isTestTalk } from "./finding-parts.ts";

export const callDenied: Cause = {
  id: "iam/call-denied",
  sources: ["https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html"],
  match(failure, facts): Finding | undefined {
    if (!failure.command) return undefined;
    // The last one: a command goes on after a denial that it can do without.
    const text = failure.output.findLast((line) => findDenial(line) && !isTestTalk(line));
    const denial = text === undefined ? undefined : asDecided(findDenial(text), facts);
    if (text === undefined || !denial) return undefined;
    const asked = resourcesOf(denial, facts);
    const statements = policyFromRequirements(asked.map((resource) => ({ ...denial, resource }))).Statement.map(
      ({ Action, Resource, ...statement }): Statement => ({
        ...statement,
        Action: [Action].flat(),
        Resource: [Resource].flat(),
      }),
    );
    const fix = policyFix(
      `allow \`${denial.action}\` on ${asked.length === 1 ? "this resource" : `the ${asked.length} resources this build asks for`}, and nothing else`,
      denial.roleName ?? "ROLE",
      `kiln-allow-${denial.action.replace(":", "-")}`,
      statements,
    );
    return {
      cause: `${callerName(denial, facts.build.serviceRole)} may not make the call of this command: ${whyDenied(denial)}`,
      ...placeOfCommand(facts, failure.command),
      evidence: [text.trim(), ...decisionEvidence(facts.decisions, denial)],
      ...remedy(facts, denial, denial.roleName === undefined ? { ...fix, commands: [] } : fix),
      confidence: "certain",
    };
  },
};

/**
 * The denied resource and every other one of the build's calls to this action: an inline policy takes the place of the one
 * that was written for an earlier denial.
 */
function resourcesOf({ action, resource, principalArn }: Denial, { decisions }: BuildFacts): string[] {
  const own = decisions.filter((record) => record.principalArn === principalArn);
  const asked = own.flatMap((record) => record.decisions).filter((decision) => decision.action === action);
  return [...new Set([resource, ...asked.map((decision) => decision.resource)])].sort();
}

/** `the service role `R``, or who else called: a role that a command assumed, a user whose keys it has. */
function callerName({ roleName, principalArn }: Denial, serviceRole: string | undefined): string {
  if (roleName === undefined) return `\`${principalArn}\``;
  return `${serviceRole?.split("/").at(-1) === roleName ? "the service role" : "the role"} \`${roleName}\``;
}

// AWS: IAM prints `role NAME`, KMS may hide the key, STS gives no reason: the decision knows, where there is one.
function asDecided(denial: Denial | undefined, facts: BuildFacts): Denial | undefined {
  if (!denial) return undefined;
  const decision =
    recordedDenial(facts.decisions, denial) ??
    facts.decisions.flatMap(({ decisions }) => decisions).findLast(({ message }) => message === denial.sentence);
  if (decision && decision.policyType !== "none") {
    return { ...denial, resource: decision.resource, policyType: decision.policyType };
  }
  const [kind, name] = denial.resource.split(" ");
  if (name === undefined) return denial;
  const arn = parseArn(denial.principalArn);
  return { ...denial, resource: `arn:${arn?.partition ?? "aws"}:iam::${arn?.accountId ?? "*"}:${kind}/${name}` };
}
