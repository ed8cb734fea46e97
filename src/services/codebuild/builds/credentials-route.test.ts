import type { IncomingMessage, ServerResponse } from "node:http";
import { expect, it } from "vitest";
import { credentialsRoute } from "./credentials-route.ts";
import type { RoleSession } from "./role-session.ts";

it("refuses a token of as many characters that are more bytes", async () => {
  const route = credentialsRoute({ credentialsFor: () => ({ session: {} as RoleSession, token: "abc" }) });
  const answers: number[] = [];
  const response = { writeHead: (status: number) => void answers.push(status), end: () => {} };
  const request = { url: "/_kiln/credentials/x", method: "GET", headers: { authorization: "ab\u00e9" } };
  await route.handle(request as IncomingMessage, response as unknown as ServerResponse);
  expect(answers).toEqual([403]);
});
