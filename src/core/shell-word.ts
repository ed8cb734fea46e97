/**
 * Other people's names (files of a tree, parameters of a buildspec, words of a log) in commands that Kiln suggests and
 * people paste: a name must not become another command.
 * Source: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02 (quoting)
 */
import { shellQuote } from "./shell-quote.ts";

/** As it is where no shell would change it, else in single quotes. */
export const shellWord = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : shellQuote(text));

/** Of a file: a name that begins with `-` is no option. */
export const shellPath = (path: string): string => shellWord(path.startsWith("-") ? `./${path}` : path);

/** Always in quotes: double ones unless the shell would read something in them. */
export const shellText = (text: string): string => (/^[^"$`\\!\n\r]*$/.test(text) ? `"${text}"` : shellQuote(text));
