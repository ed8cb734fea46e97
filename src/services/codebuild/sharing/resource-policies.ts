/**
 * PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy: who of other accounts may read a project or report group.
 * The policy takes part in every decision on the resource (resource-policy-of.ts). AWS: sharing is for reading only.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/project-sharing.html,
 * https://docs.aws.amazon.com/codebuild/latest/userguide/report-groups-sharing.html
 */
import { validatePolicy } from "../../../authorize/index.ts";
import { parseArn } from "../../../core/arn.ts";
import type { PolicyDocument } from "../../../core/aws.ts";
import { type OperationContext, type OperationDefinition, operation } from "../../service.ts";
import { invalidInput, resourceNotFound } from "../errors.ts";
import { findProject } from "../projects/find-project.ts";
import { tagKeys } from "../projects/project-access.ts";
import { recordsIn } from "../records.ts";
import type {
  DeleteResourcePolicyInput,
  GetResourcePolicyInput,
  GetResourcePolicyOutput,
  PutResourcePolicyInput,
  PutResourcePolicyOutput,
  Tag,
} from "../shapes.gen.ts";
import { policyKey, withResourcePolicy } from "./resource-policy-of.ts";

const API = "https://docs.aws.amazon.com/codebuild/latest/APIReference/";

/** What may be shared, by type of resource. */
const SHARED_ACTIONS: Readonly<Record<string, readonly string[]>> = {
  project: [
    "BatchGetProjects",
    "BatchGetBuilds",
    "BatchGetBuildBatches",
    "ListBuildsForProject",
    "ListBuildBatchesForProject",
  ],
  "report-group": [
    "BatchGetReportGroups",
    "BatchGetReports",
    "ListReportsForReportGroup",
    "DescribeTestCases",
    "DescribeCodeCoverages",
    "GetReportGroupTrend",
  ],
};

/** Finds the tags of a report group by its ARN; undefined when there is none. */
export type FindReportGroup = (
  context: OperationContext,
  arn: string,
) => { readonly tags?: readonly Tag[] | undefined } | undefined;

export const resourcePolicyOperations = (
  findReportGroup: FindReportGroup,
  // biome-ignore lint/suspicious/noExplicitAny: each operation has its own input type
): readonly OperationDefinition<any, object>[] => {
  const find = (context: OperationContext, arn: string): { readonly tags?: readonly Tag[] | undefined } | undefined =>
    typeOf(arn) === "project" ? findProject(context, arn) : findReportGroup(context, arn);

  const access = (action: string, arn: string, context: OperationContext) => {
    requireShareable(arn);
    const request = { action: `codebuild:${action}`, resource: arn, context: tagKeys(find(context, arn)?.tags) };
    return [withResourcePolicy(recordsIn(context.store), request)];
  };

  return [
    operation<PutResourcePolicyInput, PutResourcePolicyOutput>({
      name: "PutResourcePolicy",
      support: "partial",
      gaps: ["whether a named principal exists is not checked"],
      source: `${API}API_PutResourcePolicy.html`,
      authorize: (input, context) => access("PutResourcePolicy", input.resourceArn, context),
      errors: [invalidInput, resourceNotFound],
      async run(input, context) {
        const { resourceArn, policy } = input;
        if (!find(context, resourceArn)) throw resourceNotFound(resourceArn);
        checkPolicy(policy, resourceArn);
        await context.store.write(() =>
          recordsIn(context.store).policies.put(policyKey(resourceArn), {
            arn: resourceArn,
            text: policy,
            modifiedMs: context.clock.nowMs(),
          }),
        );
        return { resourceArn };
      },
    }),

    operation<GetResourcePolicyInput, GetResourcePolicyOutput>({
      name: "GetResourcePolicy",
      support: "supported",
      source: `${API}API_GetResourcePolicy.html`,
      authorize: (input, context) => access("GetResourcePolicy", input.resourceArn, context),
      errors: [invalidInput, resourceNotFound],
      run({ resourceArn }, { store }) {
        const policy = recordsIn(store).policies.get(policyKey(resourceArn));
        if (!policy) throw resourceNotFound(resourceArn);
        return { policy: policy.text };
      },
    }),

    operation<DeleteResourcePolicyInput, object>({
      name: "DeleteResourcePolicy",
      support: "supported",
      source: `${API}API_DeleteResourcePolicy.html`,
      authorize: (input, context) => access("DeleteResourcePolicy", input.resourceArn, context),
      errors: [invalidInput],
      async run({ resourceArn }, { store }) {
        await store.write(() => recordsIn(store).policies.delete(policyKey(resourceArn)));
        return {};
      },
    }),
  ];
};

/** `project`, `report-group`, or something that cannot be shared. */
const typeOf = (arn: string): string => {
  const parsed = parseArn(arn);
  return parsed?.service === "codebuild" ? (parsed.resource.split("/")[0] ?? "") : "";
};

function requireShareable(arn: string): void {
  if (SHARED_ACTIONS[typeOf(arn)]) return;
  throw invalidInput(`Invalid resource ARN: a project or a report group can have a resource policy: ${arn}`);
}

interface Statement {
  readonly Effect?: unknown;
  readonly Action?: unknown;
  readonly NotAction?: unknown;
  readonly Resource?: unknown;
}

function checkPolicy(text: string, arn: string): void {
  const policy = validatePolicy(text, "resource");
  if (!policy.ok) throw invalidInput("Invalid resource policy: it is not a valid IAM policy document");
  const allowed = SHARED_ACTIONS[typeOf(arn)] ?? [];
  for (const statement of [(policy.value as PolicyDocument)["Statement"]].flat() as readonly Statement[]) {
    for (const resource of [statement.Resource ?? []].flat()) {
      if (resource !== arn) throw invalidInput(`Invalid resource policy: Resource must be ${arn}`);
    }
    if (statement.Effect !== "Allow") continue;
    if (statement.NotAction !== undefined) throw invalidInput("Invalid resource policy: NotAction cannot be shared");
    for (const action of [statement.Action].flat()) {
      if (!allowed.some((name) => `codebuild:${name}`.toLowerCase() === String(action).toLowerCase())) {
        throw invalidInput(
          `Invalid resource policy: ${String(action)} cannot be shared: expected ${allowed.map((name) => `codebuild:${name}`).join(", ")}`,
        );
      }
    }
  }
}
