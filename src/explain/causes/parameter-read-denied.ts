/**
 * The service role may not read a parameter that the build takes a variable from (R06, T04, P08).
 * AWS: asked as ssm:GetParameters in DOWNLOAD_SOURCE, before any command runs.
 */

import type { BuildFacts } from "../build-facts.ts";
import { bareParameterName, findParameterUse, parameterUses } from "../buildspec-places.ts";
import type { Cause } from "../cause.ts";
import {
  type Denial,
  decisionEvidence,
  findDenial,
  managedPolicyFix,
  policyFix,
  scopeOf,
  serviceRoleName,
} from "../denial.ts";
import { remedy, whyDenied } from "../remedy.ts";
import { at, firstLine } from "./finding-parts.ts";

export const parameterReadDenied: Cause = {
  id: "iam/parameter-read-denied",
  sources: [
    "https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html#troubleshooting-parameter-store",
    "https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-access.html",
  ],
  match(failure, facts) {
    if (failure.statusCode !== "Decrypted Variables Error") return undefined;
    const denial = findDenial(failure.message);
    if (!denial?.action.startsWith("ssm:")) return undefined;
    const name = denial.resource.replace(/^.*:parameter\//, "");
    const role = serviceRoleName(facts, denial);
    const use = findParameterUse(facts, name);
    const found = {
      cause: denial.isExplicit
        ? `a policy denies \`${denial.action}\` on the parameter \`${use?.parameterName ?? name}\` to the service role \`${role}\``
        : `the service role \`${role}\` may not read the parameter \`${use?.parameterName ?? name}\`: ${whyDenied(denial)}`,
      ...at(facts.buildspec?.file ?? facts.plan?.buildspecFile, use?.line),
      evidence: [firstLine(failure.message), ...decisionEvidence(facts.decisions, denial)],
      why: use
        ? `the variable \`${use.variableName}\` takes its value from this parameter, so no command of the build ran`
        : "variables are read before the first command, so no command of the build ran",
      confidence: "certain" as const,
    };
    const resources = neededArns(facts, denial);
    const statement = {
      Sid: "ReadBuildParameters",
      Effect: "Allow" as const,
      Action: ["ssm:GetParameters"],
      Resource: resources,
    };
    const count = resources.length === 1 ? "the parameter" : `the ${resources.length} parameters`;
    const fix = policyFix(
      `allow \`ssm:GetParameters\` on ${count} this build reads, and nothing else`,
      role,
      "kiln-read-parameters",
      [statement],
    );
    const help = remedy(facts, denial, fix);
    if (help.fix !== fix) return { ...found, ...help };
    return {
      ...found,
      fix,
      alternatives: [
        managedPolicyFix(
          "broader: AmazonSSMReadOnlyAccess lets the role read every parameter of the account",
          role,
          "AmazonSSMReadOnlyAccess",
        ),
      ],
    };
  },
};

/** The denied parameter and every other one the build reads: fixing one at a time would fail again on the next. */
function neededArns(facts: BuildFacts, denial: Denial): string[] {
  const { region, accountId } = scopeOf(facts);
  const prefix = denial.resource.includes(":parameter/")
    ? denial.resource.slice(0, denial.resource.indexOf(":parameter/"))
    : `arn:aws:ssm:${region}:${accountId}`;
  const names = parameterUses(facts).map((use) => use.parameterName);
  const arns = names.map((name) => (name.startsWith("arn:") ? name : `${prefix}:parameter/${bareParameterName(name)}`));
  return [...new Set([denial.resource, ...arns])].sort();
}
