/**
 * Checks that a condition key decides: a policy that asks for the value which a call has lets it through, one that asks for
 * another value refuses it. Made through the real dispatcher; everything but the one action is allowed.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ServiceName } from "../../src/core/aws.ts";
import type { Preparation, Scenario } from "./describe-authorization.ts";
import { ACCOUNT, codeOf, filled, type Kept, keepFrom, openStage, type Stage } from "./stage.ts";

/** A call that carries keys, and what they must be. */
export interface KeyedCall {
  /** `service:Action` whose keys these are. */
  readonly action: string;
  readonly operation: string;
  readonly input: object;
  /** Who calls; a role unless said. */
  readonly as?: "role" | "user";
  /** `[key, value the call has, another value]`; of a key with several values, one of them. */
  readonly keys: readonly (readonly [key: string, value: string, other: string])[];
}

export interface KeyScenario extends Pick<Scenario, "services"> {
  readonly service: ServiceName;
  readonly preparations?: readonly Preparation[];
  readonly calls: readonly KeyedCall[];
}

export function describeConditionKeys({ service, services, preparations = [], calls }: KeyScenario): void {
  describe(`condition keys of ${service}`, () => {
    let stage: Stage;
    const kept: Kept = { account: ACCOUNT };
    beforeAll(async () => {
      stage = await openStage({ services });
      for (const { service: on, operation, input = {}, keep } of preparations) {
        keepFrom(await stage.call("root", [], on, operation, filled(input, kept)), keep, kept);
      }
    });
    afterAll(() => stage.close());

    const rows = calls.flatMap((call) => call.keys.map((key) => ({ ...call, key: key[0], row: key })));
    it.each(rows)("$key decides $action in $operation", async ({ action, operation, input, row, as = "role" }) => {
      const [key, value, other] = row;
      const outcome = (wanted: string) =>
        codeOf(stage.call(as, statements(action, key, wanted), service, operation, filled(input, kept)));
      expect(await outcome(filled(other, kept))).toMatch(/^AccessDenied(Exception)?$/);
      expect(await outcome(filled(value, kept))).not.toMatch(/^AccessDenied/);
    });
  });
}

const statements = (Action: string, key: string, value: string) => [
  { Effect: "Allow", NotAction: Action, Resource: "*" },
  { Effect: "Allow", Action, Resource: "*", Condition: { "ForAnyValue:StringEquals": { [key]: value } } },
];
