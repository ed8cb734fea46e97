/**
 * Checks what operations ask permission for against AWS's own table of actions (data/iam-actions.json). A service's test
 * lists calls as data; each is made twice through the real dispatcher: by a role without any policy, which must be refused,
 * and by a role that may do exactly what the call asked for, which must succeed. Every request must name an action of the
 * table, on a resource of one of its types, with condition keys that the action has; no operation may go unlisted.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AuthorizationRequest } from "../../src/authorize/decision.ts";
import type { ServiceName } from "../../src/core/aws.ts";
import { findAction, findConditionKey, isOfResourceType } from "../../src/services/action-table.ts";
import { ACCOUNT, codeOf, filled, type Kept, keepFrom, type MakeServices, openStage, type Stage } from "./stage.ts";

/**
 * One call. Texts may hold `{name}` for what an earlier step kept, and `{account}`. Steps of one scenario share a store and
 * run in order.
 */
export interface Step {
  readonly operation: string;
  /** What is special about this call of the operation, for the test's name. */
  readonly about?: string;
  readonly input?: object;
  /**
   * `service:Action RESOURCE`, in order; the resource is `*`, an ARN, or its last part (`parameter/x`) when its beginning
   * is that of the service, account and region.
   */
  readonly asks: readonly string[];
  /** Actions that other services must allow besides, e.g. `kms:Decrypt`. */
  readonly also?: readonly string[];
  /** Names for parts of the answer: `{ keyId: "KeyMetadata.KeyId" }`. */
  readonly keep?: Readonly<Record<string, string>>;
  /** Who may call it at all; a role unless said. Root is not tried without policies. */
  readonly as?: "role" | "user" | "root";
  /** The error that the allowed call ends in, where there is nothing that could succeed. */
  readonly fails?: string;
  /** Batches that answer item by item are not refused as a whole. */
  readonly refusesItems?: boolean;
}

/** A call as root before the steps, to make what they need. */
export interface Preparation extends Pick<Step, "operation" | "input" | "keep"> {
  readonly service: ServiceName;
}

/** Where AWS's checks differ from its table, with the reason; each must be met at least once. */
export interface Surprise {
  /** Any action unless said. */
  readonly action?: string;
  /** What the resource looks like, when no type of the table has this form. */
  readonly resource?: RegExp;
  /** A key that the table does not list. */
  readonly key?: string;
  readonly why: string;
}

export interface Scenario {
  readonly service: ServiceName;
  readonly services: MakeServices;
  readonly preparations?: readonly Preparation[];
  readonly steps: readonly Step[];
  readonly surprises?: readonly Surprise[];
}

/** Declares the tests of a scenario. */
export function describeAuthorization(scenario: Scenario): void {
  describe(`what ${scenario.service} asks permission for`, () => {
    const exercised = new Set<string>();
    const met = new Set<Surprise>();
    const kept: Kept = { account: ACCOUNT };
    let stage: Stage;

    beforeAll(async () => {
      stage = await openStage(scenario);
      for (const { service, operation, input = {}, keep } of scenario.preparations ?? []) {
        const answer = await stage.call("root", [], service, operation, filled(input, kept));
        keepFrom(answer, keep, kept);
      }
    });
    afterAll(() => stage.close());

    it.each(scenario.steps.map((step) => [`${step.operation}${step.about ? `, ${step.about}` : ""}`, step] as const))(
      "%s",
      async (_name, step) => {
        exercised.add(step.operation);
        const input = () => filled(step.input ?? {}, kept);
        const asked = await refusedRequests(stage, scenario, step, input);
        const expected = step.asks.map((text) => filled(text, kept));
        expect(asked.map((request) => shortRequest(scenario.service, request, expected))).toEqual(expected);
        expect(findings(asked, scenario.surprises ?? [], met)).toEqual([]);

        const policy = [
          ...asked.map((request, index) => statementFor(request, expected[index])),
          ...(step.also ?? []).map((Action) => allow(Action, "*")),
        ];
        const call = stage.call(step.as ?? "role", policy, scenario.service, step.operation, input());
        if (step.fails !== undefined) {
          expect(await codeOf(call)).toBe(step.fails);
          return;
        }
        const answer = await call;
        keepFrom(answer, step.keep, kept);
      },
    );

    it("lists every operation of the service", async () => {
      expect(stage.operationsOf(scenario.service).filter((name) => !exercised.has(name))).toEqual([]);
    });

    it("lists no surprise that does not happen", () => {
      expect((scenario.surprises ?? []).filter((surprise) => !met.has(surprise))).toEqual([]);
    });
  });
}

