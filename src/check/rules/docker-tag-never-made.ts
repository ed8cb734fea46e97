/**
 * `docker push` of a name that nothing built or tagged: `An image does not exist locally with the tag`. Names are
 * compared as symbols, so a variable equals itself and what it was made of. Silent where something that is not seen may
 * have made the image.
 */

import { isUnseen } from "../commands/unseen-work.ts";
import { type DockerCommand, dockerCommand, dockerOptions, imageWords } from "../docker/docker-commands.ts";
import { imageReference, isOpen } from "../docker/image-references.ts";
import { inScript, placeOf } from "../finding-place.ts";
import type { Rule } from "../rule.ts";
import type { ShellCommand, ShellWord } from "../shell/shell-model.ts";

interface Made {
  readonly symbol: string;
  readonly word: ShellWord;
  readonly command: ShellCommand;
}

export const dockerTagNeverMade: Rule = {
  id: "docker/tag-never-made",
  severity: "warning",
  title: "docker push of a name that nothing built or tagged",
  source: "https://docs.docker.com/reference/cli/docker/image/push/",
  *run(context) {
    const made: Made[] = [];
    const reported = new Set<string>();
    for (const command of context.shell.everyCommand) {
      const docker = dockerCommand(command);
      if (!docker) {
        if (isUnseen(command) || mayMakeImages(command)) return;
        continue;
      }
      if (/^(load|import|commit|compose build|compose pull|compose up|bake|run|exec)$/.test(docker.verb)) {
        if (docker.verb !== "run" && docker.verb !== "exec") return;
      }
      const names = madeBy(docker);
      if (names === undefined) return;
      const source = docker.verb === "tag" ? dockerOptions(docker).operands[0] : undefined;
      const built = source && otherTagOf(made, source);
      if (source && built && !reported.has(source.symbol)) {
        reported.add(source.symbol);
        const isClosed = !isOpen(source.symbol) && !isOpen(built.symbol);
        yield {
          severity: isClosed && !command.isGuarded ? "error" : "warning",
          message: `\`${source.source}\`${inScript(command)} is tagged, but nothing built it; \`${built.word.source}\` was`,
          ...placeOf(command, source),
          why: "docker answers `No such image`",
        };
      }
      made.push(...names.map((word) => ({ symbol: canonical(word.symbol), word, command })));
      if (docker.verb !== "push" || dockerOptions(docker).has("-a", "--all-tags")) continue;
      const [image, ...others] = dockerOptions(docker).operands;
      // A URL is no image name; docker/registry-url-scheme says so.
      if (!image || /^https?:/.test(image.symbol) || others.length > 0 || reported.has(image.symbol)) continue;
      const wanted = canonical(image.symbol);
      if (isUnclear(wanted) || made.some(({ symbol }) => isSame(symbol, wanted))) continue;
      reported.add(image.symbol);
      const near = made.findLast(({ symbol }) => imageReference(symbol).name === imageReference(wanted).name);
      if (near && isUnclear(near.symbol)) continue;
      const isCertain = made.length > 0 && !isOpen(wanted) && made.every(({ symbol }) => !isOpen(symbol));
      const place = placeOf(command, image);
      yield {
        severity: isCertain && !command.isGuarded ? "error" : "warning",
        message:
          made.length === 0
            ? `\`${image.source}\`${inScript(command)} is pushed, but nothing here builds or tags an image`
            : `\`${image.source}\`${inScript(command)} is pushed, but nothing built or tagged it${near ? `; \`${near.word.source}\` was` : ""}`,
        ...place,
        ...(near && {
          related: [...(place.related ?? []), { span: near.word.span ?? near.command.span, message: "made here" }],
        }),
        why: `docker answers \`An image does not exist locally with the tag: ${isOpen(wanted) ? "…" : imageReference(wanted).name}\``,
        fix: {
          kind: "command",
          title: "tag the image with the name that is pushed",
          commands: [`docker tag ${(near ?? made.at(-1))?.word.source ?? "IMAGE"} ${image.source}`],
        },
      };
    }
  },
};

/** What was made under the name of `source` with another tag, when nothing was made under exactly that name. */
function otherTagOf(made: readonly Made[], source: ShellWord): Made | undefined {
  const wanted = canonical(source.symbol);
  if (isUnclear(wanted) || made.some(({ symbol }) => isSame(symbol, wanted) || isUnclear(symbol))) return undefined;
  return made.findLast(({ symbol }) => imageReference(symbol).name === imageReference(wanted).name);
}

/** Names that exist afterwards; undefined when they cannot be told. */
function madeBy(docker: DockerCommand): readonly ShellWord[] | undefined {
  const { verb } = docker;
  if (verb === "build") {
    const names = imageWords(docker);
    // Options in a variable may hold more names.
    const isHidden = docker.args.some(
      ({ pieces, text }) =>
        text === undefined &&
        pieces.length === 1 &&
        pieces[0]?.variable !== undefined &&
        !pieces[0].isQuoted &&
        /(ARGS?|OPTS?|OPTIONS|FLAGS|PARAMS|TAGS)/i.test(pieces[0].variable),
    );
    return isHidden ? undefined : names;
  }
  if (verb === "tag") {
    const { operands } = dockerOptions(docker);
    return operands.length === 2 ? operands.slice(1) : undefined;
  }
  return verb === "pull" ? imageWords(docker) : [];
}

/** Builders that put an image into docker under a name of their own choice. */
const mayMakeImages = ({ name, args, wrappers }: ShellCommand): boolean =>
  wrappers.includes("xargs") ||
  /^(sam|pack|s2i|buildah|kaniko|ko|bazel|nix|earthly|skaffold|jib|skopeo|crane|cdk|sls|serverless|ctr|nerdctl)$/.test(
    name ?? "",
  ) ||
  (/(^|\/)(mvnw?|gradlew?)$/.test(name ?? "") && args.some(({ source }) => /image|docker|jib/i.test(source))) ||
  (name === "dotnet" && args.some(({ source }) => /PublishContainer|ContainerImage|os|arch/.test(source)));

/** With `:latest` when no tag is written, without Docker Hub's own prefix. */
function canonical(symbol: string): string {
  const bare = symbol.replace(/^(index\.)?docker\.io\/(library\/)?/, "");
  const { name, tag } = imageReference(bare);
  return tag === "latest" ? `${name}:latest` : bare;
}

const isSame = (a: string, b: string): boolean =>
  a === b ||
  // A variable at the end may or may not hold the tag.
  (imageReference(a).tag === undefined && `${a}:latest` === b) ||
  (imageReference(b).tag === undefined && `${b}:latest` === a);

/** Changed in a branch or a loop, or an argument of a function nobody called: not comparable. */
const isUnclear = (symbol: string): boolean => /\$\{(\w+@\d+|[@*#\d]+)/.test(symbol) || symbol === "";
