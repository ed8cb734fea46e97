/**
 * Imported first by main.ts, for its effect alone. V8 compiles a function anew, optimised, once it ran through 66 KB of
 * bytecode. In a command that is over in less than a second nearly none of that is paid back: the compiler took a third of
 * the processor time of `kiln check`, on machines with one free core also of the time people wait. Seven times later, what
 * runs long (hundreds of buildspecs, a language server after its first checks) is optimised all the same.
 * Not for commands that serve or run builds: their loops are hot at once. Source: V8's flag-definitions.h, `interrupt_budget`.
 */
import { setFlagsFromString } from "node:v8";

const READS_AND_ANSWERS: ReadonlySet<string | undefined> = new Set(["check", "explain", "lsp", "plan", "policy"]);
/** The newest Node whose V8 is known to have the flag: another would complain on standard error. */
const NEWEST_KNOWN = 24;

if (READS_AND_ANSWERS.has(process.argv[2]) && Number.parseInt(process.versions.node, 10) <= NEWEST_KNOWN) {
  setFlagsFromString("--interrupt-budget=500000");
}