/** What the call asks for, seen when a role without policies makes it. */
async function refusedRequests(
  stage: Stage,
  { service }: Scenario,
  step: Step,
  input: () => object,
): Promise<readonly AuthorizationRequest[]> {
  stage.recorded.length = 0;
  if (step.as !== "root") {
    const refusal = await codeOf(stage.call(step.as ?? "role", [], service, step.operation, input()));
    const isOpen = step.asks.length === 0 || step.refusesItems === true;
    if (!isOpen) expect(refusal).toMatch(/^AccessDenied(Exception)?$/);
  }
  return stage.recorded
    .filter((one) => one.service === service && one.operation === step.operation)
    .flatMap((one) => one.requests);
}

const allow = (Action: string, Resource: string) => ({ Effect: "Allow", Action, Resource });
/** What is made up differs the next time, so that the text of {@link Step.asks} grants it. */
function statementFor({ action, resource }: AuthorizationRequest, expected: string | undefined) {
  const written = expected?.slice(expected.indexOf(" ") + 1) ?? "";
  const end = resource.length - written.length;
  if (written.includes("?")) return allow(action, `${resource.slice(0, end)}${written}`);
  // Nothing but `*` grants what is no ARN.
  return allow(action, resource.startsWith("arn:") ? resource : "*");
}

/** As in {@link Step.asks}; where it differs only in what is made up, the expected text itself. */
function shortRequest(
  service: ServiceName,
  { action, resource }: AuthorizationRequest,
  expected: readonly string[],
): string {
  const starts = [`arn:aws:${service}:us-east-1:${ACCOUNT}:`, `arn:aws:${service}::${ACCOUNT}:`];
  const start = starts.find((one) => resource.startsWith(one)) ?? "";
  const text = `${action} ${resource.slice(start.length)}`;
  const full = `${action} ${resource}`;
  const isMeant = (one: string) =>
    one === full || (one.length === text.length && [...one].every((char, i) => char === "?" || char === text[i]));
  return expected.find(isMeant) ?? text;
}

/** What AWS's table does not know about these requests. */
export function findings(
  requests: readonly AuthorizationRequest[],
  surprises: readonly Surprise[],
  met: Set<Surprise> = new Set(),
): string[] {
  const found: string[] = [];
  const isKnown = (name: string, is: (surprise: Surprise) => boolean | undefined): boolean => {
    const known = surprises.find((one) => (one.action ?? name) === name && is(one));
    if (known) met.add(known);
    return known !== undefined;
  };
  for (const { action: name, resource, context = {} } of requests) {
    const action = findAction(name);
    if (action?.name !== name) {
      found.push(`${name} is no action of AWS`);
      continue;
    }
    const isOfType = action.resources.some((type) => isOfResourceType(resource, type));
    const isForAll = resource === "*" && action.resources.every((type) => !type.isRequired);
    if (!isOfType && !isForAll && !isKnown(name, (one) => one.resource?.test(resource))) {
      found.push(`${name} is asked on ${resource}, which is none of its resource types`);
    }
    for (const [key, value] of Object.entries(context)) {
      const info = findConditionKey(key, action.conditionKeys);
      if (!info && !isKnown(name, (one) => one.key === key)) {
        found.push(`${name} has no condition key ${key}`);
      } else if (info && !hasForm(value, info.type)) {
        found.push(`${name}: ${key} is ${info.type} and got ${JSON.stringify(value)}`);
      }
    }
  }
  for (const name of new Set(requests.map((request) => request.action))) {
    const own = requests.filter((request) => request.action === name);
    for (const type of findAction(name)?.resources ?? []) {
      if (!type.isRequired || own.some(({ resource }) => isOfResourceType(resource, type))) continue;
      const isExpected = own.some(({ resource }) => isKnown(name, (one) => one.resource?.test(resource)));
      if (!isExpected) found.push(`${name} is not asked on a ${type.name}`);
    }
  }
  return found;
}

/** Whether a context value has the form of the key's type. */
function hasForm(value: string | readonly string[], type: string): boolean {
  if (type.startsWith("ArrayOf")) return Array.isArray(value);
  if (typeof value !== "string") return false;
  if (type === "Bool") return value === "true" || value === "false";
  if (type === "Numeric") return value !== "" && Number.isFinite(Number(value));
  return true;
}
