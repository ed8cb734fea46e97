/** `kiln lsp`: the language server on standard input and output, for editors. Needs no running Kiln. */
import { Command, Option } from "commander";
import { createFolderWorkspace } from "../check/index.ts";
import { systemClock } from "../core/clock.ts";
import { kilnVersion } from "../core/kiln-version.ts";
import { serveLanguage } from "../language-server/index.ts";
import type { CliIo } from "./io.ts";
import { createEditorKnowledge } from "./knowledge/editor-knowledge.ts";
import { addKnowledgeOptions, type KnowledgeFlags } from "./knowledge/knowledge-flags.ts";
import { addCommonOptions, option } from "./settings.ts";

interface LspValues extends KnowledgeFlags {
  readonly strict?: boolean;
}

export function lspCommand(io: CliIo, exit: (code: number) => void): Command {
  const command = new Command("lsp")
    .description("language server for buildspecs, on standard input and output (docs/editors.md)")
    .addOption(new Option("--stdio", "the only way there is; editors say it").hideHelp())
    .addOption(option("--strict", "AWS's grammar only"));
  addKnowledgeOptions(command);
  addCommonOptions(command, ["text"]);
  command.addHelpText("after", "\nExample:\n  kiln lsp --project web");
  return command.action(async (values: LspValues) => {
    const code = await serveLanguage({
      input: io.stdin,
      output: io.stdout,
      version: kilnVersion(),
      clock: systemClock,
      knowledge: createEditorKnowledge(io, values, systemClock),
      workspaceOf: createFolderWorkspace,
      strict: values.strict === true,
    });
    exit(code);
  });
}
