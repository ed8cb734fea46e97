/** `kill -9` of `kiln start` while it answers PutParameter: what was acknowledged is there after the restart. */
import { GetParametersCommand, PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { describe, expect, it } from "vitest";
import { isBuilt, kiln, startProcess, temporaryFolder } from "./kiln-process.ts";

const ROUNDS = 10;
const CONNECTIONS = 8;

describe.skipIf(!isBuilt)("a killed kiln start", () => {
  it(`has every acknowledged parameter after ${ROUNDS} kills`, async () => {
    const folder = temporaryFolder();
    const acknowledged = new Map<string, string>();
    for (let round = 0; round < ROUNDS; round++) {
      const running = startProcess(folder.path, ["start", "--port", "0", "-o", "json"]);
      await running.printed('"url"');
      const client = await clientOf(folder.path);
      await expectAll(client, acknowledged);
      let count = 0;
      const writer = async (number: number): Promise<void> => {
        for (let index = 0; ; index++) {
          // Half of them overwrite what an earlier round wrote.
          const name = index % 2 === 0 ? `/shared/${number}/${index % 20}` : `/round${round}/${number}/${index}`;
          const value = `${round}-${number}-${index}`;
          await client.send(
            new PutParameterCommand({ Name: name, Value: value, Type: "SecureString", Overwrite: true }),
          );
          acknowledged.set(name, value);
          if (++count === 20 + 15 * round) running.kill("SIGKILL");
        }
      };
      const ended = await Promise.allSettled(Array.from({ length: CONNECTIONS }, (_, number) => writer(number)));
      expect(ended.every(({ status }) => status === "rejected")).toBe(true);
      client.destroy();
      await running.finished;
    }
    const running = startProcess(folder.path, ["start", "--port", "0", "-o", "json"]);
    await running.printed('"url"');
    await expectAll(await clientOf(folder.path), acknowledged);
    running.kill("SIGTERM");
    await running.finished;
    folder.remove();
  }, 120_000);
});

async function clientOf(cwd: string): Promise<SSMClient> {
  const { url } = JSON.parse((await kiln(cwd, ["status", "-o", "json"])).out) as { url: string };
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  return new SSMClient({ endpoint: url, region: "us-east-1", credentials, maxAttempts: 1 });
}

/**
 * Each parameter has its acknowledged value, or that of a write to the same name which was under way at the kill: a
 * later one of the same writer.
 */
async function expectAll(client: SSMClient, acknowledged: ReadonlyMap<string, string>): Promise<void> {
  const names = [...acknowledged.keys()];
  const wrong: string[] = [];
  for (let from = 0; from < names.length; from += 10) {
    const some = names.slice(from, from + 10);
    const { Parameters = [] } = await client.send(new GetParametersCommand({ Names: some, WithDecryption: true }));
    const found = new Map(Parameters.map((parameter) => [parameter.Name, parameter.Value]));
    for (const name of some) {
      const [value = "", wanted = ""] = [found.get(name), acknowledged.get(name)];
      if (!isSameOrLater(value, wanted)) wrong.push(`${name}: ${value} instead of ${wanted}`);
    }
  }
  expect(wrong).toEqual([]);
}

function isSameOrLater(value: string, wanted: string): boolean {
  const [round = -1, number = -1, index = -1] = value.split("-").map(Number);
  const [wantedRound = 0, wantedNumber = 0, wantedIndex = 0] = wanted.split("-").map(Number);
  if (value === "" || number !== wantedNumber) return false;
  return round === wantedRound ? index >= wantedIndex : round > wantedRound;
}
