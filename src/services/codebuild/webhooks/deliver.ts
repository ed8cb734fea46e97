/**
 * What becomes of a delivery: read, filtered, a build (or batch) for each event whose filters pass. Every decision is
 * kept with its reasons (webhook-records.ts). `decide` only tells; `deliver` acts.
 * A build is made by CodeBuild itself, not by a call: nobody's permission to StartBuild is asked, as on AWS, where who may
 * change the webhook and who knows its secret decides. Policies decide from the role on: it must trust CodeBuild, which
 * assumes it by a call like any other (../builds/role-session.ts), on record like any other.
 */
import type { AwsScope } from "../../../core/arn.ts";
import { createPatternMatcher } from "../../../core/bounded-pattern.ts";
import { AwsError } from "../../../core/errors.ts";
import type { BatchRunner } from "../batches/batch-runner.ts";
import { startBatch } from "../batches/start-batch.ts";
import type { BuildContext } from "../builds/build-context.ts";
import { requireRoom, requireUsableFleet } from "../builds/build-limits.ts";
import type { BuildRunner } from "../builds/build-runner.ts";
import { settingsFrom } from "../builds/build-settings.ts";
import { makeBuild } from "../builds/start-build.ts";
import type { CodeBuildDependencies } from "../dependencies.ts";
import { invalidInput } from "../errors.ts";
import { withoutUndefined } from "../projects/project-settings.ts";
import { projectKey, recordsIn } from "../records.ts";
import type { Project } from "../shapes.gen.ts";
import { evaluateFilters, type FilterDecision } from "./evaluate-filters.ts";
import { type DeliveryHeaders, deliveryOf, parseBody, providerOf, readPayload } from "./read-delivery.ts";
import {
  isPullRequest,
  type Payload,
  sourceVersionOf,
  triggerOf,
  variablesOf,
  type WebhookEvent,
} from "./webhook-event.ts";
import {
  type DeliveryOutcome,
  type DeliveryRecord,
  findWebhook,
  keepDelivery,
  type WebhookRecord,
} from "./webhook-records.ts";

/** A delivery whose signature was found to be right, or that came from this machine's own command line. */
export interface TrustedDelivery {
  readonly scope: AwsScope;
  readonly projectName: string;
  readonly headers: DeliveryHeaders;
  readonly body: Uint8Array;
  /** A person approved the build of the pull request. */
  readonly isApproved?: boolean | undefined;
}

export interface DeliveryDependencies {
  readonly outside: CodeBuildDependencies;
  readonly runner: BuildRunner;
  readonly batches: BatchRunner;
}

/** AWS's words for a build that waits for a comment. */
const NOT_APPROVED = "Pull request approval required for starting a build";

interface Decided {
  readonly event: WebhookEvent;
  readonly filters: FilterDecision;
  readonly passed: boolean;
  readonly why: string;
}

/** Acts on a delivery and keeps what came of it. Never rejects for what a delivery may hold. */
export async function deliver(delivery: TrustedDelivery, dependencies: DeliveryDependencies): Promise<DeliveryRecord> {
  const { scope, projectName } = delivery;
  const { store, clock } = dependencies.outside;
  const project = recordsIn(store).projects.get(projectKey(scope, projectName));
  const webhook = findWebhook(store, scope, projectName);
  const eventType = deliveryOf(delivery.headers)?.eventType ?? "";
  const keep = (outcomes: readonly DeliveryOutcome[]): Promise<DeliveryRecord> =>
    keepDelivery(dependencies.outside, scope, { projectName, eventType: eventType.slice(0, 100), outcomes });
  if (!project || !webhook) return keep([{ decision: "refused", why: "the project or its webhook is gone" }]);
  const payload = payloadOf(delivery, project);
  if (payload.kind === "refused") return keep([{ decision: "refused", why: payload.why }]);
  if (payload.kind === "ping") return keep([{ decision: "ping", why: "the provider asked whether somebody is here" }]);
  if (payload.kind === "nothing") return keep([{ decision: "ignored", why: payload.why }]);
  const outcomes: DeliveryOutcome[] = [];
  // One after the other: the builds' numbers follow the order of the events.
  for (const decided of decideAll(payload.events, webhook, delivery, clock)) {
    outcomes.push(await act(decided, project, webhook, delivery, dependencies));
  }
  return keep(outcomes);
}

/** What `deliver` would decide, without acting. */
export function decide(delivery: TrustedDelivery, outside: CodeBuildDependencies): readonly DeliveryOutcome[] {
  const { scope, projectName } = delivery;
  const project = recordsIn(outside.store).projects.get(projectKey(scope, projectName));
  const webhook = findWebhook(outside.store, scope, projectName);
  if (!project || !webhook) return [{ decision: "refused", why: "the project has no webhook" }];
  const payload = payloadOf(delivery, project);
  if (payload.kind === "ping") return [{ decision: "ping", why: "the provider asked whether somebody is here" }];
  if (payload.kind !== "events") {
    return [{ decision: payload.kind === "nothing" ? "ignored" : "refused", why: payload.why }];
  }
  return decideAll(payload.events, webhook, delivery, outside.clock).map((decided) => ({
    decision: decided.passed ? "started" : "ignored",
    ...factsOf(decided, project),
    why: decided.why,
    filters: decided.filters,
  }));
}

