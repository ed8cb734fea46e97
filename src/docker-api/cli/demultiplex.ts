/** Output of a container: frames of a header of eight bytes `{stream,0,0,0,length}` and the payload, or raw with a terminal. */
import { once } from "node:events";
import type { CliStreams } from "./cli-command.ts";

export async function demultiplex(
  source: AsyncIterable<Buffer>,
  streams: Pick<CliStreams, "stdout" | "stderr">,
  isRaw = false,
): Promise<void> {
  const write = async (to: NodeJS.WritableStream, bytes: Buffer): Promise<void> => {
    if (!to.write(bytes)) await once(to, "drain");
  };
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    if (isRaw) {
      await write(streams.stdout, chunk);
      continue;
    }
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= 8 && rest.length >= 8 + rest.readUInt32BE(4)) {
      const length = rest.readUInt32BE(4);
      await write(rest[0] === 2 ? streams.stderr : streams.stdout, rest.subarray(8, 8 + length));
      rest = rest.subarray(8 + length);
    }
  }
}
