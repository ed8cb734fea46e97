/** One word of a POSIX shell, whatever characters are in it: in single quotes, where only `'` itself means something. */
export const shellQuote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
