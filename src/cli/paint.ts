/** Colours, or the same functions without. Colour never carries meaning alone. */
import pc from "picocolors";

export const paint = (hasColor: boolean) => pc.createColors(hasColor);
