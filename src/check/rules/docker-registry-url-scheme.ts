/**
 * `https://` in front of an image name, usually from a "registry URL" variable: docker refuses with `invalid reference
 * format`. A registry in an image name is a host, not a URL.
 */

import type { Fix } from "../../core/diagnostics.ts";
import { shellText } from "../../core/shell-word.ts";
import { dockerCommands, imageWords } from "../docker/docker-commands.ts";
import type { CheckContext, Rule } from "../rule.ts";
import type { ShellWord } from "../shell/shell-model.ts";

export const dockerRegistryUrlScheme: Rule = {
  id: "docker/registry-url-scheme",
  severity: "error",
  title: "an image name that begins with `https://`",
  source: "https://docs.docker.com/reference/cli/docker/image/tag/#description",
  *run(context) {
    const reported = new Set<string>();
    for (const docker of dockerCommands(context.shell.commands)) {
      for (const word of imageWords(docker)) {
        const [first, second] = word.pieces;
        const scheme = /^https?:\/\//.exec(first?.text ?? "")?.[0];
        if (scheme === undefined || (second === undefined && first?.text === scheme)) continue;
        const variable = first?.variable;
        const value = first?.text?.replace(/\/\/[^/@]*@/, "//…@");
        const key = variable ?? `${word.pos}:${docker.command.within.span.startOffset}`;
        if (reported.has(key)) continue;
        reported.add(key);
        const fact = variable === undefined ? undefined : context.shell.variables.get(variable);
        const origin =
          fact?.origin === "parameter"
            ? `\`$${variable}\`, from parameter \`${fact.reference}\`, is \`${value}\``
            : variable === undefined
              ? `the image name begins with \`${scheme}\``
              : `\`$${variable}\` is \`${value}\``;
        const fix = fixFor(context, word, scheme, variable);
        yield {
          message: `${origin}; an image name begins with a host, without \`${scheme}\``,
          span: word.span ?? docker.command.span,
          why: `\`docker ${docker.verb}\` fails with \`invalid reference format\``,
          ...(fact?.valueSpan && { related: [{ span: fact.valueSpan, message: "the value comes from here" }] }),
          ...(fix && { fix }),
        };
      }
    }
  },
};

function fixFor(context: CheckContext, word: ShellWord, scheme: string, variable: string | undefined): Fix | undefined {
  if (variable === undefined) return withoutScheme(context, word.span, scheme);
  const fact = context.shell.variables.get(variable);
  const host = fact?.value
    ?.slice(scheme.length)
    .replace(/^[^/@]*@/, "")
    .replace(/\/+$/, "");
  if (fact?.origin === "parameter" && host !== undefined) {
    return {
      kind: "command",
      title: "store the host alone",
      commands: [
        `aws ssm put-parameter --name ${shellText(fact.reference ?? "NAME")} --value ${shellText(host)} --type String --overwrite`,
      ],
    };
  }
  return fact?.origin === "plaintext" && fact.valueSpan ? withoutScheme(context, fact.valueSpan, scheme) : undefined;
}

function withoutScheme(context: CheckContext, span: ShellWord["span"], scheme: string): Fix | undefined {
  if (!span) return undefined;
  const at = context.text.slice(span.startOffset, span.endOffset).indexOf(scheme);
  if (at === -1) return undefined;
  const startOffset = span.startOffset + at;
  return {
    kind: "edit",
    title: `remove \`${scheme}\``,
    edits: [{ file: context.file, startOffset, endOffset: startOffset + scheme.length, newText: "" }],
  };
}
