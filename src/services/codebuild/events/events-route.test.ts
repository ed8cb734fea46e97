import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../../core/clock.ts";
import { systemIds } from "../../../core/ids.ts";
import { Secret } from "../../../core/secret.ts";
import { openStore } from "../../../store/index.ts";
import { EventFeed } from "./event-feed.ts";
import { eventsRoute } from "./events-route.ts";
import { createReaderCheck } from "./reader-check.ts";
import { eventOf } from "./state-change.ts";
import { appendEvents } from "./state-change-log.ts";

const eventIn = (accountId: string) =>
  eventOf({
    scope: { partition: "aws", region: "us-east-1", accountId },
    arn: `arn:aws:codebuild:us-east-1:${accountId}:build/app:1`,
    atMs: 0,
    detailType: "CodeBuild Build State Change",
    key: accountId,
    detail: {},
  });

describe("a reader with an access key", () => {
  it("is told of the builds of its own account only", async () => {
    const store = await openStore({ ids: systemIds });
    const feed = new EventFeed(store, systemClock);
    const check = createReaderCheck({
      secretOf: () => new Secret("secret"),
      authorize: (accessKeyId) => (accessKeyId === "A" ? "111111111111" : "222222222222"),
    });
    const route = eventsRoute(feed, systemClock, check);
    const server = createServer((request, response) => void route.handle(request, response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      await store.write(() => appendEvents(store, [eventIn("111111111111"), eventIn("222222222222")]));
      const { port } = server.address() as AddressInfo;
      const open = (accessKeyId: string): Promise<Response> => {
        const headers = { authorization: `Basic ${btoa(`${accessKeyId}:secret`)}` };
        return fetch(`http://127.0.0.1:${port}/_kiln/events?after=0`, { headers });
      };
      const streams = [await open("A"), await open("B")];
      feed.close();
      const texts = await Promise.all(streams.map((stream) => stream.text()));
      const accounts = texts.map((text) => [...text.matchAll(/"account":"(\d+)"/g)].map((match) => match[1]));
      expect(accounts).toEqual([["111111111111"], ["222222222222"]]);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await store.close();
    }
  });
});
