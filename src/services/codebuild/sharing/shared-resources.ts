/**
 * ListSharedProjects and ListSharedReportGroups: what resource policies of other accounts give to the caller's account or
 * to the caller. Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ListSharedProjects.html
 * Gap: shares made through AWS Resource Access Manager do not exist here.
 */
import { parseArn } from "../../../core/arn.ts";
import type { Principal } from "../../../core/aws.ts";
import { type OperationContext, type OperationDefinition, operation } from "../../service.ts";
import { invalidInput } from "../errors.ts";
import { type PageInput, page } from "../pages.ts";
import { onAnything } from "../projects/project-access.ts";
import { type ResourcePolicyRecord, recordsIn } from "../records.ts";
import type {
  ListSharedProjectsInput,
  ListSharedProjectsOutput,
  ListSharedReportGroupsInput,
  ListSharedReportGroupsOutput,
} from "../shapes.gen.ts";

const API = "https://docs.aws.amazon.com/codebuild/latest/APIReference/";

// biome-ignore lint/suspicious/noExplicitAny: each operation has its own input type
export const sharedResourceOperations: readonly OperationDefinition<any, object>[] = [
  operation<ListSharedProjectsInput, ListSharedProjectsOutput>({
    name: "ListSharedProjects",
    support: "supported",
    source: `${API}API_ListSharedProjects.html`,
    authorize: () => [onAnything("ListSharedProjects")],
    errors: [invalidInput],
    run(input, context) {
      const { items, ...more } = sharedPage("project/", input, context);
      return { projects: items, ...more };
    },
  }),

  operation<ListSharedReportGroupsInput, ListSharedReportGroupsOutput>({
    name: "ListSharedReportGroups",
    support: "supported",
    source: `${API}API_ListSharedReportGroups.html`,
    authorize: () => [onAnything("ListSharedReportGroups")],
    errors: [invalidInput],
    run(input, context) {
      const { items, ...more } = sharedPage("report-group/", input, context);
      return { reportGroups: items, ...more };
    },
  }),
];

function sharedPage(
  resourcePrefix: string,
  input: PageInput & { readonly sortBy?: "ARN" | "MODIFIED_TIME" | undefined },
  { store, scope, principal }: OperationContext,
): ReturnType<typeof page> {
  const shared = recordsIn(store)
    .policies.list([])
    .map(({ value }) => value)
    .filter(({ arn }) => {
      const parsed = parseArn(arn);
      const isForeign = parsed?.accountId !== scope.accountId && parsed?.region === scope.region;
      return isForeign && parsed?.resource.startsWith(resourcePrefix) === true;
    })
    .filter((policy) => isSharedWith(principal, policy));
  const order = (policy: ResourcePolicyRecord): number => (input.sortBy === "MODIFIED_TIME" ? policy.modifiedMs : 0);
  shared.sort((a, b) => order(a) - order(b) || (a.arn < b.arn ? -1 : 1));
  if (input.sortOrder === "DESCENDING") shared.reverse();
  return page(
    shared.map(({ arn }) => arn),
    input.nextToken,
    input.maxResults,
  );
}

interface Statement {
  readonly Effect?: unknown;
  readonly Principal?: unknown;
}

/** True when a statement allows something to everybody, to the caller's account, or to the caller. */
function isSharedWith({ arn, accountId }: Principal, { text }: ResourcePolicyRecord): boolean {
  const statements = [(JSON.parse(text) as { Statement?: unknown }).Statement].flat() as readonly Statement[];
  const names = new Set(["*", accountId, arn]);
  return statements.some(({ Effect, Principal }) => {
    const given =
      typeof Principal === "object" && Principal !== null ? (Principal as { AWS?: unknown }).AWS : Principal;
    return (
      Effect === "Allow" &&
      [given].flat().some((name) => names.has(String(name)) || String(name).endsWith(`::${accountId}:root`))
    );
  });
}
