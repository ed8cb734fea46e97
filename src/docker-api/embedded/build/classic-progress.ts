/**
 * Renders the progress of a build as docker's classic builder prints it (`Step 2/5 : COPY . .`, ` ---> Using cache`, …),
 * into the `stream` lines of `POST /build`.
 */
import type { BuildReporter } from "./build-reporter.ts";

export function classicProgress(print: (text: string) => void): BuildReporter {
  return {
    started: ({ classic }) => {
      if (classic) print(`${classic.announcement}\n`);
    },
    output: (_digest, _stream, text) => print(text),
    status: () => undefined,
    completed: (_digest, { isCached, imageId }) => {
      if (imageId === undefined) return;
      if (isCached) print(" ---> Using cache\n");
      print(` ---> ${imageId}\n`);
    },
    // BuildKit's only.
    warning: () => undefined,
    remark: print,
  };
}
