/**
 * `POST /_kiln/webhooks?t=<token>&v=1`: where a webhook's deliveries go; also at AWS's path, `/webhooks?t=…`. The token
 * says which webhook, the signature that the sender knows its secret. The answer says what was decided, and why.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type AwsScope, partitionOf } from "../../../core/arn.ts";
import { requestBody } from "../../../core/bounded-body.ts";
import { debug } from "../../../core/log.ts";
import type { DeliveryDependencies } from "./deliver.ts";
import { deliveryOf, isSignedWith } from "./read-delivery.ts";
import { type DeliveryOutcome, keepDelivery, secretOf, webhookRecords } from "./webhook-records.ts";

export const WEBHOOKS_PREFIX = "/_kiln/webhooks";
/** GitHub's own limit is 25 MB; a payload of 2,048 commits has about 4. */
const LIMITS = { maxBytes: 10 * 1024 * 1024, timeoutMs: 30_000 };
const TOKEN = /^[A-Za-z0-9]{1,100}$/;

export interface WebhookRoute {
  readonly prefix: string;
  accepts?(request: IncomingMessage): boolean;
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

export function webhookRoutes(dependencies: DeliveryDependencies): readonly WebhookRoute[] {
  const { store, clock } = dependencies.outside;
  const route: WebhookRoute = {
    prefix: WEBHOOKS_PREFIX,
    async handle(request, response) {
      if (request.method !== "POST") return answer(request, response, 405, { message: "deliveries are posted" });
      const token = new URL(request.url ?? "/", "http://localhost").searchParams.get("t") ?? "";
      const { tokens, webhooks } = webhookRecords(store);
      const key = TOKEN.test(token) ? tokens.get([token]) : undefined;
      const webhook = key && webhooks.get(key);
      if (!key || !webhook) return answer(request, response, 404, { message: "there is no webhook of that address" });
      const isAnnouncedTooLarge = Number(request.headers["content-length"] ?? 0) > LIMITS.maxBytes;
      const body = isAnnouncedTooLarge ? 413 : await requestBody(request, { ...LIMITS, clock });
      if (typeof body === "number") {
        const why =
          body === 413 ? `more than ${LIMITS.maxBytes} bytes` : `not complete after ${LIMITS.timeoutMs / 1000} s`;
        return answer(request, response, body, { message: `the body is ${why}` });
      }
      const [accountId = "", region = "", projectName = ""] = key;
      const scope: AwsScope = { partition: partitionOf(region), accountId, region };
      const delivery = deliveryOf(request.headers);
      const isSigned = delivery && isSignedWith(secretOf(store, webhook), delivery.provider, request.headers, body);
      if (!delivery || !isSigned) {
        const why = delivery
          ? `the ${delivery.provider === "gitlab" ? "token" : "signature"} is not the one of this webhook's secret`
          : "no header names the event: X-GitHub-Event, X-Gitlab-Event or X-Event-Key";
        const eventType = delivery?.eventType.slice(0, 100) ?? "";
        await keepDelivery(dependencies.outside, scope, {
          projectName,
          eventType,
          outcomes: [{ decision: "refused", why }],
        });
        return answer(request, response, delivery ? 403 : 400, { project: projectName, decision: "refused", why });
      }
      const { deliver } = await import("./deliver.ts");
      const record = await deliver({ scope, projectName, headers: request.headers, body }, dependencies);
      const [first] = record.outcomes;
      debug("endpoint", () => `delivery ${record.id} to ${projectName}: ${first?.decision}`);
      answer(request, response, statusOf(record.outcomes), {
        delivery: record.id,
        project: projectName,
        ...(record.outcomes.length === 1 ? first : { outcomes: record.outcomes }),
      });
    },
  };
  // Everything else at AWS's path is S3's: there may be a bucket of that name.
  const isDelivery = ({ method, url = "" }: IncomingMessage): boolean =>
    method === "POST" && /^\/webhooks\?(?:[^#]*&)?t=/.test(url);
  return [route, { ...route, prefix: "/webhooks", accepts: isDelivery }];
}

/** A provider shows a delivery as failed when its answer is an error: so it is one where a build should be and is not. */
function statusOf(outcomes: readonly DeliveryOutcome[]): number {
  if (outcomes.some(({ decision }) => decision === "refused")) return 400;
  return outcomes.some(({ decision }) => decision === "failed") ? 422 : 200;
}

function answer(request: IncomingMessage, response: ServerResponse, status: number, body: object): void {
  // What is left of a body that was not read is not worth reading.
  if (!request.complete) response.setHeader("connection", "close");
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(`${JSON.stringify(body)}\n`);
}
