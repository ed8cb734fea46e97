/**
 * `$NAME` and `${NAME}` in a text, replaced by plaintext values that are known before the build.
 * Used to recognise hosts and paths; never for what a command will see.
 */

/** The text with known variables filled in; unknown ones, and every `${NAME…}` with an operator, become `unknown`. */
export function expandPlaintext(text: string, values: ReadonlyMap<string, string>, unknown: string): string {
  return text.replace(
    /\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*)|\{[^}]*\}|\([^)]*\))/g,
    (_, braced, bare) => {
      const name: string | undefined = braced ?? bare;
      return (name !== undefined ? values.get(name) : undefined) ?? unknown;
    },
  );
}
