/**
 * Texts of other people (files of a repository, logs, names) for a terminal, a CI log or a comment of a generated file:
 * what would steer a terminal, or show a line as another one than it is, becomes a character that can be seen.
 * Sources: https://www.unicode.org/charts/PDF/U2400.pdf (control pictures), https://www.unicode.org/reports/tr9/ (2.1, 2.2)
 */

/** Control characters without tab and line ends, and those that turn the direction of writing. */
const STEERING = /(?![\t\n]|\r\n)[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** One character for each: offsets and columns stay. `␛` for ESC, `�` where there is no picture. Lines stay lines. */
export function visibleText(text: string): string {
  return text.replace(STEERING, pictureOf);
}

/** As `visibleText`, on one line: for names, and for comments of generated files. */
export function visibleLine(text: string): string {
  return visibleText(text).replace(/[\r\n]/g, pictureOf);
}

/** A copy in which every text, however deep, is visible; keys stay. For plain data: findings, diagnoses. */
export function visibleTexts<T>(value: T): T {
  if (typeof value === "string") return visibleText(value) as T;
  if (Array.isArray(value)) return value.map(visibleTexts) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, visibleTexts(member)])) as T;
}

function pictureOf(character: string): string {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? "\u2421" : "\ufffd";
}
