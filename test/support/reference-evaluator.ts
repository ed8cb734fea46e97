/**
 * A second statement of the decision algorithm: naive, slow, written from AWS's documents and from nothing in
 * src/authorize. No compilation, no cache; it is read beside the pages it names, and test/reference-agreement.test.ts asks
 * both it and the engine. Conditions and patterns are in reference-matching.ts.
 *
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
 * https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html
 */
import type { Decision, EvaluationInput, NamedPolicy, PrincipalPolicies } from "../../src/authorize/index.ts";
import type { PolicyDocument, Principal } from "../../src/core/aws.ts";
import {
  actionMatches,
  conditionsHold,
  type Json,
  listOf,
  type Request,
  resourceMatches,
} from "./reference-matching.ts";

type ReferenceDecision = Pick<Decision, "effect" | "policyType">;

/**
 * What an Allow of a resource's policy gives: to the caller itself, to the role or user behind a session, or to the
 * account, which leaves it to its own policies.
 */
type Grant = "caller" | "entity" | "account";

export function referenceDecision(input: EvaluationInput): ReferenceDecision {
  const { principal, request } = input;
  // AWS: needs no permission, and no policy can deny it.
  if (request.action.toLowerCase() === "sts:getcalleridentity") return decided("allowed", "none");

  const asked: Request = {
    action: request.action,
    resource: request.resource,
    context: lowerCaseKeys({ ...input.context, ...request.context }),
  };
  const isService = principal.type === "AWSService";
  const isRoot = principal.type === "Root";
  // Root and services have no policies of their own.
  const own: PrincipalPolicies = isRoot || isService ? { identity: [] } : input.policies;
  const boundary = own.boundary === undefined ? undefined : [own.boundary];
  const { identity, session } = own;
  // SCPs limit the principals of accounts, root included, but no services and none of their service-linked roles.
  const isServiceLinked = principal.type === "AssumedRole" && principal.roleArn.includes(":role/aws-service-role/");
  const organization = isService || isServiceLinked ? [] : (input.policies.organization ?? []);
  const { resourcePolicy } = request;
  // A role's trust policy is the resource's policy of sts:AssumeRole.
  const ofResource = resourcePolicy && /^sts:/i.test(request.action) ? "trust" : "resource";

  // 1. An explicit Deny anywhere.
  const says = (effect: string, policies: readonly NamedPolicy[]) =>
    policies.some(({ document }) => someStatement(document, (one, version) => applies(one, version, effect, asked)));
  if (organization.some((level) => says("Deny", level))) return decided("explicitDeny", "scp");
  if (resourcePolicy && resourceDenies(resourcePolicy.document, principal, boundary !== undefined, asked)) {
    return decided("explicitDeny", ofResource);
  }
  if (says("Deny", identity)) return decided("explicitDeny", "identity");
  if (boundary !== undefined && says("Deny", boundary)) return decided("explicitDeny", "boundary");
  if (session !== undefined && says("Deny", session)) return decided("explicitDeny", "session");

  // 2. What each type of policy allows. Root is allowed by default, and so is what a federated user has from root.
  const isOfRoot = isRoot || (principal.type === "FederatedUser" && principal.issuer.type === "Root");
  const identityAllows = isOfRoot || says("Allow", identity);
  const boundaryAllows = boundary === undefined || says("Allow", boundary);
  const sessionAllows = session === undefined || says("Allow", session);
  const grantsOfKey = (request.grants ?? []).flatMap(({ document }) => grantsOf(document, principal, asked));
  const grants = [...(resourcePolicy ? grantsOf(resourcePolicy.document, principal, asked) : []), ...grantsOfKey];

  // 3. Every level of the organization must allow.
  if (!organization.every((level) => says("Allow", level))) return decided("implicitDeny", "scp");

  // 4. Keys and roles: without the consent of their policy (or a grant of the key) nothing counts.
  if (resourcePolicy?.mandatory && grants.length === 0) return decided("implicitDeny", ofResource);

  // 5. A service has nothing but the resource's policy, in whatever account.
  if (isService) return decided(grants.length > 0 ? "allowed" : "implicitDeny", ofResource);

  // 6. A grant of a key needs no policy of its grantee, in whatever account; a role's sessions stay within their limits.
  if (grantsOfKey.includes("caller")) return decided("allowed", "resource");
  if (grantsOfKey.includes("entity") && sessionAllows && boundaryAllows) return decided("allowed", "resource");

  // 7. In the same account the resource's policy can be enough; boundary and session limit what a role or user is given.
  const owner = resourcePolicy?.accountId ?? request.resourceAccountId ?? accountOfArn(request.resource);
  const isCrossAccount = owner !== undefined && owner !== principal.accountId;
  if (!isCrossAccount && grants.includes("caller")) return decided("allowed", ofResource);
  if (!sessionAllows) return decided("implicitDeny", "session");
  if (!boundaryAllows) return decided("implicitDeny", "boundary");
  if (!isCrossAccount && grants.includes("entity")) return decided("allowed", ofResource);

  // 8. Otherwise the caller's own policies must allow, and from another account the resource's policy as well.
  if (!identityAllows) return decided("implicitDeny", "identity");
  if (isCrossAccount && grants.length === 0) return decided("implicitDeny", ofResource);
  return decided("allowed", isOfRoot ? "none" : "identity");
}