type ReadPayload = Payload | { readonly kind: "refused"; readonly why: string };

function payloadOf({ headers, body }: TrustedDelivery, project: Project): ReadPayload {
  const delivery = deliveryOf(headers);
  if (!delivery) {
    return { kind: "refused", why: "no header names the event: X-GitHub-Event, X-Gitlab-Event or X-Event-Key" };
  }
  const expected = providerOf(project.source?.type ?? "");
  if (delivery.provider !== expected) {
    return { kind: "refused", why: `a payload of ${delivery.provider} for a source of type ${project.source?.type}` };
  }
  let parsed: unknown;
  try {
    parsed = parseBody(headers, body);
  } catch {
    return { kind: "refused", why: "the body is not JSON" };
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    return { kind: "refused", why: "the body is not a JSON object" };
  }
  return readPayload(delivery, parsed);
}

function decideAll(
  events: readonly WebhookEvent[],
  webhook: WebhookRecord,
  { isApproved = false }: TrustedDelivery,
  clock: CodeBuildDependencies["clock"],
): Decided[] {
  const matcher = createPatternMatcher(clock);
  return events.map((event) => {
    const filters = evaluateFilters(webhook, event, matcher);
    if (!filters.passed) return { event, filters, passed: false, why: "no filter group passed" };
    if (!isApproved && needsApproval(event, webhook)) return { event, filters, passed: false, why: NOT_APPROVED };
    return { event, filters, passed: true, why: `filter group ${(filters.group ?? 0) + 1} passed` };
  });
}

function needsApproval(event: WebhookEvent, { pullRequestBuildPolicy }: WebhookRecord): boolean {
  if (!isPullRequest(event)) return false;
  switch (pullRequestBuildPolicy?.requiresCommentApproval) {
    case "ALL_PULL_REQUESTS":
      return true;
    case "FORK_PULL_REQUESTS":
      return event.isFork === true;
    default:
      return false;
  }
}

const factsOf = ({ event }: Decided, project: Project) => {
  const sourceVersion = sourceVersionOf(event, project.source?.location);
  return { event: event.name, trigger: triggerOf(event), ...(sourceVersion === undefined ? {} : { sourceVersion }) };
};

async function act(
  decided: Decided,
  project: Project,
  webhook: WebhookRecord,
  delivery: TrustedDelivery,
  { outside, runner, batches }: DeliveryDependencies,
): Promise<DeliveryOutcome> {
  const { event, filters, why } = decided;
  const facts = { ...factsOf(decided, project), filters };
  if (!decided.passed) return { decision: "ignored", ...facts, why };
  try {
    const { store, clock, ids } = outside;
    const context: BuildContext = { scope: delivery.scope, store, clock, ids };
    const origin = { variables: variablesOf(event), initiator: initiatorOf(delivery.headers, event) };
    const input = withoutUndefined({
      projectName: project.name ?? "",
      sourceVersion: facts.sourceVersion,
      sourceLocationOverride: sourceLocationOf(event, webhook),
    });
    if (webhook.buildType === "BUILD_BATCH") {
      const batch = await startBatch(input, context, batches, origin);
      return { decision: "started", ...facts, buildBatchId: batch.id ?? "", why };
    }
    const settings = settingsFrom(project, input, context);
    requireUsableFleet(settings.environment, context);
    const check = (): void => requireRoom(project, context, runner.accountLimit);
    check();
    const build = await makeBuild(settings, context, runner, { origin, check });
    return { decision: "started", ...facts, buildId: build.id ?? "", why };
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    return { decision: "failed", ...facts, why: `${error.code}: ${error.message}` };
  }
}

/** The payload's repository, for webhooks of an organisation, a group or a whole server. */
function sourceLocationOf(event: WebhookEvent, { scopeConfiguration }: WebhookRecord): string | undefined {
  if (!scopeConfiguration) return undefined;
  if (event.cloneUrl?.startsWith("https://")) return event.cloneUrl;
  throw invalidInput("the payload names no repository to build (an https clone URL)");
}

/** AWS: the sender's user agent, e.g. `GitHub-Hookshot/044aadd`. */
function initiatorOf(headers: DeliveryHeaders, { provider }: WebhookEvent): string {
  const agent = headers["user-agent"];
  const known =
    typeof agent === "string"
      ? /^(?:GitHub-Hookshot|GitLab|Bitbucket-Webhooks)\/[\w.-]{1,60}/.exec(agent)?.[0]
      : undefined;
  return (
    known ?? { github: "GitHub-Hookshot/kiln", gitlab: "GitLab/kiln", bitbucket: "Bitbucket-Webhooks/2.0" }[provider]
  );
}
