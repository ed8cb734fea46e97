/** Webhooks for this machine's own commands: what is there, what was decided, and deliveries without a signature. */
import type { AwsScope } from "../../../core/arn.ts";
import type { DeliveryDependencies, TrustedDelivery } from "./deliver.ts";
import { type DeliveryOutcome, type DeliveryRecord, deliveriesOf } from "./webhook-records.ts";

export interface LocalWebhooks {
  /** Newest first. */
  deliveries(scope: AwsScope, projectName: string): readonly DeliveryRecord[];
  /** What would become of a delivery; starts nothing. */
  decide(delivery: TrustedDelivery): Promise<readonly DeliveryOutcome[]>;
  /** As if the provider had sent it. The caller must be the machine's own user: no signature is asked. */
  deliver(delivery: TrustedDelivery): Promise<DeliveryRecord>;
}

export const localWebhooks = (dependencies: DeliveryDependencies): LocalWebhooks => ({
  deliveries: (scope, projectName) => deliveriesOf(dependencies.outside.store, scope, projectName),
  decide: async (delivery) => (await import("./deliver.ts")).decide(delivery, dependencies.outside),
  deliver: async (delivery) => (await import("./deliver.ts")).deliver(delivery, dependencies),
});
