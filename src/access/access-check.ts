/**
 * `kiln iam can`: puts a question about a principal, an action and a resource to the dispatcher, which decides it like a
 * call (same policies, same condition keys, same engine) without doing anything and without a record.
 */
import type { DecisionRecord, PolicyType, RequestContext } from "../authorize/decision.ts";
import { recordedDecision } from "../authorize/decision-record.ts";
import { type AwsScope, parseArn } from "../core/arn.ts";
import type { AwsCaller } from "../core/aws.ts";
import type { Clock } from "../core/clock.ts";
import { KilnError } from "../core/errors.ts";
import { rootPrincipal } from "../identity/index.ts";
import {
  type ActionInfo,
  actionServices,
  type Dispatcher,
  findAction,
  granteesOf,
  grantPolicy,
  nearestActions,
} from "../services/index.ts";
import { entityNames, type FoundPrincipal, findPrincipal, type PrincipalFinder } from "./find-principal.ts";
import { findResource } from "./find-resource.ts";
import { keyNotes } from "./key-notes.ts";
import { resourceFacts } from "./resource-facts.ts";

/** What is asked about a principal, or about all of them. */
export interface AccessQuestion {
  /** `ssm:GetParameter`, in any case. */
  readonly action: string;
  /** ARN, `*` or a short form; one answer for each. Without any, what the action is asked about by default. */
  readonly resources: readonly string[];
  /** Condition keys of the call, over those that are known. Explanations show their values. */
  readonly context: RequestContext;
}

/** What a call of the principal would be told, and by which policies. */
export interface AccessAnswer {
  /** `role Builder`, `user ann`, … */
  readonly who: string;
  readonly principalArn: string;
  /** As the request log keeps it, with every statement that was asked. */
  readonly decision: DecisionRecord["decisions"][number];
  /** Policies that took part, in the order of their asking. */
  readonly policies: readonly { readonly name: string; readonly type: PolicyType }[];
  /** What to know about the answer: how a text was read, what is not there. */
  readonly notes: readonly string[];
}

export interface AccessCheck {
  /** One answer a resource. Rejects with a `KilnError` for names that do not exist. */
  can(who: string, question: AccessQuestion): Promise<AccessAnswer[]>;
  /** Every role and user of the account, in that order, each by name. */
  whoCan(question: AccessQuestion): Promise<AccessAnswer[]>;
}

export interface AccessCheckDependencies {
  readonly dispatcher: Pick<Dispatcher, "callerFor" | "evaluate">;
  readonly scope: AwsScope;
  readonly clock: Clock;
}

interface Subject {
  readonly arn: string;
  readonly facts: Awaited<ReturnType<typeof resourceFacts>>;
  readonly notes: readonly string[];
}

/** Asks the dispatcher; reads resources and principals as the root user of their account. */
export function createAccessCheck({ dispatcher, scope, clock }: AccessCheckDependencies): AccessCheck {
  const rootIn = (at: AwsScope): AwsCaller => dispatcher.callerFor(rootPrincipal(at), at);
  const finder: PrincipalFinder = {
    rootOf: (accountId) => rootIn({ ...scope, accountId }),
    scope,
    nowMs: () => clock.nowMs(),
  };

  async function subjectsOf(action: ActionInfo, resources: readonly string[]): Promise<Subject[]> {
    const texts = resources.length === 0 ? [undefined] : resources;
    return Promise.all(
      texts.map(async (text) => {
        const { arn, notes } = findResource(action, text, scope);
        const facts = await resourceFacts(action.name, arn, rootIn, scope);
        const read =
          text !== undefined && facts.arn !== text && facts.arn !== "*"
            ? [`\`${text}\` is asked about as \`${facts.arn}\``]
            : [];
        return { arn: facts.arn, facts, notes: [...notes, ...read, ...facts.notes] };
      }),
    );
  }

  function answer({ principal, label }: FoundPrincipal, action: ActionInfo, subject: Subject, given: RequestContext) {
    const { policy, context, grants = [], accountId } = subject.facts;
    const grantees = granteesOf(principal);
    // Grants to others say nothing about this caller, and a key may have many.
    const own = grants.filter(({ granteePrincipal }) => grantees.includes(granteePrincipal)).map(grantPolicy);
    const [service = ""] = action.name.split(":");
    const callerAccount =
      context["kms:CallerAccount"] === undefined ? {} : { "kms:CallerAccount": principal.accountId };
    const place = parseArn(subject.arn)?.region || scope.region;
    const decision = dispatcher.evaluate(
      principal,
      { ...scope, region: place, accountId: principal.accountId },
      {
        action: action.name,
        resource: subject.arn,
        context: { ...context, ...callerAccount, ...given },
        ...(policy && { resourcePolicy: policy }),
        ...(accountId !== undefined && { resourceAccountId: accountId }),
        ...(own.length > 0 && { grants: own }),
      },
      service,
    );
    const policies = new Map(decision.explain().map(({ policyName, policyType }) => [policyName, policyType]));
    return {
      who: label,
      principalArn: principal.arn,
      decision: { ...recordedDecision(decision), byType: decision.byType() },
      policies: [...policies].map(([name, type]) => ({ name, type })),
      notes: [...subject.notes, ...keyNotes(action, given)],
    };
  }

  return {
    async can(who, { action: name, resources, context }) {
      const action = requireAction(name);
      const found = await findPrincipal(who, finder);
      const subjects = await subjectsOf(action, resources);
      return subjects.map((subject) => answer(found, action, subject, context));
    },
    async whoCan({ action: name, resources, context }) {
      const action = requireAction(name);
      const subjects = await subjectsOf(action, resources);
      const answers: AccessAnswer[] = [];
      for (const entity of await entityNames(scope.accountId, finder)) {
        const found = await findPrincipal(entity, finder);
        for (const subject of subjects) answers.push(answer(found, action, subject, context));
      }
      return answers;
    },
  };
}

/** In AWS's spelling. */
function requireAction(name: string): ActionInfo {
  const action = findAction(name);
  if (action) return action;
  const [service = ""] = name.split(":", 1);
  const near = nearestActions(name);
  const isPattern = /[*?]/.test(name);
  throw new KilnError({
    code: "KILN_E_NO_ACTION",
    message: `there is no action \`${name}\`${near[0] === undefined ? "" : `; the nearest is \`${near[0]}\``}`,
    ...(isPattern && { why: "policies are asked about one action at a time: a pattern is no action" }),
    fix: [
      ...(near.length > 1
        ? [
            `or is it ${near
              .slice(1)
              .map((one) => `\`${one}\``)
              .join(" or ")}?`,
          ]
        : []),
      actionServices().includes(service.toLowerCase())
        ? "actions are written `service:Action`, e.g. `ssm:GetParameter`"
        : `actions are of the services ${actionServices().join(", ")}`,
    ],
    exitCode: 2,
  });
}
