/**
 * Keys in answers: with `encoding-type=url` percent-encoded, so that XML 1.0 can carry any of them.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 */

/** AWS: slashes stay, spaces become `+`, as in a form. */
export const encodeKey = (key: string, encodingType: "url" | undefined): string =>
  encodingType === undefined
    ? key
    : encodeURIComponent(key.toWellFormed())
        .replaceAll("%2F", "/")
        .replaceAll("%20", "+")
        .replace(/[!'()~]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
