/**
 * From an HTTP delivery to events: which provider sent it, whether the signature is right, what the body says.
 * Nothing of the body is parsed before its signature is known to be right.
 * Sources: https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries,
 * https://docs.gitlab.com/user/project/integrations/webhooks/, https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/.
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { list, member, text } from "./payload-fields.ts";
import { readBitbucket } from "./read-bitbucket.ts";
import { readGithub } from "./read-github.ts";
import { readGitlab } from "./read-gitlab.ts";
import type { Payload, Provider } from "./webhook-event.ts";

export type DeliveryHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

interface Delivery {
  readonly provider: Provider;
  /** The provider's name of the event, e.g. `pull_request`. */
  readonly eventType: string;
}

const READERS: Readonly<Record<Provider, (eventType: string, body: unknown) => Payload>> = {
  github: readGithub,
  gitlab: readGitlab,
  bitbucket: readBitbucket,
};

/** Payloads by the source types that they start builds of. */
const PROVIDERS: Readonly<Record<string, Provider>> = {
  GITHUB: "github",
  GITHUB_ENTERPRISE: "github",
  GITLAB: "gitlab",
  GITLAB_SELF_MANAGED: "gitlab",
  BITBUCKET: "bitbucket",
};

/** Whose payloads a source type gets; undefined for sources without webhooks. */
export const providerOf = (sourceType: string): Provider | undefined =>
  Object.hasOwn(PROVIDERS, sourceType) ? PROVIDERS[sourceType] : undefined;

const headerOf = (headers: DeliveryHeaders, name: string): string | undefined => {
  const value = headers[name];
  return typeof value === "string" ? value : undefined;
};

/** Who sent it, told by its headers (lower-case names). */
export function deliveryOf(headers: DeliveryHeaders): Delivery | undefined {
  const github = headerOf(headers, "x-github-event");
  if (github !== undefined) return { provider: "github", eventType: github };
  const gitlab = headerOf(headers, "x-gitlab-event");
  if (gitlab !== undefined) return { provider: "gitlab", eventType: gitlab };
  const bitbucket = headerOf(headers, "x-event-key");
  return bitbucket === undefined ? undefined : { provider: "bitbucket", eventType: bitbucket };
}

/** True when the delivery proves that its sender knows the secret. Takes the same time for every wrong answer. */
export function isSignedWith(secret: string, provider: Provider, headers: DeliveryHeaders, body: Uint8Array): boolean {
  if (provider === "gitlab") return isSame(headerOf(headers, "x-gitlab-token") ?? "", secret);
  const given = headerOf(headers, provider === "github" ? "x-hub-signature-256" : "x-hub-signature");
  return isSame(given ?? "", signatureOf(secret, body));
}

/** `sha256=<hex>`, as GitHub and Bitbucket sign. */
export const signatureOf = (secret: string, body: Uint8Array): string =>
  `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;

/** Compares digests, so that neither content nor length can be measured. */
function isSame(given: string, expected: string): boolean {
  const digest = (value: string): Buffer => createHash("sha256").update(value).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/** The body as JSON; GitHub may send it as the form field `payload`. Throws `SyntaxError`. */
export function parseBody(headers: DeliveryHeaders, body: Uint8Array): unknown {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8");
  const isForm = headerOf(headers, "content-type")?.startsWith("application/x-www-form-urlencoded") === true;
  return JSON.parse(isForm ? (new URLSearchParams(text).get("payload") ?? "") : text);
}

/** What the provider's payload says. What `kiln webhook trigger` knows beyond it is in a member `kiln`. */
export function readPayload({ provider, eventType }: Delivery, body: unknown): Payload {
  const payload = READERS[provider](eventType, body);
  if (payload.kind !== "events" || member(body, "kiln") === undefined) return payload;
  const files = list(body, "kiln", "changed_files").filter((file) => typeof file === "string");
  const message = text(body, "kiln", "head_commit_message");
  return {
    kind: "events",
    events: payload.events.map((event) => ({
      ...event,
      filePaths: event.filePaths ?? files,
      commitMessage: event.commitMessage ?? message,
    })),
  };
}