const decided = (effect: Decision["effect"], policyType: Decision["policyType"]): ReferenceDecision => ({
  effect,
  policyType,
});

/** The account in the ARN; none in those of S3 and of AWS's own managed policies. */
function accountOfArn(arn: string): string | undefined {
  const account = arn.split(":")[4] ?? "";
  return /^\d{12}$/.test(account) ? account : undefined;
}

function lowerCaseKeys(context: Request["context"]): Request["context"] {
  return Object.fromEntries(Object.entries(context).map(([key, value]) => [key.toLowerCase(), value]));
}

function someStatement(document: PolicyDocument, test: (statement: Json, version: string) => boolean): boolean {
  const version = document["Version"] === "2012-10-17" ? "2012-10-17" : "2008-10-17";
  return listOf(document["Statement"]).some((statement) => test(statement as Json, version));
}

/** Effect, action, resource and condition of a statement; Principal is looked at elsewhere. */
function applies(statement: Json, version: string, effect: string, request: Request): boolean {
  if (statement["Effect"] !== effect) return false;
  const isNamed = (element: string, matches: (pattern: string) => boolean) =>
    listOf(statement[element]).some((pattern) => matches(String(pattern)));
  const isAction = (pattern: string) => actionMatches(pattern, request.action);
  if ("Action" in statement && !isNamed("Action", isAction)) return false;
  if ("NotAction" in statement && isNamed("NotAction", isAction)) return false;
  // Trust policies and the policies of repositories have no Resource: they are about what they are attached to.
  const isResource = (pattern: string) => resourceMatches(pattern, version, request);
  if ("Resource" in statement && !isNamed("Resource", isResource)) return false;
  if ("NotResource" in statement && isNamed("NotResource", isResource)) return false;
  return conditionsHold(statement["Condition"], version, request);
}

/** Every name that a policy may know the caller by, with what an Allow for that name gives. */
function namesOf(principal: Principal): { readonly name: string; readonly grant: Grant }[] {
  const account: { name: string; grant: Grant }[] = [
    { name: `arn:aws:iam::${principal.accountId}:root`, grant: "account" },
    { name: principal.accountId, grant: "account" },
  ];
  switch (principal.type) {
    case "Root":
      return account;
    case "User":
      return [{ name: principal.arn, grant: "caller" }, { name: principal.userId, grant: "caller" }, ...account];
    case "AssumedRole":
      return [
        { name: principal.arn, grant: "caller" },
        { name: principal.roleArn, grant: "entity" },
        { name: principal.userId.split(":")[0] ?? "", grant: "entity" },
        ...account,
      ];
    case "FederatedUser":
      if (principal.issuer.type === "Root") return [{ name: principal.arn, grant: "caller" }, ...account];
      return [
        { name: principal.arn, grant: "caller" },
        { name: principal.issuer.arn, grant: "entity" },
        { name: principal.issuer.userId, grant: "entity" },
        ...account,
      ];
    case "AWSService":
      return [];
  }
}

/** The entries of a Principal or NotPrincipal element that name the caller. */
function grantsByElement(element: unknown, principal: Principal): Grant[] {
  if (element === "*") return ["caller"];
  if (typeof element !== "object" || element === null) return [];
  const { AWS, Service } = element as Json;
  const grants: Grant[] = [];
  for (const entry of listOf(AWS)) {
    if (entry === "*") grants.push("caller");
    for (const { name, grant } of namesOf(principal)) if (entry === name) grants.push(grant);
  }
  if (principal.type === "AWSService" && listOf(Service).includes(principal.serviceName)) grants.push("caller");
  return grants;
}

/** What all Allow statements of a resource's policy give to the caller. */
function grantsOf(document: PolicyDocument, principal: Principal, request: Request): Grant[] {
  const grants: Grant[] = [];
  someStatement(document, (statement, version) => {
    if (!applies(statement, version, "Allow", request)) return false;
    if ("Principal" in statement) grants.push(...grantsByElement(statement["Principal"], principal));
    // AWS: an Allow with NotPrincipal is for everybody else, strangers included.
    else if ("NotPrincipal" in statement && grantsByElement(statement["NotPrincipal"], principal).length === 0) {
      grants.push("caller");
    }
    return false;
  });
  return grants;
}

function resourceDenies(
  document: PolicyDocument,
  principal: Principal,
  hasBoundary: boolean,
  request: Request,
): boolean {
  return someStatement(document, (statement, version) => {
    if (!applies(statement, version, "Deny", request)) return false;
    if ("Principal" in statement) return grantsByElement(statement["Principal"], principal).length > 0;
    if (!("NotPrincipal" in statement)) return false;
    // AWS: with a permissions boundary nobody is exempt, whatever NotPrincipal lists.
    if (hasBoundary) return true;
    return !isExempt(statement["NotPrincipal"], principal);
  });
}

/** AWS checks the account, then the role or user, then the session: every one of them must be listed. */
function isExempt(element: unknown, principal: Principal): boolean {
  const listed = grantsByElement(element, principal);
  const isEverybody = element === "*" || listOf((element as Json | undefined)?.["AWS"]).includes("*");
  if (isEverybody || principal.type === "AWSService") return listed.length > 0;
  const levels = new Set(namesOf(principal).map(({ grant }) => grant));
  return [...levels].every((level) => listed.includes(level));
}
