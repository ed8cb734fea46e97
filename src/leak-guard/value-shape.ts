/** What a value looks like: made by a machine, a name that a person gave, an address, a placeholder. */

const TRIVIAL =
  /^(?:true|false|yes|no|on|off|null|none|undefined|default|changeme|password|secret|test|example|x+|\*+|\.+|-+)$/i;

export const isTrivial = (text: string): boolean => TRIVIAL.test(text);

/** URL without a password, ARN, host name, e-mail address, image name or path. */
export const isLocator = (text: string): boolean =>
  /^[a-z][a-z0-9+.-]*:\/\/[^\s@]+$/i.test(text) ||
  /^arn:aws[a-z-]*:\S+$/.test(text) ||
  /^[^\s@/]+@[a-z0-9-]+(\.[a-z0-9-]+)+$/i.test(text) ||
  /^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}(:\d+)?(\/[a-z0-9._/-]*)?$/.test(text) ||
  /^(\d{1,3}\.){3}\d{1,3}(:\d+)?$/.test(text) ||
  /^(\/[A-Za-z0-9._-]+)+\/?$/.test(text);

/** Not a name that a person gave: kinds of characters that names do not mix, or many of them without a pattern. */
export function looksMade(text: string): boolean {
  if (/[\r\n]/.test(text)) return true;
  // `web-app-prod`, `my_team`, `us-east-1`, `v1.2.3`, `Some words`: words and numbers between separators.
  if (/^[A-Za-z]*\d{0,4}(?:[-_. ,:/]+[A-Za-z]*\d{0,4})*$/.test(text)) return false;
  if (/^\d+$/.test(text)) return false;
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z0-9]/].filter((kind) => kind.test(text)).length;
  return kinds >= 3 || (kinds >= 2 && text.length >= 12) || text.length >= 24;
}

/** A variable, an example, a mark to be replaced. */
export function isPlaceholder(value: string): boolean {
  if (isTrivial(value)) return true;
  return (
    /[$%#@]\{|\$[A-Za-z_(]|\{\{|<[^>]*>|%[A-Z_]+%|\$\(|\[[A-Z_-]+\]|__[A-Z]/.test(value) ||
    /example|placeholder|replace|changeme|change-me|dummy|sample|redacted|your[-_]?|my[-_]?(?:secret|token|password)|insert|fake|notreal|\.\.\.|\*{3}|x{5}|0{8}|12345678|abcdef(?:gh|01)/i.test(
      value,
    ) ||
    new Set(value).size < Math.min(5, value.length / 2)
  );
}
