/**
 * A service role that CodeBuild cannot assume: it is not there, its trust policy does not name the service, or a condition
 * against the confused deputy names another project.
 */
import type { NamedPolicy } from "../../authorize/decision.ts";
import { statementsOf } from "../../authorize/document-lists.ts";
import { evaluate, principalContext } from "../../authorize/index.ts";
import { parseArn } from "../../core/arn.ts";
import type { PolicyDocument, ServicePrincipal } from "../../core/aws.ts";
import type { KnownRole } from "../knowledge/knowledge.ts";
import { scopeOf } from "../role/role-needs.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";

const SERVICE = "codebuild.amazonaws.com";

export const roleTrustPolicy: Rule = {
  id: "role/trust-policy",
  severity: "error",
  title: "a role that CodeBuild cannot assume",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/setting-up-service-role.html",
  *run(context) {
    const { role, batchRole, missingRoles = [] } = context.known;
    for (const name of missingRoles) {
      yield {
        message: `there is no role \`${name}\`, which the project names`,
        why: "`CodeBuild is not authorized to perform: sts:AssumeRole on service role`: the project cannot be saved, and no build starts",
      };
    }
    for (const one of [role, batchRole]) {
      if (one?.trust) yield* untrusted(context, one, one.trust);
    }
  },
};

function* untrusted(context: CheckContext, role: KnownRole, trust: PolicyDocument): Iterable<Finding> {
  if (isTrusted(context, role, trust)) return;
  const open = withoutConditions(trust);
  const isNamed = isTrusted(context, role, open);
  // Without a name of the project nobody knows what its conditions are tested with.
  if (isNamed && (context.project.name === undefined || scopeOf(context.known).region === "*")) return;
  yield {
    message: isNamed
      ? `the trust policy of role \`${role.name}\` has conditions that shut out the project \`${context.project.name}\``
      : `the trust policy of role \`${role.name}\` does not let \`${SERVICE}\` assume it`,
    why: isNamed
      ? `CodeBuild assumes it with \`aws:SourceArn\` = \`${sourceArn(context, role)}\` and \`aws:SourceAccount\` = \`${accountOf(context, role)}\``
      : "`CodeBuild is not authorized to perform: sts:AssumeRole on service role`: the project cannot be saved, and no build starts",
    fix: {
      kind: "command",
      title: isNamed ? "let the conditions take in the project, or leave them out" : "name the service in it",
      commands: [
        `aws iam update-assume-role-policy --role-name ${role.name} --policy-document '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"${SERVICE}"},"Action":"sts:AssumeRole"}]}'`,
      ],
    },
  };
}

function isTrusted(context: CheckContext, role: KnownRole, trust: PolicyDocument): boolean {
  const accountId = accountOf(context, role);
  const arn = role.arn ?? `arn:aws:iam::${accountId}:role/${role.name}`;
  const principal: ServicePrincipal = {
    type: "AWSService",
    serviceName: SERVICE,
    arn: SERVICE,
    accountId,
    userId: SERVICE,
    sourceArn: sourceArn(context, role),
  };
  const resourcePolicy = { name: "trust policy", document: trust, accountId, mandatory: true };
  const decision = evaluate({
    principal,
    policies: { identity: [] as NamedPolicy[] },
    request: { action: "sts:AssumeRole", resource: arn, resourcePolicy },
    context: principalContext(principal),
  });
  return decision.effect === "allowed";
}

const accountOf = ({ known }: CheckContext, role: KnownRole): string => {
  const { accountId } = scopeOf(known);
  return parseArn(role.arn ?? "")?.accountId ?? (accountId === "*" ? "000000000000" : accountId);
};

function sourceArn(context: CheckContext, role: KnownRole): string {
  const { partition, region } = scopeOf(context.known);
  return `arn:${partition}:codebuild:${region}:${accountOf(context, role)}:project/${context.project.name ?? "*"}`;
}

const withoutConditions = (document: PolicyDocument): PolicyDocument => ({
  ...document,
  Statement: statementsOf(document)
    .filter(({ Effect }) => Effect === "Allow")
    .map(({ Condition: _, ...rest }) => rest),
});
