/**
 * PolicyExclusionList: which policies of the entity a simulation leaves out, named by type, by ARN, or by inline policy
 * and entity. Names that match nothing are ignored, and so are service control and resource control policies: Kiln has no
 * organisations. Part of simulate.ts.
 * Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_PolicyIdentifier.html
 */
import { isAwsManaged } from "../../../identity/index.ts";
import { invalidInput } from "../errors.ts";
import type * as Shapes from "../shapes.gen.ts";
import type { EntityPolicy } from "./simulate-subject.ts";

type Identifier = Shapes.PolicyIdentifier;

/** True for a policy that stays in the simulation. */
export function remaining(identifiers: readonly Identifier[] = []): (policy: EntityPolicy) => boolean {
  const exclusions = identifiers.map(exclusionOf);
  return (policy) => !exclusions.some((excludes) => excludes(policy));
}

function exclusionOf(identifier: Identifier): (policy: EntityPolicy) => boolean {
  const { PolicyType: type, PolicyArn: arn, InlinePolicyIdentifier: inline } = identifier;
  if ([type, arn, inline].filter((member) => member !== undefined).length !== 1) {
    throw invalidInput("a policy identifier needs one of PolicyType, PolicyArn and InlinePolicyIdentifier");
  }
  if (type !== undefined) return ({ origin }) => typeOf(origin) === type;
  if (arn !== undefined) return byArn(arn);
  return byInlineName(inline as Shapes.InlinePolicyIdentifierType);
}

function typeOf(origin: EntityPolicy["origin"]): string {
  if (origin.kind === "boundary") return "permission-boundary";
  if (origin.kind === "inline") return "inline";
  return isAwsManaged(origin.arn) ? "aws-managed" : "user-managed";
}

/** Wildcards may stand in the name of the policy only, behind the path. */
const POLICY_ARN =
  /^(arn:[\w-]+:(?:iam::(?:\d{12}|aws):policy|organizations::(?:\d{12}|aws):policy)\/(?:[^*?]*\/)?)([^/]+)$/;

function byArn(arn: string): (policy: EntityPolicy) => boolean {
  const match = POLICY_ARN.exec(arn);
  if (!match) throw invalidInput(`Invalid Policy Arn: ${arn}`);
  const [, start = "", name = ""] = match;
  const matches = nameMatcher(name, arn);
  return ({ origin }) =>
    origin.kind === "managed" &&
    origin.arn.startsWith(start) &&
    !origin.arn.slice(start.length).includes("/") &&
    matches(origin.arn.slice(start.length));
}

function byInlineName(identifier: Shapes.InlinePolicyIdentifierType): (policy: EntityPolicy) => boolean {
  const matches = nameMatcher(identifier.AttachmentName, identifier.AttachmentName);
  return ({ origin }) =>
    origin.kind === "inline" &&
    origin.word === identifier.AttachmentType &&
    origin.name === identifier.PolicyName &&
    matches(origin.entityName);
}

/** A name with at most one `*` (any characters, or none) and any number of `?` (one character each). */
function nameMatcher(pattern: string, whole: string): (name: string) => boolean {
  const [start = "", end, ...more] = pattern.split("*");
  if (more.length > 0) throw invalidInput(`Invalid wildcards, at most one \`*\` is allowed: ${whole}`);
  const fits = (text: string, part: string): boolean =>
    text.length === part.length && Array.from(part).every((one, i) => one === "?" || one === text[i]);
  if (end === undefined) return (name) => fits(name, start);
  return (name) =>
    name.length >= start.length + end.length &&
    fits(name.slice(0, start.length), start) &&
    fits(name.slice(name.length - end.length), end);
}
