/** A text of other people that may be percent-encoded; one that is not well encoded is taken as it is. */
export function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
