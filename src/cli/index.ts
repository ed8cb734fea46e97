/** Public face of cli/: one function from arguments to an exit code. */
export { type CliIo, processIo } from "./io.ts";
export { runCli } from "./run-cli.ts";
