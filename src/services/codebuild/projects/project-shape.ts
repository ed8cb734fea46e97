/** A project as AWS shows it: what is stored, with its webhook and the address of its badge. */
import type { Store } from "../../../store/store.ts";
import { scopeOf } from "../records.ts";
import type { Project } from "../shapes.gen.ts";
import { findWebhook, webhookShape } from "../webhooks/webhook-records.ts";
import { badgeShape } from "./badge.ts";

export function projectShape(project: Project, store: Store, endpointUrl: string): Project {
  // The ARN names the project's own account and region, also when it is shown to another one.
  const scope = scopeOf(project.arn ?? "", { partition: "aws", accountId: "", region: "" });
  const webhook = findWebhook(store, scope, project.name ?? "");
  return {
    ...project,
    badge: badgeShape(project, store, scope, endpointUrl),
    ...(webhook ? { webhook: webhookShape(webhook, endpointUrl) } : {}),
  };
}
