/** Starts `kiln lsp` for the buildspecs of a window. All that is known about buildspecs is in the server. */
// biome-ignore lint/correctness/noUndeclaredDependencies: the editor itself
const { commands, window, workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

/** The command line that the settings ask for. */
function serverOptions() {
  const settings = workspace.getConfiguration("kiln");
  const args = ["lsp", "--stdio"];
  if (settings.get("project")) args.push("--project", settings.get("project"));
  if (settings.get("stateDir")) args.push("--state-dir", settings.get("stateDir"));
  if (settings.get("strict")) args.push("--strict");
  return { command: settings.get("command") || "kiln", args };
}

async function start() {
  client = new LanguageClient("kiln", "Kiln", serverOptions(), {
    // A buildspec may have any name; the server looks at the text.
    documentSelector: [
      { scheme: "file", language: "yaml" },
      { scheme: "untitled", language: "yaml" },
      { scheme: "file", pattern: "**/buildspec*.{yml,yaml,json}" },
    ],
  });
  try {
    await client.start();
  } catch (error) {
    const { command } = serverOptions();
    window.showErrorMessage(
      `Kiln's language server does not start: \`${command}\` ${error.message}. The setting kiln.command says where it is.`,
    );
  }
}

async function stop() {
  const stopped = client;
  client = undefined;
  await stopped?.stop().catch(() => {});
}

async function restart() {
  await stop();
  await start();
}

async function activate(context) {
  context.subscriptions.push(
    commands.registerCommand("kiln.restart", restart),
    workspace.onDidChangeConfiguration((event) => event.affectsConfiguration("kiln") && restart()),
  );
  await start();
}

module.exports = { activate, deactivate: stop };
