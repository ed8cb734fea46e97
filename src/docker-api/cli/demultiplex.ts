/** Output of a container to the CLI's own streams: framed, or raw with a terminal. A full stream holds the source back. */
import { once } from "node:events";
import { Demultiplexer, type OutputName } from "../../engine-api/demultiplex.ts";
import type { CliStreams } from "./cli-command.ts";

export async function demultiplex(
  source: AsyncIterable<Buffer>,
  streams: Pick<CliStreams, "stdout" | "stderr">,
  isRaw = false,
): Promise<void> {
  let pieces: { output: OutputName; bytes: Buffer }[] = [];
  const frames = new Demultiplexer((output, bytes) => pieces.push({ output, bytes }));
  for await (const chunk of source) {
    if (isRaw) pieces.push({ output: "stdout", bytes: chunk });
    else frames.push(chunk);
    for (const { output, bytes } of pieces) if (!streams[output].write(bytes)) await once(streams[output], "drain");
    pieces = [];
  }
}
