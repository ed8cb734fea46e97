/** `kiln schema`: the JSON Schema of the buildspec, the same as the package's `kiln/buildspec.schema.json`. */
import { Command } from "commander";
import { buildspecSchema } from "../build/buildspec/index.ts";
import { commandContext } from "./command-context.ts";
import type { CliIo } from "./io.ts";
import { addCommonOptions, settingsOf } from "./settings.ts";

export function schemaCommand(io: CliIo): Command {
  const command = new Command("schema").description("print the JSON Schema (draft-07) of the buildspec");
  addCommonOptions(command, ["json"]);
  command.addHelpText("after", "\nExample:\n  kiln schema > buildspec.schema.json");
  return command.action((values: object) => commandContext(io, settingsOf(values, io)).printJson(buildspecSchema()));
}
