/** `text`, or its beginning and `…` when it has more than `chars` UTF-16 units; no half characters. */
export function cutTo(text: string, chars: number): string {
  if (text.length <= chars) return text;
  const last = text.charCodeAt(chars - 2);
  const splits = last >= 0xd800 && last <= 0xdbff;
  return `${text.slice(0, splits ? chars - 2 : chars - 1)}…`;
}
