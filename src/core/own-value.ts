/**
 * Looks up a name that other people wrote (a key of a buildspec, a command, a word of a log) in a table: every object
 * also answers to `constructor` and `toString`, with something that is no entry of the table.
 */
export const ownValue = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;
