/** Asks for a secret on the terminal without showing it. */

import { KilnError } from "../core/errors.ts";
import type { CliIo } from "./io.ts";

const CTRL_C = "\u0003";
const CTRL_D = "\u0004";

/** One line typed by a person, not shown. Only call it when both ends are terminals. */
export function askHidden(io: CliIo, question: string): Promise<string> {
  const input = io.stdin as typeof process.stdin;
  io.stderr.write(question);
  return new Promise((resolve, reject) => {
    let typed = "";
    const wasRaw = input.isRaw;
    const finish = (settle: () => void): void => {
      input.off("data", onData);
      input.setRawMode?.(wasRaw);
      input.pause();
      io.stderr.write("\n");
      settle();
    };
    const onData = (chunk: Buffer): void => {
      for (const character of chunk.toString("utf8")) {
        if (character === "\r" || character === "\n") {
          finish(() => resolve(typed));
          return;
        }
        if (character === CTRL_C || (character === CTRL_D && typed === "")) {
          finish(() => reject(interrupted()));
          return;
        }
        if (character === "\u007f" || character === "\b") typed = [...typed].slice(0, -1).join("");
        else if (character >= " ") typed += character;
      }
    };
    input.setRawMode?.(true);
    input.resume();
    input.on("data", onData);
  });
}

const interrupted = (): KilnError =>
  new KilnError({ code: "KILN_E_INTERRUPTED", message: "interrupted", exitCode: 130 });

/** All of standard input, without one final line end. */
export async function readAll(io: CliIo): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of io.stdin) chunks.push(Buffer.from(chunk as Buffer));
  return Buffer.concat(chunks)
    .toString("utf8")
    .replace(/\r?\n$/, "");
}
