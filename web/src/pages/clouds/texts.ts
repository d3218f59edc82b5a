/** Each text once, without the blanks around it. */
export const onceEach = (texts: string[]): string[] => [...new Set(texts.map((text) => text.trim()).filter(Boolean))];

export const orNull = (text: string): string | null => text.trim() || null;
