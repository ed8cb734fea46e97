import { expect, it } from "vitest";
import { systemIds } from "../../core/ids.ts";
import type { OperationContext } from "../service.ts";
import { getRandomPassword } from "./get-random-password.ts";
import type { GetRandomPasswordRequest } from "./shapes.gen.ts";

const context = { ids: systemIds } as OperationContext;
async function password(input: GetRandomPasswordRequest): Promise<string> {
  return ((await getRandomPassword.run(input, context)) as { RandomPassword: string }).RandomPassword;
}

it("every character of a password is as likely as any other", async () => {
  const length = 4096;
  const counts = new Map<string, number>();
  for (let n = 0; n < 10; n++) {
    const text = await password({ PasswordLength: length, RequireEachIncludedType: false });
    for (const one of text) counts.set(one, (counts.get(one) ?? 0) + 1);
  }
  const mean = (10 * length) / 94;
  expect(counts.size).toBe(94);
  // Seven standard deviations: wrong once in hundreds of millions of runs.
  for (const count of counts.values()) expect(Math.abs(count - mean)).toBeLessThan(7 * Math.sqrt(mean));
});

it("the types that are required stand anywhere", async () => {
  const places = new Set<number>();
  const input = { PasswordLength: 4, ExcludePunctuation: true, IncludeSpace: true };
  for (let n = 0; n < 200; n++) {
    const text = await password(input);
    expect(text).toHaveLength(4);
    for (const type of [/[a-z]/, /[A-Z]/, /[0-9]/, / /]) expect(text).toMatch(type);
    places.add(text.indexOf(" "));
  }
  expect(places).toEqual(new Set([0, 1, 2, 3]));
});
