/**
 * A policy that gives the build far more than it needs: everything, a whole service, or every parameter, secret and key of
 * the account. Whoever can change a command of the build has it too. One finding a policy.
 */
import type { NamedPolicy } from "../../authorize/decision.ts";
import { listOfStrings, statementsOf } from "../../authorize/document-lists.ts";
import { listed } from "../role/role-findings.ts";
import { roleNeeds } from "../role/role-needs.ts";
import { allowsAction } from "../role/simulate-role.ts";
import type { CheckContext, Rule } from "../rule.ts";

export const roleOverBroad: Rule = {
  id: "role/over-broad",
  severity: "warning",
  title: "a policy that gives the build far more than it needs",
  source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege",
  *run(context) {
    const { role } = context.known;
    for (const policy of role?.policies ?? []) {
      const broad = statementsOf(policy.document).flatMap(broadGrants);
      if (broad.length === 0) continue;
      const what = listed(broad, 3);
      yield {
        message: `${role?.arn === undefined ? "the policy" : `role \`${role.name}\` has`} \`${nameOf(policy)}\`${role?.arn === undefined ? " allows" : ", which allows"} ${what}`,
        why: `${needed(context, policy)}; every command of the build has the rest too, and so does whoever can change one`,
        fix: {
          kind: "command",
          title: "replace it by the least policy that is enough",
          commands: [
            `kiln policy${context.project.name === undefined ? "" : ` --project ${context.project.name}`} > policy.json`,
            ...(role?.arn === undefined ? [] : detach(role.name, policy)),
          ],
        },
      };
    }
  },
};

const nameOf = ({ name, arn }: NamedPolicy): string =>
  arn?.includes(":iam::aws:") ? (arn.split("/").at(-1) ?? name) : name;

const detach = (role: string, { arn, name }: NamedPolicy): string[] => [
  `aws iam put-role-policy --role-name ${role} --policy-name build --policy-document file://policy.json`,
  arn === undefined
    ? `aws iam delete-role-policy --role-name ${role} --policy-name ${name.replace(/^inline policy /, "")}`
    : `aws iam detach-role-policy --role-name ${role} --policy-arn ${arn}`,
];

/** Values of others, and ways to get more: on `*` these are the account's. */
const SENSITIVE = [
  ...["ssm:GetParameters", "ssm:GetParameter", "ssm:GetParametersByPath", "ssm:PutParameter"],
  ...["secretsmanager:GetSecretValue", "kms:Decrypt", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
  ...["iam:PassRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:CreateAccessKey", "sts:AssumeRole"],
];

/** What of the statement is too much, as texts for people. */
function broadGrants(statement: Record<string, unknown>): string[] {
  if (statement["Effect"] !== "Allow") return [];
  const isEverywhere = "NotResource" in statement || listOfStrings(statement["Resource"]).some(isOpen);
  // A condition narrows it in a way that only a call can tell.
  if (!isEverywhere || statement["Condition"] !== undefined) return [];
  if ("NotAction" in statement) return [`everything but ${listOfStrings(statement["NotAction"]).join(", ")}`];
  const actions = listOfStrings(statement["Action"]);
  const whole = actions.filter((action) => /^\*$|^[a-z0-9-]+:\*$/i.test(action));
  if (whole.length > 0) return whole.map((action) => (action === "*" ? "* on *" : `${action} on *`));
  return actions
    .filter((action) => SENSITIVE.some((one) => allowsAction({ Action: action }, one)))
    .map((action) => `${action} on *`);
}

/** `*`, or an ARN that is open from the account on. */
const isOpen = (resource: string): boolean =>
  /^\*+$/.test(resource) || /^arn:[^:]*:[^:]*:[^:]*:[^:]*:(?:\*|parameter\/?\*|secret:\*|key\/\*)$/.test(resource);

function needed(context: CheckContext, { document }: NamedPolicy): string {
  const statements = statementsOf(document);
  const needs = roleNeeds(context).filter(({ action }) => statements.some((one) => allowsAction(one, action)));
  const unneeded = statements
    .flatMap((one) => listOfStrings(one["Action"]))
    .filter((action) => /:\*$/.test(action) && !needs.some((need) => allowsAction({ Action: action }, need.action)));
  const rest = unneeded.length === 0 ? "" : `; nothing in it needs ${listed(unneeded, 3)}`;
  if (needs.length === 0) return "nothing in this buildspec needs it";
  const values = needs.filter(({ action }) => /^(?:ssm|secretsmanager|kms):/.test(action));
  const others = needs.filter((need) => !values.includes(need));
  const onValues = `${listed(values.map(({ action }) => action))} on ${listed(
    values.map(({ resource }) => resource),
    5,
  )}`;
  const onOthers = `${listed(
    others.map(({ action }) => action),
    5,
  )} on resources that can be named`;
  return `the build needs ${[...(values.length > 0 ? [onValues] : []), ...(others.length > 0 ? [onOthers] : [])].join(", and ")}${rest}`;
}
