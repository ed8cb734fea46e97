/** `kiln version`. */
import { Command } from "commander";
import { kilnVersion } from "../core/kiln-version.ts";
import { commandContext } from "./command-context.ts";
import type { CliIo } from "./io.ts";
import { addCommonOptions, settingsOf } from "./settings.ts";

export function versionCommand(io: CliIo): Command {
  const command = new Command("version").description("versions of Kiln and Node");
  addCommonOptions(command);
  return command.action((values: object) => {
    const context = commandContext(io, settingsOf(values, io));
    const versions = {
      kiln: kilnVersion(),
      node: process.versions.node,
      platform: `${process.platform} ${process.arch}`,
    };
    if (context.settings.output === "json") context.printJson(versions);
    else context.print(`kiln ${versions.kiln} (Node ${versions.node}, ${versions.platform})`);
  });
}
