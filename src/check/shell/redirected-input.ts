/** What redirections give a command to read: here-documents, here-strings, files. */
import type { Redirection } from "unbash";

export const readsInput = (redirects: readonly Redirection[]): boolean =>
  redirects.some(({ operator }) => operator.startsWith("<"));

/** Text of here-documents and here-strings. */
export const hereTextOf = (redirects: readonly Redirection[]): string | undefined => {
  const texts = redirects.flatMap((redirect) =>
    redirect.type === "HereDoc"
      ? [redirect.body.text]
      : redirect.type === "HereString"
        ? [redirect.target?.text ?? ""]
        : [],
  );
  return texts.length === 0 ? undefined : texts.join("\n");
};

/** Variables that the shell fills in there. */
export const hereVariablesOf = (redirects: readonly Redirection[]): string[] =>
  redirects.flatMap((redirect) =>
    redirect.type === "HereDoc" && redirect.delimiter?.quoted !== true
      ? [...redirect.body.text.matchAll(/(?<!\\)\$\{?([A-Za-z_]\w*)/g)].map(([, name = ""]) => name)
      : [],
  );
