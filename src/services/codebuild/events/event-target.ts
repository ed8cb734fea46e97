/**
 * Posts each event of builds to a URL: one after the other, in order, with a signature and bounded retries; a target that
 * does not answer costs builds nothing. Where it was is kept, so that a restart goes on with what happened meanwhile.
 * Delivery is at least once: the event's `id` tells repetitions. EventBridge's limit is kept: an event is tried for at
 * most a day. Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
 */
import { createHash, createHmac } from "node:crypto";
import { type Clock, DAY_MS, MINUTE_MS, sleep } from "../../../core/clock.ts";
import { KilnError } from "../../../core/errors.ts";
import { debug } from "../../../core/log.ts";
import type { Secret } from "../../../core/secret.ts";
import type { Store } from "../../../store/store.ts";
import type { EventFeed } from "./event-feed.ts";
import { type LoggedEvent, lastSequence } from "./state-change-log.ts";

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = MINUTE_MS;
const TRIES = 8;
const ANSWER_TIMEOUT_MS = 10_000;
const MAX_AGE_MS = DAY_MS;

export interface EventTargetOptions {
  readonly url: string;
  /** Key of the signature; without it there is none. */
  readonly secret?: Secret | undefined;
  readonly store: Store;
  readonly clock: Clock;
  readonly feed: EventFeed;
}

export interface EventTarget {
  /** Stops posting; what was not posted is posted after the next start. */
  close(): Promise<void>;
}

/** The URL to post to. Throws `KILN_E_EVENT_TARGET`. */
export function eventTargetUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const problem = !url
    ? "it is not a URL"
    : url.protocol !== "http:" && url.protocol !== "https:"
      ? `events are posted over http or https, not \`${url.protocol}\``
      : url.username !== "" || url.password !== ""
        ? "it holds credentials, which would be in every process list"
        : undefined;
  if (url && problem === undefined) return url;
  throw new KilnError({
    code: "KILN_E_EVENT_TARGET",
    message: "events of builds cannot be posted to the target that was given",
    why: problem ?? "it is not a URL",
    fix: ["give a URL like http://127.0.0.1:8080/builds; a secret belongs into KILN_EVENT_TARGET_SECRET"],
    exitCode: 2,
  });
}

/** `sha256=<hex>` of the body, for the header `x-kiln-signature-256`. */
export const targetSignature = (secret: Secret, body: string): string =>
  `sha256=${createHmac("sha256", secret.reveal()).update(body).digest("hex")}`;

/** Begins to post. Throws `KILN_E_EVENT_TARGET` for a URL that is none. */
export function startEventTarget(options: EventTargetOptions): EventTarget {
  const url = eventTargetUrl(options.url);
  const stop = new AbortController();
  const running = post(url, options, stop.signal).catch((error: unknown) => {
    if (!stop.signal.aborted) debug("endpoint", () => `event target: ${String(error)}`);
  });
  return {
    async close() {
      stop.abort();
      await running;
    },
  };
}

async function post(url: URL, { store, clock, feed, secret }: EventTargetOptions, stop: AbortSignal): Promise<void> {
  const places = store.collection<number>("codebuild.event-targets");
  const key = [createHash("sha256").update(url.href).digest("hex")];
  const known = places.get(key);
  const start = known ?? lastSequence(store);
  if (known === undefined) await store.write(() => places.put(key, start));
  for await (const logged of feed.read({ afterSequence: start, follow: true, signal: stop })) {
    await deliver(url, logged, secret, clock, stop);
    if (stop.aborted) return;
    await store.write(() => places.put(key, logged.sequence));
  }
}

/** Tries until the target takes the event, refuses it for good, or the tries are used up. */
async function deliver(url: URL, logged: LoggedEvent, secret: Secret | undefined, clock: Clock, stop: AbortSignal) {
  const body = JSON.stringify(logged.event);
  const headers = {
    "content-type": "application/json",
    "user-agent": "kiln",
    "x-kiln-event-id": logged.event.id,
    "x-kiln-sequence": String(logged.sequence),
    ...(secret ? { "x-kiln-signature-256": targetSignature(secret, body) } : {}),
  };
  for (let tried = 1; tried <= TRIES && !stop.aborted; tried++) {
    if (clock.nowMs() - Date.parse(logged.event.time) > MAX_AGE_MS) break;
    const outcome = await tryOnce(url, body, headers, stop);
    if (outcome === "delivered") return;
    debug("endpoint", () => `event ${logged.sequence}, try ${tried} at ${url.origin}: ${outcome}`);
    if (outcome === "refused") break;
    const waitMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (tried - 1));
    if (tried < TRIES) await sleep(clock, waitMs, stop).catch(() => {});
  }
  if (!stop.aborted) debug("endpoint", () => `event ${logged.sequence} was given up for ${url.origin}`);
}

async function tryOnce(
  url: URL,
  body: string,
  headers: Record<string, string>,
  stop: AbortSignal,
): Promise<"delivered" | "refused" | "failed"> {
  try {
    const signal = AbortSignal.any([stop, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]);
    // Nothing is sent to where a redirect leads: the body is meant for the URL that was given.
    const response = await fetch(url, { method: "POST", body, headers, redirect: "manual", signal });
    await response.body?.cancel();
    if (response.ok) return "delivered";
    const isForGood = response.status >= 400 && response.status < 500;
    return isForGood && response.status !== 408 && response.status !== 429 ? "refused" : "failed";
  } catch {
    return "failed";
  }
}
