/**
 * A policy as a CloudFormation template: an inline policy of a role that the stack is told, or managed policies when one
 * inline policy would be too long. The project's own account and region become pseudo parameters, so that the template
 * is right in whatever account it is used.
 * Sources: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-rolepolicy.html,
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-managedpolicy.html,
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-sub.html
 */
import type { AwsScope } from "../core/arn.ts";
import { visibleLine } from "../core/visible-text.ts";
import {
  attachable,
  type ExplainedPolicy,
  type PolicyStatement,
  type TemplateNames,
} from "./policy-from-requirements.ts";
import { inScope, type PortableText } from "./portable-arn.ts";

/** YAML. */
export function toCloudFormation(policy: ExplainedPolicy, { scope, roleName, policyName }: TemplateNames): string {
  const { isInline, parts } = attachable(policy);
  return [
    'AWSTemplateFormatVersion: "2010-09-09"',
    `Description: ${quoted(`least privilege of the CodeBuild service role ${roleName}`)}`,
    "Parameters:",
    "  ServiceRoleName:",
    "    Type: String",
    `    Default: ${quoted(roleName)}`,
    "Resources:",
    ...parts.flatMap((part, index) => [
      `  LeastPrivilege${parts.length === 1 ? "" : index + 1}:`,
      `    Type: AWS::IAM::${isInline ? "RolePolicy" : "ManagedPolicy"}`,
      "    Properties:",
      ...(isInline
        ? ["      RoleName: !Ref ServiceRoleName", `      PolicyName: ${quoted(policyName)}`]
        : ["      Roles: [!Ref ServiceRoleName]", `      ManagedPolicyName: ${quoted(`${policyName}-${index + 1}`)}`]),
      "      PolicyDocument:",
      '        Version: "2012-10-17"',
      ...(part.document.Statement.length === 0 ? ["        Statement: []"] : ["        Statement:"]),
      ...part.document.Statement.flatMap((statement, at) => statementLines(statement, part.reasons[at] ?? [], scope)),
    ]),
    "",
  ].join("\n");
}

function statementLines(statement: PolicyStatement, reasons: readonly string[], scope: AwsScope): string[] {
  const { Sid, Effect, Action, Resource, Condition } = statement;
  const value = (text: string) => sub(inScope(text, scope));
  return [
    ...reasons.map((reason) => `# ${visibleLine(oneLine(reason))}`),
    `- Sid: ${Sid}`,
    `  Effect: ${Effect}`,
    ...list("  Action", Action, quoted),
    ...list("  Resource", Resource, value),
    ...(Condition
      ? [
          "  Condition:",
          ...Object.entries(Condition).flatMap(([operator, keys]) => [
            `    ${operator}:`,
            ...Object.entries(keys).flatMap(([key, values]) => list(`      ${quoted(key)}`, values, value)),
          ]),
        ]
      : []),
  ].map((line) => `          ${line}`);
}

function list(key: string, values: string | readonly string[], written: (text: string) => string): string[] {
  if (typeof values === "string") return [`${key}: ${written(values)}`];
  const indent = " ".repeat(key.length - key.trimStart().length);
  return [`${key}:`, ...values.map((each) => `${indent}  - ${written(each)}`)];
}

const PSEUDO = { partition: "${AWS::Partition}", region: "${AWS::Region}", accountId: "${AWS::AccountId}" } as const;

/** AWS: `${!x}` is how a text for !Sub writes `${x}`. */
function sub(text: PortableText): string {
  if (text.every((part) => typeof part === "string")) return quoted(text.join(""));
  const template = text.map((part) => (typeof part === "string" ? part.replaceAll("${", "${!") : PSEUDO[part.scope]));
  return `!Sub ${quoted(template.join(""))}`;
}

/** JSON's strings are YAML's. */
const quoted = (text: string): string => JSON.stringify(text);
const oneLine = (text: string): string => text.replace(/\s+/g, " ");
