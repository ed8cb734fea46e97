/**
 * A policy as Terraform configuration for the aws provider: a policy document, and the inline policy of a role (managed
 * policies when one inline policy would be too long). The project's own account and region become data sources.
 * Sources: https://registry.terraform.io/providers/hashicorp/aws/latest/docs/data-sources/iam_policy_document,
 * https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/iam_role_policy,
 * https://developer.hashicorp.com/terraform/language/expressions/strings (escapes)
 */
import type { AwsScope } from "../core/arn.ts";
import { visibleLine } from "../core/visible-text.ts";
import {
  attachable,
  type ExplainedPolicy,
  type PolicyStatement,
  type TemplateNames,
} from "./policy-from-requirements.ts";
import { inScope } from "./portable-arn.ts";

/** HCL. */
export function toTerraform(policy: ExplainedPolicy, { scope, roleName, policyName }: TemplateNames): string {
  const { isInline, parts } = attachable(policy);
  const blocks = parts.map((part, index) => {
    const label = `least_privilege${parts.length === 1 ? "" : `_${index + 1}`}`;
    return [
      `data "aws_iam_policy_document" "${label}" {`,
      part.document.Statement.map((statement, at) => statementBlock(statement, part.reasons[at] ?? [], scope)).join(
        "\n\n",
      ),
      "}",
      "",
      ...(isInline ? inlinePolicy(label, policyName) : managedPolicy(label, `${policyName}-${index + 1}`)),
    ].join("\n");
  });
  return `${[
    comment(`least privilege of the CodeBuild service role ${roleName}`),
    'data "aws_partition" "current" {}',
    'data "aws_region" "current" {}',
    'data "aws_caller_identity" "current" {}',
    "",
    'variable "service_role_name" {',
    "  type    = string",
    `  default = ${text(roleName)}`,
    "}",
    "",
    blocks.join("\n\n"),
  ].join("\n")}\n`;
}

const inlinePolicy = (label: string, name: string): string[] => [
  `resource "aws_iam_role_policy" "${label}" {`,
  `  name   = ${text(name)}`,
  "  role   = var.service_role_name",
  `  policy = data.aws_iam_policy_document.${label}.json`,
  "}",
];

const managedPolicy = (label: string, name: string): string[] => [
  `resource "aws_iam_policy" "${label}" {`,
  `  name   = ${text(name)}`,
  `  policy = data.aws_iam_policy_document.${label}.json`,
  "}",
  "",
  `resource "aws_iam_role_policy_attachment" "${label}" {`,
  "  role       = var.service_role_name",
  `  policy_arn = aws_iam_policy.${label}.arn`,
  "}",
];

function statementBlock(statement: PolicyStatement, reasons: readonly string[], scope: AwsScope): string {
  const { Sid, Action, Resource, Condition = {} } = statement;
  const value = (one: string) => portable(one, scope);
  return [
    ...reasons.map(comment),
    "statement {",
    `  sid       = ${text(Sid)}`,
    `  actions   = ${list([Action].flat(), text)}`,
    `  resources = ${list([Resource].flat(), value)}`,
    ...Object.entries(Condition).flatMap(([operator, keys]) =>
      Object.entries(keys).flatMap(([key, values]) => [
        "",
        "  condition {",
        `    test     = ${text(operator)}`,
        `    variable = ${text(key)}`,
        `    values   = ${list([values].flat(), value, "    ")}`,
        "  }",
      ]),
    ),
    "}",
  ]
    .map((line) => line.replace(/^(?=.)/gm, "  "))
    .join("\n");
}

const comment = (written: string): string => `# ${visibleLine(written.replace(/\s+/g, " "))}`;

function list(values: readonly string[], written: (one: string) => string, indent = "  "): string {
  if (values.length === 1) return `[${written(values[0] ?? "")}]`;
  return ["[", ...values.map((value) => `${indent}  ${written(value)},`), `${indent}]`].join("\n");
}

const SOURCES = {
  partition: "data.aws_partition.current.partition",
  // The attribute that every version of the provider has: version 6 renames `name` to `region`, and keeps `id`.
  region: "data.aws_region.current.id",
  accountId: "data.aws_caller_identity.current.account_id",
} as const;

const portable = (value: string, scope: AwsScope): string =>
  `"${inScope(value, scope)
    .map((part) => (typeof part === "string" ? escaped(part) : `\${${SOURCES[part.scope]}}`))
    .join("")}"`;

const text = (value: string): string => `"${escaped(value)}"`;

/** `${` and `%{` begin templates in HCL's strings; doubled they do not. */
const escaped = (value: string): string =>
  JSON.stringify(value)
    .slice(1, -1)
    .replace(/[$%](?=\{)/g, (mark) => mark + mark);
