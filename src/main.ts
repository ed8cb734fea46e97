#!/usr/bin/env -S node --
/** The `kiln` command: arguments in, exit code out; everything else is in cli/. */
// First: loading the rest is already cheaper with it.
import "./cli/optimise-later.ts";
import { processIo, runCli } from "./cli/index.ts";

process.exitCode = await runCli(process.argv.slice(2), processIo());
