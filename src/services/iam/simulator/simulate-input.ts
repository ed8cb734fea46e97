/**
 * What both simulations have in common in their input: actions, resources, context entries, documents and accounts,
 * checked and brought into the form that the evaluation takes. Part of simulate.ts.
 * Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html
 * AWS publishes none of the texts of its InvalidInput; the ones here are Kiln's but for those marked as seen.
 */
import { type PolicyKind, type RequestContext, validatePolicy } from "../../../authorize/index.ts";
import { isAccountId, parseArn } from "../../../core/arn.ts";
import type { PolicyDocument } from "../../../core/aws.ts";
import type { EntityWord } from "../../../identity/index.ts";
import { invalidInput } from "../errors.ts";
import type * as Shapes from "../shapes.gen.ts";

/** The members of both requests but for the policies of the principal. */
export type SimulationInput = Omit<
  Shapes.SimulateCustomPolicyRequest,
  "PolicyInputList" | "OrderedOrganizationPolicyInputList"
>;

/** A policy that takes part, with the names that the answer gives it. */
export interface SimulatedPolicy {
  /** `PolicyInputList.1`, the name of a managed policy, `role_ROLE_POLICY` for an inline policy. */
  readonly id: string;
  readonly type: "IAM Policy" | "Resource Policy" | "Permissions Boundary Policy";
  readonly text: string;
  readonly document: PolicyDocument;
}

/** The named policies of one input list; `member` is its name. */
export const inputPolicies = (
  member: string,
  texts: readonly string[] = [],
  type: SimulatedPolicy["type"] = "IAM Policy",
): SimulatedPolicy[] =>
  texts.map((text, i) => ({ id: `${member}.${i + 1}`, type, text, document: requireDocument(text, "simulated") }));

/** The boundary that the input brings along. */
export function boundaryOf({
  PermissionsBoundaryPolicyInputList: texts,
}: SimulationInput): SimulatedPolicy | undefined {
  if (texts !== undefined && texts.length > 1) {
    throw invalidInput("PermissionsBoundaryPolicyInputList can hold one policy");
  }
  return inputPolicies("PermissionsBoundaryPolicyInputList", texts, "Permissions Boundary Policy")[0];
}

/** The resource's policy that the input brings along. */
export function resourcePolicyOf({ ResourcePolicy: text }: SimulationInput): SimulatedPolicy | undefined {
  if (text === undefined) return undefined;
  const document = requireDocument(text, "resource");
  return { id: "ResourcePolicy", type: "Resource Policy", text, document };
}

/** Service control policies by level; a level without policies would allow nothing, and cannot be on AWS. */
export const organizationLevelsOf = (
  levels: Shapes.SimulateCustomPolicyRequest["OrderedOrganizationPolicyInputList"],
): readonly (readonly PolicyDocument[])[] | undefined =>
  levels?.map(({ ServiceControlPolicyInputList: texts = [] }, i) => {
    if (texts.length === 0) {
      throw invalidInput(`OrderedOrganizationPolicyInputList.${i + 1} needs at least one service control policy`);
    }
    return texts.map((text) => requireDocument(text, "simulated"));
  });

/** AWS: the simulator says InvalidInput where other operations say MalformedPolicyDocument. */
function requireDocument(text: string, kind: PolicyKind): PolicyDocument {
  const result = validatePolicy(text, kind);
  if (!result.ok) throw invalidInput(result.error);
  return result.value;
}

/** AWS: names of services and actions that do not exist are simulated like any other. */
const ACTION_NAME = /^[A-Za-z0-9-]+:[A-Za-z0-9-]+$/;

/** The actions to simulate, as they are written. */
export function actionsOf({ ActionNames: names, ResourceHandlingOption: option }: SimulationInput): readonly string[] {
  if (option !== undefined) throw invalidInput("ResourceHandlingOption is for EC2, which Kiln does not have");
  const invalid = names.find((name) => !ACTION_NAME.test(name));
  if (invalid !== undefined) throw invalidInput(`Invalid Action Name: ${invalid}`);
  return names;
}

const RESOURCE_ARN = /^(\*|arn:[^:]*:[^:]*:[^:]*:[^:]*:[\s\S]+)$/;

/** The resources that were named; undefined when none were, which means `*`. */
export function resourcesOf({ ResourceArns: arns = [] }: SimulationInput): readonly string[] | undefined {
  const invalid = arns.find((arn) => !RESOURCE_ARN.test(arn));
  if (invalid !== undefined) throw invalidInput(`Invalid Resource Arn: ${invalid}`);
  return arns.length === 0 ? undefined : arns;
}

/** Account of the resources whose ARN names none. AWS: an ARN in one operation's description, an id in the other's. */
export function ownerOf({ ResourceOwner: owner }: SimulationInput): string | undefined {
  if (owner === undefined) return undefined;
  const match = /^(?:arn:[\w-]+:iam::(\d{12}):root|(\d{12}))$/.exec(owner);
  if (!match) throw invalidInput(`Invalid Resource Owner: ${owner}`);
  return match[1] ?? match[2];
}

/** A user, group or role, as an ARN names it. */
export interface NamedEntity {
  readonly arn: string;
  readonly accountId: string;
  readonly word: EntityWord;
  readonly name: string;
}

/** AWS: the text was seen for the ARN of a role session. */
export function entityIn(arn: string): NamedEntity {
  const parsed = parseArn(arn);
  const match = /^(user|group|role)\/(?:[^:]*\/)?([\w+=,.@-]+)$/.exec(parsed?.resource ?? "");
  const isOfIam = parsed?.service === "iam" && parsed.region === "" && isAccountId(parsed.accountId);
  if (!match || !isOfIam)
    throw invalidInput(`Invalid Entity Arn: ${arn} does not clearly define entity type and name.`);
  return { arn, accountId: parsed.accountId, word: match[1] as EntityWord, name: match[2] as string };
}

/**
 * The context entries as condition keys. Lists make multi-valued keys, and so do several values of another type. Values
 * are not held against their type: one that an operator cannot read makes the condition fail, as in a request.
 */
export function contextOf({ ContextEntries: entries = [] }: SimulationInput): RequestContext {
  const context: Record<string, string | readonly string[]> = {};
  const seen = new Set<string>();
  for (const { ContextKeyName: name, ContextKeyValues: values = [], ContextKeyType: type } of entries) {
    if (name === undefined) throw invalidInput("a context entry needs a ContextKeyName");
    // AWS: key names are compared without regard to case.
    const folded = name.toLowerCase();
    if (seen.has(folded)) throw invalidInput(`the context key \`${name}\` is given more than once`);
    seen.add(folded);
    const [value] = values;
    context[name] = type?.endsWith("List") || values.length > 1 || value === undefined ? values : value;
  }
  return context;
}
