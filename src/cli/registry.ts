/** `kiln registry`: accounts of the registries Kiln stands in for, repositories, and the images in them. */
import { Command } from "commander";
import type { Kiln } from "../app.ts";
import { KilnError } from "../core/errors.ts";
import { type CommandContext, commandContext, withKiln } from "./command-context.ts";
import type { CliIo } from "./io.ts";
import { plural } from "./plural.ts";
import { askHidden, readAll } from "./prompt.ts";
import {
  collectGarbage,
  exportImages,
  importImages,
  type RegistryValues,
  removeImage,
  showImage,
} from "./registry/registry-images.ts";
import { addCommonOptions, option, settingsOf } from "./settings.ts";
import { table } from "./table.ts";

export function registryCommand(io: CliIo, exit: (code: number) => void): Command {
  const group = new Command("registry").description("accounts, repositories and images of Kiln's registry");
  const accounts = new Command("accounts").description("who may log in to the registries Kiln stands in for");
  accounts.addCommand(
    leaf("ls", "the accounts, without passwords", [], async (context) =>
      withKiln(context, async (kiln) => listAccounts(context, kiln)),
    ),
  );
  accounts.addCommand(
    leaf("add", "declare an account", ["<host>", "<user>"], addAccount).addOption(
      option("--password-stdin", "read the password from standard input"),
    ),
  );
  accounts.addCommand(leaf("rm", "remove an account", ["<host>", "<user>"], removeAccount));
  group.addCommand(accounts);
  group.addCommand(
    leaf("ls", "the repositories and their images", [], async (context) =>
      withKiln(context, async (kiln) => listRepositories(context, kiln)),
    ),
  );
  const images = { show: showImage, rm: removeImage, gc: collectGarbage, export: exportImages, import: importImages };
  const imageLeaf = (name: keyof typeof images, text: string, args: readonly string[], example: string): Command => {
    const act = images[name];
    const command = leaf(name, text, args, (context, given, values) =>
      withKiln(context, (kiln) => act(context, kiln, given, values)),
    );
    command.addHelpText("after", `\nExample:\n  kiln registry ${example}`);
    group.addCommand(command);
    return command;
  };
  imageLeaf("show", "one image: layers, platforms, what refers to it", ["<image>"], "show me/app:1.2");
  imageLeaf("rm", "remove a tag; the image with its last tag", ["<image>"], "rm me/app:1.2").addOption(
    option("--force", "also when an image of several platforms lists it"),
  );
  imageLeaf("gc", "free the space of what no image needs any more", [], "gc --dry-run")
    .addOption(option("--grace <duration>", "how long it must have been unneeded").default("1h"))
    .addOption(option("--dry-run", "only say what would be freed"));
  imageLeaf(
    "export",
    "write images as an OCI layout: a folder, or a tar if the path ends in .tar",
    ["<path>", "<image...>"],
    "export app.tar me/app:1.2",
  );
  imageLeaf("import", "take images from an OCI layout, folder or tar", ["<path>"], "import app.tar").addOption(
    option("--as <name:tag>", "name to give it"),
  );
  return group;

  function leaf(
    name: string,
    text: string,
    args: readonly string[],
    act: (context: CommandContext, args: readonly string[], values: RegistryValues) => Promise<number>,
  ): Command {
    const command = new Command(name).description(text);
    for (const argument of args) command.argument(argument);
    addCommonOptions(command);
    return command.action(async (...all: unknown[]) => {
      const values = all[args.length] as RegistryValues;
      const context = commandContext(io, settingsOf(values, io));
      exit(await act(context, all.slice(0, args.length).flat() as string[], values));
    });
  }
}

function listAccounts(context: CommandContext, kiln: Kiln): number {
  const accounts = kiln.registry.accounts.list();
  if (context.settings.output === "json") context.printJson({ accounts });
  else if (accounts.length === 0) context.note("no accounts: the first login to a host declares one");
  else
    context.print(
      table(
        accounts.map((account) => [
          account.host,
          account.user,
          new Date(account.declaredAtMs).toISOString().slice(0, 19),
        ]),
      ),
    );
  return 0;
}

async function addAccount(
  context: CommandContext,
  [host = "", user = ""]: readonly string[],
  values: { readonly passwordStdin?: boolean },
): Promise<number> {
  const { io, settings } = context;
  if (!values.passwordStdin && !settings.isInteractive) {
    throw new KilnError({
      code: "KILN_E_NO_PASSWORD",
      message: `the password of \`${user}\` is not given`,
      why: "a password on the command line would be seen in the list of processes",
      fix: [`printf %s "$PASSWORD" | kiln registry accounts add ${host} ${user} --password-stdin`],
      exitCode: 2,
    });
  }
  const password = values.passwordStdin ? await readAll(io) : await askHidden(io, `password of ${user} at ${host}: `);
  if (password === "")
    throw new KilnError({ code: "KILN_E_EMPTY_VALUE", message: "the password is empty", exitCode: 2 });
  await withKiln(context, (kiln) => kiln.registry.accounts.declare(host, user, password));
  if (settings.output === "json") context.printJson({ host, user });
  else context.note(`${user} may log in to ${host}, as Kiln stands in for it`);
  return 0;
}

async function removeAccount(context: CommandContext, [host = "", user = ""]: readonly string[]): Promise<number> {
  const removed = await withKiln(context, (kiln) => kiln.registry.accounts.remove(host, user));
  if (!removed)
    throw new KilnError({
      code: "KILN_E_NO_ACCOUNT",
      message: `there is no account \`${user}\` at \`${host}\``,
      exitCode: 1,
    });
  if (context.settings.output === "json") context.printJson({ removed: true, host, user });
  else context.note(`removed ${user} at ${host}`);
  return 0;
}

function listRepositories(context: CommandContext, kiln: Kiln): number {
  const repositories = kiln.registry
    .repositories()
    .map((repository) => ({ ...repository, images: kiln.registry.imagesOf(repository.name) }));
  if (context.settings.output === "json") context.printJson({ repositories });
  else if (repositories.length === 0) context.note("no repositories yet: a push makes one");
  for (const { name, images } of context.settings.output === "json" ? [] : repositories) {
    context.print(`${name}  ${plural(images.length, "image")}`);
    for (const image of images) context.print(`  ${image.digest}  ${image.tags.join(", ")}`.trimEnd());
  }
  return 0;
}
